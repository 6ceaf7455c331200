// Frames that the server decodes: what the browser cannot play, and what is on both sides of a border, exactly.

import { $, chosen, page } from "./opened.js";

export const stillAt = (time) => `api/videos/${page.open.video.id}/still?time=${Math.max(0, time).toFixed(4)}`;

export function showStills(event) {
  clearTimeout(showStills.timer);
  const { frames } = page.open;
  const shown = `${page.open.video.id} ${event.start_s} ${event.end_s}`;
  if (showStills.shown === shown) return;
  showStills.timer = setTimeout(() => {
    if (!page.open || chosen()?.id !== event.id) return;
    showStills.shown = shown;
    const last = Math.max(event.start_s, event.end_s - frames.seconds / 2);
    const figures = [["First frame", frames.into(event.start_s)], ["Last frame", frames.before(last)]].map(([name, time]) => {
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
