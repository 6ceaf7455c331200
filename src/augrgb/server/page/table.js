// The table of events, which does all that the timeline does, and the form of the chosen one.

import { pick } from "./editing.js";
import { $, chosen, drawnBy, inOrder, page, secret } from "./opened.js";
import { showStills } from "./stills.js";
import { clock } from "./timeline.js";

const SHOWN_ROWS = 200;

function showTable() {
  const events = inOrder();
  const waiting = events.filter((event) => event.state === "unreviewed").length;
  $("count").textContent = events.length ? `(${events.length}, ${waiting} to review)` : "";
  $("no-events").hidden = events.length > 0;
  $("table-box").hidden = events.length === 0;
  const place = Math.max(0, events.findIndex((event) => event.id === page.open.chosen));
  const first = Math.max(0, Math.min(events.length - SHOWN_ROWS, place - SHOWN_ROWS / 2));
  const rows = events.slice(first, first + SHOWN_ROWS).map(rowOf);
  const focused = document.activeElement?.closest?.("#table tr")?.dataset.id;
  $("table").replaceChildren(...rows);
  if (focused) rows.find((row) => row.dataset.id === focused)?.querySelector("button").focus();
}

function rowOf(event) {
  const row = document.createElement("tr");
  row.className = event.id === page.open.chosen ? "chosen" : "";
  row.dataset.id = event.id;
  const cell = document.createElement("td");
  const name = document.createElement("button");
  name.type = "button";
  name.textContent = event.label;
  if (event.id === page.open.chosen) name.setAttribute("aria-current", "true");
  name.addEventListener("click", () => pick(event.id, { jump: true }));
  cell.append(name);
  row.append(cell);
  const score = event.id === page.open.blind?.id ? "hidden" : event.machine?.score?.toFixed(2) ?? "";
  for (const text of [clock(event.start_s, 2), clock(event.end_s, 2), score, event.state]) {
    const plain = document.createElement("td");
    plain.textContent = text;
    row.append(plain);
  }
  return row;
}

function showForm() {
  const event = chosen();
  $("event-form").hidden = !event;
  $("no-event").hidden = !!event;
  if (!event) return;
  const values = { "event-label": event.label, "event-start": event.start_s.toFixed(3), "event-end": event.end_s.toFixed(3), "event-state": event.state };
  for (const [id, value] of Object.entries(values)) if (document.activeElement !== $(id)) $(id).value = value;
  showStills(event);
  $("event-machine").textContent = event.id === page.open.blind?.id ? "What the model thinks is hidden until you have judged it." : event.machine ? `The model found ${clock(event.machine.start_s, 2)} to ${clock(event.machine.end_s, 2)}, score ${event.machine.score.toFixed(2)}.` : "Added by a person.";
}

for (const [id, field] of [["event-start", "start_s"], ["event-end", "end_s"]]) {
  $(id).addEventListener("change", () => {
    const value = Number($(id).value);
    if (chosen() && Number.isFinite(value) && value >= 0) page.open.doc.edit(page.open.chosen, { [field]: value });
  });
}
$("event-label").addEventListener("change", () => page.open.doc.edit(page.open.chosen, { label: $("event-label").value }));
$("event-state").addEventListener("change", () => page.open.doc.edit(page.open.chosen, { state: $("event-state").value }));
$("event-form").addEventListener("submit", (event) => event.preventDefault());

// What is chosen, in words for those who do not see it; a drag is told when it rests.
function speak() {
  const event = chosen();
  const events = inOrder();
  const place = event ? events.findIndex((one) => one.id === event.id) + 1 : 0;
  const text = event ? `${event.label}, ${clock(event.start_s, 2)} to ${clock(event.end_s, 2)}, ${event.state}${place ? `, event ${place} of ${events.length}` : ""}` : "";
  clearTimeout(speak.timer);
  speak.timer = setTimeout(() => $("spoken").textContent !== text && ($("spoken").textContent = text), 250);
}

drawnBy(() => {
  $("blind").hidden = !secret();
  if (secret()) $("blind").textContent = `Drawn by chance: is this ${secret()}? What the model thinks is hidden until you accept, reject or correct it.`;
  showTable();
  showForm();
  speak();
});
