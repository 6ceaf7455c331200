// What is open: a video with its result and its document, what is chosen in it, and who draws it.

// `open` is { video, result, doc, labels, frames, version, dirty, chosen, hidden: Set }, or null.
export const page = { open: null, server: null, library: null, teaching: null };

export const $ = (id) => document.getElementById(id);

export const chosen = () => (page.open?.chosen ? page.open.doc.find(page.open.chosen) : null);

export function thresholdOf(label) {
  const { doc, result } = page.open;
  return doc.state.thresholds[label] ?? result.thresholds[result.classes.indexOf(label)] ?? 0;
}

// Events of the classes that are not hidden, as they follow each other.
export const inOrder = () => page.open.doc.events.filter((event) => !page.open.hidden.has(event.label)).sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s);

// The class of the event that is judged blind, or null.
export const secret = () => (page.open.blind ? page.open.doc.find(page.open.blind.id)?.label : null);

// Each part of the page says once how it draws what is open; all draw after every change.
const parts = [];
export const drawnBy = (draw) => parts.push(draw);

export function render() {
  if (page.open) for (const draw of parts) draw();
}
