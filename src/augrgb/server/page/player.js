// The player: time, frames, and what takes its place where the browser cannot play a video.

import { say } from "./messages.js";
import { $, drawnBy, page } from "./opened.js";
import { stillAt } from "./stills.js";
import { clock } from "./timeline.js";

export const video = $("video");
const CONTROLS = ["play", "speed", "play-event"];
let ownTime = 0; // where the playhead is when there is no player
let lastFrame = null; // where playing an event ends
const watchers = [];

// Who wants to know where the playhead is: called with the time, and whether a frame of the player says so.
export const whenMoved = (watch) => watchers.push(watch);

const hasPlayer = () => !video.hidden && video.readyState > 0;
// While a video plays, its clock runs ahead of what is on screen: then the time of the frame shown is the truth.
export const now = () => (hasPlayer() && video.paused ? Math.max(0, video.currentTime - page.open.result.first_frame_s) : ownTime);

export function rewind() {
  video.pause();
  ownTime = 0;
}

export function showPlayer(path) {
  video.hidden = false;
  $("poster").hidden = true;
  for (const id of CONTROLS) $(id).disabled = false;
  video.src = `${path}/media`;
}

export const removePlayer = () => video.removeAttribute("src");

video.addEventListener("error", () => {
  if (!page.open) return;
  video.hidden = true;
  $("poster").hidden = false;
  for (const id of CONTROLS) $(id).disabled = true;
  const { codec, container } = page.open.video.info;
  $("poster-text").textContent = `Your browser cannot play this video (codec ${codec || "unknown"} in ${container || "unknown"}). It is shown frame by frame instead, and all corrections work. To play it here, convert it to H.264 in MP4.`;
  showPoster();
});

function showPoster() {
  clearTimeout(showPoster.timer);
  showPoster.timer = setTimeout(() => page.open && !$("poster").hidden && ($("poster-still").src = stillAt(ownTime)), 120);
}

export function seek(time) {
  if (!page.open) return;
  lastFrame = null;
  ownTime = Math.max(0, Math.min(page.open.result.duration_s, time));
  if (hasPlayer()) video.currentTime = ownTime + page.open.result.first_frame_s;
  showTime(ownTime);
}

export function step(frames) {
  video.pause();
  seek(page.open.frames.middle(Math.max(0, page.open.frames.at(now()) + frames)));
}

function showTime(time, ofFrame = false) {
  if (!page.open) return;
  $("time").textContent = `${clock(time)} / ${clock(page.open.result.duration_s)}`;
  for (const watch of watchers) watch(time, ofFrame);
  if (!$("poster").hidden) showPoster();
}

function follow(_, shown) {
  if (page.open) {
    // At rest the playhead is where somebody put it, in the middle of the frame that is shown.
    const time = video.paused ? now() : Math.max(0, (shown?.mediaTime ?? video.currentTime) - page.open.result.first_frame_s);
    if (!video.paused) ownTime = time;
    showTime(time, true);
    if (!video.paused && lastFrame !== null && page.open.frames.at(time + 2e-4) >= lastFrame) {
      video.pause();
      seek(page.open.frames.middle(lastFrame));
    }
  }
  video.requestVideoFrameCallback?.(follow);
}

if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(follow);
else video.addEventListener("timeupdate", () => follow());
video.addEventListener("loadedmetadata", () => page.open && ownTime > 0 && seek(ownTime)); // chosen before there was a player
video.addEventListener("seeked", () => page.open && showTime(now()));
const playLabel = () => ($("play").textContent = video.paused ? "Play" : "Pause");
video.addEventListener("play", playLabel);
video.addEventListener("pause", () => {
  playLabel();
  lastFrame = null;
  if (page.open && !video.ended && !video.seeking) seek(page.open.frames.middle(page.open.frames.at(ownTime + 2e-4))); // the frame on screen, whole
});

const play = () => video.play().catch((fault) => say(fault.message));
export const toggle = () => (video.paused ? play() : video.pause());

// From the first frame of a stretch to its last.
export function playOnly(start, end) {
  if ($("play").disabled) return;
  const { frames } = page.open;
  seek(frames.into(start));
  lastFrame = frames.at(frames.before(end));
  play();
}

export function speed(direction) {
  const select = $("speed");
  select.selectedIndex = Math.max(0, Math.min(select.options.length - 1, select.selectedIndex + direction));
  video.playbackRate = Number(select.value);
}

$("speed").addEventListener("change", () => (video.playbackRate = Number($("speed").value)));
drawnBy(() => showTime(now()));
