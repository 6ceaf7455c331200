// Keys of the editor: never in text fields, letters can be switched off.

export const KEYS = [
  ["Space, K", "Play or pause"],
  ["J, L", "Slower, faster"],
  [", .", "One frame back or on"],
  ["Left, Right", "One second; with Ctrl ten"],
  ["Up, Down", "Previous or next event"],
  ["Shift+Left, Shift+Right", "To the start or end of the event"],
  ["Enter", "Accept the event; again: edit its edges"],
  ["X", "Reject the event"],
  ["U", "Unsure about the event"],
  ["R", "Nothing else happens during the event"],
  ["I, O", "Start or end of the event here"],
  ["1 to 9", "Class of the event; while playing: open and close one"],
  ["A", "Add an event here"],
  ["B", "Split the event here"],
  ["Delete", "Remove the event"],
  ["N", "Next event to review"],
  ["E", "Reviewed up to here, nothing else happens"],
  ["Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"],
  ["[ ]", "One snippet back or on"],
  ["+ - 0", "Zoom in, out, fit"],
  ["Esc", "Leave the edge, or the event"],
];

export function listen(actions, lettersOn) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.metaKey) return;
    if (event.target.closest("input:not([type=checkbox]):not([type=range]), select, textarea, dialog[open]")) return;
    if (event.target.closest(".edge") && edgeKey(event, actions)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const inButton = event.target.closest("button, a, input, summary, #table-box");
    if (inButton && ["Enter", " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(key)) return;
    if (/^[a-z]$/.test(key) && !event.ctrlKey && !lettersOn()) return;
    const name = (event.ctrlKey ? "Ctrl+" : "") + (event.shiftKey && (key.length > 1 || event.ctrlKey) ? "Shift+" : "") + key;
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
