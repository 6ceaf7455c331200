// What leaves the page: a file in any format, or corrections in the project.

import { post } from "./api.js";
import { say } from "./messages.js";
import { $, drawnBy, page, render } from "./opened.js";
import { save } from "./saving.js";

$("format").addEventListener("change", render);
$("export").addEventListener("click", async (event) => {
  if (page.open.version && !page.open.dirty) return;
  event.preventDefault();
  page.open.dirty = true;
  await save();
  if (!page.open.dirty) $("export").click();
});

$("project").addEventListener("click", async () => {
  if (!page.open) return;
  await save();
  try {
    const done = await post("api/project");
    const rest = page.server.loop ? "have no correction that training could use" : "are not wholly reviewed yet";
    const held = done.held_out ? ` ${done.held_out} are validation or test videos and stay as they are.` : "";
    say(`In the project: ${done.events} events of ${done.videos} videos. ${done.left_out} others ${rest}.${held}`);
    await page.teaching?.refresh();
  } catch (fault) {
    say(fault.message);
  }
});

drawnBy(() => {
  $("export").href = `api/videos/${page.open.video.id}/export?format=${encodeURIComponent($("format").value)}`;
});
