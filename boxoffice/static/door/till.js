// Selling without its screen: one sale at a time, kept on the phone until the server has said what became of it.
//
// A sale that got no answer may have been made, so it is asked again under its nonce until there is one, after a reload
// too; no other sale begins before.

import { Away, Refused } from "./network.js";
import { Unkept } from "./store.js";

const AGAIN_MS = 2000;
const SOLD_KEPT = 20;
const FINAL = ["paid", "ended", "voided"];

/** Dispatches `change`. `state`: idle, asking, unsure (no answer), waiting (for the card), or how the last sale ended. */
export class Till extends EventTarget {
  shown = null;
  sale = null;
  answer = null;
  state = "idle";
  away = false;
  sold = [];

  #scanner;
  #timer;

  constructor(scanner) {
    super();
    this.#scanner = scanner;
  }

  /** Goes on with the sale that a page left behind. One of another pairing cannot be asked for, and is told. */
  async load() {
    this.sold = (await this.#scanner.kept("sold")) ?? [];
    const sale = (await this.#scanner.kept("sale")) ?? null;
    if (!sale) return;
    if (sale.device === (await this.#scanner.kept("paired"))?.device) {
      this.sale = sale;
      await this.#ask();
    } else {
      await this.#scanner.keep({ sale: null });
      this.#refused(new Error("A sale of this phone’s last pairing got no answer. Look at that scanner’s cash-up before you count."));
    }
  }

  /** Whether a sale is under way whose end nobody knows yet. */
  get isBusy() {
    return ["asking", "unsure", "waiting"].includes(this.state);
  }

  /** Asks for prices and the cash box. Raises Refused. */
  async refresh() {
    await this.#till(() => this.#scanner.call("/till"));
  }

  /** What is in the cash box before the first sale. Raises Refused. */
  async open(float) {
    await this.#till(() => this.#scanner.call("/till", { float }));
  }

  /** What was counted in the end. Raises Refused. */
  async close(counted) {
    await this.#till(() => this.#scanner.call("/till/closing", { counted }));
  }

  /** Sells. Raises Refused, Unkept: then nothing was sold. */
  async sell({ offer, quantity, paidBy, email, given }) {
    if (this.isBusy) return;
    this.#is("asking"); // before anything is awaited: a second tap is not a second sale
    const { ticket_type, price, name } = offer;
    const body = { nonce: crypto.randomUUID(), ticket_type, quantity, price, paid_by: paidBy, email };
    const { device } = await this.#scanner.kept("paired");
    const sale = { body, device, name, total: price * quantity, given, at: Date.now() };
    try {
      await this.#scanner.keep({ sale });
    } catch (error) {
      this.next();
      throw error;
    }
    this.sale = sale;
    await this.#ask();
  }

  /** The buyer thought better of it before the card was paid; what is paid all the same stays paid. Raises Refused. */
  async giveUp() {
    clearTimeout(this.#timer);
    try {
      await this.#ended(await this.#void(this.sale.body.nonce, "Given up"));
    } catch (error) {
      this.#later();
      if (!(error instanceof Away)) throw error;
      this.#is("unsure");
    }
  }

  /** Takes back a sale whose cash was handed back. Raises Refused, Away. */
  async takeBack(nonce, reason) {
    await this.#void(nonce, reason);
    this.sold = this.sold.map((one) => (one.nonce === nonce ? { ...one, voided: true } : one));
    await this.#keep({ sold: this.sold });
    if (this.sale?.body.nonce === nonce) this.next();
    this.#scanner.sync();
    await this.refresh();
  }

  /** Ready for the next one. */
  next() {
    this.sale = null;
    this.answer = null;
    this.#is("idle");
  }

  async #ask() {
    clearTimeout(this.#timer);
    if (this.state !== "waiting") this.#is(this.state === "unsure" ? "unsure" : "asking");
    try {
      const answer = await this.#scanner.call("/sales", this.sale.body);
      this.away = false;
      await this.#ended(answer);
    } catch (error) {
      if (error instanceof Away) {
        this.away = true;
        this.#is(this.state === "waiting" ? "waiting" : "unsure");
        this.#later();
      } else if (error instanceof Refused) {
        await this.#keep({ sale: null });
        this.next();
        throw error;
      } else throw error;
    }
  }

  async #ended(answer) {
    this.answer = answer;
    if (!FINAL.includes(answer.state)) {
      this.#is("waiting");
      return this.#later();
    }
    const { nonce, quantity, paid_by: paidBy } = this.sale.body;
    const one = { nonce, quantity, paidBy, name: this.sale.name, total: answer.total, at: this.sale.at, order: answer.order };
    if (answer.state === "paid") this.sold = [one, ...this.sold].slice(0, SOLD_KEPT);
    await this.#keep({ sale: null, sold: this.sold });
    this.#is(answer.state);
    this.#scanner.sync();
    return undefined;
  }

  /** What does not fit is asked for again after a reload, under the same nonce. */
  async #keep(values) {
    await this.#scanner.keep(values).catch((error) => {
      if (!(error instanceof Unkept)) throw error;
    });
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask().catch((error) => this.#refused(error)), AGAIN_MS);
  }

  #refused(error) {
    this.dispatchEvent(new CustomEvent("refused", { detail: error.message }));
  }

  #void(nonce, reason) {
    return this.#scanner.call(`/sales/${encodeURIComponent(nonce)}/void`, { reason });
  }

  async #till(ask) {
    try {
      this.shown = await ask();
      this.away = false;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      this.away = true;
    }
    this.dispatchEvent(new Event("change"));
  }

  #is(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
