// The scanner without its screen: it reads, asks or answers alone, remembers, and tells the server later.

import { answerAlone, folded, moves, ofAnotherTime, outdated } from "./answer.js";
import { isFresh } from "./fresh.js";
import { isIn, searchable, wordsOf } from "./names.js";
import { ask, Away, Refused } from "./network.js";
import { afterCrash, BATCH_MAX, bodyOf, following, newScan } from "./queue.js";
import { mistyped, read } from "./read.js";
import { Unkept } from "./store.js";
import { genuine } from "./verify.js";

const ANSWER_PATIENCE_MS = 1200;
const SYNC_PATIENCE_MS = 10_000;
const SELL_PATIENCE_MS = 12_000;
const LOG_LENGTH = 50;
const VOID = ["cancelled", "refunded"];
const BOUGHT_LATER = { admits: 1, checks: [], last_entry_at: null, given_by: "" };
const LIST_FIELDS = [
  ...["event", "event_code", "time_zone", "ends_at", "gate", "role", "sells", "list_name", "re_entry", "opens_at"],
  ...["takes_paper", "age_minimum", "ticket_types", "keys", "retired_keys", "counts", "cursor"],
];

/** Dispatches `change` whenever what people see of it is another. */
export class Scanner extends EventTarget {
  door = null;
  online = false;
  refused = null;
  syncedAt = 0;
  log = [];
  isFull = false; // what was last to be kept could not be

  #store;
  #slug;
  #library;
  #token = "";
  #device = "";
  #tickets = new Map();
  #texts = new WeakMap(); // what a ticket is found by, as long as its type is the same
  #byCode = new Map();
  #own = {}; // ticket id -> {state, at, gate, nonce, told}
  #queue = new Map();
  #order = 0;
  #offset = 0;
  #syncing = null;

  constructor(store, slug, library) {
    super();
    this.#store = store;
    this.#slug = slug;
    this.#library = library;
  }

  /** Whether this phone is paired to the night. What a page left behind that ended in between is put right. */
  async load() {
    const [paired, door, own] = await Promise.all(["paired", "door", "own"].map((key) => this.#store.get(key)));
    if (!paired) return false;
    this.#token = paired.token;
    this.#device = paired.device;
    this.door = door ?? null;
    this.#own = own ?? {};
    this.#offset = (await this.#store.get("offset")) ?? 0;
    this.syncedAt = (await this.#store.get("syncedAt")) ?? 0;
    for (const ticket of await this.#store.all("tickets")) this.#know(ticket);
    this.log = (await this.#store.all("log")).sort((one, other) => other.at - one.at);
    const left = (await this.#store.all("queue")).sort((one, other) => one.order - other.order);
    const queue = left.map(afterCrash);
    await this.#ifItFits({ remove: { queue: left.map((item) => item.nonce) }, put: { queue } });
    this.#queue = new Map(queue.map((item) => [item.nonce, item]));
    this.#order = Math.max(0, ...queue.map((item) => item.order)) + 1;
    return true;
  }

  /** Scans that the server does not know of yet. */
  get waiting() {
    return [...this.#queue.values()].filter((item) => item.state === "waiting").length;
  }

  /** Scans that the server would not take; they are kept. */
  get parked() {
    return [...this.#queue.values()].filter((item) => item.state === "parked").length;
  }

  /** Milliseconds by the server's clock, as far as we know it. */
  get now() {
    return Date.now() + this.#offset;
  }

  /**
   * Tickets whose holder, order, code, type or whoever invited them has all the words; at most 30. A guest stands for
   * who comes along too: `party` is then what `party()` says. `code` and `answer`: of the ticket that would come in next,
   * and what it would be answered now; `usedAt` in ms. `waiting` and `inside`: codes that can come in, and out, now.
   */
  find(words) {
    const wanted = wordsOf(words);
    if (wanted.length === 0) return [];
    const found = [];
    const parties = new Set();
    for (const ticket of this.#tickets.values()) {
      if (!isIn(this.#text(ticket), wanted)) continue;
      if (parties.has(ticket.order_code)) continue;
      const party = this.party(ticket.id);
      if (party) parties.add(ticket.order_code);
      const standing = this.#standing(this.#byCode.get(party?.waiting[0]) ?? ticket);
      const waiting = standing.answer === "admitted" ? (party?.waiting ?? [ticket.code]) : [];
      const inside = (party?.inside ?? [ticket.code]).filter((code) => this.#isInside(code));
      found.push({ ...ticket, ...standing, party, waiting, inside });
      if (found.length === 30) break;
    }
    return found;
  }

  #text(ticket) {
    const type = this.#type(ticket.ticket_type);
    const known = this.#texts.get(ticket);
    if (known?.type === type) return known.text;
    const text = searchable([ticket.holder, ticket.order_code, ticket.code, ticket.ticket_type, type.given_by]);
    this.#texts.set(ticket, { type, text });
    return text;
  }

  /** How a ticket that somebody found would be answered now. */
  #standing(ticket) {
    const { code } = ticket;
    const shown = { eventCode: this.door.event_code, code };
    const { answer, because, usedAt, gate, lastEntry } = this.#alone(shown, ticket, { ticketId: ticket.id }, { isFound: true });
    return { code, answer, because, usedAt, gate, lastEntry, givenBy: this.#type(ticket.ticket_type).given_by };
  }

  #isInside(code) {
    const ticket = this.#byCode.get(code);
    const shown = { eventCode: this.door.event_code, code };
    return this.#alone(shown, ticket, { ticketId: ticket.id }, { isExit: true, isFound: true }).answer === "left";
  }

  /**
   * A guest and who comes along: {name, plus, size, inside, waiting}, the last two being the codes of those who are in and
   * who can come in; null for a ticket that somebody bought, or that is void.
   */
  party(ticketId) {
    const one = this.#tickets.get(ticketId);
    if (!one || !this.#type(one.ticket_type).given_by) return null;
    const all = [...this.#tickets.values()]
      .filter((ticket) => ticket.order_code === one.order_code && !VOID.includes(this.#state(ticket)))
      .sort((first, second) => Number(first.holder.startsWith("With ")) - Number(second.holder.startsWith("With ")));
    if (all.length === 0) return null;
    const mayComeIn = this.door.re_entry ? ["good", "left"] : ["good"];
    const codes = (states) => all.filter((ticket) => states.includes(this.#state(ticket))).map((ticket) => ticket.code);
    return {
      ...{ name: all[0].holder, plus: all.length - 1, size: all.length },
      ...{ inside: codes(["used"]), waiting: codes(mayComeIn) },
    };
  }

  /** Whether a text looks like a ticket of this night; nobody has checked its signature. */
  isOurs(text) {
    const shown = read(text);
    return Boolean(shown) && shown.eventCode === this.door?.event_code;
  }

  /**
   * One ticket at the door: {answer, because, nonce, holder, ticketType, code, usedAt, gate, alone, note}. `alone`: the server was
   * not asked. Raises Refused when this phone is no scanner any more, and Unkept, with nothing changed, when it keeps nothing.
   */
  async scan(text, { isExit = false, isFound = false, override = "" } = {}) {
    const shown = await this.#read(text);
    const ticket = shown && (this.#tickets.get(shown.ticketId) ?? this.#byCode.get(shown.code));
    const item = newScan({ device: this.#device, text, code: shown?.code, isExit, isFound, override, at: Date.now() });
    item.order = this.#order++;
    item.ticketId = ticket?.id ?? shown?.ticketId;
    const alone = this.#alone(shown, ticket, item, { isExit, isFound, override: Boolean(override) });
    if (!this.online) return await this.#answeredAlone(item, alone);
    await this.#queued(item);
    let told;
    try {
      told = await this.#ask(bodyOf(item, this.#device, Date.now()));
    } catch (error) {
      if (error instanceof Refused && (error.isFinal || error.type === "supervisors_only")) {
        await this.#forget(item);
        if (error.isFinal) this.#refuse(error);
        throw error;
      }
      this.#goOffline();
      return await this.#answeredAlone(item, alone);
    }
    return await this.#answered(item, told);
  }

  /** Takes back a scan of this phone, for a reason. It is done when this returns, and told to the server by the queue.
   * Raises Unkept. */
  async undo(entry, reason) {
    const item = newScan({ device: entry.device ?? this.#device, undo: { nonce: entry.nonce, reason }, at: Date.now() });
    item.order = this.#order++;
    item.state = "waiting";
    item.answered = "undone";
    item.ticketId = entry.ticketId;
    const undone = { ...entry, answer: "undone", was: entry.answer, note: reason };
    const before = known(entry.before ?? { state: entry.answer === "left" ? "used" : "good" });
    const later = this.#later(entry);
    const [own, rows, counts] = [this.#own[entry.ticketId], this.log, this.door.counts];
    const log = [undone, ...this.#restore(entry.ticketId, before, later, item.nonce)];
    this.#count(before, [entry, ...later], later, entry.admits);
    this.#queue.set(item.nonce, item);
    this.log = this.log.map((one) => log.find(({ nonce }) => nonce === one.nonce) ?? one);
    await this.#keep({ kept: { own: this.#own, door: this.door }, put: { queue: [item], log } }, () => {
      this.#forgets(item, entry.ticketId, own, counts);
      this.log = rows;
    });
    this.#changed();
    this.sync();
    return undone;
  }

  /** The scans of this phone that moved the ticket of `entry` after it, oldest first. */
  #later(entry) {
    if (!entry.ticketId) return [];
    const newer = this.log.slice(0, this.log.findIndex((one) => one.nonce === entry.nonce));
    return newer.filter((one) => one.ticketId === entry.ticketId && moves(one.answer)).reverse();
  }

  /**
   * The ticket is what it was before a scan that the undo of this nonce takes back, or what the scans `later` make of that.
   * Returns these as rows of the log: what each restores is another now.
   */
  #restore(ticketId, before, later, nonce) {
    if (!ticketId) return [];
    let last = before;
    const rows = [];
    for (const one of later) {
      rows.push({ ...one, before: last });
      const { visits, ...after } = folded(last, [one], this.door.re_entry);
      if (visits || after.state !== last.state) last = { ...after, at: one.at, gate: this.door.gate };
    }
    this.#own[ticketId] = { ...last, nonce, told: false };
    return rows;
  }

  /** A request of this scanner's own at the door's address. Raises Away, Refused. */
  async call(path, body) {
    try {
      return await ask(`${this.#api}/door${path}`, this.#token, { body, patience: SELL_PATIENCE_MS });
    } catch (error) {
      if (error instanceof Refused && error.isFinal) this.#refuse(error);
      throw error;
    }
  }

  /** What was kept on the phone under a name. */
  kept(name) {
    return this.#store.get(name);
  }

  /** Keeps values by their names; they are on the disk when this returns. Raises Unkept. */
  async keep(values) {
    await this.#keep({ kept: values });
  }

  /** Tells what waits, then asks what is new. One at a time; never raises. */
  sync() {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = null;
      this.#changed();
    });
    return this.#syncing;
  }

  async #sync() {
    try {
      while (await this.#sendBatch());
      await this.#getList();
      this.online = true;
    } catch (error) {
      if (error instanceof Refused && error.isFinal) this.#refuse(error);
      else if (error instanceof Away || error instanceof Refused) this.#goOffline();
      else throw error;
    }
  }

  async #sendBatch() {
    const items = [...this.#queue.values()].filter((item) => item.state === "waiting").slice(0, BATCH_MAX);
    if (items.length === 0) return false;
    try {
      await this.#tell(items);
    } catch (error) {
      if (!(error instanceof Refused) || error.isFinal) throw error;
      for (const item of items) await this.#tellAlone(item); // one that is never taken must not keep the others
    }
    return true;
  }

  async #tellAlone(item) {
    try {
      await this.#tell([item]);
    } catch (error) {
      if (!(error instanceof Refused) || error.isFinal) throw error;
      item.state = "parked";
      await this.#ifItFits({ put: { queue: [item] } });
    }
  }

  async #tell(items) {
    const sentAt = Date.now();
    const body = items.map((item) => bodyOf(item, this.#device, sentAt));
    const answers = await ask(`${this.#api}/scans`, this.#token, { body, patience: SYNC_PATIENCE_MS });
    await this.#acknowledge(items, new Map(answers.map((answer) => [answer.nonce, answer])));
  }

  async #acknowledge(items, answers) {
    const follows = [];
    const told = [];
    const logged = [];
    for (const item of items) {
      const answer = answers.get(item.nonce);
      if (!answer) continue;
      told.push(item.nonce);
      this.#queue.delete(item.nonce);
      const next = following(item, answer.answer);
      if (next) {
        follows.push(next);
        this.#queue.set(next.nonce, next);
      }
      const own = this.#own[item.ticketId];
      if (own?.nonce === item.nonce) {
        if (next) own.nonce = next.nonce;
        else own.told = true;
      }
      const entry = this.log.find((one) => one.nonce === item.nonce);
      const late = answer.answer !== item.answered ? answer.answer : answer.objection;
      if (entry && late && !item.undo) logged.push(Object.assign(entry, { late }));
    }
    await this.#ifItFits({
      kept: { own: this.#own },
      remove: { queue: told },
      put: { queue: follows, log: logged },
    });
    this.#changed();
  }

  async #getList() {
    const told = new Set(Object.keys(this.#own).filter((id) => this.#own[id].told));
    const asked = Date.now();
    const query = new URLSearchParams({ device_at: new Date(asked).toISOString() });
    const since = this.door?.cursor;
    if (since) query.set("since", since);
    const list = await ask(`${this.#api}/door?${query}`, this.#token, { patience: SYNC_PATIENCE_MS });
    const answered = Date.now();
    this.#offset = Date.parse(list.now) - (asked + answered) / 2;
    this.door = Object.fromEntries(LIST_FIELDS.map((name) => [name, list[name]]));
    this.syncedAt = answered;
    for (const ticket of list.tickets) this.#know(ticket);
    for (const id of told) if (this.#own[id]?.told) delete this.#own[id];
    const isKept = await this.#ifItFits({
      kept: { door: this.door, own: this.#own, offset: this.#offset, syncedAt: this.syncedAt },
      put: { tickets: list.tickets, log: this.#marked(list.also_let_in) },
    });
    if (!isKept) this.door.cursor = since; // the disk has the list of then
  }

  /** The rows of the log that another door's entry counts before, or does no more. */
  #marked(alsoLetIn) {
    const also = new Map(alsoLetIn.map((one) => [one.nonce.replace(/\.door$/, ""), one]));
    const changed = this.log.filter((entry) => entry.also?.at !== also.get(entry.nonce)?.at);
    return changed.map((entry) => Object.assign(entry, { also: also.get(entry.nonce) }));
  }

  async #read(text) {
    const shown = read(text);
    if (!shown?.signature || !this.door || shown.eventCode !== this.door.event_code) return shown;
    const isOne = (one) => one.number === shown.keyNumber;
    const retired = this.door.retired_keys?.find(isOne); // a list of before there were any does not say
    const key = retired ?? this.door.keys.find(isOne);
    if (!key || !(await genuine(key.key, shown.signed, shown.signature, this.#library))) return null;
    if (retired) return { ...shown, retired: true };
    return shown.proof ? { ...shown, fresh: await isFresh(key.fresh, shown, this.now) } : shown;
  }

  #because(shown, ticket, isFound) {
    if (["cancelled", "refunded"].includes(ticket?.status)) return null;
    return (ticket && outdated(shown, ticket)) || ofAnotherTime(shown, this.door, isFound);
  }

  #alone(shown, ticket, item, how) {
    const own = this.#own[item.ticketId];
    const type = this.#type(ticket?.ticket_type);
    const lastEntry = type.last_entry_at;
    const answer = answerAlone({
      ...{ shown, ticket, ...how, own: own?.state, door: this.door, lastEntry, now: this.now },
    });
    const used = answer === "already_used";
    const because = answer === "cancelled" && shown ? this.#because(shown, ticket, how.isFound) : null;
    const told = because ? undefined : ticket; // nobody reads the code that replaced theirs off this screen
    return {
      ...{ answer, holder: told?.holder ?? "", ticketType: told?.ticket_type ?? "", code: told?.code ?? "" },
      ...{ admits: type.admits, checks: type.checks, lastEntry: lastEntry ? Date.parse(lastEntry) : null },
      because: because ?? this.#reason(answer, shown, ticket, item),
      usedAt: used ? (own?.at ?? Date.parse(ticket.used_at)) : null,
      gate: used ? (own ? own.gate : ticket.gate) : null,
      note: answer === "admitted" && !ticket ? "Genuine, and bought after the last sync" : "",
    };
  }

  #reason(answer, shown, ticket, item) {
    if (answer === "blocked" && ticket.status !== "blocked") return "too_late";
    if (answer !== "unknown") return null;
    if (!shown) return mistyped(item.payload ?? "");
    return [...this.#tickets.values()].some((one) => one.order_code === shown.code) ? "order_code" : null;
  }

  async #answered(item, told) {
    this.#queue.delete(item.nonce);
    this.online = true;
    const ticket = told.ticket;
    const result = {
      ...{ answer: told.answer, holder: ticket?.holder ?? "", ticketType: ticket?.ticket_type ?? "", note: "" },
      code: ticket?.code ?? "",
      ...{ admits: ticket?.admits ?? 1, checks: ticket?.checks ?? [], because: told.because },
      lastEntry: ticket?.last_entry_at ? Date.parse(ticket.last_entry_at) : null,
      usedAt: told.used_at ? Date.parse(told.used_at) : null,
      gate: told.gate,
      alone: false,
    };
    return await this.#done(item, result, true);
  }

  async #answeredAlone(item, answer) {
    const wasAsked = this.#queue.has(item.nonce);
    item.state = "waiting";
    item.answered = answer.answer;
    this.#queue.set(item.nonce, item);
    return await this.#done(item, { ...answer, alone: true }, wasAsked);
  }

  async #done(item, result, wasAsked) {
    const ticketId = item.ticketId ?? this.#byCode.get(result.code)?.id;
    const isMove = moves(result.answer);
    const before = isMove ? this.#before(ticketId, item, result) : undefined;
    const scan = { answer: result.answer, override: Boolean(item.override), at: this.now };
    const [own, counts] = [this.#own[ticketId], this.door.counts];
    if (isMove) this.#count(before, [], [scan], result.admits);
    if (isMove && ticketId) {
      const { state, inside } = folded(before, [scan], this.door.re_entry);
      this.#own[ticketId] = { state, inside, at: scan.at, gate: this.door.gate, nonce: item.nonce, told: !result.alone };
    }
    const party = ticketId ? this.party(ticketId) : null;
    const text = item.payload ?? item.code ?? "";
    const opensAt = Date.parse(this.door.opens_at);
    const entry = { ...result, ...scan, nonce: item.nonce, device: item.device, ticketId, before, party, text, opensAt };
    this.log = [entry, ...this.log];
    const old = this.log.splice(LOG_LENGTH).map((one) => one.nonce);
    const changes = {
      kept: { own: this.#own, door: this.door },
      remove: { log: old, queue: result.alone ? [] : [item.nonce] },
      put: { log: [entry], queue: result.alone ? [item] : [] },
    };
    await this.#keep(changes, () => {
      this.#forgets(item, ticketId, own, counts);
      this.log = this.log.filter((one) => one !== entry);
      const back = wasAsked ? [afterCrash({ ...item, state: "asking" })] : [];
      for (const one of back) this.#queue.set(one.nonce, one); // nobody saw the answer
    });
    this.#changed();
    return entry;
  }

  /** A scan that was not kept; `own` and `counts`: what its ticket and the night were before. */
  #forgets(item, ticketId, own, counts) {
    this.#queue.delete(item.nonce);
    this.door.counts = counts;
    if (own) this.#own[ticketId] = own;
    else delete this.#own[ticketId];
  }

  /**
   * What a ticket was before a scan moved it, {state, inside, at, gate}: the answer says more than a list of a while ago. Who comes
   * in and had been in has left, if the list or a supervisor lets them come back.
   */
  #before(ticketId, item, { answer }) {
    const own = this.#own[ticketId];
    const ticket = this.#tickets.get(ticketId);
    const { state, inside } = known(own ?? { state: ticket?.status ?? "good", inside: ticket?.inside });
    if (answer === "left" || (item.override && state === "used")) {
      const at = own?.at ?? (ticket?.used_at ? Date.parse(ticket.used_at) : this.now);
      return { state: "used", inside: Math.max(1, inside), at, gate: own ? own.gate : ticket?.gate };
    }
    const wasIn = own ? own.state !== "good" : Boolean(ticket?.used_at);
    if (wasIn && (this.door.re_entry || item.override)) return { state: "left", inside: state === "used" ? 0 : inside };
    return { state: "good", inside: 0 };
  }

  /**
   * The counts that people see do not wait for the next sync, which brings the true ones: of a ticket as it was
   * `before`, `scans` stand where `instead` stood. Who comes back has entered once.
   */
  #count(before, instead, scans, people = 1) {
    const was = folded(before, instead, this.door.re_entry);
    const is = folded(before, scans, this.door.re_entry);
    const entered = Number(is.state !== "good") - Number(was.state !== "good");
    const inside = Number(is.inside > 0) - Number(was.inside > 0);
    const changed = { entered, inside, in_room: inside, last_minutes: is.visits - was.visits };
    const counts = { ...this.door.counts };
    for (const [name, more] of Object.entries(changed)) counts[name] = Math.max(0, counts[name] + more * people);
    this.door.counts = counts;
  }

  async #queued(item) {
    await this.#keep({ put: { queue: [item] } });
    this.#queue.set(item.nonce, item);
  }

  async #forget(item) {
    this.#queue.delete(item.nonce);
    await this.#ifItFits({ remove: { queue: [item.nonce] } });
  }

  /** On the disk when this returns. Raises Unkept, after `restore()`. */
  async #keep(changes, restore = () => {}) {
    try {
      await this.#store.write(changes);
      this.isFull = false;
    } catch (error) {
      restore();
      this.isFull = true;
      this.#changed();
      throw error;
    }
  }

  /** The same of what this page knows all the same; whether it fitted. */
  async #ifItFits(changes) {
    try {
      await this.#keep(changes);
      return true;
    } catch (error) {
      if (!(error instanceof Unkept)) throw error;
      return false;
    }
  }

  /** What the door does with a type; one that the list does not know was bought since. */
  #type(name) {
    return this.door?.ticket_types?.find((type) => type.name === name) ?? BOUGHT_LATER;
  }

  #state(ticket) {
    return this.#own[ticket.id]?.state ?? ticket.status;
  }

  #know(ticket) {
    this.#byCode.delete(this.#tickets.get(ticket.id)?.code);
    this.#tickets.set(ticket.id, ticket);
    for (const code of [...(ticket.old_codes ?? []), ticket.code]) this.#byCode.set(code, ticket);
  }

  #ask(body) {
    return ask(`${this.#api}/scans`, this.#token, { body, patience: ANSWER_PATIENCE_MS });
  }

  get #api() {
    return `/api/v1/events/${encodeURIComponent(this.#slug)}`;
  }

  #goOffline() {
    this.online = false;
    this.#changed();
  }

  #refuse(problem) {
    this.refused = problem;
    this.online = false;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** What was written down of a ticket, and how many of its visits are not over where that was not. */
function known({ inside, ...told }) {
  return { ...told, inside: inside ?? Number(told.state === "used") };
}
