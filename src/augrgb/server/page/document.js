// The annotations of one video: events, reviewed stretches, thresholds; one undo step per gesture.

let counter = 0;
const newId = () => `p${Date.now().toString(36)}${(counter++).toString(36)}`;
const overlap = (a, b) => Math.min(a.end_s, b.end_s) - Math.max(a.start_s, b.start_s);
const middle = (event) => (event.start_s + event.end_s) / 2;
const alike = (a, b) => a.label === b.label && overlap(a, b) > 0.5 * Math.min(a.end_s - a.start_s, b.end_s - b.start_s);

export class AnnotationDocument {
  constructor(duration, onChange) {
    this.duration = duration;
    this.onChange = onChange;
    this.state = { events: [], reviewed: [], thresholds: {}, found_by: 0 };
    this.past = [];
    this.future = [];
  }

  // A document that was made with an older result keeps what a person has judged; the rest is what the model finds now.
  load(saved, found, job) {
    const empty = { events: found.map((event) => fromMachine(event)), reviewed: [], thresholds: {}, found_by: job };
    this.state = saved ?? empty;
    if (saved && saved.found_by !== job) {
      const kept = saved.events.filter((event) => event.state !== "unreviewed");
      this.state = { ...saved, events: [...kept, ...this.fresh(found, kept)], thresholds: {}, found_by: job };
    }
    this.past = [];
    this.future = [];
  }

  // A suggestion that was drawn by chance has been judged: remembered with the judgment, and undone with it.
  mark(id, drawn) {
    this.state = { ...this.state, events: this.state.events.map((event) => (event.id === id ? { ...event, drawn } : event)) };
  }

  // What is not said already: neither like an event that a person judged, nor in time in which "nothing else happens".
  fresh(found, kept) {
    const open = (event) => !this.state.reviewed.some(([start, stop]) => start <= middle(event) && middle(event) < stop);
    const known = (event) => kept.some((one) => alike(one.machine ?? one, event) || alike(one, event));
    return found.filter((event) => open(event) && !known(event)).map((event) => fromMachine(event));
  }

  // The event that a suggestion is about; one below the threshold joins the others without a step to undo.
  suggested(suggestion) {
    const same = this.state.events.find((event) => event.state === "unreviewed" && alike(event, suggestion));
    if (same) return same.id;
    const event = fromMachine(suggestion);
    this.state = { ...this.state, events: [...this.state.events, event] };
    return event.id;
  }

  get events() {
    return this.state.events;
  }

  find(id) {
    return this.state.events.find((event) => event.id === id);
  }

  // Changes are made to a copy, so that every earlier state can come back.
  change(next, { gesture = null } = {}) {
    if (gesture === null || gesture !== this.gesture) {
      this.past.push(this.state);
      if (this.past.length > 500) this.past.shift();
      this.future = [];
    }
    this.gesture = gesture;
    this.state = { ...this.state, ...next };
    this.onChange();
  }

  endGesture() {
    this.gesture = null;
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(this.state);
    this.state = from.pop();
    this.gesture = null;
    this.onChange();
    return true;
  }

  edit(id, values, options) {
    const events = this.state.events.map((event) => {
      if (event.id !== id) return event;
      const next = { ...event, ...values };
      next.start_s = Math.max(0, Math.min(next.start_s, this.duration - 0.01));
      next.end_s = Math.min(this.duration, Math.max(next.end_s, next.start_s + 0.01));
      if (values.state === undefined) next.state = "corrected";
      return next;
    });
    this.change({ events }, options);
  }

  add(label, start_s, end_s) {
    const start = Math.max(0, Math.min(start_s, this.duration - 0.02));
    const event = { id: newId(), label, start_s: start, end_s: Math.min(this.duration, Math.max(end_s, start + 0.02)), state: "corrected", machine: null };
    this.change({ events: [...this.state.events, event] });
    return event.id;
  }

  split(id, time) {
    const event = this.find(id);
    if (!event || time <= event.start_s + 0.01 || time >= event.end_s - 0.01) return null;
    const second = { ...event, id: newId(), start_s: time, state: "corrected" };
    const events = this.state.events.flatMap((one) => (one.id === id ? [{ ...one, end_s: time, state: "corrected" }, second] : [one]));
    this.change({ events });
    return second.id;
  }

  // What the model found stays visible as rejected; what a person added goes away.
  remove(id) {
    const event = this.find(id);
    if (!event) return;
    if (event.machine) this.edit(id, { state: "rejected" });
    else this.change({ events: this.state.events.filter((one) => one.id !== id) });
  }

  review(start, stop) {
    const all = [...this.state.reviewed, [start, stop]].sort((a, b) => a[0] - b[0]);
    const joined = [];
    for (const [first, last] of all) {
      const previous = joined.at(-1);
      if (previous && first <= previous[1]) previous[1] = Math.max(previous[1], last);
      else joined.push([first, last]);
    }
    const events = this.state.events.map((event) =>
      event.state === "unreviewed" && event.start_s >= start && event.end_s <= stop + 0.001 ? { ...event, state: "accepted" } : event,
    );
    this.change({ reviewed: joined, events });
  }

  // Another threshold: what a person has judged stays, the rest is what the model finds now.
  replaceFound(label, threshold, found, gesture) {
    const kept = this.state.events.filter((event) => event.label !== label || event.state !== "unreviewed");
    const thresholds = { ...this.state.thresholds, [label]: threshold };
    this.change({ events: [...kept, ...this.fresh(found, kept)], thresholds }, { gesture });
  }

  // Near the threshold first: there a look is worth most.
  nextToReview(thresholdOf, after) {
    const waiting = this.state.events.filter((event) => event.state === "unreviewed" && event.id !== after);
    const distance = (event) => Math.abs((event.machine?.score ?? 0) - thresholdOf(event.label));
    return waiting.sort((a, b) => distance(a) - distance(b))[0] ?? null;
  }
}

function fromMachine(event) {
  const machine = { label: event.label, start_s: event.start_s, end_s: event.end_s, score: event.score };
  return { id: newId(), label: event.label, start_s: event.start_s, end_s: event.end_s, state: "unreviewed", machine };
}
