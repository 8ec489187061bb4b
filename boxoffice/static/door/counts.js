// The counts that people see, until the next sync brings the true ones.

import { folded } from "./answer.js";

/**
 * The night's counts when, of a ticket that was `before`, `scans` stand where `instead` stood: it lets in so many
 * `people`. Who comes back has entered once.
 */
export function counted(counts, { before, instead = [], scans, people = 1, reEntry }) {
  const was = folded(before, instead, reEntry);
  const is = folded(before, scans, reEntry);
  const entered = Number(is.state !== "good") - Number(was.state !== "good");
  const inside = Number(is.inside > 0) - Number(was.inside > 0);
  const changed = { entered, inside, in_room: inside, last_minutes: is.visits - was.visits };
  const after = { ...counts };
  for (const [name, more] of Object.entries(changed)) after[name] = Math.max(0, after[name] + more * people);
  return after;
}
