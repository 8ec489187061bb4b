// Scanners that type: a burst of keys and Enter, wherever the focus is. In a field where people write too, when the keys
// come faster than anybody's.

const PAUSE_MS = 1000; // a slow phone takes its time between keys, and nobody types outside of fields
const PAUSE_IN_FIELD_MS = 200; // what somebody wrote before it is not of the burst
const QUICK_MS = 50; // a key, on the average: people who type fast need twice as long
const LENGTH_MIN = 8;
const WRITTEN_IN = "textarea, select, input:not([type=radio], [type=checkbox])";

/** Calls `onRead(text)` for each burst. It leaves nothing in a field, and presses nothing. */
export function listenToKeys(onRead) {
  let burst = nothing();
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const field = event.target.closest(WRITTEN_IN);
      const pause = event.timeStamp - burst.last;
      const pauseMax = field && !isQuick(burst, burst.last) ? PAUSE_IN_FIELD_MS : PAUSE_MS;
      if (pause > pauseMax || field !== burst.field) burst = nothing(field, event.timeStamp);
      if (event.key.length === 1) {
        burst = { ...burst, text: burst.text + event.key, last: event.timeStamp };
      } else if (event.key === "Enter") {
        if (isScan(burst, event.timeStamp)) {
          event.preventDefault(); // it would press the button that has the focus, or send the form
          event.stopPropagation();
          clean(burst);
          onRead(burst.text);
        }
        burst = nothing();
      }
    },
    { capture: true },
  );
}

function nothing(field = null, now = -Infinity) {
  return { text: "", field, value: field?.value, first: now, last: now };
}

function isScan(burst, now) {
  return burst.text.length >= LENGTH_MIN && (!burst.field || isQuick(burst, now));
}

function isQuick({ text, first }, now) {
  return text.length > 2 && now - first <= QUICK_MS * text.length;
}

/** The field has what it had before, and whoever listens to it knows. */
function clean({ field, value }) {
  if (!field) return;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
