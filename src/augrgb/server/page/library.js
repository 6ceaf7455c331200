// The list of videos: uploads, progress, choosing, deleting.

import { get, post, remove, upload } from "./api.js";
import { clock } from "./timeline.js";

const STATES = { queued: "waiting", running: "detecting", done: "", failed: "failed", cancelled: "cancelled" };

export class Library {
  constructor({ list, all, input, drop, limit, onChoose, onGone, onDone, say }) {
    Object.assign(this, { list, all, limit, onChoose, onGone, onDone, say });
    this.videos = [];
    this.uploads = new Map();
    this.chosen = null;
    input.addEventListener("change", () => {
      this.add([...input.files]);
      input.value = "";
    });
    all.addEventListener("click", () =>
      this.act(async () => {
        for (const video of this.videos.filter((one) => !one.job)) await post(`api/videos/${video.id}/detect`);
      }),
    );
    for (const kind of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", kind === "dragover");
        if (kind === "drop") this.add([...event.dataTransfer.files]);
      });
    }
  }

  async add(files) {
    for (const file of files) {
      if (file.size > this.limit) {
        this.say(`${file.name} is larger than this server takes (${Math.round(this.limit / 2 ** 20)} MiB).`);
        continue;
      }
      const key = Symbol(file.name);
      const entry = { name: file.name, fraction: 0 };
      const wire = upload(file, (fraction) => {
        entry.fraction = fraction;
        this.draw();
      });
      entry.abort = wire.abort;
      this.uploads.set(key, entry);
      this.draw();
      wire.done
        .then((video) => {
          this.uploads.delete(key);
          if (this.chosen === null) this.choose(video.id);
          return this.refresh();
        })
        .catch((fault) => {
          this.uploads.delete(key);
          this.draw();
          if (fault.code !== "aborted") this.say(`${file.name}: ${fault.message}`);
        });
    }
  }

  async refresh() {
    clearTimeout(this.timer);
    try {
      this.videos = await get("api/videos");
      this.draw();
      for (const video of this.videos) {
        if (video.job?.state === "done" && video.id === this.chosen) this.onDone(video);
      }
    } catch (fault) {
      this.say(fault.message);
    }
    const busy = this.videos.some((video) => ["queued", "running"].includes(video.job?.state));
    clearTimeout(this.timer); // another refresh may have run meanwhile
    this.timer = setTimeout(() => this.refresh(), busy ? 700 : 5000);
  }

  choose(id) {
    this.chosen = id;
    this.draw();
    const video = this.videos.find((one) => one.id === id);
    if (video) this.onChoose(video);
    else get(`api/videos/${id}`).then((found) => this.onChoose(found), (fault) => this.say(fault.message));
  }

  async act(work) {
    try {
      await work();
      await this.refresh();
    } catch (fault) {
      this.say(fault.message);
    }
  }

  draw() {
    const rows = [
      ...[...this.uploads.values()].map((entry) => this.row(entry.name, "uploading", entry.fraction, null, ["Cancel", entry.abort])),
      ...this.videos.map((video) => this.videoRow(video)),
    ];
    const waiting = this.videos.filter((video) => !video.job);
    this.all.hidden = waiting.length < 2;
    const focused = document.activeElement?.dataset?.key;
    this.list.replaceChildren(...rows);
    if (focused) this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  videoRow(video) {
    const { job } = video;
    const busy = ["queued", "running"].includes(job?.state);
    const length = video.info.duration_s ? clock(video.info.duration_s, 0) : "";
    const state = job ? STATES[job.state] : "not detected";
    const side = busy
      ? ["Cancel", () => this.act(() => post(`api/jobs/${job.id}/cancel`))]
      : ["Delete", () => confirm(`Delete ${video.name} with its scores and corrections?`) && this.act(async () => {
          await remove(`api/videos/${video.id}`);
          if (this.chosen === video.id) {
            this.chosen = null;
            this.onGone();
          }
        })];
    const quiet = !busy && video.id !== this.chosen;
    const row = this.row(video.name, [length, state, job?.message].filter(Boolean).join(" · "), job?.state === "running" ? job.progress : null, () => this.choose(video.id), side);
    row.classList.toggle("chosen", video.id === this.chosen);
    row.dataset.id = video.id;
    row.querySelector(".open").dataset.key = `open ${video.id}`;
    if (video.id === this.chosen) row.querySelector(".open").setAttribute("aria-current", "true");
    row.querySelector(".side").dataset.key = `side ${video.id}`;
    row.querySelector(".side").classList.toggle("quiet", quiet);
    if (!busy && job?.state !== "done") {
      const again = button("Detect", () => this.act(() => post(`api/videos/${video.id}/detect`)));
      again.className = "side again";
      again.dataset.key = `again ${video.id}`;
      again.setAttribute("aria-label", `Detect in ${video.name}`);
      row.querySelector(".open").after(again);
    }
    return row;
  }

  row(name, state, fraction, open, [label, action]) {
    const row = document.createElement("li");
    const main = button("", open ?? (() => {}));
    main.className = "open";
    main.disabled = open === null;
    const title = document.createElement("span");
    title.className = "name";
    title.textContent = name;
    const small = document.createElement("small");
    small.textContent = state;
    main.append(title, small);
    const side = button(label, action);
    side.className = "side";
    side.setAttribute("aria-label", `${label} ${name}`);
    row.append(main, side);
    if (fraction !== null) {
      const bar = document.createElement("progress");
      bar.max = 1;
      bar.value = fraction;
      bar.setAttribute("aria-label", `${name}: ${state}`);
      row.append(bar);
    }
    return row;
  }
}

export function button(text, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}
