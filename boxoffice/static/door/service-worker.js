// Keeps the scanner on the phone: its modules, sheet, fonts and the reader of QR codes when it is installed, its page when
// it is opened. What it serves is one version of everything. `FILES` and `VERSION` are written above this line.

const CACHE = `door ${VERSION}`;
const PATIENCE_MS = 2500;
const PAGE = /^\/door\/[^/]+$/;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => event.waitUntil(keep(event)));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && PAGE.test(url.pathname)) event.respondWith(page(event.request, url.pathname));
  else if (url.pathname.startsWith("/static/")) event.respondWith(unchanging(event.request));
});

/** With the pages that an older version kept, fetched anew: they name its files. */
async function install() {
  const cache = await caches.open(CACHE);
  const pages = new Set();
  for (const name of await older()) {
    for (const request of await (await caches.open(name)).keys()) {
      const { pathname } = new URL(request.url);
      if (PAGE.test(pathname)) pages.add(pathname);
    }
  }
  await cache.addAll([...FILES, ...pages]);
  await self.skipWaiting();
}

async function activate() {
  await Promise.all((await older()).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** The first visit came before there was a worker: the page asks to be kept, and is told when it is. */
async function keep(event) {
  const path = String(event.data?.keep);
  if (!PAGE.test(path)) return;
  const cache = await caches.open(CACHE);
  if (!(await cache.match(path))) await cache.add(path);
  event.source.postMessage({ kept: path });
}

async function older() {
  return (await caches.keys()).filter((name) => name.startsWith("door ") && name !== CACHE);
}

async function page(request, path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  try {
    const answer = await (kept ? Promise.race([fetch(request), patience()]) : fetch(request));
    if (answer.ok) await cache.put(path, answer.clone());
    else if (kept && answer.status >= 500) return kept;
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

function patience() {
  return new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, new Error("the network is too slow")));
}

async function unchanging(request) {
  return (await caches.match(request)) ?? fetch(request);
}
