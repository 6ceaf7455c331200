// The page begins here: logging in, the list of videos, and the loop if the server has a project.

import { get, post } from "./api.js";
import "./commands.js";
import "./help.js";
import { Library } from "./library.js";
import { empty, say } from "./messages.js";
import { $, page } from "./opened.js";
import { choose, closed, detected, openSuggestion } from "./opening.js";
import "./output.js";
import { save } from "./saving.js";
import "./table.js";
import { Teaching } from "./teaching.js";
import { timeline } from "./view.js";

async function begin() {
  try {
    page.server = await get("api/state");
  } catch (fault) {
    if (fault.status === 401) $("login").hidden = false;
    else say(fault.message);
    return;
  }
  const { server } = page;
  $("login").hidden = true;
  $("app").hidden = false;
  $("project").hidden = !server.project;
  $("format").replaceChildren(...server.formats.map((name) => new Option(name, name)));
  $("format").value = "csv";
  page.library = new Library({
    list: $("videos"), all: $("detect-all"), input: $("file"), drop: $("drop"), limit: server.upload_bytes, say,
    onChoose: choose, onDone: detected, onGone: closed,
  });
  if (server.loop && !page.teaching) page.teaching = new Teaching({ say, save, open: openSuggestion, orders: server.orders, usual: server.order });
  window.augrgb = { timeline, document: () => page.open?.doc.state };
  await page.library.refresh();
  if (!page.open && !page.library.videos.length) empty("Add a video to begin", `The model looks for ${listed(server.classes)}. Videos stay on this server.`);
  await page.teaching?.refresh();
}

const listed = (names) => (names.length > 6 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} other classes` : names.join(", "));

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("api/login", { token: $("token").value });
    $("token").value = "";
    await begin();
  } catch (fault) {
    say(fault.message);
  }
});
begin();
