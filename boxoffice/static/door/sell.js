// The screen for selling at the door. What a sale is and how it survives is in till.js.

import { typed, written } from "./money.js";
import { Away, Refused } from "./network.js";
import { element } from "./result.js";
import { play } from "./sound.js";
import { Unkept } from "./store.js";
import { Till } from "./till.js";
import { askWhy } from "./why.js";
import { checks, icon } from "./words.js";

const MANY_MAX = 10;
const VOID_WITHIN_MS = 15 * 60_000;
const REASONS = ["Wrong number", "They changed their mind", "Wrong person"];
const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4;
const SCREENS = ["loading", "offline", "float", "form", "wait", "unsure", "done", "cash-up"];

const find = (selector) => document.querySelector(selector);

/** `clock` writes ms as the venue's time. */
export class Selling {
  #till;
  #scanner;
  #clock;
  #dialog = find("#selling");
  #many = 1;
  #type = null;
  #looksAtBox = false;
  #counted = null; // minor units, until they are confirmed
  #drawn = "";
  #was = "idle";
  #screenWas = "";

  constructor(scanner, clock) {
    this.#scanner = scanner;
    this.#clock = clock;
    this.#till = new Till(scanner);
    this.#till.addEventListener("change", () => this.#show());
    this.#till.addEventListener("refused", (event) => this.#told(event.detail));
    scanner.addEventListener("change", () => this.#showButton());
    this.#listen();
    this.#try(() => this.#till.load());
  }

  /** While it is, nothing is scanned: the answer would not be seen. */
  get isOpen() {
    return this.#dialog.open;
  }

  #listen() {
    find("#sell").addEventListener("click", () => this.#open());
    find("#selling-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#told(""));
    find("#sell-box").addEventListener("click", () => {
      this.#looksAtBox = !this.#looksAtBox;
      this.#counted = null;
      this.#told("");
      this.#try(() => this.#till.refresh());
    });
    find("#fewer").addEventListener("click", () => this.#count(-1));
    find("#more").addEventListener("click", () => this.#count(1));
    find("#given").addEventListener("input", () => this.#showForm());
    for (const paidBy of ["cash", "card"]) find(`#sell-${paidBy}`).addEventListener("click", () => this.#sell(paidBy));
    find("#give-up").addEventListener("click", () => this.#try(() => this.#till.giveUp()));
    find("#sell-next").addEventListener("click", () => this.#next());
    find("#sell-back").addEventListener("click", () => this.#takeBack(this.#till.sale.body.nonce));
    this.#takesAmount("#sell-float", "#float", (minor) => this.#till.open(minor));
    this.#takesAmount("#close-form", "#counted", (minor) => this.#askSure(minor));
    find("#close-yes").addEventListener("click", () => this.#cashUp());
    find("#close-no").addEventListener("click", () => {
      this.#askSure(null);
      find("#counted").focus();
    });
  }

  #takesAmount(form, field, act) {
    find(form).addEventListener("submit", (event) => {
      event.preventDefault();
      const minor = typed(find(field).value, this.#till.shown);
      if (minor === null) return this.#told(`“${find(field).value}” is no amount: write it like ${this.#example()}.`);
      this.#told("");
      return this.#try(() => act(minor));
    });
  }

  /** With the figures on the screen, since it is final here. */
  #askSure(minor) {
    this.#counted = minor;
    this.#show();
    if (minor !== null) find("#close-title").focus();
  }

  async #cashUp() {
    const counted = this.#counted;
    if (counted === null) return; // the second tap of two
    this.#counted = null;
    await this.#try(() => this.#till.close(counted));
    this.#show();
  }

  #open() {
    this.#looksAtBox = false;
    this.#counted = null;
    this.#dialog.showModal();
    this.#show();
    this.#try(() => this.#till.refresh());
  }

  #next() {
    this.#many = 1;
    for (const field of ["#given", "#sell-email"]) find(field).value = "";
    this.#told("");
    this.#till.next();
    this.#try(() => this.#till.refresh());
    find("#more").focus();
  }

  #count(by) {
    this.#many = Math.min(MANY_MAX, Math.max(1, this.#many + by));
    this.#showForm();
  }

  async #sell(paidBy) {
    const offer = this.#offer();
    if (!offer) return;
    const { given, short } = this.#given(offer);
    if (paidBy === "cash" && short) return;
    const email = find("#sell-email").value.trim();
    this.#told("");
    const refused = await this.#try(() => this.#till.sell({ offer, quantity: this.#many, paidBy, email, given }));
    if (refused) await this.#try(() => this.#till.refresh()); // with the price and what is left now
  }

  async #takeBack(nonce) {
    const reason = await askWhy("Hand the cash back?", "Take back", REASONS);
    if (reason) await this.#try(() => this.#till.takeBack(nonce, reason));
  }

  /** Whether it was refused; the reason is told. */
  async #try(act) {
    try {
      await act();
      return false;
    } catch (error) {
      if (error instanceof Refused || error instanceof Unkept) this.#told(error.message);
      else if (error instanceof Away) this.#told("No answer. Nothing is known to have changed; try again.");
      else throw error;
      return true;
    }
  }

  #told(words) {
    find("#sell-told").textContent = words;
    find("#sell-told").hidden = !words;
  }

  #screen() {
    const { state, shown, away } = this.#till;
    if (state === "waiting") return "wait";
    if (state === "unsure" || state === "asking") return "unsure";
    if (state === "paid") return "done";
    if (away) return "offline";
    if (!shown) return "loading";
    if (!shown.cash_up) return "float";
    return this.#looksAtBox || shown.cash_up.closed_at ? "cash-up" : "form";
  }

  #show() {
    const { state } = this.#till;
    const screen = this.#screen();
    for (const one of SCREENS) find(`#sell-${one}`).hidden = one !== screen;
    if (screen !== this.#screenWas) this.#dialog.scrollTop = 0;
    this.#screenWas = screen;
    find("#sell-box").hidden = !["form", "cash-up"].includes(screen) || Boolean(this.#till.shown?.cash_up?.closed_at);
    find("#sell-box").textContent = screen === "cash-up" ? "Sell" : "Cash box";
    find("#selling-title").textContent = screen === "cash-up" ? "Cash box" : "Sell";
    if (state === "ended") {
      this.#told("Not paid, and nothing was taken. The places are on sale again.");
      this.#till.next();
    } else if (screen === "form") this.#showForm();
    else if (screen === "unsure") this.#showUnsure();
    else if (screen === "wait") this.#showWait();
    else if (screen === "done") this.#showDone();
    else if (screen === "cash-up") this.#showBox();
    this.#was = state;
    this.#showButton();
  }

  #showButton() {
    const button = find("#sell");
    button.hidden = !this.#scanner.door?.sells;
    button.textContent = this.#till.isBusy ? "Sell · 1 waits" : "Sell";
  }

  #offer() {
    const offers = this.#till.shown?.offers ?? [];
    return offers.find((one) => one.ticket_type === this.#type) ?? offers[0];
  }

  #showForm() {
    const { shown } = this.#till;
    const offer = this.#offer();
    find("#sell-nothing").hidden = Boolean(offer);
    find("#sell-choice").hidden = !offer;
    if (!offer) return;
    this.#showTypes(shown.offers, offer);
    find("#many").textContent = String(this.#many);
    find("#fewer").disabled = this.#many <= 1;
    find("#more").disabled = this.#many >= Math.min(MANY_MAX, offer.left);
    find("#sell-total").textContent = written(offer.price * this.#many, shown);
    const people = offer.admits > 1 ? `, ${offer.admits * this.#many} people` : "";
    const left = offer.left <= 0 ? "sold out" : offer.left < MANY_MAX ? `up to ${offer.left} now` : "";
    find("#sell-each").textContent = [`${written(offer.price, shown)} each${people}`, left].filter(Boolean).join(" · ");
    const none = offer.left < this.#many;
    find("#sell-cash").hidden = find("#sell-given").hidden = !offer.cash;
    find("#sell-card").hidden = !offer.card;
    find("#sell-card").disabled = none;
    this.#showGiven(offer, none);
  }

  #showTypes(offers, chosen) {
    const place = find("#sell-types");
    place.hidden = offers.length < 2;
    place.replaceChildren(
      ...offers.map((offer) => {
        const button = element("button", "", `${offer.name} `);
        button.append(element("span", "soft", written(offer.price, this.#till.shown)));
        button.type = "button";
        button.setAttribute("aria-pressed", String(offer === chosen));
        button.addEventListener("click", () => {
          this.#type = offer.ticket_type;
          this.#showForm();
          find("#sell-types [aria-pressed=true]").focus();
        });
        return button;
      }),
    );
  }

  /** What was handed over: minor units, null for nothing typed or no amount; `short`: why it is not enough, or "". */
  #given(offer) {
    const text = find("#given").value.trim();
    if (!text) return { given: null, short: "" };
    const given = typed(text, this.#till.shown);
    const total = offer.price * this.#many;
    if (given === null) return { given, short: `No amount: write it like ${this.#example()}` };
    return { given, short: given < total ? `${written(total - given, this.#till.shown)} is missing` : "" };
  }

  #showGiven(offer, none) {
    const { given, short } = this.#given(offer);
    const change = given === null ? "" : `Change ${written(given - offer.price * this.#many, this.#till.shown)}`;
    find("#change").textContent = short || change;
    find("#change").classList.toggle("is-short", Boolean(short));
    find("#sell-cash").disabled = none || Boolean(short);
  }

  #showUnsure() {
    find("#sell-unsure").textContent =
      this.#till.state === "asking"
        ? "Asking the box office."
        : "No answer yet. The sale may have been made: this phone asks until it knows. Take no cash twice.";
  }

  #showWait() {
    const { sale, answer, away } = this.#till;
    find("#wait-total").textContent = this.#money(sale.total, answer);
    find("#wait-words").textContent = away
      ? "No network. This phone asks again; nobody is let in before it knows."
      : "Their phone opens the page to pay. This one turns green when it is paid.";
    if (answer?.pay_code && this.#drawn !== answer.pay_url) {
      find("#pay-code").replaceChildren(drawing(answer.pay_code));
      this.#drawn = answer.pay_url;
    }
  }

  #showDone() {
    if (this.#was === "paid") return;
    const { sale, answer } = this.#till;
    const out = answer.tickets.filter((one) => one.answer !== "admitted");
    const people = answer.tickets.reduce((sum, one) => sum + one.admits, 0);
    const change = sale.given === null || sale.given === undefined || sale.body.paid_by === "card" ? null : sale.given - sale.total;
    find("#done-word").textContent = out.length ? "Paid" : "Paid, let in";
    find("#done-people").textContent = people === 1 ? "1 person" : `${people} people`;
    find("#done-more").textContent = out.length
      ? `${out.length} not let in: scan ${out.map((one) => one.code).join(", ")}`
      : `${this.#money(answer.total, answer)} ${how(answer.paid_by)} · order ${answer.order}`;
    this.#showChecks(answer.tickets);
    find("#done-change").hidden = change === null || change < 0;
    if (change !== null && change >= 0) find("#done-change").textContent = `Change ${this.#money(change, answer)}`;
    find("#sell-back").hidden = answer.paid_by !== "cash";
    find("#done-icon").replaceChildren(icon(out.length ? "not_inside" : "admitted"));
    play(out.length ? "wait" : "good");
    if (!this.#dialog.open) this.#dialog.showModal();
    find("#sell-next").focus();
  }

  #showChecks(tickets) {
    const wanted = [...new Set(tickets.flatMap((one) => one.checks ?? []))];
    const words = checks({ answer: "admitted", holder: "", checks: wanted }, this.#scanner.door?.age_minimum ?? 0);
    find("#done-checks").replaceChildren(...words.map((text) => element("p", "result-check", text)));
  }

  #showBox() {
    const { shown, sold } = this.#till;
    const box = shown.cash_up;
    const rows = [["Float", box.float], ["Cash sales", box.cash]];
    if (box.voided) rows.push(["Taken back", -box.voided]);
    rows.push(["Should be in the box", box.expected]);
    if (box.counted !== null) rows.push(["Counted", box.counted], ["Difference", box.difference]);
    rows.push(["By card, at Stripe", box.card]);
    this.#showSums("#box-sums", rows);
    find("#box-lines").replaceChildren(
      ...box.lines.map((line) => {
        const row = element("li", "found-row", "");
        const words = element("div", "log-words", "");
        const back = line.voided ? ` · ${line.voided} taken back` : "";
        words.append(
          element("strong", "", `${line.sold} × ${line.ticket_type}`),
          element("span", "", `${written(line.price, shown)} ${how(line.paid_by)}${back}`),
        );
        row.append(words, element("span", "box-sum", written(line.total, shown)));
        return row;
      }),
    );
    find("#box-none").hidden = box.lines.length > 0;
    find("#box-closed").hidden = !box.closed_at;
    if (box.closed_at) find("#box-closed").textContent = `Cashed up at ${this.#clock(Date.parse(box.closed_at))}. This scanner sells no more tonight. A wrong count is taken back by whoever runs the door.`;
    const sure = this.#counted !== null && !box.closed_at;
    find("#close-form").hidden = Boolean(box.closed_at) || sure;
    find("#box-sums").hidden = sure;
    find("#close-sure").hidden = !sure;
    if (sure) this.#showSure(box);
    this.#showSold(sold, box);
  }

  #showSure(box) {
    const difference = this.#counted - box.expected;
    this.#showSums("#close-sums", [["Counted", this.#counted], ["Should be in the box", box.expected], ["Difference", difference]]);
    find("#close-differs").hidden = difference === 0;
  }

  #showSums(selector, rows) {
    find(selector).replaceChildren(
      ...rows.map(([name, minor]) => {
        const row = element("div", "", "");
        row.append(element("dt", "", name), element("dd", "", written(minor, this.#till.shown)));
        return row;
      }),
    );
  }

  #showSold(sold, box) {
    const late = this.#scanner.door?.role === "supervisor" ? Infinity : VOID_WITHIN_MS;
    const open = sold.filter((one) => one.paidBy === "cash" && !one.voided && Date.now() - one.at < late && !box.closed_at);
    find("#sold-title").hidden = open.length === 0;
    find("#sold").replaceChildren(
      ...open.map((one) => {
        const row = element("li", "found-row", "");
        const words = element("div", "log-words", "");
        const title = `${one.quantity} × ${one.name}, ${written(one.total, this.#till.shown)}`;
        words.append(element("strong", "", title), element("span", "", `${this.#clock(one.at)} · order ${one.order}`));
        const button = element("button", "button quiet", "Take back");
        button.type = "button";
        button.setAttribute("aria-label", `Take back ${title}`);
        button.addEventListener("click", () => this.#takeBack(one.nonce));
        row.append(words, button);
        return row;
      }),
    );
  }

  /** An answer knows its currency, and its decimals are those of the till where that was asked before. */
  #money(minor, answer) {
    const decimals = new Intl.NumberFormat("en", { style: "currency", currency: answer?.currency ?? this.#till.shown.currency }).resolvedOptions().maximumFractionDigits;
    return written(minor, this.#till.shown ?? { currency: answer.currency, decimals });
  }

  #example() {
    const { decimals } = this.#till.shown;
    return decimals ? `50.${"0".repeat(decimals)}` : "5000";
  }
}

function how(paidBy) {
  return paidBy === "cash" ? "in cash" : "by card";
}

/** A QR code as a picture, dark on light whatever the page's colours are. */
function drawing(rows) {
  const size = rows.length + 2 * QUIET;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  const modules = rows.flatMap((row, y) => [...row].map((dark, x) => (dark === "1" ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : "")));
  path.setAttribute("d", modules.join(""));
  svg.append(path);
  return svg;
}
