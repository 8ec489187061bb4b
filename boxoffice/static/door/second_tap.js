// Whoever taps twice means what was there at the first tap, not what came in its place.

const SECOND_TAP_MS = 600;

const timers = new WeakMap();

/** Buttons that have just come take no tap for a moment. */
export function settle(buttons) {
  clearTimeout(timers.get(buttons));
  buttons.inert = true;
  timers.set(buttons, setTimeout(() => (buttons.inert = false), SECOND_TAP_MS));
}
