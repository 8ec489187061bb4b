// The scanner without its screen: it reads, asks or answers alone, remembers, and tells the server later.

import { answerAlone, folded, moves, ofAnotherTime, outdated } from "./answer.js";
import { ticketBefore } from "./before.js";
import { Clock } from "./clock.js";
import { counted } from "./counts.js";
import { isFresh } from "./fresh.js";
import { inOrder, later, remarked, withEntry, withRows } from "./log.js";
import { ask, Away, Refused } from "./network.js";
import { afterCrash, BATCH_MAX, bodyOf, following, newScan } from "./queue.js";
import { mistyped, read } from "./read.js";
import { Unkept } from "./store.js";
import { Tickets } from "./tickets.js";
import { takenBack } from "./undo.js";
import { genuine } from "./verify.js";

const ANSWER_PATIENCE_MS = 1200;
const SYNC_PATIENCE_MS = 10_000;
const SELL_PATIENCE_MS = 12_000;
export const FOUND_MAX = 30;
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
  isFull = false; // what was last to be kept could not be: it answers while there is a network

  #store;
  #slug;
  #library;
  #token = "";
  #device = "";
  #tickets = new Tickets();
  #own = {}; // ticket id -> {state, at, gate, nonce, told}
  #queue = new Map();
  #order = 0;
  #clock = new Clock();
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
    this.syncedAt = (await this.#store.get("syncedAt")) ?? 0;
    this.#clock.load((await this.#store.get("offset")) ?? 0, this.syncedAt);
    for (const ticket of await this.#store.all("tickets")) this.#tickets.know(ticket);
    this.log = inOrder(await this.#store.all("log"));
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

  /** Milliseconds since the last sync. */
  get listAge() {
    return this.#clock.phone - this.syncedAt;
  }

  /** Whether somebody set this phone's clock back since. */
  get clockWasSetBack() {
    return this.#clock.wasSetBack;
  }

  /**
   * Tickets whose holder, order, code, type or whoever invited them has all the words; at most FOUND_MAX. A guest stands for
   * who comes along too: `party` is then what `party()` says. `code` and `answer`: of the ticket that would come in next,
   * and what it would be answered now; `usedAt` in ms. `waiting` and `inside`: codes that can come in, and out, now.
   */
  find(words) {
    const found = [];
    const parties = new Set();
    for (const ticket of this.#tickets.matching(words, (name) => this.#type(name))) {
      if (parties.has(ticket.order_code)) continue;
      const party = this.party(ticket.id);
      if (party) parties.add(ticket.order_code);
      const standing = this.#standing(this.#tickets.ofCode(party?.waiting[0]) ?? ticket);
      const waiting = standing.answer === "admitted" ? (party?.waiting ?? [ticket.code]) : [];
      const inside = (party?.inside ?? [ticket.code]).filter((code) => this.#isInside(code));
      found.push({ ...ticket, ...standing, party, waiting, inside });
      if (found.length === FOUND_MAX) break;
    }
    return found;
  }

  /** How a ticket that somebody found would be answered now. */
  #standing(ticket) {
    const { code } = ticket;
    const shown = { eventCode: this.door.event_code, code };
    const { answer, because, usedAt, gate, lastEntry } = this.#alone(shown, ticket, { ticketId: ticket.id }, { isFound: true });
    return { code, answer, because, usedAt, gate, lastEntry, givenBy: this.#type(ticket.ticket_type).given_by };
  }

  #isInside(code) {
    const ticket = this.#tickets.ofCode(code);
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
    const all = this.#tickets
      .ofOrder(one.order_code)
      .filter((ticket) => !VOID.includes(this.#state(ticket)))
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
   * not asked. Raises Refused when this phone is no scanner any more, and Unkept, with nothing changed, when neither it nor the
   * server keeps the scan.
   */
  async scan(text, { isExit = false, isFound = false, override = "" } = {}) {
    const shown = await this.#read(text);
    const ticket = shown && (this.#tickets.get(shown.ticketId) ?? this.#tickets.ofCode(shown.code));
    const item = newScan({ device: this.#device, text, code: shown?.code, isExit, isFound, override, at: this.#clock.phone });
    item.order = this.#order++;
    item.ticketId = ticket?.id ?? shown?.ticketId;
    const alone = this.#alone(shown, ticket, item, { isExit, isFound, override: Boolean(override) });
    if (!this.online) return await this.#answeredAlone(item, alone);
    const isOnDisk = !this.isFull && (await this.#ifItFits({ put: { queue: [item] } }));
    this.#queue.set(item.nonce, item);
    let told;
    try {
      told = await this.#ask(bodyOf(item, this.#device, this.#clock.phone));
    } catch (error) {
      if (error instanceof Refused && (error.isFinal || error.type === "supervisors_only")) {
        await this.#forget(item);
        if (error.isFinal) this.#refuse(error);
        throw error;
      }
      this.#goOffline();
      return await this.#answeredAlone(item, alone);
    }
    return await this.#answered(item, told, isOnDisk);
  }

  /** Takes back a scan of this phone, for a reason. It is done when this returns, and told to the server by the queue, or
   * at once when this phone keeps nothing more. Raises Unkept. */
  async undo(entry, reason) {
    const item = newScan({ device: entry.device ?? this.#device, undo: { nonce: entry.nonce, reason }, at: this.#clock.phone });
    item.order = this.#order++;
    item.state = "waiting";
    item.answered = "undone";
    item.ticketId = entry.ticketId;
    const undone = { ...entry, answer: "undone", was: entry.answer, note: reason };
    const after = later(this.log, entry);
    const { before, last, rows } = takenBack(entry, after, this.door);
    const [own, counts, log] = [this.#own[entry.ticketId], this.door.counts, this.log];
    if (entry.ticketId) this.#own[entry.ticketId] = { ...last, nonce: item.nonce, told: false };
    this.#count({ before, instead: [entry, ...after], scans: after, people: entry.admits });
    this.#queue.set(item.nonce, item);
    this.log = withRows(this.log, [undone, ...rows]);
    const changes = { kept: { own: this.#own, door: this.door }, put: { queue: [item], log: [undone, ...rows] } };
    if (!(await this.#ifItFits(changes)) && !(await this.#isTold(item))) {
      this.#forgets(item, entry.ticketId, own, counts);
      this.log = log;
      this.#changed();
      throw new Unkept();
    }
    this.#changed();
    this.sync();
    return undone;
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

  /** Whether the server has it now, within the time that a scan would take. */
  async #isTold(item) {
    if (!this.online) return false;
    try {
      await this.#tell([item], ANSWER_PATIENCE_MS);
      return true;
    } catch (error) {
      if (error instanceof Away || error instanceof Refused) return false;
      throw error;
    }
  }

  async #tell(items, patience = SYNC_PATIENCE_MS) {
    const sentAt = this.#clock.phone;
    const body = items.map((item) => bodyOf(item, this.#device, sentAt));
    const answers = await ask(`${this.#api}/scans`, this.#token, { body, patience });
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
      if (entry && late && !item.undo) logged.push({ ...entry, late });
    }
    this.log = withRows(this.log, logged);
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
    const offset = this.#clock.compare(Date.parse(list.now), (asked + answered) / 2);
    this.door = Object.fromEntries(LIST_FIELDS.map((name) => [name, list[name]]));
    this.syncedAt = answered;
    for (const ticket of list.tickets) this.#tickets.know(ticket);
    const log = remarked(this.log, list.also_let_in);
    this.log = withRows(this.log, log);
    for (const id of told) if (this.#own[id]?.told) delete this.#own[id];
    const isKept = await this.#ifItFits({
      kept: { door: this.door, own: this.#own, offset, syncedAt: this.syncedAt },
      put: { tickets: list.tickets, log },
    });
    if (!isKept) this.door.cursor = since; // the disk has the list of then
  }

  async #read(text) {
    const shown = read(text);
    if (!shown?.signature || !this.door || shown.eventCode !== this.door.event_code) return shown;
    const isOne = (one) => one.number === shown.keyNumber;
    const retired = this.door.retired_keys?.find(isOne); // a list of before there were any does not say
    const key = retired ?? this.door.keys.find(isOne);
    if (!key || !(await genuine(key.key, shown.signed, shown.signature, this.#library))) return null;
    if (retired) return { ...shown, retired: true };
    return shown.proof ? { ...shown, fresh: await isFresh(key.fresh, shown, this.#clock.now) } : shown;
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
      ...{ shown, ticket, ...how, own: own?.state, door: this.door, lastEntry, now: this.#clock.now },
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
    return this.#tickets.ofOrder(shown.code).length > 0 ? "order_code" : null;
  }

  async #answered(item, told, isOnDisk) {
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
    return await this.#done(item, result, { wasAsked: true, mustFit: isOnDisk });
  }

  async #answeredAlone(item, answer) {
    const wasAsked = this.#queue.has(item.nonce);
    item.state = "waiting";
    item.answered = answer.answer;
    this.#queue.set(item.nonce, item);
    return await this.#done(item, { ...answer, alone: true }, { wasAsked, mustFit: true });
  }

  /** The scan and what follows from it, kept. It must fit unless the server keeps it, and the disk has no word of it: that
   * would be taken back at the next start, as a question without an answer. */
  async #done(item, result, { wasAsked, mustFit }) {
    const ticketId = item.ticketId ?? this.#tickets.ofCode(result.code)?.id;
    const isMove = moves(result.answer);
    const scan = { answer: result.answer, override: Boolean(item.override), at: this.#clock.now };
    const before = isMove ? this.#before(ticketId, scan) : undefined;
    const [own, counts] = [this.#own[ticketId], this.door.counts];
    if (isMove) this.#count({ before, scans: [scan], people: result.admits });
    if (isMove && ticketId) {
      const { state, inside } = folded(before, [scan], this.door.re_entry);
      this.#own[ticketId] = { state, inside, at: scan.at, gate: this.door.gate, nonce: item.nonce, told: !result.alone };
    }
    const party = ticketId ? this.party(ticketId) : null;
    const text = item.payload ?? item.code ?? "";
    const opensAt = Date.parse(this.door.opens_at);
    const entry = { ...result, ...scan, nonce: item.nonce, device: item.device, ticketId, before, party, text, opensAt };
    const { rows, dropped } = withEntry(this.log, entry);
    this.log = rows;
    const changes = {
      kept: { own: this.#own, door: this.door },
      remove: { log: dropped, queue: result.alone ? [] : [item.nonce] },
      put: { log: [entry], queue: result.alone ? [item] : [] },
    };
    if (!mustFit) await this.#ifItFits(changes);
    else await this.#keep(changes, () => {
      this.#forgets(item, ticketId, own, counts);
      this.log = this.log.filter((one) => one.nonce !== entry.nonce);
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

  #before(ticketId, { answer, override: isOverride, at: now }) {
    const [own, ticket, reEntry] = [this.#own[ticketId], this.#tickets.get(ticketId), this.door.re_entry];
    return ticketBefore({ own, ticket, answer, isOverride, reEntry, now });
  }

  #count(change) {
    this.door.counts = counted(this.door.counts, { ...change, reEntry: this.door.re_entry });
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
