// A ticket's code that changes all the time, made on this phone: it needs no network once the page was opened
// (boxoffice/tickets/code.py makes the same). Without this file the page is loaded again for each code.

const STEP_MS = 15_000;
const STEP_BYTES = 2;
const PROOF_BYTES = 6;
const BORDER = 4;
const SLOW_MS = 10_000;
const COMPARE_EVERY_MS = 5 * 60_000;
const KEPT = "ticket clock offset";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const place = document.querySelector(".ticket-qr[data-fixed]");
const beat = document.querySelector(".ticket-beat");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
let offset = Number(localStorage.getItem(KEPT) ?? 0); // what is added to this phone's clock to get the door's
let timer;

if (crypto.subtle) start();
else setTimeout(() => location.reload(), STEP_MS); // an address that is not secure has no cryptography

async function start() {
  const { modulesOf, pathOf, SIDE } = await import(place.dataset.qr);
  const fixed = bytesOf(place.dataset.fixed);
  const how = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytesOf(place.dataset.secret), how, false, ["sign"]);

  async function show() {
    clearTimeout(timer);
    const now = Date.now() + offset;
    const step = Math.floor(now / STEP_MS);
    const number = stepBytes(step);
    const proof = new Uint8Array(await crypto.subtle.sign("HMAC", key, number));
    const text = base32([...fixed, ...number.slice(-STEP_BYTES), ...proof.slice(0, PROOF_BYTES)]);
    draw(pathOf(modulesOf(text), BORDER), SIDE + 2 * BORDER);
    const left = (step + 1) * STEP_MS - now;
    timer = setTimeout(show, left);
    tick(left);
  }

  await compare();
  await show();
  setInterval(() => compare().then(show), COMPARE_EVERY_MS);
  addEventListener("online", () => compare().then(show));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") show(); // timers sleep in a pocket
  });
}

/** How far this phone's clock is off. Without an answer what was known before stays. */
async function compare() {
  const asked = Date.now();
  try {
    const answer = await fetch("/clock", { cache: "no-store", signal: AbortSignal.timeout(SLOW_MS) });
    const { now } = await answer.json();
    offset = now - (asked + Date.now()) / 2;
    localStorage.setItem(KEPT, String(offset));
  } catch {
    // no network: the clock runs on as it did
  }
}

/** On the ticket and in the large picture, whichever are there. */
function draw(path, side) {
  for (const svg of document.querySelectorAll("svg.qr")) {
    svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
    svg.replaceChildren(filled("#fff", `M0 0h${side}v${side}H0z`), filled("#000", path));
  }
}

function filled(colour, d) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("fill", colour);
  path.setAttribute("d", d);
  return path;
}

/** Shows how long this code is shown still. */
function tick(left) {
  if (!beat || isCalm.matches) return;
  beat.getAnimations().forEach((one) => one.cancel());
  beat.animate([{ transform: `scaleX(${left / STEP_MS})` }, { transform: "scaleX(0)" }], { duration: left, fill: "forwards" });
}

function stepBytes(step) {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt(step));
  return new Uint8Array(view.buffer);
}

/** Bytes whose number is a multiple of five: no padding. */
function base32(bytes) {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(held >> (bits - 5)) & 31];
  }
  return text;
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
