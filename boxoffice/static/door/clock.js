// The time by the server's clock, as far as this phone can know it.
//
// Somebody may set the phone's clock while there is no network. That it went back is certain: this page counts time by itself
// too, and a phone that sleeps only makes the clock run ahead of that count. Whether it was set ahead, or the phone slept,
// nobody can tell.

const SLACK_MS = 60_000; // phones correct themselves by less

export class Clock {
  #offset = 0; // of the server's clock from this phone's
  #phone = Date.now(); // when the two were compared, by this phone's clock
  #counted = performance.now(); // and by the page's own count

  /** What was kept: the offset, and when it was measured. */
  load(offset, comparedAt) {
    this.#offset = offset;
    if (Date.now() < comparedAt - SLACK_MS) this.#phone = comparedAt; // it is later than that at least
  }

  /** The server's clock was at `server` when this phone's was at `phone`. Returns the offset. */
  compare(server, phone) {
    this.#offset = server - phone;
    this.#phone = Date.now();
    this.#counted = performance.now();
    return this.#offset;
  }

  get wasSetBack() {
    return Date.now() < this.#byCount - SLACK_MS;
  }

  /** Milliseconds by this phone's clock, as if nobody had set it back. */
  get phone() {
    return this.wasSetBack ? this.#byCount : Date.now();
  }

  /** Milliseconds by the server's clock. */
  get now() {
    return this.phone + this.#offset;
  }

  get #byCount() {
    return this.#phone + performance.now() - this.#counted;
  }
}
