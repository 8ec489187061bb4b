// Which of the codes in the camera's picture is scanned: one at a time, and a ticket of ours before what lies beside it.

const SAME_AGAIN_MS = 2500;
const TOGETHER_MS = 500; // a code is missed in some frames, and is still in the picture
const OTHERS_WAIT_MS = 300; // the ticket beside it may be read a few frames later

export class Picture {
  #isOurs;
  #isWanted;
  #codes = new Map(); // text -> {since, at, isRead}, in ms

  /** `isOurs(text)`: whether it looks like a ticket of this night; `isWanted()`: whether anything is scanned now. */
  constructor(isOurs, isWanted) {
    this.#isOurs = isOurs;
    this.#isWanted = isWanted;
  }

  /**
   * The text to scan now, or null; `texts`: the codes of one frame, `now`: its time in ms. A code that stays is scanned
   * once, and again after it was away for a moment. While a ticket that was scanned stays, a second one waits. Whatever else
   * was in the picture with a code that was scanned is not scanned after it. While nothing is wanted, what comes is new
   * afterwards, and what was scanned before is not.
   */
  next(texts, now) {
    for (const [text, code] of this.#codes) if (now - code.at > SAME_AGAIN_MS) this.#codes.delete(text);
    const isWanted = this.#isWanted();
    const noted = isWanted ? texts : texts.filter((text) => this.#codes.has(text));
    for (const text of noted) this.#codes.set(text, { since: now, isRead: false, ...this.#codes.get(text), at: now });
    if (!isWanted) return null;
    const here = [...this.#codes].filter(([, code]) => now - code.at < TOGETHER_MS);
    const ours = here.filter(([text]) => this.#isOurs(text));
    const others = here.filter((one) => !ours.includes(one));
    const found = ours.length > 0 ? ticketOf(ours, texts) : others.find(([, code]) => isLate(code, now));
    if (ours.length > 0 || found) for (const [, code] of others) code.isRead = true;
    if (!found) return null;
    found[1].isRead = true;
    return found[0];
  }
}

function ticketOf(ours, texts) {
  return ours.some(([, code]) => code.isRead) ? undefined : ours.find(([text]) => texts.includes(text));
}

function isLate(code, now) {
  return !code.isRead && code.at === now && now - code.since >= OTHERS_WAIT_MS;
}
