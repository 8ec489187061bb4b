"""What a scanner counts alone is what the box office counts once it was told: whoever comes back has entered once."""

import random
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from boxoffice.edge.module_files import module_url
from tests.chromium import in_chromium
from tests.door.conftest import Door, Scanner
from tests.door.in_browser import paired_phone
from tests.shop import SLUG

pytestmark = in_chromium

COUNTED = ("entered", "inside", "in_room", "last_minutes")
# A scanner with its store in the page's memory. `act` does things without a network and says what is counted then;
# a tenth of a second is long between two scans of a phone, and these are a few milliseconds apart.
SCANNER = """
async ([address, slug, device, token]) => {
  const { Scanner } = await import(address);
  const kept = { paired: { device, token } };
  const store = { get: async (key) => kept[key], all: async () => [], write: async () => {} };
  const scanner = new Scanner(store, slug, null);
  await scanner.load();
  await scanner.sync();
  const fetched = window.fetch;
  const counts = () => ({ ...scanner.door.counts });
  window.act = async (steps) => {
    window.fetch = async () => { throw new TypeError("no network"); };
    await scanner.sync();
    const answers = [];
    for (const { what, code, place } of steps) {
      await new Promise((resolve) => setTimeout(resolve, 3));
      if (what === "undo") {
        const moved = scanner.log.filter((one) => one.answer === "admitted" || one.answer === "left");
        if (moved[place]) answers.push((await scanner.undo(moved[place], "wrong person")).answer);
      } else {
        const how = { isExit: what === "out", override: what === "override" ? "knows them" : "" };
        answers.push((await scanner.scan(code, how)).answer);
      }
    }
    return [answers, counts()];
  };
  window.tell = async () => {
    window.fetch = fetched;
    await scanner.sync();
    return counts();
  };
}
"""


async def with_scanner(page: Page, door: Door, *, re_entry: bool) -> Scanner:
    scanner = await door.scanner(role="supervisor")
    await door.execute("UPDATE entry_list SET re_entry = $1", re_entry)
    await page.evaluate(SCANNER, [module_url("door", "scanner.js"), SLUG, scanner.id, scanner.token])
    return scanner


async def told(page: Page, door: Door, steps: list[dict[str, Any]]) -> tuple[list[str], dict[str, int], dict[str, int]]:
    """The answers without a network, what was counted then, and what is after everything was told."""
    answers, alone = await page.evaluate("(steps) => act(steps)", steps)
    assert door.shop.box.db.moved_clock is not None
    door.shop.box.db.moved_clock += timedelta(seconds=10)
    together = await page.evaluate("() => tell()")
    return answers, *({name: counts[name] for name in COUNTED} for counts in (alone, together))  # type: ignore[return-value]


async def test_who_comes_back_without_a_network_has_entered_once(page: Page, door: Door) -> None:
    (one, other), _ = await door.tickets(2), await with_scanner(page, door, re_entry=True)
    steps = [{"what": what, "code": one} for what in ("in", "out", "in", "out", "in")] + [{"what": "in", "code": other}]
    answers, alone, together = await told(page, door, steps)
    assert answers == ["admitted", "left", "admitted", "left", "admitted", "admitted"]
    assert alone == together == {"entered": 2, "inside": 2, "in_room": 2, "last_minutes": 4}


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        ("in, undo 0", (0, 0, 0)),
        ("in, out, undo 0", (1, 1, 1)),
        ("in, out, in, undo 0", (1, 0, 1)),
        ("in, out, in, undo 1", (1, 1, 1)),
        ("in, out, undo 1", (0, 0, 0)),
        ("in, override", (1, 1, 2)),
        ("in, override, undo 1", (1, 1, 1)),
        ("in, out, undo 1, in", (1, 1, 1)),
    ],
)
async def test_what_is_taken_back_is_counted_no_more(
    page: Page, door: Door, steps: str, counts: tuple[int, int, int]
) -> None:
    """`undo 0` takes the newest scan back, `undo 1` the one before; the counts are entered, inside, last minutes."""
    (code,), _ = await door.tickets(), await with_scanner(page, door, re_entry=True)
    named = [step.partition(" ") for step in steps.split(", ")]
    asked = [{"what": what, "code": code, "place": int(place or 0)} for what, _, place in named]
    _, alone, together = await told(page, door, asked)
    assert alone == together
    assert (alone["entered"], alone["inside"], alone["last_minutes"]) == counts


@pytest.mark.slow
@pytest.mark.parametrize("re_entry", [True, False])
async def test_whatever_happens_without_a_network_it_counts_what_the_box_office_will(
    page: Page, door: Door, *, re_entry: bool
) -> None:
    """One night of thirty outages, each with the tickets that are as the outages before left them."""
    chance = random.Random(5)
    codes = await door.tickets(6)
    await door.execute("UPDATE ticket_type SET admits = 3")
    await with_scanner(page, door, re_entry=re_entry)
    happened: set[str] = set()
    for outage in range(30):
        kinds = chance.choices(("in", "out", "override", "undo"), (5, 4, 1, 3), k=chance.randrange(1, 12))
        steps = [{"what": kind, "code": chance.choice(codes), "place": chance.randrange(3)} for kind in kinds]
        answers, alone, together = await told(page, door, steps)
        assert alone == together, (outage, steps, answers)
        happened |= set(answers)
    assert happened == {"admitted", "already_used", "left", "not_inside", "undone"}


async def test_what_was_counted_stays_when_the_page_opens_again_without_a_network(
    chromium: Browser, door: Door
) -> None:
    (code,) = await door.tickets()
    phone = await paired_phone(chromium, door)
    await expect(phone.page.locator("#kept")).to_be_visible(timeout=20_000)
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.checks(code, "admitted")
    await expect(phone.page.locator("#entered")).to_have_text("1")
    await phone.page.reload()
    await phone.is_online(online=False)
    await expect(phone.page.locator("#entered")).to_have_text("1")
    await phone.context.close()
