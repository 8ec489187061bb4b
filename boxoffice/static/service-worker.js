// Keeps opened tickets and what they are drawn with, nothing else. The network comes first: a ticket that was
// cancelled meanwhile must say so. Signing out clears it all.

const CACHE = "tickets";
const PATIENCE_MS = 4000;
const TICKET = /^\/tickets\/[^/]+$/;
const OFFLINE = "/tickets/offline";
const OTHERS = new Set([OFFLINE, "/tickets/login", "/tickets/code", "/tickets/link", "/tickets/sign-out"]);

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (TICKET.test(url.pathname) && !OTHERS.has(url.pathname)) event.respondWith(ticket(event.request, url.pathname));
  else if (url.pathname.startsWith("/static/")) event.respondWith(unchanging(event.request));
});

async function ticket(request, path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  try {
    const answer = await (kept ? Promise.race([fetch(request), patience()]) : fetch(request));
    if (answer.ok) await cache.put(path, answer.clone());
    else if (answer.status === 404 || answer.status === 410) await cache.delete(path);
    else if (kept && answer.status >= 500) return kept;
    return answer;
  } catch (error) {
    if (kept) return kept;
    const words = request.mode === "navigate" ? await cache.match(OFFLINE) : undefined;
    if (words) return words;
    throw error;
  }
}

function patience() {
  return new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, new Error("the network is too slow")));
}

async function unchanging(request) {
  return (await caches.match(request)) ?? fetch(request);
}
