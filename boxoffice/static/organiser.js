// The door's page looks again by itself. Without this file its link does.

const EVERY = 5000;
const AFTER_TROUBLE = 15000;

const look = document.querySelector("[data-look]");

async function lookAgain() {
  let wait = EVERY;
  try {
    if (document.visibilityState === "visible") await refresh();
  } catch {
    wait = AFTER_TROUBLE; // no network, or a busy house: the page says of when its figures are
  }
  setTimeout(lookAgain, wait);
}

async function refresh() {
  const answer = await fetch(look.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (answer.status >= 500) throw new Error(String(answer.status));
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!next.querySelector("#now")) return location.reload(); // signed out, or no longer theirs
  for (const part of document.querySelectorAll("[data-live]")) replace(part, next.getElementById(part.id));
}

/** Whoever is in the middle of something there is not disturbed; what was opened stays open. */
function replace(part, next) {
  if (!next || part.contains(document.activeElement) || part.innerHTML === next.innerHTML) return;
  for (const open of part.querySelectorAll("details[open]")) next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  part.replaceChildren(...next.childNodes);
}

setTimeout(lookAgain, EVERY);
