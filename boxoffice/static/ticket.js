// A ticket at the door: the screen stays awake, a tap shows the code large on white, the page is kept so that it opens
// without a network, and shows soon that somebody came in. Without this file the ticket is a page like any other.

const LOOK_EVERY_MS = 20_000;
const SLOW_MS = 10_000;
const qr = document.querySelector(".ticket-qr");
const saved = document.querySelector("#saved");
let awake;

async function stayAwake() {
  if (awake && !awake.released) return;
  try {
    awake = await navigator.wakeLock?.request("screen");
  } catch {
    awake = undefined; // a nearly empty battery may refuse
  }
}

function showOffline() {
  saved.hidden = navigator.onLine;
}

/** Keeps this page with what it is drawn with; the service worker answers with it when there is no network. */
async function keep() {
  if (!("serviceWorker" in navigator) || !("caches" in self) || !navigator.onLine) return;
  await navigator.serviceWorker.register("/tickets/service-worker.js");
  const parts = [...document.querySelectorAll("link[rel=stylesheet], link[rel=preload], link[rel=modulepreload], link[rel=icon], script[src]")];
  const cache = await caches.open("tickets");
  await cache.addAll([location.pathname, "/tickets/offline", ...parts.map((part) => part.href ?? part.src)]);
  await navigator.serviceWorker.ready;
  document.querySelector("#kept").hidden = false;
}

function offerLarge() {
  const dialog = document.createElement("dialog");
  dialog.className = "large";
  dialog.setAttribute("aria-label", "QR code, large");
  const close = document.createElement("button");
  close.className = "button block";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  const code = document.querySelector(".ticket-code")?.cloneNode(true) ?? "";
  if (code) code.className = "large-code";
  const hint = document.createElement("p");
  hint.textContent = "Hard to scan? Turn your screen up.";
  dialog.append(qr.querySelector("svg").cloneNode(true), code, hint, close);
  document.body.append(dialog);
  const open = document.createElement("button");
  open.className = "button block";
  open.textContent = "Show the code large";
  open.addEventListener("click", () => {
    dialog.showModal();
    stayAwake(); // some browsers grant it only to a tap
  });
  document.querySelector(".ticket-actions").prepend(open);
}

/** On the night, while somebody looks: the page is loaded anew once the ticket is another than it shows. */
async function look() {
  const { state, from, until } = document.querySelector("#watched").dataset;
  const now = Date.now();
  if (document.visibilityState !== "visible" || !navigator.onLine || now < Date.parse(from) || now > Date.parse(until)) return;
  try {
    const answer = await fetch(`${location.pathname}/state`, { cache: "no-store", signal: AbortSignal.timeout(SLOW_MS) });
    if (answer.ok && (await answer.json()).state !== state) location.reload();
  } catch {
    // no network: the next look tells
  }
}

addEventListener("online", showOffline);
addEventListener("offline", showOffline);
document.addEventListener("visibilitychange", () => {
  if (!qr || document.visibilityState !== "visible") return;
  stayAwake();
  look();
});
showOffline();
if (qr) {
  setInterval(look, LOOK_EVERY_MS);
  offerLarge();
  stayAwake();
}
keep().catch(() => {}); // no room, or a private window: the ticket works all the same
