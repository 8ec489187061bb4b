// The answer, as large as the screen. It goes by itself, by a tap, or when the next ticket is read.

import { settle } from "./second_tap.js";
import { play } from "./sound.js";
import { ANSWERS, checks, icon, isCompanion, people, sentence, wordOf } from "./words.js";

const SHOWN_MS = { good: 1800, plain: 1800, bad: 6000, wait: 4000 };
const ALONE = "Answered without a network";
const TO_LOOK_AT_MS = 4000; // the next ticket that is read does not wait for it

/** `time`: writes ms as the venue's clock; `offers(entry)`: [{label, act}] for its buttons; `age()`: the night's. */
export class Result {
  #place = document.querySelector("#result");
  #spoken = document.querySelector("#spoken");
  #behind = document.querySelector("#scanning");
  #before = null; // what had the focus
  #time;
  #offers;
  #age;
  #timer;
  #buttons = null;

  constructor(time, offers, age) {
    this.#time = time;
    this.#offers = offers;
    this.#age = age;
    this.#place.addEventListener("click", (event) => {
      if (!this.#buttons.inert && !event.target.closest("button")) this.close();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.close();
    });
  }

  show(entry) {
    const { tone } = ANSWERS[entry.answer];
    const word = wordOf(entry);
    this.#buttons = this.#buttonsFor(entry);
    clearTimeout(this.#timer);
    this.#place.className = `result is-${tone}`;
    this.#place.dataset.answer = entry.answer;
    this.#place.replaceChildren(
      icon(entry.answer),
      element("p", "result-word", word),
      ...this.#lines(entry),
      this.#buttons,
    );
    this.#cover();
    this.#place.scrollTop = 0;
    settle(this.#buttons);
    const said = [word, sentence(entry, this.#time), people(entry), ...this.#checks(entry), entry.ticketType, entry.holder, entry.alone ? ALONE : ""];
    this.#spoken.textContent = said.filter(Boolean).map((words) => words.replace(/\.$/, "")).join(". ");
    play(tone);
    const toLookAt = this.#checks(entry).length > 0 || people(entry);
    this.#timer = setTimeout(() => this.close(), toLookAt ? Math.max(TO_LOOK_AT_MS, SHOWN_MS[tone]) : SHOWN_MS[tone]);
  }

  /** Stays until somebody says so. */
  hold() {
    clearTimeout(this.#timer);
  }

  close() {
    clearTimeout(this.#timer);
    if (this.#place.hidden) return;
    const isLeft = this.#place.contains(document.activeElement);
    this.#place.hidden = true;
    this.#behind.inert = false;
    this.#spoken.textContent = ""; // the same answer to the next ticket is said again
    if (isLeft) refocus(this.#before);
  }

  /** Nothing behind it can be reached, and a phone's keyboard does not lie over it. */
  #cover() {
    if (this.#place.hidden) this.#before = document.activeElement;
    this.#behind.inert = true;
    this.#place.hidden = false;
    this.#place.focus({ preventScroll: true });
  }

  #lines(entry) {
    const lines = [["result-more", sentence(entry, this.#time)], ["result-people", people(entry)]];
    for (const check of this.#checks(entry)) lines.push(["result-check", check]);
    lines.push(["result-type", entry.ticketType]);
    const nameIsTold = entry.answer === "admitted" && entry.checks?.includes("name") && !isCompanion(entry);
    lines.push(["result-holder", nameIsTold ? "" : entry.holder], ["result-code", entry.code]);
    if (entry.alone) lines.push(["result-alone", ALONE]);
    return lines.filter(([, text]) => text).map(([name, text]) => element("p", name, text));
  }

  #checks(entry) {
    return checks(entry, this.#age());
  }

  #buttonsFor(entry) {
    const row = element("div", "result-buttons", "");
    const next = { label: "Next", act: () => this.close() };
    for (const { label, act } of [...this.#offers(entry), next]) {
      const button = element("button", "button", label);
      button.type = "button";
      button.addEventListener("click", act);
      row.append(button);
    }
    return row;
  }
}

/** The focus goes back to where it was, though that may have been written anew since, under the same key. */
export function refocus(element) {
  const key = element?.dataset.key;
  const same = key && !element.isConnected ? document.querySelector(`[data-key="${CSS.escape(key)}"]`) : element;
  same?.focus({ preventScroll: true });
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
