// The timeline and the film strip above it: what they show of the open video.

import { $, drawnBy, page, secret, thresholdOf } from "./opened.js";
import { seek, video, whenMoved } from "./player.js";
import { Timeline } from "./timeline.js";

export const timeline = new Timeline($("timeline"));
timeline.handlers.onZoom = showWindow;

whenMoved((time, ofFrame) => {
  if (ofFrame && !video.paused) timeline.reveal(time);
  timeline.movePlayhead(time);
});

// The film strip is the whole video; the frame on it is what the timeline shows.
function showWindow() {
  const { from, to } = timeline;
  const whole = page.open?.result.duration_s ?? 1;
  $("window").hidden = to - from > 0.999 * whole;
  $("window").style.left = `${(100 * from) / whole}%`;
  $("window").style.width = `${(100 * (to - from)) / whole}%`;
}

$("overview").addEventListener("pointerdown", (event) => {
  if (!page.open || event.button !== 0) return;
  const box = $("overview").getBoundingClientRect();
  const at = (one) => ((one.clientX - box.left) / box.width) * page.open.result.duration_s;
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

export function showStrip(strip) {
  const images = strip.map((uri) => {
    const image = new Image();
    image.src = uri;
    image.alt = "";
    return image;
  });
  $("strip").hidden = !images.length;
  $("strip").replaceChildren(...images);
}

function shownLabels() {
  const text = $("class-filter").value.toLowerCase();
  return page.open.labels.filter((label) => !page.open.hidden.has(label) && label.toLowerCase().includes(text));
}

drawnBy(() => {
  const { open } = page;
  const thresholds = Object.fromEntries(open.labels.map((label) => [label, thresholdOf(label)]));
  timeline.show(shownLabels(), open.doc.events, open.doc.state.reviewed, open.chosen, thresholds, secret());
  $("legend-truth").hidden = !open.result.truth;
  showWindow();
});
