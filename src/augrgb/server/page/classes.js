// The panel of classes: which are shown, their thresholds, and what each threshold is worth here.

import { moveThreshold } from "./editing.js";
import { $, drawnBy, page, render, secret, thresholdOf } from "./opened.js";
import { colorOf } from "./timeline.js";

export function showClasses() {
  const { labels } = page.open;
  $("class-list").replaceChildren(...labels.map(rowOf));
  $("event-label").replaceChildren(...labels.map((label) => new Option(label, label)));
  filterClasses();
}

function rowOf(label, index) {
  const row = document.createElement("div");
  row.className = "class";
  row.dataset.label = label;
  row.style.setProperty("--hue", colorOf(index));
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = true;
  box.id = `class-${index}`;
  box.addEventListener("change", () => {
    page.open.hidden[box.checked ? "delete" : "add"](label);
    render();
  });
  const title = document.createElement("label");
  title.className = "title";
  title.htmlFor = box.id;
  title.title = label;
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  title.append(swatch, index < 9 ? `${index + 1} ${label}` : label);
  row.append(box, title);
  if (page.open.result.classes.includes(label)) row.append(...sliderOf(label));
  return row;
}

function sliderOf(label) {
  const slide = document.createElement("div");
  slide.className = "slide";
  const range = document.createElement("input");
  Object.assign(range, { type: "range", min: "0", max: "1", step: "0.01", value: String(thresholdOf(label)) });
  range.setAttribute("aria-label", `Threshold of ${label}`);
  const shown = document.createElement("output");
  let gesture = Symbol("threshold");
  range.addEventListener("input", () => {
    shown.textContent = Number(range.value).toFixed(2);
    moveThreshold(label, Number(range.value), gesture);
  });
  range.addEventListener("change", () => (gesture = Symbol("threshold")));
  const worth = document.createElement("small");
  worth.className = "worth";
  slide.append(range, shown);
  return [slide, worth];
}

function filterClasses() {
  const text = $("class-filter").value.toLowerCase();
  for (const row of $("class-list").children) row.hidden = !row.dataset.label.toLowerCase().includes(text);
  render();
}

$("class-filter").addEventListener("input", () => page.open && filterClasses());

// What a threshold is worth in this video: how many events, how many an hour, how many of them are right.
function worthOf(label) {
  const { doc, result } = page.open;
  const found = doc.events.filter((event) => event.label === label && event.machine);
  if (!found.length) return "no events";
  const hours = result.duration_s / 3600;
  const rate = hours > 1 / 60 ? `, ${(found.length / hours).toFixed(found.length / hours < 10 ? 1 : 0)} an hour` : "";
  const truth = result.truth?.filter((event) => event.label === label);
  const meets = ({ machine }) => truth.some((one) => {
    const both = Math.min(one.end_s, machine.end_s) - Math.max(one.start_s, machine.start_s);
    return both >= 0.5 * (Math.max(one.end_s, machine.end_s) - Math.min(one.start_s, machine.start_s));
  });
  const judged = truth ? found : found.filter((event) => ["accepted", "corrected", "rejected"].includes(event.state));
  const right = judged.filter((event) => (truth ? meets(event) : event.state !== "rejected")).length;
  return `${found.length} event${found.length === 1 ? "" : "s"}${rate}${judged.length ? `, ${right} of ${judged.length} right` : ""}`;
}

drawnBy(() => {
  for (const row of $("class-list").children) {
    const range = row.querySelector("input[type=range]");
    if (!range) continue;
    const { label } = row.dataset;
    const value = thresholdOf(label);
    if (document.activeElement !== range && Number(range.value) !== value) range.value = String(value);
    row.querySelector("output").textContent = label === secret() ? "hidden" : Number(range.value).toFixed(2);
    row.querySelector(".worth").textContent = label === secret() ? "" : worthOf(label);
  }
  $("class-note").textContent = page.open.result.truth ? "Right: of the events found, those that meet a true event by half." : "Right: of the events judged, those accepted or corrected.";
});
