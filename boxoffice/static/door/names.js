// Names as they are compared, however somebody typed them and whoever wrote them down.

const LETTERS = {
  ...{ æ: "ae", œ: "oe", ø: "o", ß: "ss", þ: "th", ð: "d", đ: "d", ħ: "h", ı: "i", ĸ: "q", ł: "l", ŋ: "n", ŧ: "t" },
  ...{ ɓ: "b", ɖ: "d", ɗ: "d", ɛ: "e", ƒ: "f", ɠ: "g", ɨ: "i", ƙ: "k", ɲ: "n", ƥ: "p", ƭ: "t", ʋ: "v", ƴ: "y", ƶ: "z" },
};
const NO_ACCENT = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "gu");
const BETWEEN_WORDS = /[\p{P}\p{S}\s\u02b9-\u02cb]+/gu;
const WRITTEN_OUT = { ä: "ae", ö: "oe", ü: "ue", ø: "oe", å: "aa" };

/** Small letters without accents, one blank for whatever stands between words: as the database's `folded` has it. */
export function plain(text) {
  const bare = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return bare.replace(NO_ACCENT, (letter) => LETTERS[letter]).replace(BETWEEN_WORDS, " ").trim();
}

/** Texts as `isIn` looks words up in them. */
export function searchable(texts) {
  return texts.flatMap(spellings).join("\n");
}

/** Every word of what somebody typed, as `isIn` takes them. */
export function wordsOf(typed) {
  return typed.split(/\s+/).map(spellings).filter((one) => one.length > 0);
}

/** Whether a text has all the words, in one spelling or another. */
export function isIn(text, words) {
  return words.every((spelt) => spelt.some((word) => text.includes(word)));
}

/** Müller is muller and mueller; O'Neill is o neill and oneill. */
function spellings(text) {
  const out = text.normalize("NFC").toLowerCase().replace(/[äöüøå]/gu, (letter) => WRITTEN_OUT[letter]);
  const plainly = [text, out].map(plain);
  return [...new Set([...plainly, ...plainly.map((one) => one.replaceAll(" ", ""))])].filter(Boolean);
}
