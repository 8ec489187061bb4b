// What a ticket was before a scan moved it: {state, inside, at, gate}, its state being "good", "used" or "left", and
// `inside` how many of its visits are not over.

/** What was written down of a ticket, with its visits where they were not. */
export function known({ inside, ...told }) {
  return { ...told, inside: inside ?? Number(told.state === "used") };
}

/**
 * Before a scan that the door answered so: the answer says more than a list of a while ago. Who comes in and had been in
 * has left, if the list or a supervisor lets them come back. `own`: what this scanner did with the ticket since its list was
 * told, `ticket`: as the list has it; both may be missing.
 */
export function ticketBefore({ own, ticket, answer, isOverride, reEntry, now }) {
  const { state, inside } = known(own ?? { state: ticket?.status ?? "good", inside: ticket?.inside });
  if (answer === "left" || (isOverride && state === "used")) {
    const at = own?.at ?? (ticket?.used_at ? Date.parse(ticket.used_at) : now);
    return { state: "used", inside: Math.max(1, inside), at, gate: own ? own.gate : ticket?.gate };
  }
  const wasIn = own ? own.state !== "good" : Boolean(ticket?.used_at);
  if (wasIn && (reEntry || isOverride)) return { state: "left", inside: state === "used" ? 0 : inside };
  return { state: "good", inside: 0 };
}
