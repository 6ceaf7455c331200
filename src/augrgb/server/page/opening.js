// Opening a video: its result, scores and annotations are fetched, and every part of the page shows them.

import { bytes, get } from "./api.js";
import { showClasses } from "./classes.js";
import { AnnotationDocument } from "./document.js";
import { suggest } from "./editing.js";
import { Frames } from "./frames.js";
import { empty, say } from "./messages.js";
import { $, page, render } from "./opened.js";
import { removePlayer, rewind, showPlayer, video } from "./player.js";
import { changed, save, saveNoMore, saveOverTheirs, showSaved } from "./saving.js";
import { showStrip, timeline } from "./view.js";

let awaited = null; // a suggestion whose video is being opened
let opening = false; // a video is being loaded
const narrow = () => matchMedia("(max-width: 900px)").matches;

export async function choose(found) {
  await save();
  if (page.open?.dirty && page.open.video.id !== found.id && !confirm("Discard your unsaved changes?")) return;
  saveNoMore();
  rewind();
  page.open = null;
  $("file-name").textContent = found.name;
  $("editor").hidden = true;
  $("empty").hidden = false;
  empty(...wordsFor(found.job));
  if (narrow()) $("work").scrollIntoView();
  showSaved();
  if (!found.job) return;
  opening = true;
  try {
    await load(found);
  } catch (fault) {
    if (fault.code !== "E-SRV-014") say(fault.message);
  } finally {
    opening = false;
  }
}

function wordsFor(job) {
  if (!job) return ["Nothing has been detected yet", "Press Detect beside the video in the list."];
  const again = `${job.message || ""} Press Detect beside the video to try again.`;
  if (job.state === "failed") return ["The detection failed", again];
  if (job.state === "cancelled") return ["The detection was cancelled", again];
  return ["Waiting for the detection", "The video opens as soon as the model has looked at it."];
}

async function load(found) {
  const path = `api/videos/${found.id}`;
  const [result, scores, saved, strip] = await Promise.all([get(`${path}/result`), bytes(`${path}/scores`), get(`${path}/annotations`), get(`${path}/strip`)]);
  const times = result.variable_rate ? new Float64Array((await bytes(`${path}/times`)).buffer) : [];
  if (page.library.chosen !== found.id) return;
  const doc = new AnnotationDocument(result.duration_s, changed);
  doc.load(saved.document, result.events, result.job);
  const used = new Set([...result.events, ...(result.truth ?? []), ...doc.events].map((event) => event.label));
  const labels = [...new Set([...result.classes, ...used])];
  const frames = new Frames(found.info.fps, times, result.duration_s);
  page.open = { video: found, result, doc, labels, frames, version: saved.version, dirty: false, chosen: null, hidden: new Set() };
  $("held-out").hidden = !result.held_out;
  showPlayer(path);
  showStrip(strip);
  $("empty").hidden = true;
  $("editor").hidden = false;
  if (narrow()) $("work").scrollIntoView();
  timeline.load({ ...result, classes: labels }, padded(scores, result, labels));
  showClasses();
  render();
  showSaved();
  if (result.warnings.length) say(result.warnings.join(" "));
  if (awaited?.video === found.id) suggest(awaited);
  awaited = null;
}

// Classes that only annotations know have no scores.
function padded(scores, result, labels) {
  const all = new Uint8Array(labels.length * result.snippets);
  all.set(scores);
  return all;
}

// A detection of the chosen video is done: it opens, unless that would disturb somebody's work.
export function detected(found) {
  const { open } = page;
  const newer = open && !open.dirty && !open.stuck && video.paused && found.job.id > open.result.job;
  if (!opening && (!open || newer)) choose(found);
}

export function closed() {
  page.open = null;
  removePlayer();
  $("editor").hidden = true;
  $("empty").hidden = false;
  $("file-name").textContent = "";
  empty("No video is open", "Choose a video from the list, or add one.");
  showSaved();
}

export function openSuggestion(suggestion) {
  if (page.open?.video.id === suggestion.video) {
    suggest(suggestion);
    return;
  }
  awaited = suggestion;
  page.library.choose(suggestion.video);
}

// Two people saved: whose version stays is for a person to say, and can be said later.
$("decide").addEventListener("click", () => $("conflict").showModal());
$("conflict").addEventListener("close", async () => {
  const { open } = page;
  if (!open?.stuck) return;
  if ($("conflict").returnValue === "load") {
    open.dirty = false;
    choose(open.video);
  } else if ($("conflict").returnValue === "mine") {
    try {
      await saveOverTheirs(open);
    } catch (fault) {
      say(fault.message);
    }
  }
});
