// The night's tickets as the list has them: by id, by code, by order and by the words that somebody is looked for with.

import { isIn, searchable, wordsOf } from "./names.js";

export class Tickets {
  #byId = new Map();
  #byCode = new Map();
  #texts = new WeakMap(); // what a ticket is found by, as long as its type is the same

  /** One that is new, or another than it was. */
  know(ticket) {
    this.#byCode.delete(this.#byId.get(ticket.id)?.code);
    this.#byId.set(ticket.id, ticket);
    for (const code of [...(ticket.old_codes ?? []), ticket.code]) this.#byCode.set(code, ticket);
  }

  /** Of this id; undefined for one that the list does not have. */
  get(id) {
    return this.#byId.get(id);
  }

  /** Whose code this is, or was. */
  ofCode(code) {
    return this.#byCode.get(code);
  }

  ofOrder(code) {
    return [...this.#byId.values()].filter((ticket) => ticket.order_code === code);
  }

  /** Those whose holder, order, code, type or whoever invited them has all the words. `type`: a type of this name. */
  *matching(words, type) {
    const wanted = wordsOf(words);
    if (wanted.length === 0) return;
    for (const ticket of this.#byId.values()) if (isIn(this.#text(ticket, type(ticket.ticket_type)), wanted)) yield ticket;
  }

  #text(ticket, type) {
    const before = this.#texts.get(ticket);
    if (before?.type === type) return before.text;
    const text = searchable([ticket.holder, ticket.order_code, ticket.code, ticket.ticket_type, type.given_by]);
    this.#texts.set(ticket, { type, text });
    return text;
  }
}
