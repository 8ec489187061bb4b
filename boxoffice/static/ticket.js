// A ticket at the door: the screen stays awake, a tap shows the code large on white, and the page is kept so that it
// opens without a network. Without this file the ticket is a page like any other.

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

addEventListener("online", showOffline);
addEventListener("offline", showOffline);
document.addEventListener("visibilitychange", () => {
  if (qr && document.visibilityState === "visible") stayAwake();
});
showOffline();
if (qr) {
  offerLarge();
  stayAwake();
}
keep().catch(() => {}); // no room, or a private window: the ticket works all the same
