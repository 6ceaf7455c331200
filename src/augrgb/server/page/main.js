// The page: joins the list of videos, the player, the timeline and the annotations.

import { Fault, bytes, get, post, put } from "./api.js";
import { AnnotationDocument } from "./document.js";
import { Frames } from "./frames.js";
import { KEYS, changeKey, keyOf, listen, resetKeys } from "./keys.js";
import { Library } from "./library.js";
import { Teaching } from "./teaching.js";
import { Timeline, clock, colorOf } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const AUTOSAVE_MS = 1500;
const video = $("video");
let server = null;
let library = null;
let teaching = null;
let awaited = null; // a suggestion whose video is being opened
let opening = false; // a video is being loaded
let open = null; // { video, result, doc, version, saved, chosen, hidden: Set }

function say(text) {
  $("message-text").textContent = text;
  $("message").hidden = !text;
  clearTimeout(say.timer);
  if (text) say.timer = setTimeout(() => say(""), 12000);
}

$("message-close").addEventListener("click", () => say(""));

function empty(title, text) {
  $("empty-title").textContent = title;
  $("empty-text").textContent = text;
}

// ---- saving ----

let timer = null;
let saving = null; // the request on its way

function changed() {
  if (!open) return;
  const judged = open.blind && open.doc.find(open.blind.id);
  if (judged && !["unreviewed", "unsure"].includes(judged.state)) {
    open.doc.mark(judged.id, open.blind.drawn);
    open.blind = null;
  }
  open.dirty = true;
  showSaved();
  clearTimeout(timer);
  timer = setTimeout(save, AUTOSAVE_MS);
  render();
}

async function save() {
  clearTimeout(timer);
  while (saving) await saving;
  if (!open || !open.dirty || open.stuck) return;
  saving = send(open);
  await saving;
}

async function send(one) {
  one.dirty = false;
  try {
    const answer = await put(`api/videos/${one.video.id}/annotations`, { based_on: one.version, document: one.doc.state });
    one.version = answer.version;
    teaching?.refresh();
  } catch (fault) {
    one.dirty = true;
    if (fault instanceof Fault && fault.status === 409) {
      one.stuck = true;
      $("conflict").showModal();
    } else {
      say(`Not saved: ${fault.message} It is tried again every few seconds.`);
      timer = setTimeout(save, 5000);
    }
  } finally {
    saving = null;
    showSaved();
  }
}

function showSaved() {
  $("save-state").textContent = !open ? "" : open.stuck ? "Not saved: somebody else saved first" : open.dirty || saving ? "Unsaved changes…" : open.version ? `Saved, version ${open.version}` : "";
  document.title = open ? `${open.dirty ? "• " : ""}${open.video.name} – augrgb` : "augrgb";
}

window.addEventListener("beforeunload", (event) => {
  if (open?.dirty) event.preventDefault();
});
$("conflict").addEventListener("close", () => {
  if ($("conflict").returnValue === "load" && open) {
    open.dirty = false;
    choose(open.video);
  }
});

// ---- opening a video ----

async function choose(found) {
  await save();
  if (open?.dirty && open.video.id !== found.id && !confirm("Discard your unsaved changes?")) return;
  clearTimeout(timer);
  video.pause();
  open = null;
  ownTime = 0;
  $("file-name").textContent = found.name;
  $("editor").hidden = true;
  $("empty").hidden = false;
  if (!found.job) empty("Nothing has been detected yet", "Press Detect beside the video in the list.");
  else if (["failed", "cancelled"].includes(found.job.state)) empty(found.job.state === "failed" ? "The detection failed" : "The detection was cancelled", `${found.job.message || ""} Press Detect beside the video to try again.`);
  else empty("Waiting for the detection", "The video opens as soon as the model has looked at it.");
  if (narrow()) $("work").scrollIntoView();
  showSaved();
  if (!found.job) return;
  opening = true;
  try {
    const path = `api/videos/${found.id}`;
    const [result, scores, saved, strip] = await Promise.all([get(`${path}/result`), bytes(`${path}/scores`), get(`${path}/annotations`), get(`${path}/strip`)]);
    const times = result.variable_rate ? new Float64Array((await bytes(`${path}/times`)).buffer) : [];
    if (library.chosen !== found.id) return;
    const doc = new AnnotationDocument(result.duration_s, changed);
    doc.load(saved.document, result.events, result.job);
    const used = new Set([...result.events, ...(result.truth ?? []), ...doc.events].map((event) => event.label));
    const labels = [...new Set([...result.classes, ...used])];
    const frames = new Frames(found.info.fps, times, result.duration_s);
    open = { video: found, result, doc, labels, frames, version: saved.version, dirty: false, chosen: null, hidden: new Set() };
    $("held-out").hidden = !result.held_out;
    showPlayer(path, strip);
    $("empty").hidden = true;
    $("editor").hidden = false;
    timeline.load({ ...result, classes: labels }, padded(scores, result, labels));
    showClasses();
    render();
    showSaved();
    if (result.warnings.length) say(result.warnings.join(" "));
    if (awaited?.video === found.id) suggest(awaited);
    awaited = null;
  } catch (fault) {
    if (fault.code !== "E-SRV-014") say(fault.message);
  } finally {
    opening = false;
  }
}

// Classes that only annotations know have no scores.
function padded(scores, result, labels) {
  const all = new Uint8Array(labels.length * result.snippets);
  all.set(scores);
  return all;
}

const narrow = () => matchMedia("(max-width: 900px)").matches;

function showPlayer(path, strip) {
  video.hidden = false;
  $("poster").hidden = true;
  $("play").disabled = $("speed").disabled = false;
  video.src = `${path}/media`;
  const images = strip.map((uri) => {
    const image = new Image();
    image.src = uri;
    image.alt = "";
    return image;
  });
  $("strip").hidden = !images.length;
  $("strip").replaceChildren(...images);
}

video.addEventListener("error", () => {
  if (!open) return;
  video.hidden = true;
  $("poster").hidden = false;
  $("play").disabled = $("speed").disabled = true;
  const { codec, container } = open.video.info;
  $("poster-text").textContent = `Your browser cannot play this video (codec ${codec || "unknown"} in ${container || "unknown"}). It is shown frame by frame instead, and all corrections work. To play it here, convert it to H.264 in MP4.`;
  showStill();
});

// Frames that the server decodes: what the browser cannot play, and what is on both sides of a border, exactly.
const stillAt = (time) => `api/videos/${open.video.id}/still?time=${Math.max(0, time).toFixed(4)}`;

function showStill() {
  clearTimeout(showStill.timer);
  showStill.timer = setTimeout(() => open && !$("poster").hidden && ($("poster-still").src = stillAt(ownTime)), 120);
}

function showStills(event) {
  clearTimeout(showStills.timer);
  const shown = `${open.video.id} ${event.start_s} ${event.end_s}`;
  if (showStills.shown === shown) return;
  showStills.timer = setTimeout(() => {
    if (!open || chosen()?.id !== event.id) return;
    showStills.shown = shown;
    const last = Math.max(event.start_s, event.end_s - open.frames.seconds / 2);
    const figures = [["First frame", into(event.start_s)], ["Last frame", before(last)]].map(([name, time]) => {
      const figure = document.createElement("figure");
      const image = new Image();
      image.src = stillAt(time);
      image.alt = "";
      const caption = document.createElement("figcaption");
      caption.textContent = name;
      figure.append(image, caption);
      return figure;
    });
    $("stills").replaceChildren(...figures);
  }, 350);
}

// ---- time ----

let ownTime = 0; // where the playhead is when there is no player
const hasPlayer = () => !video.hidden && video.readyState > 0;
const now = () => (hasPlayer() ? Math.max(0, video.currentTime - open.result.first_frame_s) : ownTime);
// Half a frame into the frame that begins there, or that ends there.
const into = (time) => open.frames.middle(open.frames.at(time + 1e-6));
const before = (time) => open.frames.middle(open.frames.at(Math.max(0, time - 2e-4)));

function seek(time) {
  if (!open) return;
  ownTime = Math.max(0, Math.min(open.result.duration_s, time));
  if (hasPlayer()) video.currentTime = ownTime + open.result.first_frame_s;
  showTime(ownTime);
}

function step(frames) {
  video.pause();
  seek(open.frames.middle(Math.max(0, open.frames.at(now()) + frames)));
}

function showTime(time) {
  if (!open) return;
  $("time").textContent = `${clock(time)} / ${clock(open.result.duration_s)}`;
  timeline.movePlayhead(time);
  if (!$("poster").hidden) showStill();
}

function follow(_, shown) {
  if (open) {
    const time = Math.max(0, (shown?.mediaTime ?? video.currentTime) - open.result.first_frame_s);
    ownTime = time;
    if (!video.paused) timeline.reveal(time);
    if (live) stretch(time);
    showTime(time);
  }
  video.requestVideoFrameCallback?.(follow);
}
if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(follow);
else video.addEventListener("timeupdate", () => follow());
video.addEventListener("loadedmetadata", () => open && ownTime > 0 && seek(ownTime)); // chosen before there was a player
video.addEventListener("seeked", () => open && showTime(now()));
const playLabel = () => ($("play").textContent = video.paused ? "Play" : "Pause");
video.addEventListener("play", playLabel);
video.addEventListener("pause", playLabel);
const toggle = () => (video.paused ? video.play().catch((fault) => say(fault.message)) : video.pause());
function speed(direction) {
  const select = $("speed");
  select.selectedIndex = Math.max(0, Math.min(select.options.length - 1, select.selectedIndex + direction));
  video.playbackRate = Number(select.value);
}

// ---- events ----

const timeline = new Timeline($("timeline"), {
  onChoose: (id) => pick(id),
  onSeek: (time) => seek(time),
  find: (id) => open.doc.find(id),
  onEdge: (id, side, time, gesture, free) => moveEdge(id, side, time, { gesture }, free),
  onMove: (id, original, by, gesture, free) => {
    const start = snap(Math.max(0, Math.min(open.result.duration_s - (original.end_s - original.start_s), original.start_s + by)), free);
    open.doc.edit(id, { start_s: start, end_s: start + original.end_s - original.start_s }, { gesture });
    seek(start);
  },
  onDrop: () => open?.doc.endGesture(),
  onZoom: () => showWindow(),
});

// The film strip is the whole video; the frame on it is what the timeline shows.
function showWindow() {
  const { from, to } = timeline;
  const whole = open?.result.duration_s ?? 1;
  $("window").hidden = to - from > 0.999 * whole;
  $("window").style.left = `${(100 * from) / whole}%`;
  $("window").style.width = `${(100 * (to - from)) / whole}%`;
}
$("overview").addEventListener("pointerdown", (event) => {
  if (!open || event.button !== 0) return;
  const box = $("overview").getBoundingClientRect();
  const at = (one) => ((one.clientX - box.left) / box.width) * open.result.duration_s;
  if ($("window").hidden) {
    seek(at(event));
    return;
  }
  const move = (one) => timeline.pan(at(one) - (timeline.from + timeline.to) / 2);
  move(event);
  $("overview").setPointerCapture(event.pointerId);
  $("overview").addEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel"]) $("overview").addEventListener(end, () => $("overview").removeEventListener("pointermove", move), { once: true });
});

function snap(time, free) {
  return free ? time : open.frames.snap(time);
}

function moveEdge(id, side, time, options, free = false) {
  const event = open.doc.find(id);
  if (!event) return;
  const at = snap(time, free);
  if (side === "start") open.doc.edit(id, { start_s: Math.min(at, open.frames.move(event.end_s, -1)) }, options);
  else open.doc.edit(id, { end_s: Math.max(at, open.frames.move(event.start_s, 1)) }, options);
  const moved = open.doc.find(id);
  seek(side === "start" ? into(moved.start_s) : before(moved.end_s));
}

function pick(id, { jump = false } = {}) {
  if (!open) return;
  open.chosen = id;
  if (open.blind && open.blind.id !== id) open.blind = null;
  const event = id && open.doc.find(id);
  if (event && jump) {
    seek(into(event.start_s));
    timeline.reveal(event.start_s);
  }
  render();
  if (event && jump) timeline.revealRow(event.label);
}

// A suggestion is opened; one that was drawn by chance hides what the model thinks until it is judged.
function suggest(suggestion) {
  const id = open.doc.suggested(suggestion);
  if (open.blind?.id !== id) open.blind = suggestion.blind ? { id, drawn: { shown: suggestion.found, job: suggestion.job } } : null;
  pick(id, { jump: true });
}

const chosen = () => (open?.chosen ? open.doc.find(open.chosen) : null);
const thresholdOf = (label) => open.doc.state.thresholds[label] ?? open.result.thresholds[open.result.classes.indexOf(label)] ?? 0;
const inOrder = () => open.doc.events.filter((event) => !open.hidden.has(event.label)).sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);

function neighbor(direction) {
  const events = inOrder();
  if (!events.length) return;
  const place = events.findIndex((event) => event.id === open.chosen);
  const next = place < 0 ? (direction > 0 ? events.findIndex((event) => event.start_s >= now()) : events.length - 1) : place + direction;
  pick(events[Math.max(0, Math.min(events.length - 1, next < 0 ? 0 : next))].id, { jump: true });
}

function judge(state) {
  const event = chosen();
  if (!event) return;
  if (state === "accepted" && ["accepted", "corrected"].includes(event.state)) timeline.focusEdge("start");
  else open.doc.edit(event.id, { state });
}

function nextClass() {
  const event = chosen();
  if (event) open.doc.edit(event.id, { label: open.labels[(open.labels.indexOf(event.label) + 1) % open.labels.length] });
}

function add() {
  const label = open.labels.find((one) => !open.hidden.has(one)) ?? open.labels[0];
  pick(open.doc.add(chosen()?.label ?? label, snap(now()), snap(now() + 1)));
  render();
}

function split() {
  const event = chosen();
  const id = event && open.doc.split(event.id, snap(now()));
  if (id) pick(id);
  else say("Choose an event, and move the playhead into it.");
}

function drop() {
  if (open?.chosen) open.doc.remove(open.chosen);
}

// While the video plays and nothing is chosen, a number opens an event of its class, and closes it again.
let live = null;
function number(digit) {
  const label = open.labels.filter((one) => !open.hidden.has(one))[digit - 1];
  if (!label) return;
  if (live) {
    open.doc.endGesture();
    const same = open.doc.find(live.id)?.label === label;
    live = null;
    if (same) return;
  }
  if (!video.paused) live = { id: open.doc.add(label, snap(now()), open.frames.move(now(), 1)), gesture: Symbol("live") };
  else if (chosen()) open.doc.edit(chosen().id, { label });
}

function stretch(time) {
  const event = open.doc.find(live.id);
  if (!event) live = null;
  else if (time > event.end_s) open.doc.edit(live.id, { end_s: time }, { gesture: live.gesture });
}

async function nextToReview() {
  if (teaching) {
    try {
      if (await teaching.next()) return;
    } catch (fault) {
      say(fault.message);
    }
  }
  const event = open.doc.nextToReview(thresholdOf, open.chosen);
  if (event) pick(event.id, { jump: true });
  else say("Every event has been reviewed.");
}

function reviewedHere() {
  const before = open.doc.state.reviewed.filter(([start]) => start <= now()).at(-1);
  open.doc.review(before ? before[0] : 0, Math.max(now(), 0.01));
}

function reviewedDuring() {
  const event = chosen();
  if (event) open.doc.review(event.start_s, event.end_s);
  else say("Choose an event first.");
}

let asking = Promise.resolve();
const wanted = new Map();
// Only the newest value of a slider is asked for; answers come in the order of the questions.
function ask(label, threshold, gesture) {
  const one = open;
  wanted.set(label, threshold);
  asking = asking.then(async () => {
    if (wanted.get(label) !== threshold || open !== one) return;
    try {
      const found = await post(`api/videos/${one.video.id}/events`, { label, threshold });
      if (open === one) one.doc.replaceFound(label, threshold, found, gesture);
    } catch (fault) {
      say(fault.message);
    }
  });
}

// ---- showing ----

function showClasses() {
  const rows = open.labels.map((label, index) => {
    const row = document.createElement("div");
    row.className = "class";
    row.dataset.label = label;
    row.style.setProperty("--hue", colorOf(index));
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.id = `class-${index}`;
    box.addEventListener("change", () => {
      open.hidden[box.checked ? "delete" : "add"](label);
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
    if (open.result.classes.includes(label)) {
      const slide = document.createElement("div");
      slide.className = "slide";
      const range = document.createElement("input");
      Object.assign(range, { type: "range", min: "0", max: "1", step: "0.01", value: String(thresholdOf(label)) });
      range.setAttribute("aria-label", `Threshold of ${label}`);
      const shown = document.createElement("output");
      let gesture = Symbol("threshold");
      range.addEventListener("input", () => {
        shown.textContent = Number(range.value).toFixed(2);
        ask(label, Number(range.value), gesture);
      });
      range.addEventListener("change", () => (gesture = Symbol("threshold")));
      const worth = document.createElement("small");
      worth.className = "worth";
      slide.append(range, shown);
      row.append(slide, worth);
    }
    return row;
  });
  $("class-list").replaceChildren(...rows);
  $("event-label").replaceChildren(...open.labels.map((label) => new Option(label, label)));
  filterClasses();
}

function filterClasses() {
  const text = $("class-filter").value.toLowerCase();
  for (const row of $("class-list").children) row.hidden = !row.dataset.label.toLowerCase().includes(text);
  render();
}

function shownLabels() {
  const text = $("class-filter").value.toLowerCase();
  return open.labels.filter((label) => !open.hidden.has(label) && label.toLowerCase().includes(text));
}

// What a threshold is worth in this video: how many events, how many an hour, how many of them are right.
function worthOf(label) {
  const found = open.doc.events.filter((event) => event.label === label && event.machine);
  if (!found.length) return "no events";
  const hours = open.result.duration_s / 3600;
  const rate = hours > 1 / 60 ? `, ${(found.length / hours).toFixed(found.length / hours < 10 ? 1 : 0)} an hour` : "";
  const truth = open.result.truth?.filter((event) => event.label === label);
  const meets = ({ machine }) => truth.some((one) => {
    const both = Math.min(one.end_s, machine.end_s) - Math.max(one.start_s, machine.start_s);
    return both >= 0.5 * (Math.max(one.end_s, machine.end_s) - Math.min(one.start_s, machine.start_s));
  });
  const judged = truth ? found : found.filter((event) => ["accepted", "corrected", "rejected"].includes(event.state));
  const right = judged.filter((event) => (truth ? meets(event) : event.state !== "rejected")).length;
  return `${found.length} event${found.length === 1 ? "" : "s"}${rate}${judged.length ? `, ${right} of ${judged.length} right` : ""}`;
}

const SHOWN_ROWS = 200;
function render() {
  if (!open) return;
  const thresholds = Object.fromEntries(open.labels.map((label) => [label, thresholdOf(label)]));
  const secret = open.blind ? open.doc.find(open.blind.id)?.label : null;
  timeline.show(shownLabels(), open.doc.events, open.doc.state.reviewed, open.chosen, thresholds, secret);
  $("blind").hidden = !secret;
  if (secret) $("blind").textContent = `Drawn by chance: is this ${secret}? What the model thinks is hidden until you accept, reject or correct it.`;
  $("legend-truth").hidden = !open.result.truth;
  for (const row of $("class-list").children) {
    const range = row.querySelector("input[type=range]");
    if (!range) continue;
    const value = thresholds[row.dataset.label];
    if (document.activeElement !== range && Number(range.value) !== value) range.value = String(value);
    row.querySelector("output").textContent = row.dataset.label === secret ? "hidden" : Number(range.value).toFixed(2);
    row.querySelector(".worth").textContent = row.dataset.label === secret ? "" : worthOf(row.dataset.label);
  }
  $("class-note").textContent = open.result.truth ? "Right: of the events found, those that meet a true event by half." : "Right: of the events judged, those accepted or corrected.";
  showTable();
  showForm();
  $("undo").disabled = !open.doc.past.length;
  $("redo").disabled = !open.doc.future.length;
  for (const id of ["split", "delete", "during", "accept", "reject", "unsure"]) $(id).disabled = !chosen();
  for (const [id, states] of [["accept", ["accepted", "corrected"]], ["reject", ["rejected"]], ["unsure", ["unsure"]]]) $(id).setAttribute("aria-pressed", String(states.includes(chosen()?.state)));
  showWindow();
  const format = encodeURIComponent($("format").value);
  $("export").href = `api/videos/${open.video.id}/export?format=${format}`;
  showTime(now());
}

function showTable() {
  const events = inOrder();
  const waiting = events.filter((event) => event.state === "unreviewed").length;
  $("count").textContent = events.length ? `(${events.length}, ${waiting} to review)` : "";
  $("no-events").hidden = events.length > 0;
  $("table-box").hidden = events.length === 0;
  const place = Math.max(0, events.findIndex((event) => event.id === open.chosen));
  const first = Math.max(0, Math.min(events.length - SHOWN_ROWS, place - SHOWN_ROWS / 2));
  const rows = events.slice(first, first + SHOWN_ROWS).map((event) => {
    const row = document.createElement("tr");
    row.className = event.id === open.chosen ? "chosen" : "";
    row.dataset.id = event.id;
    const cell = document.createElement("td");
    const name = document.createElement("button");
    name.type = "button";
    name.textContent = event.label;
    name.addEventListener("click", () => pick(event.id, { jump: true }));
    cell.append(name);
    row.append(cell);
    for (const text of [clock(event.start_s, 2), clock(event.end_s, 2), event.id === open.blind?.id ? "hidden" : event.machine?.score?.toFixed(2) ?? "", event.state]) {
      const plain = document.createElement("td");
      plain.textContent = text;
      row.append(plain);
    }
    return row;
  });
  const focused = document.activeElement?.closest?.("#table tr")?.dataset.id;
  $("table").replaceChildren(...rows);
  if (focused) rows.find((row) => row.dataset.id === focused)?.querySelector("button").focus();
}

function showForm() {
  const event = chosen();
  $("event-form").hidden = !event;
  $("no-event").hidden = !!event;
  if (!event) return;
  const values = { "event-label": event.label, "event-start": event.start_s.toFixed(3), "event-end": event.end_s.toFixed(3), "event-state": event.state };
  for (const [id, value] of Object.entries(values)) if (document.activeElement !== $(id)) $(id).value = value;
  showStills(event);
  $("event-machine").textContent = event.id === open.blind?.id ? "What the model thinks is hidden until you have judged it." : event.machine ? `The model found ${clock(event.machine.start_s, 2)} to ${clock(event.machine.end_s, 2)}, score ${event.machine.score.toFixed(2)}.` : "Added by a person.";
}

for (const [id, field] of [["event-start", "start_s"], ["event-end", "end_s"]]) {
  $(id).addEventListener("change", () => {
    const value = Number($(id).value);
    if (chosen() && Number.isFinite(value) && value >= 0) open.doc.edit(open.chosen, { [field]: value });
  });
}
$("event-label").addEventListener("change", () => open.doc.edit(open.chosen, { label: $("event-label").value }));
$("event-state").addEventListener("change", () => open.doc.edit(open.chosen, { state: $("event-state").value }));
$("event-form").addEventListener("submit", (event) => event.preventDefault());
$("class-filter").addEventListener("input", () => open && filterClasses());

// ---- buttons and keys ----

const actions = {
  " ": toggle, k: toggle, j: () => speed(-1), l: () => speed(1),
  "Shift+j": () => speed(-9), "Shift+l": () => speed(9),
  ",": () => step(-1), ".": () => step(1),
  ArrowLeft: () => seek(now() - 1), ArrowRight: () => seek(now() + 1),
  "Ctrl+ArrowLeft": () => seek(now() - 10), "Ctrl+ArrowRight": () => seek(now() + 10),
  ArrowUp: () => neighbor(-1), ArrowDown: () => neighbor(1),
  "Shift+ArrowLeft": () => chosen() && seek(into(chosen().start_s)), "Shift+ArrowRight": () => chosen() && seek(before(chosen().end_s)),
  Enter: () => judge("accepted"), x: () => judge("rejected"), u: () => judge("unsure"),
  i: () => chosen() && moveEdge(open.chosen, "start", now()), o: () => chosen() && moveEdge(open.chosen, "end", now()),
  c: nextClass, a: add, b: split, Delete: drop, Backspace: drop, n: nextToReview, e: reviewedHere, r: reviewedDuring,
  "Ctrl+z": () => open.doc.undo(), "Ctrl+Shift+z": () => open.doc.redo(), "Ctrl+y": () => open.doc.redo(),
  "[": () => seek(now() - open.result.stride_s), "]": () => seek(now() + open.result.stride_s),
  "+": () => timeline.zoom(0.6), "=": () => timeline.zoom(0.6), "-": () => timeline.zoom(1.7), 0: () => timeline.fit(),
  Escape: () => pick(null), "?": () => $("help").showModal(),
  nudge: (side, by) => {
    const event = chosen();
    const from = side === "start" ? event.start_s : event.end_s;
    const far = by === -Infinity ? 0 : open.result.duration_s;
    moveEdge(open.chosen, side, Number.isFinite(by) ? open.frames.move(from, by) : far, {});
    timeline.focusEdge(side);
  },
  leaveEdge: () => $("timeline").focus(),
  otherEdge: (side) => timeline.focusEdge(side === "start" ? "end" : "start"),
};
for (let digit = 1; digit <= 9; digit++) actions[digit] = () => number(digit);
listen(new Proxy(actions, { get: (all, name) => (open || name === "?" ? all[name] : undefined) }), () => $("letters").checked);

const clicks = {
  play: toggle, "frame-back": () => step(-1), "frame-on": () => step(1),
  "zoom-in": () => timeline.zoom(0.6), "zoom-out": () => timeline.zoom(1.7), "zoom-fit": () => timeline.fit(),
  accept: () => chosen() && open.doc.edit(open.chosen, { state: "accepted" }), reject: () => judge("rejected"), unsure: () => judge("unsure"),
  add, split, delete: drop, undo: () => open.doc.undo(), redo: () => open.doc.redo(), next: nextToReview, range: reviewedHere, during: reviewedDuring,
  whole: () => open.doc.review(0, open.result.duration_s),
  "help-button": () => $("help").showModal(),
  project: async () => {
    await save();
    try {
      const done = await post("api/project");
      const rest = server.loop ? "have no correction that training could use" : "are not wholly reviewed yet";
      const held = done.held_out ? ` ${done.held_out} are validation or test videos and stay as they are.` : "";
      say(`In the project: ${done.events} events of ${done.videos} videos. ${done.left_out} others ${rest}.${held}`);
      await teaching?.refresh();
    } catch (fault) {
      say(fault.message);
    }
  },
};
for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", () => (open || id === "help-button") && action());
$("speed").addEventListener("change", () => (video.playbackRate = Number($("speed").value)));
$("format").addEventListener("change", render);
$("export").addEventListener("click", async (event) => {
  if (open.version && !open.dirty) return;
  event.preventDefault();
  open.dirty = true;
  await save();
  if (!open.dirty) $("export").click();
});

// ---- beginning ----

async function begin() {
  try {
    server = await get("api/state");
  } catch (fault) {
    if (fault.status === 401) $("login").hidden = false;
    else say(fault.message);
    return;
  }
  $("login").hidden = true;
  $("app").hidden = false;
  $("project").hidden = !server.project;
  $("format").replaceChildren(...server.formats.map((name) => new Option(name, name)));
  $("format").value = "csv";
  library = new Library({
    list: $("videos"), all: $("detect-all"), input: $("file"), drop: $("drop"), limit: server.upload_bytes, say,
    onChoose: choose,
    onDone: (found) => {
      const newer = open && !open.dirty && !open.stuck && video.paused && found.job.id > open.result.job;
      if (!opening && (!open || newer)) choose(found);
    },
    onGone: () => {
      open = null;
      video.removeAttribute("src");
      $("editor").hidden = true;
      $("empty").hidden = false;
      $("file-name").textContent = "";
      empty("No video is open", "Choose a video from the list, or add one.");
      showSaved();
    },
  });
  teaching = server.loop && !teaching ? new Teaching({ say, save, open: openSuggestion, orders: server.orders, usual: server.order }) : teaching;
  window.augrgb = { timeline, document: () => open?.doc.state };
  await library.refresh();
  if (!open && !library.videos.length) empty("Add a video to begin", `The model looks for ${listed(server.classes)}. Videos stay on this server.`);
  await teaching?.refresh();
}

const listed = (names) => (names.length > 6 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} other classes` : names.join(", "));

function openSuggestion(suggestion) {
  if (open?.video.id === suggestion.video) {
    suggest(suggestion);
    return;
  }
  awaited = suggestion;
  library.choose(suggestion.video);
}

function showKeys() {
  const rows = KEYS.map(([key, what, name]) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    if (name) {
      const change = document.createElement("button");
      change.type = "button";
      change.textContent = keyOf(name).toUpperCase();
      change.setAttribute("aria-label", `Change the key of: ${what} (now ${keyOf(name)})`);
      change.addEventListener("click", () => (change.textContent = "\u2026"));
      change.addEventListener("blur", () => (change.textContent = keyOf(name).toUpperCase()));
      change.addEventListener("keydown", (event) => {
        if (change.textContent !== "\u2026" || event.key === "Tab" || event.key === "Shift") return;
        event.preventDefault();
        if (event.key !== "Escape" && !changeKey(name, event.key)) say("That key cannot be used. Choose a letter or a sign.");
        showKeys();
        [...$("keys").querySelectorAll("th")][rows.indexOf(row)].querySelector("button").focus();
      });
      head.append(change);
    } else {
      head.textContent = key;
    }
    const text = document.createElement("td");
    text.textContent = what;
    row.append(head, text);
    return row;
  });
  $("keys").replaceChildren(...rows);
}
showKeys();
$("keys-reset").addEventListener("click", () => {
  resetKeys();
  showKeys();
});

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("api/login", { token: $("token").value });
    $("token").value = "";
    await begin();
  } catch (fault) {
    say(fault.message);
  }
});
begin();
