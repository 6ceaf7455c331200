// Fingers and the mouse on the timeline: events and edges follow, and so does the video.

import { moveEdge, pick, snap } from "./editing.js";
import { page } from "./opened.js";
import { seek } from "./player.js";
import { timeline } from "./view.js";

Object.assign(timeline.handlers, {
  onChoose: (id) => pick(id),
  onSeek: (time) => seek(time),
  find: (id) => page.open.doc.find(id),
  onEdge: (id, side, time, gesture, free) => moveEdge(id, side, time, { gesture }, free),
  onMove: (id, original, by, gesture, free) => {
    const length = original.end_s - original.start_s;
    const start = snap(Math.max(0, Math.min(page.open.result.duration_s - length, original.start_s + by)), free);
    page.open.doc.edit(id, { start_s: start, end_s: start + length }, { gesture });
    seek(start);
  },
  onDrop: () => page.open?.doc.endGesture(),
});
