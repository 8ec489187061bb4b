// The last scans of this scanner as people see them, the newest first. The rows are never changed in place, so that what
// could not be kept is forgotten by going back to those of before.

import { moves } from "./answer.js";

const LENGTH = 50;

/** Rows as they were kept, in order. */
export function inOrder(rows) {
  return rows.sort((one, other) => other.at - one.at);
}

/** The rows with one more, and the nonces of those that are too many. */
export function withEntry(rows, entry) {
  const all = [entry, ...rows];
  return { rows: all.slice(0, LENGTH), dropped: all.slice(LENGTH).map((one) => one.nonce) };
}

/** The rows, with others of the same nonce in the place of some. */
export function withRows(rows, changed) {
  const byNonce = new Map(changed.map((one) => [one.nonce, one]));
  return rows.map((one) => byNonce.get(one.nonce) ?? one);
}

/** The rows that another door's entry counts before, or does no more: `alsoLetIn` as a sync tells them. */
export function remarked(rows, alsoLetIn) {
  const also = new Map(alsoLetIn.map((one) => [one.nonce.replace(/\.door$/, ""), one]));
  const changed = rows.filter((entry) => entry.also?.at !== also.get(entry.nonce)?.at);
  return changed.map((entry) => ({ ...entry, also: also.get(entry.nonce) }));
}

/** The scans that moved the ticket of `entry` after it, oldest first. */
export function later(rows, entry) {
  if (!entry.ticketId) return [];
  const newer = rows.slice(0, rows.findIndex((one) => one.nonce === entry.nonce));
  return newer.filter((one) => one.ticketId === entry.ticketId && moves(one.answer)).reverse();
}
