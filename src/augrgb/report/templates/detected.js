"use strict";
const stage = document.getElementById("timeline"), view = stage.querySelector(".view");
const axis = stage.querySelector(".axis"), total = Number(axis.dataset.sTotal);
const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
let zoom = 1;
function clock(seconds, decimals) {
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = (seconds % 60).toFixed(decimals);
  return (hours ? hours + ":" + String(minutes).padStart(2, "0") : minutes) + ":" + (rest < 10 ? "0" : "") + rest;
}
function drawAxis() {
  const perPixel = total / view.scrollWidth, step = steps.find(size => size / perPixel >= 80) || total;
  const last = Math.min(total, (view.scrollLeft + view.clientWidth) * perPixel), labels = [];
  for (let k = Math.floor(view.scrollLeft * perPixel / step); k * step <= last + 1e-9; k++) {
    const label = document.createElement("span");
    label.textContent = clock(Math.round(k * step * 10) / 10, step < 1 ? 1 : 0);
    label.style.left = 100 * k * step / total + "%";
    if (k * step > total - 20 * perPixel) label.className = "last";
    labels.push(label);
  }
  axis.replaceChildren(...labels);
}
// As many frames as fit whole: a slice of a frame shows nothing.
const strip = stage.querySelector(".strip"), frames = strip ? [...strip.children] : [];
function fitStrip() {
  if (!frames.length || !frames[0].naturalHeight) return;
  const whole = strip.clientHeight * frames[0].naturalWidth / frames[0].naturalHeight;
  const group = Math.min(frames.length, Math.max(1, Math.ceil(whole * frames.length / strip.clientWidth)));
  frames.forEach((frame, k) => {
    const start = k - k % group, size = Math.min(group, frames.length - start);
    frame.hidden = k !== start + Math.floor(size / 2);
    frame.style.flexGrow = size;
  });
}
addEventListener("load", fitStrip);
addEventListener("resize", () => { fitStrip(); drawAxis(); });
function setZoom(next, at) {
  const middle = at === undefined ? view.clientWidth / 2 : at, place = (view.scrollLeft + middle) / view.scrollWidth;
  zoom = Math.min(256, Math.max(1, next));
  stage.style.setProperty("--zoom", zoom);
  stage.classList.toggle("zoomed", zoom > 1);
  view.scrollLeft = place * view.scrollWidth - middle;
  fitStrip();
  drawAxis();
}
for (const button of stage.querySelectorAll("[data-zoom]"))
  button.addEventListener("click", () => setZoom(zoom * Number(button.dataset.zoom)));
view.addEventListener("wheel", event => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  setZoom(zoom * (event.deltaY < 0 ? 1.25 : 0.8), event.clientX - view.getBoundingClientRect().left);
}, { passive: false });
view.addEventListener("scroll", drawAxis, { passive: true });
view.addEventListener("keydown", event => {
  if (event.key === "+" || event.key === "-") setZoom(zoom * (event.key === "+" ? 2 : 0.5));
});
const least = document.getElementById("least"), scored = document.querySelectorAll("[data-s]");
least.addEventListener("input", () => {
  least.nextElementSibling.value = Number(least.value).toFixed(2);
  for (const item of scored) item.style.display = Number(item.dataset.s) < Number(least.value) - 5e-4 ? "none" : "";
});
const table = document.getElementById("detections");
if (table) table.querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1, key = row => row.cells[column].dataset.v;
  table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => sign * (key(a) === undefined
    ? a.cells[column].textContent.localeCompare(b.cells[column].textContent) : key(a) - key(b))));
}));
