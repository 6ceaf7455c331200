// What a person does with events: choose, move, judge, add, split and remove them, and say what was reviewed.

import { post } from "./api.js";
import { say } from "./messages.js";
import { chosen, inOrder, page, render, thresholdOf } from "./opened.js";
import { now, seek, video, whenMoved } from "./player.js";
import { timeline } from "./view.js";

export const snap = (time, free) => (free ? time : page.open.frames.snap(time));

export function moveEdge(id, side, time, options, free = false) {
  const { doc, frames } = page.open;
  const event = doc.find(id);
  if (!event) return;
  const at = snap(time, free);
  if (side === "start") doc.edit(id, { start_s: Math.min(at, frames.move(event.end_s, -1)) }, options);
  else doc.edit(id, { end_s: Math.max(at, frames.move(event.start_s, 1)) }, options);
  const moved = doc.find(id);
  seek(side === "start" ? frames.into(moved.start_s) : frames.before(moved.end_s));
}

export function nudge(side, by) {
  const event = chosen();
  const from = side === "start" ? event.start_s : event.end_s;
  const far = by === -Infinity ? 0 : page.open.result.duration_s;
  moveEdge(page.open.chosen, side, Number.isFinite(by) ? page.open.frames.move(from, by) : far, {});
  timeline.focusEdge(side);
}

export function pick(id, { jump = false } = {}) {
  const { open } = page;
  if (!open) return;
  open.chosen = id;
  if (open.blind && open.blind.id !== id) open.blind = null;
  const event = id && open.doc.find(id);
  if (event && jump) {
    seek(open.frames.into(event.start_s));
    timeline.revealEvent(event);
  }
  render();
  if (event && jump) timeline.revealRow(event.label);
}

// A suggestion is opened; one that was drawn by chance hides what the model thinks until it is judged.
export function suggest(suggestion) {
  const { open } = page;
  const id = open.doc.suggested(suggestion);
  if (open.blind?.id !== id) open.blind = suggestion.blind ? { id, drawn: { shown: suggestion.found, job: suggestion.job } } : null;
  pick(id, { jump: true });
}

export function neighbor(direction) {
  const events = inOrder();
  if (!events.length) return;
  const place = events.findIndex((event) => event.id === page.open.chosen);
  const next = place < 0 ? (direction > 0 ? events.findIndex((event) => event.start_s >= now()) : events.length - 1) : place + direction;
  pick(events[Math.max(0, Math.min(events.length - 1, next < 0 ? 0 : next))].id, { jump: true });
}

export function judge(state) {
  const event = chosen();
  if (event) page.open.doc.edit(event.id, { state });
}

// Accept; once more: edit the edges.
export function acceptOrEdit() {
  if (["accepted", "corrected"].includes(chosen()?.state)) timeline.focusEdge("start");
  else judge("accepted");
}

export function nextClass() {
  const event = chosen();
  const { doc, labels } = page.open;
  if (event) doc.edit(event.id, { label: labels[(labels.indexOf(event.label) + 1) % labels.length] });
}

export function add() {
  const { doc, hidden, labels } = page.open;
  const label = labels.find((one) => !hidden.has(one)) ?? labels[0];
  pick(doc.add(chosen()?.label ?? label, snap(now()), snap(now() + 1)));
}

export function split() {
  const event = chosen();
  const id = event && page.open.doc.split(event.id, snap(now()));
  if (id) pick(id);
  else say("Choose an event, and move the playhead into it.");
}

export function drop() {
  if (page.open?.chosen) page.open.doc.remove(page.open.chosen);
}

// While the video plays and nothing is chosen, a number opens an event of its class, and closes it again.
let live = null;

export function number(digit) {
  const { doc, frames, hidden, labels } = page.open;
  const label = labels.filter((one) => !hidden.has(one))[digit - 1];
  if (!label) return;
  if (live) {
    doc.endGesture();
    const same = doc.find(live.id)?.label === label;
    live = null;
    if (same) return;
  }
  if (!video.paused) live = { id: doc.add(label, snap(now()), frames.move(now(), 1)), gesture: Symbol("live") };
  else if (chosen()) doc.edit(chosen().id, { label });
}

whenMoved((time, ofFrame) => {
  if (!live || !ofFrame) return;
  const event = page.open.doc.find(live.id);
  if (!event) live = null;
  else if (time > event.end_s) page.open.doc.edit(live.id, { end_s: time }, { gesture: live.gesture });
});

export async function nextToReview() {
  if (page.teaching) {
    try {
      if (await page.teaching.next()) return;
    } catch (fault) {
      say(fault.message);
    }
  }
  const event = page.open.doc.nextToReview(thresholdOf, page.open.chosen);
  if (event) pick(event.id, { jump: true });
  else say("Every event has been reviewed.");
}

export function reviewedHere() {
  const { doc } = page.open;
  const before = doc.state.reviewed.filter(([start]) => start <= now()).at(-1);
  doc.review(before ? before[0] : 0, Math.max(now(), 0.01));
}

export function reviewedDuring() {
  const event = chosen();
  if (event) page.open.doc.review(event.start_s, event.end_s);
  else say("Choose an event first.");
}

export const reviewedWhole = () => page.open.doc.review(0, page.open.result.duration_s);

let asking = Promise.resolve();
const wanted = new Map();

// Events at another threshold. Only the newest value of a slider is asked for; answers come in the order of the questions.
export function moveThreshold(label, threshold, gesture) {
  const one = page.open;
  wanted.set(label, threshold);
  asking = asking.then(async () => {
    if (wanted.get(label) !== threshold || page.open !== one) return;
    try {
      const found = await post(`api/videos/${one.video.id}/events`, { label, threshold });
      if (page.open === one) one.doc.replaceFound(label, threshold, found, gesture);
    } catch (fault) {
      say(fault.message);
    }
  });
}
