// Keys and buttons: which action each one is.

import * as editing from "./editing.js";
import "./gestures.js";
import { listen } from "./keys.js";
import { $, chosen, drawnBy, page } from "./opened.js";
import { now, playOnly, seek, speed, step, toggle } from "./player.js";
import { timeline } from "./view.js";

const undo = () => page.open.doc.undo();
const redo = () => page.open.doc.redo();
const closer = () => timeline.zoom(0.6);
const farther = () => timeline.zoom(1.7);
const playEvent = () => chosen() && playOnly(chosen().start_s, chosen().end_s);
const help = () => $("help").showModal();
const snippets = (count) => seek(now() + count * page.open.result.stride_s);

const actions = {
  " ": toggle, k: toggle, j: () => speed(-1), l: () => speed(1),
  "Shift+j": () => speed(-9), "Shift+l": () => speed(9), p: playEvent,
  ",": () => step(-1), ".": () => step(1),
  ArrowLeft: () => seek(now() - 1), ArrowRight: () => seek(now() + 1),
  "Ctrl+ArrowLeft": () => seek(now() - 10), "Ctrl+ArrowRight": () => seek(now() + 10),
  ArrowUp: () => editing.neighbor(-1), ArrowDown: () => editing.neighbor(1),
  "Shift+ArrowLeft": () => chosen() && seek(page.open.frames.into(chosen().start_s)), "Shift+ArrowRight": () => chosen() && seek(page.open.frames.before(chosen().end_s)),
  Enter: editing.acceptOrEdit, x: () => editing.judge("rejected"), u: () => editing.judge("unsure"),
  i: () => chosen() && editing.moveEdge(page.open.chosen, "start", now()), o: () => chosen() && editing.moveEdge(page.open.chosen, "end", now()),
  c: editing.nextClass, a: editing.add, b: editing.split, Delete: editing.drop, Backspace: editing.drop,
  n: editing.nextToReview, e: editing.reviewedHere, r: editing.reviewedDuring,
  "Ctrl+z": undo, "Ctrl+Shift+z": redo, "Ctrl+y": redo,
  "[": () => snippets(-1), "]": () => snippets(1),
  "+": closer, "=": closer, "-": farther, 0: () => timeline.fit(),
  Escape: () => editing.pick(null), "?": help,
  nudge: editing.nudge,
  leaveEdge: () => $("timeline").focus(),
  otherEdge: (side) => timeline.focusEdge(side === "start" ? "end" : "start"),
};
for (let digit = 1; digit <= 9; digit++) actions[digit] = () => editing.number(digit);
listen(new Proxy(actions, { get: (all, name) => (page.open || name === "?" ? all[name] : undefined) }));

const clicks = {
  play: toggle, "play-event": playEvent, "frame-back": () => step(-1), "frame-on": () => step(1),
  "zoom-in": closer, "zoom-out": farther, "zoom-fit": () => timeline.fit(),
  accept: () => editing.judge("accepted"), reject: () => editing.judge("rejected"), unsure: () => editing.judge("unsure"),
  add: editing.add, split: editing.split, delete: editing.drop, undo, redo, next: editing.nextToReview,
  range: editing.reviewedHere, during: editing.reviewedDuring, whole: editing.reviewedWhole,
};
for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", () => page.open && action());
$("help-button").addEventListener("click", help);

const STATES = { accept: ["accepted", "corrected"], reject: ["rejected"], unsure: ["unsure"] };
drawnBy(() => {
  $("undo").disabled = !page.open.doc.past.length;
  $("redo").disabled = !page.open.doc.future.length;
  for (const id of ["split", "delete", "during", "accept", "reject", "unsure"]) $(id).disabled = !chosen();
  for (const [id, states] of Object.entries(STATES)) $(id).setAttribute("aria-pressed", String(states.includes(chosen()?.state)));
});
