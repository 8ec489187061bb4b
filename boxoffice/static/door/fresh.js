// Whether a rotating code is of now (boxoffice/tickets/code.py says the same in Python).

const STEP_MS = 15_000;
const TOLERANCE_MS = 60_000;

/** `secret`: base64 of the key's 32 bytes, or null; `shown`: what was read; `now`: ms of our clock. */
export async function isFresh(secret, shown, now) {
  if (!secret) return false;
  const ticketSecret = await hmac(bytesOf(secret), shown.signed.slice(5, 23));
  const first = Math.floor((now - TOLERANCE_MS - STEP_MS) / STEP_MS) + 1;
  const last = Math.floor((now + TOLERANCE_MS) / STEP_MS);
  for (let step = first; step <= last; step++) {
    const number = stepBytes(step);
    if (!same(shown.step, number.slice(-shown.step.length))) continue;
    const proof = await hmac(ticketSecret, number);
    if (same(shown.proof, proof.slice(0, shown.proof.length))) return true;
  }
  return false;
}

function stepBytes(step) {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt(step));
  return new Uint8Array(view.buffer);
}

async function hmac(secret, message) {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
}

function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
