// The dialog of keys, in which they can be changed.

import { KEYS, changeKey, keyOf, lettersOn, resetKeys, switchLetters } from "./keys.js";
import { say } from "./messages.js";
import { $ } from "./opened.js";

const WAITING = "\u2026";

function showKeys() {
  $("keys").replaceChildren(...KEYS.map(rowOf));
}

function rowOf([key, what, name], place) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  if (name) head.append(changeButton(what, name, place));
  else head.textContent = key;
  const text = document.createElement("td");
  text.textContent = what;
  row.append(head, text);
  return row;
}

function changeButton(what, name, place) {
  const change = document.createElement("button");
  change.type = "button";
  change.textContent = keyOf(name).toUpperCase();
  change.setAttribute("aria-label", `Change the key of: ${what} (now ${keyOf(name)})`);
  change.addEventListener("click", () => (change.textContent = WAITING));
  change.addEventListener("blur", () => (change.textContent = keyOf(name).toUpperCase()));
  change.addEventListener("keydown", (event) => {
    if (change.textContent !== WAITING || event.key === "Tab" || event.key === "Shift") return;
    event.preventDefault();
    if (event.key !== "Escape" && !changeKey(name, event.key)) say("That key cannot be used. Choose a letter or a sign.");
    showKeys();
    $("keys").querySelectorAll("th")[place].querySelector("button").focus();
  });
  return change;
}

showKeys();
$("letters").checked = lettersOn();
$("letters").addEventListener("change", () => switchLetters($("letters").checked));
$("keys-reset").addEventListener("click", () => {
  resetKeys();
  showKeys();
});
