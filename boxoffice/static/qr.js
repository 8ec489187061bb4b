// Draws a rotating code: a QR code (ISO/IEC 18004) of version 6 with error correction M, which holds up to 154 characters
// of its alphanumeric mode in 41 by 41 modules.

export const SIDE = 41;
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const LENGTH_MAX = 154;
const BLOCKS = 4;
const DATA_BYTES = 108;
const BLOCK_BYTES = DATA_BYTES / BLOCKS;
const CHECK_BYTES = 16;
const ALIGNED_AT = 34;
// What is encoded is as random as a signature, so no mask is better than another.
const MASK = 0;
const isMasked = (row, column) => (row + column) % 2 === 0;

const POWERS = [];
const LOGARITHMS = [];
for (let power = 0, value = 1; power < 255; power++) {
  POWERS[power] = value;
  LOGARITHMS[value] = power;
  value = value & 128 ? (value << 1) ^ 0x11d : value << 1;
}
const GENERATOR = generator();

/** `text` as rows of booleans, dark ones true; without the quiet zone. */
export function modulesOf(text) {
  if (text.length > LENGTH_MAX) throw new Error("This code holds 154 characters.");
  const { modules, free } = blank();
  let bit = 0;
  const bytes = interleaved(encoded(text));
  for (const [row, column] of way()) {
    if (!free[row][column]) continue;
    const isDark = bit < bytes.length * 8 && (bytes[bit >> 3] >> (7 - (bit & 7))) & 1;
    modules[row][column] = Boolean(isDark) !== isMasked(row, column);
    bit++;
  }
  writeFormat(modules);
  return modules;
}

/** The dark modules as the `d` of an SVG path, with `border` light ones around. */
export function pathOf(modules, border) {
  let path = "";
  modules.forEach((cells, row) => {
    for (let column = 0; column < SIDE; column++) {
      if (!cells[column]) continue;
      let length = 1;
      while (cells[column + length]) length++;
      path += `M${column + border} ${row + border}h${length}v1h-${length}z`;
      column += length;
    }
  });
  return path;
}

function encoded(text) {
  const bits = [];
  const push = (value, length) => {
    for (let place = length - 1; place >= 0; place--) bits.push((value >> place) & 1);
  };
  push(2, 4);
  push(text.length, 9);
  const values = [...text].map((letter) => LETTERS.indexOf(letter));
  for (let at = 0; at < values.length; at += 2) {
    if (at + 1 < values.length) push(values[at] * 45 + values[at + 1], 11);
    else push(values[at], 6);
  }
  push(0, Math.min(4, DATA_BYTES * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  for (let pad = 0xec; bits.length < DATA_BYTES * 8; pad ^= 0xfd) push(pad, 8);
  return Array.from({ length: DATA_BYTES }, (_, byte) => Number.parseInt(bits.slice(byte * 8, byte * 8 + 8).join(""), 2));
}

function interleaved(data) {
  const blocks = Array.from({ length: BLOCKS }, (_, block) => data.slice(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
  const checks = blocks.map(checkBytes);
  const across = (parts, length) => Array.from({ length }, (_, at) => parts.map((part) => part[at])).flat();
  return [...across(blocks, BLOCK_BYTES), ...across(checks, CHECK_BYTES)];
}

/** The remainder of a block divided by the generator (Reed and Solomon). */
function checkBytes(block) {
  const rest = [...block, ...new Array(CHECK_BYTES).fill(0)];
  for (let at = 0; at < block.length; at++) {
    if (!rest[at]) continue;
    const factor = LOGARITHMS[rest[at]];
    GENERATOR.forEach((power, place) => (rest[at + place] ^= POWERS[(power + factor) % 255]));
  }
  return rest.slice(block.length);
}

/** Its coefficients as powers, the highest first. */
function generator() {
  let product = [1];
  for (let root = 0; root < CHECK_BYTES; root++) {
    const next = [...product, 0];
    product.forEach((value, place) => (next[place + 1] ^= POWERS[(LOGARITHMS[value] + root) % 255]));
    product = next;
  }
  return product.map((value) => LOGARITHMS[value]);
}

/** What every code of this size has, and which modules are free for data. */
function blank() {
  const modules = Array.from({ length: SIDE }, () => new Array(SIDE).fill(false));
  const free = Array.from({ length: SIDE }, () => new Array(SIDE).fill(true));
  const set = (row, column, isDark) => {
    if (row < 0 || column < 0 || row >= SIDE || column >= SIDE) return;
    modules[row][column] = isDark;
    free[row][column] = false;
  };
  for (let at = 0; at < SIDE; at++) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  for (const [top, left] of [[0, 0], [0, SIDE - 7], [SIDE - 7, 0]]) {
    squares(top + 3, left + 3, 4, (ring) => ring !== 2 && ring !== 4, set);
  }
  squares(ALIGNED_AT, ALIGNED_AT, 2, (ring) => ring !== 1, set);
  for (let at = 0; at < 9; at++) {
    if (at !== 6) set(8, at, false);
    if (at !== 6) set(at, 8, false);
  }
  for (let at = 0; at < 8; at++) {
    set(8, SIDE - 1 - at, false);
    set(SIDE - 1 - at, 8, at === 7);
  }
  return { modules, free };
}

/** Rings around a module; `isDark(ring)`, 0 in the middle. */
function squares(row, column, rings, isDark, set) {
  for (let down = -rings; down <= rings; down++) {
    for (let right = -rings; right <= rings; right++) {
      set(row + down, column + right, isDark(Math.max(Math.abs(down), Math.abs(right))));
    }
  }
}

/** Two columns at a time from the right, up and down in turn, past the vertical line of timing. */
function* way() {
  let isUpward = true;
  for (let right = SIDE - 1; right > 0; right -= 2) {
    if (right === 6) right--;
    for (let step = 0; step < SIDE; step++) {
      const row = isUpward ? SIDE - 1 - step : step;
      yield [row, right];
      yield [row, right - 1];
    }
    isUpward = !isUpward;
  }
}

/** Which correction (M is 00) and which mask, twice, as a BCH code. */
function writeFormat(modules) {
  let rest = MASK << 10;
  for (let place = 14; place >= 10; place--) if (rest & (1 << place)) rest ^= 0x537 << (place - 10);
  const bits = ((MASK << 10) | rest) ^ 0x5412;
  const bit = (place) => Boolean((bits >> place) & 1);
  for (let place = 0; place < 15; place++) {
    const [row, column] = place < 6 ? [place, 8] : place < 8 ? [place + 1, 8] : place === 8 ? [8, 7] : [8, 14 - place];
    modules[row][column] = bit(place);
    if (place < 8) modules[8][SIDE - 1 - place] = bit(place);
    else modules[SIDE - 15 + place][8] = bit(place);
  }
}
