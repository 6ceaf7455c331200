// What the page says: a message that goes away, and the words where no video is open.

import { $ } from "./opened.js";

export function say(text) {
  $("message-text").textContent = text;
  $("message").hidden = !text;
  clearTimeout(say.timer);
  if (text) say.timer = setTimeout(() => say(""), 12000);
}

$("message-close").addEventListener("click", () => say(""));

export function empty(title, text) {
  $("empty-title").textContent = title;
  $("empty-text").textContent = text;
}
