// The end of pairing: the token is kept on this phone, and the link's secret leaves the address bar.

import { openStore } from "./store.js";

const { slug, device, token } = document.querySelector("#content").dataset;

try {
  const store = await openStore(slug);
  const before = await store.get("paired");
  // Another device of the night keeps the scans on their way, each as the scan of whoever made it, and asks for the whole
  // list anew.
  const isSame = before?.device === device;
  const kept = isSame ? { own: (await store.get("own")) ?? {} } : { own: {}, sold: [] };
  await store.write({ clear: isSame ? [] : ["tickets"], kept: { paired: { device, token }, door: undefined, ...kept } });
} catch (error) {
  document.querySelector("#unkept").hidden = false;
  throw error;
}
new BroadcastChannel(`door ${slug}`).postMessage("paired");
location.replace(`/door/${encodeURIComponent(slug)}`);
