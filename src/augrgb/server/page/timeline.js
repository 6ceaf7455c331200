// One row per class: scores on a canvas, events as elements, and only those that are on screen.

import { lanes } from "./lanes.js";
import { Pyramid } from "./pyramid.js";

const ROW = 42;
const LANE = 18;
const AXIS = 20;
const hue = (index) => `hsl(${(index * 137.5 + 205) % 360} 55% 48%)`;
export const colorOf = hue;

export function clock(seconds, digits = 1) {
  const scale = 10 ** digits;
  const whole = Math.floor(seconds * scale + 1e-6) / scale;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export class Timeline {
  constructor(box) {
    this.box = box;
    this.handlers = {}; // onChoose, onSeek, find, onEdge, onMove, onDrop, onZoom
    this.rows = box.querySelector("#rows");
    this.canvas = box.querySelector("#canvas");
    this.layer = box.querySelector("#events");
    this.playhead = box.querySelector("#playhead");
    this.from = 0;
    this.to = 1;
    this.time = 0;
    this.elements = new Map();
    this.edging = false;
    new ResizeObserver(() => this.draw()).observe(box);
    box.addEventListener("scroll", () => this.draw());
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    box.addEventListener("pointerdown", (event) => this.press(event));
  }

  load(result, scores) {
    this.result = result;
    const count = result.snippets;
    this.pyramids = result.classes.map((_, k) => new Pyramid(scores.subarray(k * count, (k + 1) * count)));
    this.from = 0;
    this.to = Math.max(0.1, result.duration_s);
    this.layer.replaceChildren();
    this.elements.clear();
  }

  // Which classes are shown, and all events; draws.
  // `secret` is a class whose scores are not shown: somebody judges one of its events blind.
  show(shown, events, reviewed, chosen, thresholds, secret = null) {
    Object.assign(this, { shown, events, reviewed, chosen, thresholds, secret });
    this.layout();
    this.draw();
  }

  layout() {
    const byLabel = new Map(this.shown.map((label) => [label, []]));
    for (const event of this.events) byLabel.get(event.label)?.push(event);
    let top = AXIS;
    this.placed = this.shown.map((label) => {
      const events = byLabel.get(label);
      const { lane, count } = lanes(events);
      const height = Math.max(ROW, count * LANE + 14);
      const row = { label, top, height, lane, events: events.sort((a, b) => a.start_s - b.start_s), index: this.result.classes.indexOf(label) };
      row.truth = (this.result.truth ?? []).filter((event) => event.label === label);
      top += height;
      return row;
    });
    this.height = top + 4;
    this.rows.style.height = `${this.height}px`;
  }

  x(time) {
    return ((time - this.from) / (this.to - this.from)) * this.width;
  }

  timeAt(x) {
    return this.from + (x / this.width) * (this.to - this.from);
  }

  draw() {
    if (this.pending || !this.placed) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.paint();
    });
  }

  paint() {
    const began = performance.now();
    this.width = this.box.clientWidth;
    const height = Math.min(this.box.clientHeight || this.height, this.height);
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(this.width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.width = `${this.width}px`;
      this.canvas.style.height = `${height}px`;
    }
    const pen = this.canvas.getContext("2d");
    const scroll = this.box.scrollTop;
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.width, height);
    this.paintReviewed(pen, height, color);
    const visible = this.placed.filter((row) => row.top + row.height > scroll && row.top < scroll + height);
    for (const row of visible) this.paintRow(pen, row, row.top - scroll, color);
    this.paintAxis(pen, color);
    this.paintEvents(visible);
    this.movePlayhead(this.time);
    this.lastPaint = performance.now() - began;
  }

  paintReviewed(pen, height, color) {
    pen.fillStyle = color("--accent");
    pen.globalAlpha = 0.07;
    for (const [start, stop] of this.reviewed) pen.fillRect(this.x(start), 0, this.x(stop) - this.x(start), height);
    pen.globalAlpha = 1;
  }

  paintRow(pen, row, top, color) {
    const { stride_s: stride, first_cell_s: first, snippets } = this.result;
    const room = row.height - 6;
    const bottom = top + row.height - 2;
    const pyramid = this.pyramids[row.index];
    if (pyramid && row.label !== this.secret) {
      pen.fillStyle = color("--wave");
      for (let x = 0; x < this.width; x++) {
        const begin = (this.timeAt(x) - first) / stride;
        const end = (this.timeAt(x + 1) - first) / stride;
        if (end <= 0 || begin >= snippets) continue;
        const [low, high] = pyramid.extremes(begin, end);
        pen.globalAlpha = 0.28;
        pen.fillRect(x, bottom - (high / 255) * room, 1, (high / 255) * room);
        pen.globalAlpha = 0.6;
        pen.fillRect(x, bottom - (high / 255) * room, 1, Math.max(1, ((high - low) / 255) * room));
      }
      pen.globalAlpha = 0.8;
      const line = bottom - (this.thresholds[row.label] ?? 0) * room;
      pen.strokeStyle = hue(row.index);
      pen.setLineDash([3, 4]);
      pen.beginPath();
      pen.moveTo(0, Math.round(line) + 0.5);
      pen.lineTo(this.width, Math.round(line) + 0.5);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.globalAlpha = 1;
    pen.fillStyle = color("--line");
    pen.fillRect(0, bottom + 1, this.width, 1);
    pen.fillStyle = color("--soft");
    pen.font = "11px system-ui, sans-serif";
    pen.fillText(row.label.slice(0, 60), 4, top + 11);
  }

  paintAxis(pen, color) {
    pen.fillStyle = color("--card");
    pen.fillRect(0, 0, this.width, AXIS);
    const span = this.to - this.from;
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400];
    const step = steps.find((one) => (one / span) * this.width > 80) ?? 28800;
    pen.fillStyle = color("--soft");
    pen.font = "11px system-ui, sans-serif";
    for (let time = Math.ceil(this.from / step) * step; time <= this.to; time += step) {
      pen.fillRect(this.x(time), AXIS - 5, 1, 5);
      pen.fillText(clock(time, step < 1 ? 1 : 0), this.x(time) + 3, AXIS - 7);
    }
  }

  paintEvents(visible) {
    const wanted = new Map();
    const truths = [];
    for (const row of visible) {
      let previous = -Infinity;
      for (const event of row.events) {
        if (event.end_s < this.from || event.start_s > this.to) continue;
        const left = this.x(event.start_s);
        const right = this.x(event.end_s);
        if (row.label === this.secret && event.id !== this.chosen && event.state === "unreviewed") continue;
        // What is under a pixel wide and beside another like it cannot be distinguished, and waits for a closer look.
        if (right < previous + 1 && event.id !== this.chosen) continue;
        previous = right;
        wanted.set(event.id, { event, row, left, width: Math.max(3, right - left), top: row.top + 13 + row.lane.get(event.id) * LANE });
      }
      for (const event of row.truth) {
        if (event.end_s >= this.from && event.start_s <= this.to && row.label !== this.secret) truths.push({ event, row });
      }
    }
    for (const [id, element] of this.elements) {
      if (!wanted.has(id)) {
        element.remove();
        this.elements.delete(id);
      }
    }
    for (const [id, place] of wanted) this.placeEvent(id, place);
    for (const old of this.layer.querySelectorAll(".truth")) old.remove();
    for (const { event, row } of truths) {
      const bar = document.createElement("div");
      bar.className = "truth";
      bar.title = `true: ${event.label}`;
      bar.style.left = `${this.x(event.start_s)}px`;
      bar.style.width = `${Math.max(2, this.x(event.end_s) - this.x(event.start_s))}px`;
      bar.style.top = `${row.top + row.height - 7}px`;
      this.layer.append(bar);
    }
  }

  placeEvent(id, { event, row, left, width, top }) {
    let element = this.elements.get(id);
    if (!element) {
      element = document.createElement("div");
      element.dataset.id = id;
      element.append(document.createElement("span"));
      this.layer.append(element);
      this.elements.set(id, element);
    }
    const chosen = id === this.chosen;
    const name = `event ${event.state}${chosen ? " chosen" : ""}`;
    if (element.className !== name) element.className = name;
    element.style.cssText = `left:${left}px;width:${width}px;top:${top}px;height:${LANE - 3}px;--hue:${hue(row.index)}`;
    const text = width > 40 ? `${MARK[event.state]} ${event.label}` : "";
    if (element.firstChild.textContent !== text) element.firstChild.textContent = text;
    element.title = `${event.label}, ${clock(event.start_s, 2)} to ${clock(event.end_s, 2)}, ${event.state}`;
    const edges = element.querySelectorAll(".edge");
    if (chosen && !edges.length) for (const side of ["start", "end"]) element.append(this.edge(event, side));
    if (!chosen) for (const edge of edges) edge.remove();
    if (chosen) for (const edge of element.querySelectorAll(".edge")) this.describe(edge, event);
  }

  edge(event, side) {
    const edge = document.createElement("div");
    edge.className = `edge ${side}`;
    edge.dataset.side = side;
    edge.tabIndex = -1;
    edge.setAttribute("role", "slider");
    edge.setAttribute("aria-label", `${side === "start" ? "Start" : "End"} of ${event.label}`);
    return edge;
  }

  describe(edge, event) {
    const value = edge.dataset.side === "start" ? event.start_s : event.end_s;
    edge.setAttribute("aria-valuemin", "0");
    edge.setAttribute("aria-valuemax", this.result.duration_s.toFixed(2));
    edge.setAttribute("aria-valuenow", value.toFixed(2));
    edge.setAttribute("aria-valuetext", clock(value, 2));
  }

  focusEdge(side) {
    this.paint();
    this.layer.querySelector(`.edge.${side}`)?.focus();
  }

  movePlayhead(time) {
    this.time = time;
    const x = this.x(time);
    this.playhead.hidden = !(x >= 0 && x <= this.width);
    this.playhead.style.transform = `translateX(${x}px)`;
    this.playhead.style.height = `${this.height ?? 0}px`;
  }

  zoom(factor, around = this.time) {
    const duration = this.result.duration_s;
    const span = Math.min(duration, Math.max(Math.min(duration, 0.5), (this.to - this.from) * factor));
    const share = Math.min(1, Math.max(0, (around - this.from) / (this.to - this.from)));
    this.from = Math.max(0, Math.min(duration - span, around - share * span));
    this.to = this.from + span;
    this.handlers.onZoom();
    this.draw();
  }

  pan(seconds) {
    const span = this.to - this.from;
    this.from = Math.max(0, Math.min(this.result.duration_s - span, this.from + seconds));
    this.to = this.from + span;
    this.handlers.onZoom();
    this.draw();
  }

  fit() {
    this.from = 0;
    this.to = this.result.duration_s;
    this.handlers.onZoom();
    this.draw();
  }

  // A whole event with some room around it: moved into view, and seen from farther away where it is too long.
  revealEvent({ start_s, end_s }) {
    if (start_s >= this.from && end_s <= this.to) return;
    const room = 1.25 * (end_s - start_s);
    if (room > this.to - this.from) this.zoom(room / (this.to - this.from), this.from);
    this.pan((start_s + end_s) / 2 - (this.from + this.to) / 2);
  }

  reveal(time) {
    if (time < this.from || time > this.to) this.pan(time - (this.from + this.to) / 2);
  }

  revealRow(label) {
    const row = this.placed?.find((one) => one.label === label);
    if (!row) return;
    const top = this.box.scrollTop;
    if (row.top < top + AXIS || row.top + row.height > top + this.box.clientHeight) this.box.scrollTop = row.top - this.box.clientHeight / 2 + row.height / 2;
  }

  wheel(event) {
    if (!this.result) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(1.0015 ** event.deltaY, this.timeAt(event.clientX - this.box.getBoundingClientRect().left));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      event.preventDefault();
      this.pan(((event.deltaX || event.deltaY) / this.width) * (this.to - this.from));
    }
  }

  press(event) {
    if (event.button !== 0 || !this.result) return;
    const at = (one) => this.timeAt(one.clientX - this.box.getBoundingClientRect().left);
    const element = event.target.closest(".event");
    const edge = event.target.closest(".edge");
    const id = element?.dataset.id;
    const start = at(event);
    if (id) this.handlers.onChoose(id);
    if (!edge) this.handlers.onSeek(start);
    const original = id ? { ...this.handlers.find(id) } : null;
    const gesture = Symbol("drag");
    let moved = false;
    const move = (one) => {
      const time = at(one);
      if (!moved && Math.abs(one.clientX - event.clientX) < 3) return;
      moved = true;
      if (edge) this.handlers.onEdge(id, edge.dataset.side, time, gesture, one.altKey);
      else if (original) this.handlers.onMove(id, original, time - start, gesture, one.altKey);
      else this.handlers.onSeek(time);
    };
    const stop = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", stop);
      window.removeEventListener("pointercancel", stop);
      this.handlers.onDrop();
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", stop);
    window.addEventListener("pointercancel", stop);
    this.box.focus({ preventScroll: true });
    event.preventDefault();
  }
}

const MARK = { unreviewed: "", accepted: "✓", corrected: "✎", rejected: "✗", unsure: "?" };
