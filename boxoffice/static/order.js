// An order that is on its way looks again by itself, and counts down the time that is left.
// Without this file the page asks the browser to load it again.

const section = document.querySelector("#order");
const again = Number(section.dataset.refreshSeconds);

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#order");
    if (next?.dataset.stage !== section.dataset.stage) return goOn(next?.dataset.stage);
    const wait = next.querySelector("#wait");
    if (wait) section.querySelector("#wait").textContent = wait.textContent;
    setTimeout(look, Number(next.dataset.refreshSeconds ?? again) * 1000);
  } catch {
    setTimeout(look, again * 2000); // no network, or a busy house: later
  }
}

/** From the line straight to the payment, as the button promised; else the page as it is now. */
function goOn(stage) {
  if (stage === "pay" && ["line", "away"].includes(section.dataset.stage)) location.replace(`${location.pathname}?waiting=true`);
  else location.reload();
}

if (again) setTimeout(look, again * 1000);

const countdown = document.querySelector("#countdown");
if (countdown) {
  const ends = performance.now() + Number(countdown.dataset.seconds) * 1000;
  countdown.setAttribute("aria-hidden", "true"); // the time of day is read out; ticking would be noise
  const tick = () => {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    countdown.textContent = `, ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
    if (left === 0) setTimeout(() => location.reload(), 1500);
    else setTimeout(tick, 1000);
  };
  tick();
}
