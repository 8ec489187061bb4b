// What taking a scan back makes of its ticket, and of what was scanned after it.

import { folded } from "./answer.js";
import { known } from "./before.js";

/**
 * `entry`: the scan that is taken back, a row of the log; `after`: the scans that moved its ticket since, oldest first;
 * `door`: {gate, re_entry}. `before`: what the ticket was, `last`: what it is now, and `rows`: those scans as the log has
 * them then, since what each of them restores is another.
 */
export function takenBack(entry, after, door) {
  const before = known(entry.before ?? { state: entry.answer === "left" ? "used" : "good" });
  let last = before;
  const rows = [];
  for (const one of after) {
    rows.push({ ...one, before: last });
    const { visits, ...state } = folded(last, [one], door.re_entry);
    if (visits || state.state !== last.state) last = { ...state, at: one.at, gate: door.gate };
  }
  return { before, last, rows };
}
