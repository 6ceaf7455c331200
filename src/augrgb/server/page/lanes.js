// Events that overlap are drawn in lanes of their row.

export function lanes(events) {
  const ends = [];
  const lane = new Map();
  for (const event of [...events].sort((a, b) => a.start_s - b.start_s || a.end_s - b.end_s)) {
    let place = ends.findIndex((end) => end <= event.start_s + 1e-9);
    if (place < 0) place = ends.push(0) - 1;
    ends[place] = event.end_s;
    lane.set(event.id, place);
  }
  return { lane, count: Math.max(1, ends.length) };
}
