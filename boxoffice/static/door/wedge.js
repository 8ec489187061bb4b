// Scanners that type: a burst of keys and Enter, wherever the focus is, unless somebody writes in a field.

const PAUSE_MS = 1000; // a slow phone takes its time between keys, and nobody types outside of fields
const LENGTH_MIN = 8;

/** Calls `onRead(text)` for each burst. */
export function listenToKeys(onRead) {
  let typed = "";
  let last = 0;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.timeStamp - last > PAUSE_MS) typed = "";
      last = event.timeStamp;
      if (event.key === "Enter" && typed.length >= LENGTH_MIN) {
        event.preventDefault(); // it would press the button that has the focus
        event.stopPropagation();
        onRead(typed);
        typed = "";
      } else if (event.key.length === 1) typed += event.key;
    },
    { capture: true },
  );
}
