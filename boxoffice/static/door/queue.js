// Scans on their way. Each is written down before anything is sent, keeps its nonce, and goes only when the server has
// acknowledged it. docs/decisions/0006 tells why each step is as it is.

const TEXT_MAX = 8000;
export const BATCH_MAX = 500;

/** A new scan by `device`. `waiting` ones have been answered at the door; `asking` ones not yet. */
export function newScan({ device, text, code, undo, isExit, isFound, override, at }) {
  return {
    device,
    nonce: crypto.randomUUID(),
    state: "asking",
    scanned_at: new Date(at).toISOString(),
    ...(undo ? { undo } : code ? { code } : { payload: cleaned(text) }),
    direction: isExit ? "out" : "in",
    ...(isFound ? { found: true } : {}),
    ...(override ? { override } : {}),
    answered: null,
  };
}

/** A scan as the server takes it. `teller`: the scanner that this phone is now, which may be another than made the scan. */
export function bodyOf(item, teller, sentAt) {
  const { state, ticketId, order, device = teller, ...told } = item;
  return { ...told, device, ...(device === teller ? {} : { told_by: teller }), sent_at: new Date(sentAt).toISOString() };
}

/** A page that ended while it asked has shown nothing, so whatever was answered lets nobody in. */
export function afterCrash(item) {
  return item.state === "asking" ? takingBack(item, "The scanner was closed before it showed an answer") : item;
}

/**
 * What follows when the server tells the answer that it keeps under a scan's nonce: nothing when that is what the door
 * did. A question that timed out may have been answered otherwise; then the door's own act is told as well.
 */
export function following(item, answer) {
  if (item.undo || item.answered === answer || answer === "supervisors_only") return null;
  if (item.answered === "admitted" || item.answered === "left") {
    return { ...item, nonce: `${item.nonce}.door`, state: "waiting" };
  }
  if (answer === "admitted" || answer === "left") {
    return takingBack(item, `The scanner had already answered ${item.answered.replaceAll("_", " ")}`);
  }
  return null;
}

function takingBack(item, reason) {
  return {
    device: item.device,
    nonce: `${item.nonce}.undo`,
    state: "waiting",
    scanned_at: item.scanned_at,
    direction: "in",
    undo: { nonce: item.nonce, reason },
    answered: "undone",
    order: item.order,
    ticketId: item.ticketId,
  };
}

/** No half of a surrogate pair, and no more than the server takes. */
function cleaned(text) {
  return text.slice(0, TEXT_MAX).replace(/\p{Surrogate}/gu, "\ufffd");
}
