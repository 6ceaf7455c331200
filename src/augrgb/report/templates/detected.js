"use strict";
const stage = document.getElementById("timeline"), view = stage.querySelector(".view");
let zoom = 1;
function setZoom(next, at) {
  const middle = at === undefined ? view.clientWidth / 2 : at, place = (view.scrollLeft + middle) / view.scrollWidth;
  zoom = Math.min(256, Math.max(1, next));
  stage.style.setProperty("--zoom", zoom);
  stage.classList.toggle("zoomed", zoom > 1);
  view.scrollLeft = place * view.scrollWidth - middle;
}
for (const button of stage.querySelectorAll("[data-zoom]"))
  button.addEventListener("click", () => setZoom(zoom * Number(button.dataset.zoom)));
view.addEventListener("wheel", event => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  setZoom(zoom * (event.deltaY < 0 ? 1.25 : 0.8), event.clientX - view.getBoundingClientRect().left);
}, { passive: false });
view.addEventListener("keydown", event => {
  if (event.key === "+" || event.key === "-") setZoom(zoom * (event.key === "+" ? 2 : 0.5));
});
const least = document.getElementById("least"), scored = document.querySelectorAll("[data-s]");
least.addEventListener("input", () => {
  least.nextElementSibling.value = Number(least.value).toFixed(2);
  for (const item of scored) item.style.display = Number(item.dataset.s) < Number(least.value) ? "none" : "";
});
const table = document.getElementById("detections");
if (table) table.querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1, key = row => row.cells[column].dataset.v;
  table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => sign * (key(a) === undefined
    ? a.cells[column].textContent.localeCompare(b.cells[column].textContent) : key(a) - key(b))));
}));
