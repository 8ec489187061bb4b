// The scanner's screen. What it knows and does is in scanner.js.

import { moves } from "./answer.js";
import { Camera, missing } from "./camera.js";
import { Refused } from "./network.js";
import { FOUND_MAX } from "./night.js";
import { Picture } from "./picture.js";
import { element, refocus, Result } from "./result.js";
import { Scanner } from "./scanner.js";
import { Selling } from "./sell.js";
import { setSound, wakeSound } from "./sound.js";
import { openStore, Unkept } from "./store.js";
import { listenToKeys } from "./wedge.js";
import { askWhy } from "./why.js";
import { ANSWERS, isolated, sentence, standing, wordOf } from "./words.js";

const SYNC_EVERY_MS = 10_000;
const SOON_MS = 1500;
const OLD_LIST_MINUTES = 10;
const LATELY_MINUTES = 10;
const UNDO_REASONS = ["Scanned by mistake", "Wrong person", "Turned away after all"];
const TAKEN_OVER = "Another phone was paired by this scanner's link since, and scans in its place. Ask for a link of your own, and pair this one again.";
const CAMERA_ENDED = "The camera stopped: another app took it, or it was unplugged. Try it again, or type codes.";
const NOT_KEPT = { answer: "not_kept", holder: "", ticketType: "", code: "", admits: 1 };
const OVERRIDE_REASONS = ["Known to the house", "Let in by the night's host", "Left for a moment"];

const find = (selector) => document.querySelector(selector);
const page = find("#content");
const { slug, ed25519, reader, wasm } = page.dataset;
const scanner = new Scanner(await openStore(slug).catch(keepsNothing), slug, ed25519);
const result = new Result(clock, (entry) => [...companions(entry), ...offers(entry)], () => scanner.door?.age_minimum ?? 0);
const picture = new Picture((text) => scanner.isOurs(text), () => !selling.isOpen && !find("#why").open);
const camera = new Camera(find("#video"), { script: reader, wasm }, picture, scanSeen, () => sayNoCamera(CAMERA_ENDED));
let selling;
let direction = "in";
let soon;
let awake;

await onlyHere();
if (await scanner.load()) start();
else find("#unpaired").hidden = false;
new BroadcastChannel(`door ${slug}`).addEventListener("message", () => location.reload()); // paired anew in another tab

function keepsNothing(error) {
  find("#unkept").hidden = false;
  throw error;
}

/** Two tabs would work on one queue: the second waits until the first is closed. */
async function onlyHere() {
  if (!navigator.locks) return;
  const elsewhere = setTimeout(() => (find("#elsewhere").hidden = false), 500);
  await new Promise((resolve) => {
    navigator.locks.request(`door ${slug}`, () => {
      resolve();
      return new Promise(() => {});
    });
  });
  clearTimeout(elsewhere);
  find("#elsewhere").hidden = true;
}

function start() {
  scanner.addEventListener("change", show);
  show();
  scanner.sync();
  setInterval(() => {
    show();
    if (document.visibilityState === "visible" || scanner.waiting > 0) scanner.sync();
  }, SYNC_EVERY_MS);
  addEventListener("online", () => scanner.sync());
  addEventListener("offline", () => {
    scanner.online = false;
    show();
  });
  addEventListener("pointerdown", wakeSound);
  addEventListener("keydown", wakeSound);
  listenToKeys(scanTyped);
  listenToForms();
  selling = new Selling(scanner, clock);
  navigator.storage?.persist?.().catch(() => {});
  keepHere().catch(() => {}); // a private window: the scanner works, and needs a network to open
  look();
  find("#camera-again").addEventListener("click", look);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
    else camera.stop(); // the light of the camera tells that nobody looks
  });
}

/** Has the service worker keep this page, so that it opens without a network. */
async function keepHere() {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data?.kept === location.pathname) find("#kept").hidden = false;
  });
  await navigator.serviceWorker.register("/door/service-worker.js");
  (await navigator.serviceWorker.ready).active.postMessage({ keep: location.pathname });
}

/** Opens the camera, or says why there is none. */
async function look() {
  stayAwake();
  if (scanner.refused || camera.isRunning) return;
  find("#camera-off").hidden = true;
  try {
    await camera.start();
    find("#torch").hidden = !camera.hasTorch;
    if (camera.hasTorch && find("#torch").getAttribute("aria-pressed") === "true") setTorch(true); // it went out with the camera
  } catch (error) {
    sayNoCamera(error.message);
  }
}

function sayNoCamera(why) {
  find("#camera-off").hidden = false;
  find("#camera-why").textContent = why;
  find("#camera-again").hidden = Boolean(missing());
  find("#torch").hidden = true;
}

/** A hot phone, or one that is nearly empty, refuses. */
function setTorch(on) {
  return camera.setTorch(on).catch(() => find("#torch").setAttribute("aria-pressed", "false"));
}

async function stayAwake() {
  if (awake && !awake.released) return;
  try {
    awake = await navigator.wakeLock?.request("screen");
  } catch {
    awake = undefined; // a nearly empty battery may refuse
  }
}

/** The next guest's ticket: whatever is open was left without an answer. */
function scanTyped(text) {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close("no");
  return scan(text);
}

/** Who looks for a name sees the answer. */
function scanSeen(text) {
  find("#finding").close();
  scan(text);
}

/** One ticket, whoever read it; whether somebody may go through. Without a list nothing can be answered yet. */
async function scan(text, options = {}) {
  if (!text.trim() || !scanner.door || scanner.refused) return false;
  let entry = null;
  try {
    entry = await scanner.scan(text, { isExit: direction === "out", ...options });
    result.show(entry);
  } catch (error) {
    if (error instanceof Unkept) result.show(NOT_KEPT);
    else if (error instanceof Refused) tell(error.message);
    else throw error;
  }
  clearTimeout(soon);
  soon = setTimeout(() => scanner.sync(), SOON_MS);
  return Boolean(entry) && moves(entry.answer);
}

function listenToForms() {
  find("#typing").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = event.target.elements.code;
    scan(field.value);
    field.value = "";
  });
  for (const key of document.querySelectorAll("#typing [data-key]")) {
    key.addEventListener("pointerdown", (event) => event.preventDefault()); // the phone's keyboard stays
    key.addEventListener("click", () => typeInto(find("#code"), key.dataset.key));
  }
  find("#find").addEventListener("click", () => {
    find("#finding").showModal();
    find("#words").value = "";
    showFound();
  });
  find("#words").addEventListener("input", showFound);
  find("#finding-close").addEventListener("click", () => find("#finding").close());
  find("#sound").addEventListener("click", () => turn("#sound", sound));
  if (localStorage.getItem("door silent")) turn("#sound", sound);
  find("#torch").addEventListener("click", () => turn("#torch", setTorch));
  find("#light").addEventListener("click", () => turn("#light", light));
  if (localStorage.getItem("door light")) turn("#light", light);
  for (const button of document.querySelectorAll("[data-direction]")) {
    button.addEventListener("click", () => {
      direction = button.dataset.direction;
      show();
    });
  }
}

/** A key of ours, where the cursor is. */
function typeInto(field, letter) {
  if (field.value.length < field.maxLength) field.setRangeText(letter, field.selectionStart, field.selectionEnd, "end");
  field.focus();
}

function turn(selector, act) {
  const button = find(selector);
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  act(on);
}

function light(on) {
  document.documentElement.classList.toggle("door-light", on);
  remember("door light", on);
}

function sound(on) {
  setSound(on);
  remember("door silent", !on);
}

/** For the next time that the scanner is opened. */
function remember(name, is) {
  if (is) localStorage.setItem(name, "yes");
  else localStorage.removeItem(name);
}

function offers(entry) {
  const found = [];
  if (entry.answer === "admitted" || entry.answer === "left") found.push({ label: "Undo", act: () => undo(entry) });
  else if (scanner.door?.role === "supervisor" && entry.code && entry.answer !== "undone" && direction === "in") {
    found.push({ label: "Let in anyway", act: () => insist(entry) });
  }
  return found;
}

/** Who else may come in by the name of a guest who was let in. */
function companions(entry) {
  const more = entry.ticketId && entry.answer === "admitted" ? scanner.party(entry.ticketId)?.waiting ?? [] : [];
  return more.length > 0 ? [{ label: `Let in ${more.length} more`, act: () => letThrough(more, false) }] : [];
}

/** Those who come along, one after the other: each is a scan of its own, and can be taken back alone. A refusal is the last
 * that is shown, and nobody is let through behind it. */
async function letThrough(codes, isExit) {
  result.close();
  for (const code of codes) if (!(await scan(code, { isExit, isFound: true }))) return;
}

async function undo(entry) {
  result.close();
  const reason = await askWhy("Take this back?", "Undo", UNDO_REASONS);
  if (!reason) return;
  try {
    result.show(await scanner.undo(entry, reason));
  } catch (error) {
    if (!(error instanceof Unkept)) throw error;
    result.show(NOT_KEPT);
  }
}

async function insist(entry) {
  result.close();
  const reason = await askWhy("Let in anyway?", "Let in", OVERRIDE_REASONS);
  if (reason) await scan(entry.text, { override: reason, isExit: false });
}

function show() {
  const { door, refused } = scanner;
  find("#revoked").hidden = !refused;
  find("#scanning").hidden = Boolean(refused) || !door;
  find("#full").hidden = !scanner.isFull;
  find("#loading").hidden = Boolean(door || refused);
  showNetwork();
  if (refused) {
    for (const dialog of document.querySelectorAll("#finding, #why")) if (dialog.open) dialog.close("no");
    camera.stop();
    return showRefused(refused);
  }
  if (!door) return undefined;
  find("#gate").textContent = `${door.gate} · ${door.list_name}${door.role === "supervisor" ? " · supervisor" : ""}`;
  showCounts(door.counts);
  find("#directions").hidden = !door.re_entry;
  for (const button of document.querySelectorAll("[data-direction]")) {
    button.setAttribute("aria-pressed", String(button.dataset.direction === direction));
  }
  return showLog();
}

function showCounts({ entered, inside, last_minutes: lately, good, in_room: inRoom = inside, room }) {
  const rate = (lately / LATELY_MINUTES).toFixed(1);
  for (const [name, value] of Object.entries({ entered, inside, good, inRoom, rate })) find(`#${name}`).textContent = value;
  find("#room").textContent = room ? ` of ${room}` : "";
  const isFull = Boolean(room) && inRoom >= room;
  const isNearly = Boolean(room) && !isFull && room - inRoom < room / 10;
  find("#room-word").textContent = isFull ? "full" : isNearly ? "nearly full" : "";
  find(".counts-room").className = `counts-room${isFull ? " is-full" : isNearly ? " is-nearly" : ""}`;
}

function showNetwork() {
  const { online, refused, waiting, parked } = scanner;
  const parts = refused ? [] : [`List ${scanner.syncedAt ? age(scanner.listAge, online) : "not fetched yet"}`];
  parts.push(waiting === 0 ? "nothing waits" : `${waiting} ${waiting === 1 ? "scan waits" : "scans wait"}`);
  if (parked) parts.push(`${parked} could not be told`);
  find("#network").hidden = false;
  find("#network").className = online ? "network is-on" : "network is-off";
  const word = refused ? "Out of service" : online ? "Online" : "Offline";
  if (find("#network-word").textContent !== word) find("#network-word").textContent = word; // said when it is another
  find("#network-more").textContent = parts.join(" · ");
  find("#old").hidden = scanner.listAge < OLD_LIST_MINUTES * 60_000 || !scanner.syncedAt;
  find("#set-back").hidden = !scanner.clockWasSetBack;
}

function showRefused(refused) {
  find("#revoked-words").textContent = refused.type === "unknown_device" ? TAKEN_OVER : refused.message;
  const kept = scanner.waiting + scanner.parked;
  const [scans, them] = kept === 1 ? ["1 scan is", "it"] : [`${kept} scans are`, "them"];
  find("#revoked-kept").textContent = kept ? `${scans} still on this phone: keep it, and pair it again to send ${them}.` : "";
}

function showLog() {
  const rows = scanner.log.slice(0, 20).map((entry) => {
    const { tone } = ANSWERS[entry.answer];
    const row = element("li", `log-row is-${tone}`, "");
    const words = element("div", "log-words", "");
    words.append(element("strong", "", wordOf(entry)), element("span", "", [entry.holder || entry.code, entry.admits > 1 ? `${entry.admits} people` : "", entry.ticketType].filter(Boolean).join(" · ") || "no ticket"));
    if (entry.because === "too_late") words.append(element("span", "", sentence(entry, clock)));
    if (entry.late) words.append(element("span", "log-late", `The box office says: ${(ANSWERS[entry.late]?.word ?? entry.late).toLowerCase()}`));
    if (entry.also) words.append(element("span", "log-late", `Also let in at ${entry.also.gate}, ${clock(Date.parse(entry.also.at))}`));
    row.append(element("time", "", clock(entry.at)), words);
    for (const { label, act } of offers(entry)) {
      const button = element("button", "link-button", label);
      button.type = "button";
      button.setAttribute("aria-label", `${label}: ${entry.holder || entry.code}`);
      button.dataset.key = `${label} ${entry.nonce}`;
      button.addEventListener("click", act);
      row.append(button);
    }
    return row;
  });
  const list = find("#log");
  const inFocus = list.contains(document.activeElement) ? document.activeElement : null;
  list.replaceChildren(...rows);
  if (inFocus) refocus(inFocus);
  find("#log-empty").hidden = rows.length > 0;
}

function showFound() {
  const words = find("#words").value;
  const found = scanner.find(words);
  find("#found").replaceChildren(...found.map(foundRow));
  find("#found-words").textContent = saidOfFound(words, found.length);
}

function saidOfFound(words, many) {
  if (!words.trim()) return "Type a name, an order, a code, or who invited.";
  if (many === 0) return "Nobody by that name, order or code, and nobody who invited.";
  return many < FOUND_MAX ? "" : `The first ${FOUND_MAX} of them. Type more to see the others.`;
}

function foundRow(ticket) {
  const row = element("li", "found-row", "");
  const text = element("div", "log-words", "");
  const { party } = ticket;
  const name = party ? party.name : ticket.holder || ticket.code;
  const state = direction === "out" && ticket.inside.length === 0 ? "not in" : standing(ticket, clock, Date.parse(scanner.door.opens_at));
  const title = element("strong", "", party?.plus ? `${isolated(name)} +${party.plus}` : name);
  const more = [ticket.ticket_type];
  if (!party) more.push(`order ${ticket.order_code}`);
  else if (!ticket.ticket_type.includes(ticket.givenBy)) more.push(`by ${ticket.givenBy}`);
  if (party?.plus) more.push(`${party.inside.length} of ${party.size} in`);
  const isExplained = direction === "in" && ticket.answer !== "admitted" && party?.inside.length < party?.size;
  if (!party?.plus || isExplained) more.push(state);
  text.append(title, element("span", "", more.join(" · ")));
  row.append(text, foundButtons(ticket, name));
  return row;
}

/** One of them, or all who can still come in; on the way out, who is in. */
function foundButtons(ticket, name) {
  const buttons = element("div", "found-buttons", "");
  const isExit = direction === "out";
  const word = isExit ? "Let out" : "Let in";
  const codes = isExit ? ticket.inside : ticket.waiting;
  const add = (label, act, className = "button") => {
    const button = element("button", className, label);
    button.type = "button";
    button.setAttribute("aria-label", `${label}: ${name}`);
    button.addEventListener("click", () => {
      find("#finding").close();
      act();
    });
    buttons.append(button);
  };
  if (codes.length > 1) {
    add(`${word} 1`, () => letThrough(codes.slice(0, 1), isExit));
    add(`All ${codes.length}`, () => letThrough(codes, isExit));
  } else if (codes.length === 1) add(word, () => letThrough(codes, isExit));
  else if (!isExit && scanner.door.role === "supervisor") add("Let in anyway", () => insist({ text: ticket.code }), "button quiet");
  return buttons;
}

function tell(words) {
  const notice = find("#told");
  notice.textContent = words;
  notice.hidden = false;
  setTimeout(() => (notice.hidden = true), 6000);
}

/** The venue's wall clock. */
function clock(ms) {
  const zone = scanner.door?.time_zone ?? "UTC";
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(ms);
}

function age(ms, online) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return online ? "up to date" : "under 1 min old";
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min old` : `${Math.floor(minutes / 60)} h ${minutes % 60} min old`;
}
