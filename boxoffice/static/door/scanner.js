// The scanner without its screen: it reads, asks or answers alone, remembers, and tells the server later.

import { moves } from "./answer.js";
import { inOrder, later, remarked, withEntry, withRows } from "./log.js";
import { ask, Away, Refused } from "./network.js";
import { Night } from "./night.js";
import { afterCrash, BATCH_MAX, bodyOf, following, newScan } from "./queue.js";
import { Unkept } from "./store.js";

const ANSWER_PATIENCE_MS = 1200;
const SYNC_PATIENCE_MS = 10_000;
const SELL_PATIENCE_MS = 12_000;

/** Dispatches `change` whenever what people see of it is another. */
export class Scanner extends EventTarget {
  online = false;
  refused = null;
  syncedAt = 0;
  log = [];
  isFull = false; // what was last to be kept could not be: it answers while there is a network

  #store;
  #slug;
  #token = "";
  #device = "";
  #night;
  #queue = new Map();
  #order = 0;
  #syncing = null;

  constructor(store, slug, library) {
    super();
    this.#store = store;
    this.#slug = slug;
    this.#night = new Night(library);
  }

  /** The night's list without its tickets; null before the first sync. */
  get door() {
    return this.#night.door;
  }

  /** Whether this phone is paired to the night. What a page left behind that ended in between is put right. */
  async load() {
    const [paired, door, own] = await Promise.all(["paired", "door", "own"].map((key) => this.#store.get(key)));
    if (!paired) return false;
    this.#token = paired.token;
    this.#device = paired.device;
    this.#night.door = door ?? null;
    this.#night.own = own ?? {};
    this.syncedAt = (await this.#store.get("syncedAt")) ?? 0;
    this.#night.clock.load((await this.#store.get("offset")) ?? 0, this.syncedAt);
    for (const ticket of await this.#store.all("tickets")) this.#night.tickets.know(ticket);
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
    return this.#night.clock.phone - this.syncedAt;
  }

  /** Whether somebody set this phone's clock back since. */
  get clockWasSetBack() {
    return this.#night.clock.wasSetBack;
  }

  /** Tickets that have all the words, as `Night.find` tells them. */
  find(words) {
    return this.#night.find(words);
  }

  /** A guest and who comes along, as `Night.party` tells them. */
  party(ticketId) {
    return this.#night.party(ticketId);
  }

  /** Whether a text looks like a ticket of this night. */
  isOurs(text) {
    return this.#night.isOurs(text);
  }

  /**
   * One ticket at the door: {answer, because, nonce, holder, ticketType, code, usedAt, gate, alone, note}. `alone`: the server was
   * not asked. Raises Refused when this phone is no scanner any more, and Unkept, with nothing changed, when neither it nor the
   * server keeps the scan.
   */
  async scan(text, { isExit = false, isFound = false, override = "" } = {}) {
    const shown = await this.#night.read(text);
    const ticket = this.#night.ticketOf(shown);
    const item = newScan({ device: this.#device, text, code: shown?.code, isExit, isFound, override, at: this.#night.clock.phone });
    item.order = this.#order++;
    item.ticketId = ticket?.id ?? shown?.ticketId;
    const alone = this.#night.alone(shown, ticket, item, { isExit, isFound, override: Boolean(override) });
    if (!this.online) return await this.#answeredAlone(item, alone);
    const isOnDisk = !this.isFull && (await this.#ifItFits({ put: { queue: [item] } }));
    this.#queue.set(item.nonce, item);
    let told;
    try {
      told = await this.#ask(bodyOf(item, this.#device, this.#night.clock.phone));
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
    const item = newScan({ device: entry.device ?? this.#device, undo: { nonce: entry.nonce, reason }, at: this.#night.clock.phone });
    item.order = this.#order++;
    item.state = "waiting";
    item.answered = "undone";
    item.ticketId = entry.ticketId;
    const undone = { ...entry, answer: "undone", was: entry.answer, note: reason, alone: false };
    const [log, restore] = [this.log, this.#night.mark(entry.ticketId)];
    const rows = [undone, ...this.#night.moveBack(entry, later(log, entry), item.nonce)];
    this.#queue.set(item.nonce, item);
    this.log = withRows(log, rows);
    const changes = { kept: { own: this.#night.own, door: this.door }, put: { queue: [item], log: rows } };
    if (!(await this.#ifItFits(changes)) && !(await this.#isTold(item))) {
      this.#queue.delete(item.nonce);
      restore();
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
    const sentAt = this.#night.clock.phone;
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
      const own = this.#night.own[item.ticketId];
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
      kept: { own: this.#night.own },
      remove: { queue: told },
      put: { queue: follows, log: logged },
    });
    this.#changed();
  }

  async #getList() {
    const { own, clock } = this.#night;
    const told = new Set(Object.keys(own).filter((id) => own[id].told));
    const asked = Date.now();
    const query = new URLSearchParams({ device_at: new Date(asked).toISOString() });
    const since = this.door?.cursor;
    if (since) query.set("since", since);
    const list = await ask(`${this.#api}/door?${query}`, this.#token, { patience: SYNC_PATIENCE_MS });
    const answered = Date.now();
    const offset = clock.compare(Date.parse(list.now), (asked + answered) / 2);
    this.#night.take(list);
    this.syncedAt = answered;
    const log = remarked(this.log, list.also_let_in);
    this.log = withRows(this.log, log);
    for (const id of told) if (own[id]?.told) delete own[id];
    const isKept = await this.#ifItFits({
      kept: { door: this.door, own, offset, syncedAt: this.syncedAt },
      put: { tickets: list.tickets, log },
    });
    if (!isKept) this.door.cursor = since; // the disk has the list of then
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
    const ticketId = item.ticketId ?? this.#night.tickets.ofCode(result.code)?.id;
    const scan = { answer: result.answer, override: Boolean(item.override), at: this.#night.clock.now };
    const restore = this.#night.mark(ticketId);
    const how = { people: result.admits, nonce: item.nonce, told: !result.alone };
    const before = moves(result.answer) ? this.#night.move(ticketId, scan, how) : undefined;
    const party = ticketId ? this.party(ticketId) : null;
    const text = item.payload ?? item.code ?? "";
    const opensAt = Date.parse(this.door.opens_at);
    const entry = { ...result, ...scan, nonce: item.nonce, device: item.device, ticketId, before, party, text, opensAt };
    const { rows, dropped } = withEntry(this.log, entry);
    this.log = rows;
    const changes = {
      kept: { own: this.#night.own, door: this.door },
      remove: { log: dropped, queue: result.alone ? [] : [item.nonce] },
      put: { log: [entry], queue: result.alone ? [item] : [] },
    };
    if (!mustFit) await this.#ifItFits(changes);
    else await this.#keep(changes, () => {
      this.#queue.delete(item.nonce);
      restore();
      this.log = this.log.filter((one) => one.nonce !== entry.nonce);
      const back = wasAsked ? [afterCrash({ ...item, state: "asking" })] : [];
      for (const one of back) this.#queue.set(one.nonce, one); // nobody saw the answer
    });
    this.#changed();
    return entry;
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
