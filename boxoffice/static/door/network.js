// The two requests of a scanner. No answer in time is no network.

/** The server cannot be asked right now. */
export class Away extends Error {}

/** The server refuses: `status`, `type` and `detail` of its problem. */
export class Refused extends Error {
  constructor(status, { type = "", detail = "" } = {}) {
    super(detail);
    this.status = status;
    this.type = type;
  }

  /** Whether this phone is no scanner any more. */
  get isFinal() {
    return this.type === "unknown_device" || this.type === "device_revoked";
  }
}

/** JSON of our API, within `patience` ms. Raises Away, Refused. */
export async function ask(path, token, { body, patience }) {
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), patience);
  let answer;
  let told;
  try {
    answer = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: { Authorization: `Bearer ${token}`, Accept: "application/json", "Content-Type": "application/json" },
      body: body ? JSON.stringify(body) : undefined,
      cache: "no-store",
      credentials: "omit",
      signal: gone.signal,
    });
    told = await answer.json();
  } catch (error) {
    throw new Away(String(error));
  } finally {
    clearTimeout(timer);
  }
  if (answer.ok) return told;
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new Away(told.detail);
  throw new Refused(answer.status, told);
}
