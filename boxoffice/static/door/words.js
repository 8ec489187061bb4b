// Every answer as people meet it: a word, a colour, an icon and a sound. Never the colour alone.

/** tone: good, bad, wait or plain. `icon`: a path in a box of 24 by 24. */
export const ANSWERS = {
  admitted: { word: "Admitted", tone: "good", icon: "M4 13l5 5L20 6" },
  already_used: { word: "Already used", tone: "bad", icon: "M4 12a8 8 0 1 0 3-6.2M4 3v5h5M12 8v5l3 2" },
  refunded: { word: "Refunded", tone: "bad", icon: "M9 5L4 10l5 5M4 10h10a5 5 0 0 1 0 10h-4" },
  cancelled: { word: "Cancelled", tone: "bad", icon: "M5 5l14 14M19 5L5 19" },
  blocked: { word: "Blocked", tone: "bad", icon: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M5.7 5.7l12.6 12.6" },
  unknown: { word: "Unknown", tone: "bad", icon: "M8 9a4 4 0 1 1 5.5 3.7c-1 .4-1.5 1.2-1.5 2.3M12 18.5v1.5" },
  wrong_event: { word: "Wrong night", tone: "bad", icon: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4M9.5 13l5 4M14.5 13l-5 4" },
  wrong_list: { word: "Wrong door", tone: "bad", icon: "M4 21h16M6 21V3h9v18M18 8l4 4-4 4M22 12h-7" },
  not_yet: { word: "Not yet", tone: "wait", icon: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7v5l4 2" },
  left: { word: "Out", tone: "plain", icon: "M4 12h15M13 6l6 6-6 6" },
  not_inside: { word: "Not inside", tone: "wait", icon: "M12 4v10M12 18v2" },
  not_kept: { word: "Phone full", tone: "bad", icon: "M6 2h12v20H6zM9.5 9.5l5 5M14.5 9.5l-5 5" },
  undone: { word: "Undone", tone: "plain", icon: "M9 5L4 10l5 5M4 10h10a5 5 0 0 1 0 10h-4" },
};

const MEANINGS = {
  refunded: "The money went back. This ticket opens nothing.",
  cancelled: "This code is void: the ticket was cancelled, or given out anew.",
  blocked: "The ticket is held back. Send them to whoever runs the door.",
  unknown: "No ticket of this night.",
  wrong_event: "A ticket of another night.",
  wrong_list: "A good ticket, for another entrance.",
  not_inside: "This ticket is not inside.",
  not_kept: "This phone could not keep the scan, so nothing was done. Free some space on it, or use another scanner.",
};

const STANDINGS = {
  already_used: "already in",
  wrong_list: "other list",
  blocked: "held back",
  refunded: "refunded",
  cancelled: "cancelled",
};

/** Why a code is void though its ticket is good, or is none, or a ticket comes too late, and what to do. */
const BECAUSE = {
  sent_on: { word: "Sent on", sentence: "This ticket was sent on to somebody else. Only their code opens the door." },
  old_picture: { word: "Old picture", sentence: "This is an old picture: ask to open the ticket." },
  no_paper: {
    word: "No paper",
    sentence: "Only codes that change are taken tonight: ask to open the ticket. Lost phone: find the name, and look at an ID.",
  },
  retired_key: {
    word: "Old code",
    sentence: "This code is no longer taken. Ask to open the ticket with a network, or type its letters.",
  },
  mistyped: { word: "Mistyped", sentence: "No whole code, or a wrong letter: type it again. For a name, press Find." },
  unlisted: { word: "Unknown", sentence: "Not in this phone’s list of tickets." },
  order_code: { word: "Order’s code", sentence: "This is the order’s code: type the ticket’s, or press Find and type this one there." },
  too_late: { word: "Too late" },
  reissued: { word: "Old code", sentence: "This ticket was given out anew. Only its newest code opens the door." },
};

/** The word of an answer. */
export function wordOf(entry) {
  return explained(entry)?.word ?? ANSWERS[entry.answer].word;
}

/** One sentence under the word; "" where the word says it all. `time`: writes ms as the venue's clock. */
export function sentence(entry, time) {
  if (entry.because === "too_late") return `Entry with this ticket ended at ${time(entry.lastEntry)}.`;
  if (entry.answer === "already_used" && entry.usedAt) return `In since ${time(entry.usedAt)}${at(entry.gate)}`;
  if (entry.answer === "not_yet" && entry.opensAt) return `Entry begins at ${time(entry.opensAt)}.`;
  if (explained(entry)) return explained(entry).sentence;
  return entry.note || (MEANINGS[entry.answer] ?? "");
}

function explained(entry) {
  return ["cancelled", "unknown", "blocked"].includes(entry.answer) ? BECAUSE[entry.because] : undefined;
}

/** How a ticket that was found stands, in a few words. `opensAt`: ms. */
export function standing(found, time, opensAt) {
  if (found.answer === "already_used" && found.usedAt) return `in since ${time(found.usedAt)}${at(found.gate)}`;
  if (found.answer === "not_yet") return `not before ${time(opensAt)}`;
  if (found.because === "too_late") return `too late since ${time(found.lastEntry)}`;
  return STANDINGS[found.answer] ?? (found.status === "left" ? "went out" : "not in yet");
}

/** What to look at before somebody goes in. */
export function checks(entry, ageMinimum) {
  if (entry.answer !== "admitted") return [];
  const words = {
    age: `Check age: ${ageMinimum}+`,
    name: isCompanion(entry) ? "" : entry.holder ? `Check name: ${isolated(entry.holder)}` : "No name on this ticket",
  };
  return (entry.checks ?? []).map((check) => words[check]).filter(Boolean);
}

/** Whoever comes along with a guest has no name of their own. */
export function isCompanion(entry) {
  return Boolean(entry.party) && entry.holder.startsWith("With ");
}

/** How many people a scan was, and how a guest's party stands; "" for one person alone. */
export function people(entry) {
  const { party } = entry;
  if (party?.plus) {
    const inside = party.inside.length;
    return `${isolated(party.name)} +${party.plus}: ${inside === party.size ? `all ${inside} are in` : `${inside} of ${party.size} in`}`;
  }
  return entry.admits > 1 && (entry.answer === "admitted" || entry.answer === "left") ? `${entry.admits} people` : "";
}

/** A name whose script turns nothing around that stands beside it. */
export function isolated(name) {
  return `\u2068${name}\u2069`;
}

function at(gate) {
  return gate ? `, ${gate}` : "";
}

/** An icon of its own. */
export function icon(answer) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ANSWERS[answer].icon);
  svg.append(path);
  return svg;
}
