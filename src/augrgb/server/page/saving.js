// Saving: by itself, soon after each change, and never over what somebody else saved.

import { Fault, get, put } from "./api.js";
import { say } from "./messages.js";
import { $, page, render } from "./opened.js";

const AUTOSAVE_MS = 1500;
let timer = null;
let saving = null; // the request on its way

export function changed() {
  const { open } = page;
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

export async function save() {
  clearTimeout(timer);
  while (saving) await saving;
  const { open } = page;
  if (!open || !open.dirty || open.stuck) return;
  saving = send(open);
  await saving;
}

// What is left unsaved is given up: no save of it is waiting any more.
export const saveNoMore = () => clearTimeout(timer);

async function send(one) {
  one.dirty = false;
  try {
    const answer = await put(`api/videos/${one.video.id}/annotations`, { based_on: one.version, document: one.doc.state });
    one.version = answer.version;
    page.teaching?.refresh();
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

// Somebody has seen that there is another version, and wants this one instead.
export async function saveOverTheirs(one) {
  one.version = (await get(`api/videos/${one.video.id}/annotations`)).version;
  one.stuck = false;
  await save();
}

export function showSaved() {
  const { open } = page;
  $("decide").hidden = !open?.stuck;
  $("save-state").textContent = !open ? "" : open.stuck ? "Not saved: somebody else saved first" : open.dirty || saving ? "Unsaved changes…" : open.version ? `Saved, version ${open.version}` : "";
  document.title = open ? `${open.dirty ? "• " : ""}${open.video.name} – augrgb` : "augrgb";
}

window.addEventListener("beforeunload", (event) => {
  if (page.open?.dirty) event.preventDefault();
});
