// What this phone knows of the night, its list and what it did itself since that was told, and what follows from it: how
// tickets stand, and what is answered without a network.

import { answerAlone, folded, ofAnotherTime, outdated } from "./answer.js";
import { ticketBefore } from "./before.js";
import { Clock } from "./clock.js";
import { counted } from "./counts.js";
import { isFresh } from "./fresh.js";
import { mistyped, read } from "./read.js";
import { Tickets } from "./tickets.js";
import { takenBack } from "./undo.js";
import { genuine } from "./verify.js";

export const FOUND_MAX = 30;
const VOID = ["cancelled", "refunded"];
const BOUGHT_LATER = { admits: 1, checks: [], last_entry_at: null, given_by: "" };
const LIST_FIELDS = [
  ...["event", "event_code", "time_zone", "ends_at", "gate", "role", "sells", "list_name", "re_entry", "opens_at"],
  ...["takes_paper", "age_minimum", "ticket_types", "keys", "retired_keys", "counts", "cursor"],
];

export class Night {
  door = null; // the list without its tickets
  tickets = new Tickets();
  own = {}; // ticket id -> {state, inside, at, gate, nonce, told}: what this phone did since the list was told
  clock = new Clock();

  #library;

  /** `library`: where the fallback for signatures is served, or "". */
  constructor(library) {
    this.#library = library;
  }

  /** What a sync told. */
  take(list) {
    this.door = Object.fromEntries(LIST_FIELDS.map((name) => [name, list[name]]));
    for (const ticket of list.tickets) this.tickets.know(ticket);
  }

  /**
   * Tickets whose holder, order, code, type or whoever invited them has all the words, void ones last; at most
   * FOUND_MAX. A guest stands for who comes along too: `party` is then what `party()` says. `code` and `answer`: of
   * the ticket that would come in next, and what it would be answered now; `usedAt` in ms. `waiting` and `inside`:
   * codes that can come in, and out, now.
   */
  find(words) {
    const found = [];
    const parties = new Set();
    const isVoid = (ticket) => Number(VOID.includes(this.#state(ticket)));
    const matching = [...this.tickets.matching(words, (name) => this.#type(name))];
    for (const ticket of matching.sort((one, other) => isVoid(one) - isVoid(other))) {
      if (parties.has(ticket.order_code)) continue;
      const party = this.party(ticket.id);
      if (party) parties.add(ticket.order_code);
      const standing = this.#standing(this.tickets.ofCode(party?.waiting[0]) ?? ticket);
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
    const { answer, because, usedAt, gate, lastEntry } = this.alone(shown, ticket, { ticketId: ticket.id }, { isFound: true });
    return { code, answer, because, usedAt, gate, lastEntry, givenBy: this.#type(ticket.ticket_type).given_by };
  }

  #isInside(code) {
    const ticket = this.tickets.ofCode(code);
    const shown = { eventCode: this.door.event_code, code };
    return this.alone(shown, ticket, { ticketId: ticket.id }, { isExit: true, isFound: true }).answer === "left";
  }

  /**
   * A guest and who comes along: {name, plus, size, inside, waiting}, the last two being the codes of those who are in and
   * who can come in; null for a ticket that somebody bought, or that is void.
   */
  party(ticketId) {
    const one = this.tickets.get(ticketId);
    if (!one || !this.#type(one.ticket_type).given_by) return null;
    const all = this.tickets
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

  /** What was read, its signature checked; null for nothing of ours. */
  async read(text) {
    const shown = read(text);
    if (!shown?.signature || !this.door || shown.eventCode !== this.door.event_code) return shown;
    const isOne = (one) => one.number === shown.keyNumber;
    const retired = this.door.retired_keys?.find(isOne); // a list of before there were any does not say
    const key = retired ?? this.door.keys.find(isOne);
    if (!key || !(await genuine(key.key, shown.signed, shown.signature, this.#library))) return null;
    if (retired) return { ...shown, retired: true };
    return shown.proof ? { ...shown, fresh: await isFresh(key.fresh, shown, this.clock.now) } : shown;
  }

  /** The ticket of what was read, as the list has it. */
  ticketOf(shown) {
    return shown ? (this.tickets.get(shown.ticketId) ?? this.tickets.ofCode(shown.code)) : undefined;
  }

  /** What is answered without the server, as `Scanner.scan` has it. `how`: {isExit, isFound, override}. */
  alone(shown, ticket, item, how) {
    const own = this.own[item.ticketId];
    const type = this.#type(ticket?.ticket_type);
    const lastEntry = type.last_entry_at;
    const answer = answerAlone({
      ...{ shown, ticket, ...how, own: own?.state, door: this.door, lastEntry, now: this.clock.now },
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

  #because(shown, ticket, isFound) {
    if (["cancelled", "refunded"].includes(ticket?.status)) return null;
    return (ticket && outdated(shown, ticket)) || ofAnotherTime(shown, this.door, isFound);
  }

  #reason(answer, shown, ticket, item) {
    if (answer === "blocked" && ticket.status !== "blocked") return "too_late";
    if (answer !== "unknown") return null;
    if (!shown) return mistyped(item.payload ?? "");
    return this.tickets.ofOrder(shown.code).length > 0 ? "order_code" : "unlisted";
  }

  /** A scan moved a ticket, which the list may not have: it counts for so many `people`. Returns what the ticket was before. */
  move(ticketId, scan, { people, nonce, told }) {
    const { re_entry: reEntry, gate } = this.door;
    const before = ticketBefore({
      ...{ own: this.own[ticketId], ticket: this.tickets.get(ticketId), reEntry },
      ...{ answer: scan.answer, isOverride: scan.override, now: scan.at },
    });
    this.#count({ before, scans: [scan], people });
    if (ticketId) {
      const { state, inside } = folded(before, [scan], reEntry);
      this.own[ticketId] = { state, inside, at: scan.at, gate, nonce, told };
    }
    return before;
  }

  /** The undo of this nonce takes `entry` back, and the scans `after` it stay. Returns those as the log has them now. */
  moveBack(entry, after, nonce) {
    const { before, last, rows } = takenBack(entry, after, this.door);
    if (entry.ticketId) this.own[entry.ticketId] = { ...last, nonce, told: false };
    this.#count({ before, instead: [entry, ...after], scans: after, people: entry.admits });
    return rows;
  }

  /** A function by which the ticket and the counts are again as they are now. */
  mark(ticketId) {
    const [own, counts] = [this.own[ticketId], this.door.counts];
    return () => {
      this.door.counts = counts;
      if (own) this.own[ticketId] = own;
      else delete this.own[ticketId];
    };
  }

  #count(change) {
    this.door.counts = counted(this.door.counts, { ...change, reEntry: this.door.re_entry });
  }

  /** What the door does with a type; one that the list does not know was bought since. */
  #type(name) {
    return this.door?.ticket_types?.find((type) => type.name === name) ?? BOUGHT_LATER;
  }

  #state(ticket) {
    return this.own[ticket.id]?.state ?? ticket.status;
  }
}
