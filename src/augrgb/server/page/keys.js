// Keys of the editor: never in text fields; letters can be switched off, single keys can be changed.

// What the key does, and its name in `actions` where it can be changed.
export const KEYS = [
  ["Space", "Play or pause"],
  ["K", "Play or pause", "k"],
  ["J", "Slower; with Shift slowest", "j"],
  ["L", "Faster; with Shift fastest", "l"],
  ["P", "Play the event", "p"],
  [",", "One frame back", ","],
  [".", "One frame on", "."],
  ["Left, Right", "One second; with Ctrl ten"],
  ["Up, Down", "Previous or next event"],
  ["Shift+Left, Shift+Right", "To the start or end of the event"],
  ["Enter", "Accept the event; again: edit its edges"],
  ["X", "Reject the event", "x"],
  ["U", "Unsure about the event", "u"],
  ["R", "Nothing else happens during the event", "r"],
  ["I", "Start of the event here", "i"],
  ["O", "End of the event here", "o"],
  ["C", "Next class for the event", "c"],
  ["1 to 9", "Class of the event; while playing: open and close one"],
  ["A", "Add an event here", "a"],
  ["B", "Split the event here", "b"],
  ["Delete", "Remove the event"],
  ["N", "Next event to review", "n"],
  ["E", "Reviewed up to here, nothing else happens", "e"],
  ["Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"],
  ["[", "One snippet back", "["],
  ["]", "One snippet on", "]"],
  ["+ \u2212 0", "Zoom in, out, fit"],
  ["Esc", "Leave the edge, or the event"],
];

const STORE = "augrgb.keys";
const LETTERS = "augrgb.letters";
let own = {}; // the original key -> the one that somebody chose
let letters = true; // whether letters do anything: somebody who dictates switches them off

try {
  letters = localStorage.getItem(LETTERS) !== "off";
  own = JSON.parse(localStorage.getItem(STORE) ?? "{}");
} catch {
  // no storage, or not ours: the original keys
}

export const lettersOn = () => letters;

export function switchLetters(on) {
  letters = on;
  keep();
}

export const keyOf = (name) => own[name] ?? name;

// Give a key another action's place; the other gets the old key. False if it cannot be used.
export function changeKey(name, key) {
  const changeable = KEYS.map((row) => row[2]).filter(Boolean);
  if (key.length !== 1 || key === " " || /[0-9+=?-]/.test(key)) return false;
  const lower = key.toLowerCase();
  const other = changeable.find((one) => one !== name && keyOf(one) === lower);
  if (other) own[other] = keyOf(name);
  own[name] = lower;
  keep();
  return true;
}

export function resetKeys() {
  own = {};
  keep();
}

function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify(own));
    localStorage.setItem(LETTERS, letters ? "on" : "off");
  } catch {
    // they hold until the page is closed
  }
}

// The original key behind the one that was pressed; null for one that lost its action.
function original(key) {
  const found = Object.keys(own).find((name) => own[name] === key);
  if (found) return found;
  return own[key] && own[key] !== key ? null : key;
}

export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.metaKey) return;
    if (event.target.closest("input:not([type=checkbox]):not([type=range]), select, textarea, dialog[open]")) return;
    if (event.target.closest(".edge") && edgeKey(event, actions)) return;
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const key = event.ctrlKey ? pressed : original(pressed);
    if (key === null) return;
    const inButton = event.target.closest("button, a, input, summary, #table-box");
    if (inButton && ["Enter", " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(key)) return;
    if (/^\p{Letter}$/u.test(pressed) && !event.ctrlKey && !lettersOn()) return;
    const shifted = event.shiftKey && (key.length > 1 || event.ctrlKey || key === "j" || key === "l");
    const name = (event.ctrlKey ? "Ctrl+" : "") + (shifted ? "Shift+" : "") + key;
    const action = actions[name];
    if (action && action() !== false) event.preventDefault();
  });
}

function edgeKey(event, actions) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
  const side = event.target.dataset.side;
  if (event.key in steps && !event.ctrlKey) actions.nudge(side, steps[event.key]);
  else if (event.key === "Escape") actions.leaveEdge();
  else if (event.key === "Enter") actions.otherEdge(side);
  else return false;
  event.preventDefault();
  return true;
}
