// What was read at a door: the text of a QR code, or a code that somebody typed (boxoffice/tickets/code.py and
// foundation/ids.py say the same in Python).

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECKS = `${ALPHABET}*~$=U`;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const READ_AS = { O: "0", I: "1", L: "1" };
const VERSIONS = { 140: 1, 152: 2 }; // the second are codes that rotate
const SIGNED_BYTES = 23;
const FIXED_BYTES = 87;
const STEP_BYTES = 2;
const CODE_LENGTH = 12;
const EVENT_CODE_LENGTH = 4;
const TYPED = /^[0-9A-Za-z*~$= -]+$/;

/** {eventCode, code} of a typed code, {eventCode, ticketId, revision, keyNumber, signed, signature} of a QR code's text
 * whose signature nobody has checked yet, with {step, proof} of one that rotates; null of anything else. */
export function read(text) {
  return readPayload(text.trim()) ?? readTyped(text);
}

function readTyped(text) {
  if (text.length > 2 * CODE_LENGTH) return null;
  const code = readCode(text);
  return code?.length === CODE_LENGTH ? { eventCode: code.slice(0, EVENT_CODE_LENGTH), code } : null;
}

/** What a person typed, as the code it stands for; null when the check character does not fit. */
export function readCode(text) {
  const typed = text.trim().replace(/[- ]/g, "").toUpperCase();
  const body = [...typed.slice(0, -1)].map((letter) => READ_AS[letter] ?? letter).join("");
  const last = typed.at(-1) ?? "";
  if (!body || [...body].some((letter) => !ALPHABET.includes(letter))) return null;
  const check = CHECKS.includes(last) ? last : (READ_AS[last] ?? last);
  return CHECKS[remainder(body)] === check ? body + check : null;
}

/** "mistyped" for what can only be a wrongly typed code: of such letters, and too short, too long or with a check
 * character that does not fit; null for what is a whole code, or nothing that somebody typed. */
export function mistyped(text) {
  if (text.length > 2 * CODE_LENGTH || !TYPED.test(text)) return null;
  return readCode(text)?.length === CODE_LENGTH ? null : "mistyped";
}

function remainder(body) {
  let rest = 0;
  for (const letter of body) rest = (rest * 32 + ALPHABET.indexOf(letter)) % 37;
  return rest;
}

function readPayload(text) {
  const version = VERSIONS[text.length];
  const bytes = version ? decoded(text.toUpperCase()) : null;
  if (!bytes || bytes[0] !== version) return null;
  const number = (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
  return {
    eventCode: [15, 10, 5, 0].map((place) => ALPHABET[(number >> place) & 31]).join(""),
    keyNumber: bytes[4],
    ticketId: uuid(bytes.subarray(5, 21)),
    revision: (bytes[21] << 8) | bytes[22],
    signed: bytes.slice(0, SIGNED_BYTES),
    signature: bytes.slice(SIGNED_BYTES, FIXED_BYTES),
    ...(version === 1 ? {} : { step: bytes.slice(FIXED_BYTES, FIXED_BYTES + STEP_BYTES), proof: bytes.slice(FIXED_BYTES + STEP_BYTES) }),
  };
}

/** 140 characters are 700 bits, 4 more than 87 bytes: those must be 0, since one code has one text. */
function decoded(text) {
  const bytes = new Uint8Array((text.length * 5) >> 3);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    const value = BASE32.indexOf(letter);
    if (value < 0) return null;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  return held & ((1 << bits) - 1) ? null : bytes;
}

function uuid(bytes) {
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
