"""A phone whose clock is set while it has no network: the door opens when it opens."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import paired_phone
from tests.door.test_scanner_modules import call

pytestmark = in_chromium

CLOCK = """const now = Date.now;
globalThis.setBack = Number(sessionStorage.setBack ?? 0);
Date.now = () => now() - globalThis.setBack;"""
SET_BACK = "(ms) => { sessionStorage.setBack = globalThis.setBack = ms; }"
HOURS = 3_600_000
FARTHEST_OFF = "SELECT max(abs(extract(epoch FROM corrected_at - received_at))) FROM scan"


@pytest.mark.slow
async def test_a_clock_that_was_set_back_is_known_and_opens_no_door_later(chromium: Browser, door: Door) -> None:
    first, second, third = await door.tickets(3)
    phone = await paired_phone(chromium, door, script=CLOCK)
    said = phone.page.locator("#set-back")
    await expect(phone.page.locator("#kept")).to_be_visible()
    await phone.context.set_offline(True)
    await phone.is_online(online=False)
    await phone.checks(first, "admitted")
    await expect(said).to_be_hidden()
    await phone.page.evaluate(SET_BACK, 2 * HOURS)
    await phone.checks(second, "admitted")
    await expect(said).to_contain_text("clock was set back")
    await expect(phone.page.locator("#network-more")).to_contain_text("under 1 min old")
    await phone.context.set_offline(False)
    await phone.is_online()
    await phone.waits(0)
    await expect(said).to_be_hidden()
    assert await door.value(FARTHEST_OFF) < 60
    await phone.context.set_offline(True)
    await phone.page.evaluate(SET_BACK, 5 * HOURS)
    await phone.page.reload()
    await phone.is_online(online=False)
    await expect(said).to_be_visible()
    await phone.checks(third, "admitted")
    await phone.context.close()


async def test_a_minute_more_or_less_and_a_phone_that_slept_are_no_wrong_clock(page: Page) -> None:
    """Asleep the page counts no time, so that its clock runs ahead: that it was set so cannot be told from it."""
    told = await call(
        page,
        "clock",
        """const [started, real] = [Date.now(), Date.now];
        const clock = new it.Clock();
        clock.compare(started + 5000, started);
        return values[0].map((off) => {
          Date.now = () => started + off;
          const seen = [clock.wasSetBack, Math.round((clock.now - started - 5000) / 1000)];
          Date.now = real;
          return seen;
        });""",
        [0, -50_000, -70_000, -2 * HOURS, 50_000, 2 * HOURS],
    )
    assert told == [[False, 0], [False, -50], [True, 0], [True, 0], [False, 50], [False, 7200]]
