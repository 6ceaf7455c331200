// The loop: what to review next, fitting again, and what each round was worth.

import { get, post } from "./api.js";
import { button } from "./library.js";
import { clock } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const percent = (value) => (value === null || value === undefined ? "–" : (100 * value).toFixed(1));
const signed = (value) => (value >= 0 ? "+" : "−") + Math.abs(100 * value).toFixed(1);
const ORDERS = { threshold: "Near the threshold", disagreement: "Where two models disagree", boundaries: "Doubtful boundaries", chance: "By chance, blind" };
const BUSY = ["queued", "running"];

export class Teaching {
  constructor({ say, save, open, orders, usual }) {
    Object.assign(this, { say, save, open });
    this.offered = new Set();
    this.state = null;
    $("teach").hidden = $("review").hidden = false;
    const order = $("review-order");
    order.replaceChildren(...orders.map((one) => new Option(ORDERS[one] ?? one, one)));
    order.value = usual;
    order.addEventListener("change", () => this.refresh());
    $("fit").addEventListener("click", () => this.fit());
    $("fit-cancel").addEventListener("click", () => this.act(() => post("api/project/cancel")));
  }

  async act(work) {
    try {
      await work();
    } catch (fault) {
      this.say(fault.message);
    }
    await this.refresh();
  }

  fit() {
    return this.act(async () => {
      await this.save();
      await post("api/project/fit");
    });
  }

  async refresh() {
    clearTimeout(this.timer);
    try {
      this.state = await get("api/project");
      this.draw();
      this.list(await get(`api/review?limit=6&order=${$("review-order").value}`));
    } catch (fault) {
      this.say(fault.message);
    }
    clearTimeout(this.timer); // another refresh may have run meanwhile
    this.timer = setTimeout(() => this.refresh(), this.state?.open ? 1000 : 5000);
  }

  // The best suggestion that was not offered before; false if there is none.
  async next() {
    await this.save();
    const found = (await get(`api/review?limit=100&order=${$("review-order").value}`)).find((one) => !this.offered.has(keyOf(one)));
    if (!found) return false;
    this.show(found);
    return true;
  }

  show(suggestion) {
    this.offered.add(keyOf(suggestion));
    this.open(suggestion);
  }

  list(suggestions) {
    const text = JSON.stringify(suggestions);
    if (text === this.listed) return;
    this.listed = text;
    const rows = suggestions.slice(0, 5).map((one) => {
      const row = document.createElement("li");
      const choose = button("", () => this.show(one));
      choose.className = "suggestion";
      const title = document.createElement("span");
      title.textContent = `${one.label}, ${clock(one.start_s)}`;
      const small = document.createElement("small");
      small.textContent = one.name;
      const why = document.createElement("small");
      why.textContent = one.reason;
      choose.append(title, small, why);
      choose.title = `${one.name}: ${one.reason}`;
      row.append(choose);
      return row;
    });
    const held = $("review-list").contains(document.activeElement);
    $("review-list").replaceChildren(...rows);
    if (held) $("review-list").querySelector("button")?.focus();
    $("review-empty").hidden = rows.length > 0;
  }

  draw() {
    const { rounds, news, name } = this.state;
    const last = rounds.at(-1);
    const busy = BUSY.includes(last?.state);
    $("teach-name").textContent = name;
    $("fit").disabled = busy || !news;
    $("fit-cancel").hidden = !busy;
    $("teach-progress").hidden = !busy;
    if (last?.state === "running" && last.fraction > 0) $("teach-progress").value = last.fraction;
    else $("teach-progress").removeAttribute("value");
    const text = busy
      ? `Round ${last.number}: ${last.state === "queued" ? "waiting" : last.stage || "starting"}${last.fraction ? `, ${Math.round(100 * last.fraction)} %` : ""}`
      : last?.state === "failed"
        ? `Round ${last.number} failed. ${last.message} (${last.code})`
        : news
          ? "There are corrections that no model has learned from yet."
          : "Correct something; then the model can learn from it.";
    if ($("teach-state").textContent !== text) $("teach-state").textContent = text;
    const done = rounds.filter((round) => round.state === "done");
    $("rounds").replaceChildren(...done.map((round, place) => this.row(round, done[place - 1])));
    $("rounds-box").hidden = !done.length;
    this.blind(this.state.blind);
    const { videos, on } = done.at(-1)?.worth ?? {};
    const place = on === "test" ? `the ${videos} test video${videos === 1 ? "" : "s"}, which no correction changes` : `${videos} videos, each held out in turn (the project has no test videos, and corrections may change these)`;
    $("rounds-note").textContent = videos ? `Frame mAP on ${place}. In brackets: 95 % intervals over videos. A gain whose interval includes 0 may be chance.` : "";
  }

  // What people said without being shown what the model thinks.
  blind({ shown, missed }) {
    const share = ({ right, drawn, low, high }) => `${right} of ${drawn} (${Math.round(100 * low)} to ${Math.round(100 * high)} %)`;
    const parts = [];
    if (shown.drawn) parts.push(`of the events it shows, ${share(shown)} are right`);
    if (missed.drawn) parts.push(`of its near misses, ${share(missed)} are events`);
    $("blind-note").textContent = parts.length ? `Drawn by chance and judged blind, for the model that detects now: ${parts.join("; ")}.` : "";
  }

  row(round, before) {
    const judged = (one) => one?.applied?.judged ?? 0;
    const worth = round.worth ?? {};
    const range = (low, high, format) => (low === null || low === undefined ? "" : `${format(low)} to ${format(high)}`);
    const cells = [
      round.number === 0 ? "before" : String(round.number),
      round.number === 0 ? "–" : String(judged(round) - judged(before)),
      round.number === 0 ? "–" : round.minutes.toFixed(1),
      [percent(worth.value), range(worth.low, worth.high, percent)],
      worth.gain === null || worth.gain === undefined ? "–" : [signed(worth.gain), range(worth.gain_low, worth.gain_high, signed)],
    ];
    const row = document.createElement("tr");
    cells.forEach((text, place) => {
      const cell = document.createElement(place ? "td" : "th");
      if (!place) cell.scope = "row";
      const [number, spread] = [text].flat();
      cell.textContent = number;
      if (spread) {
        const small = document.createElement("small");
        small.textContent = ` (${spread})`;
        cell.append(small);
      }
      row.append(cell);
    });
    return row;
  }
}

const keyOf = (one) => `${one.video} ${one.label} ${one.start_s.toFixed(2)} ${one.end_s.toFixed(2)}`;
