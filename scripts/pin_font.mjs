// Writes a variable font anew with its weight pinned to the one that pages use: about half its size.
// node scripts/pin_font.mjs FONT.woff2 UNICODE-RANGE WEIGHT TARGET.woff2

import { readFile, writeFile } from "node:fs/promises";
import subsetFont from "subset-font";

const [source, range, weight, target] = process.argv.slice(2);
const letters = range.split(",").flatMap((part) => {
  const [first, last = first] = part.replace("U+", "").split("-").map((digits) => Number.parseInt(digits, 16));
  return Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at));
});
const options = { targetFormat: "woff2", variationAxes: { wght: Number(weight) } };
await writeFile(target, await subsetFont(await readFile(source), letters.join(""), options));
