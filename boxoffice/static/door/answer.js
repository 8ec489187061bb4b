// What a scanner answers alone. It follows boxoffice/door/scan.py, with what the last sync told and what this scanner
// did since.

/**
 * `shown`: what was read, its signature checked, or null. `ticket`: as the list has it, or undefined. `own`: "used",
 * "left" or "good" when this scanner let the ticket in or out, or took that back, since the list was told; else
 * undefined. `door`: {event_code, re_entry, opens_at}; `lastEntry`: when the last tickets of its type come in for the
 * first time, as text, or null; `now`: ms of our clock.
 */
export function answerAlone({ shown, ticket, own, door, lastEntry = null, now, isExit = false, isFound = false, override = false }) {
  if (shown && shown.eventCode !== door.event_code) return "wrong_event";
  // A signature of this night on a ticket that the list does not have: bought since the last sync.
  if (!shown || (!ticket && !shown.ticketId)) return "unknown";
  const state = own ?? ticket?.status ?? "good";
  if (isExit) return state === "used" ? "left" : "not_inside";
  if (override && ticket) return "admitted";
  if (["cancelled", "refunded"].includes(ticket?.status)) return ticket.status;
  if ((ticket && outdated(shown, ticket)) || ofAnotherTime(shown, door, isFound)) return "cancelled";
  if (["blocked", "wrong_list"].includes(ticket?.status)) return ticket.status;
  if (now < Date.parse(door.opens_at)) return "not_yet";
  if (state === "good" && lastEntry && now >= Date.parse(lastEntry)) return "blocked"; // too late
  if (state === "used" || (state === "left" && !door.re_entry)) return "already_used";
  return "admitted";
}

/** Why the code of a good ticket is void: "sent_on" to somebody else, or "reissued"; null for the one that it has. */
export function outdated(shown, ticket) {
  const isOld = shown.revision === undefined ? ticket.old_codes?.includes(shown.code) : shown.revision < ticket.revision;
  if (!isOld) return null;
  return ticket.old_codes?.length ? "sent_on" : "reissued";
}

/** Why a code that a ticket has is not taken: "retired_key" of one whose key others may have, "old_picture" of one that changes, "no_paper" of one that stays where none
 * may, unless somebody found the ticket by its name; else null. `shown.fresh` is undefined of codes that stay. */
export function ofAnotherTime(shown, door, isFound) {
  if (shown.retired) return "retired_key";
  if (shown.fresh === undefined) return door.takes_paper === false && !isFound ? "no_paper" : null;
  return shown.fresh ? null : "old_picture";
}

/** Whether the answer moved somebody through the door. */
export function moves(answer) {
  return answer === "admitted" || answer === "left";
}

/**
 * What a ticket is after scans that moved it, oldest first, and how many `visits` these began. `known`: what it was
 * before, its state ("good", "used" or "left") and how many of its visits are not over. It follows
 * boxoffice/door/visits.py: an entry by who is in already, or may not come back, begins none unless a supervisor insists,
 * and an exit by who is not in is nothing.
 */
export function folded({ state, inside }, scans, reEntry) {
  let visits = 0;
  for (const { answer, override } of scans) {
    if (answer === "left") {
      if (state === "used") [state, inside] = ["left", inside - 1];
    } else if (state === "good" || override || (state === "left" && reEntry)) {
      [state, inside, visits] = ["used", inside + 1, visits + 1];
    }
  }
  return { state, inside, visits };
}
