"""The answer on small, low and zoomed screens: nothing covers anything, and all of it can be reached."""

import itertools

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.chromium import in_chromium
from tests.door.conftest import Door
from tests.door.in_browser import Phone, paired_phone

pytestmark = in_chromium

PHONE = ViewportSize(width=360, height=740)
LYING = ViewportSize(width=740, height=360)
ZOOMED = ViewportSize(width=180, height=370)
LONG_NAME = "Maximilian-Alexander von Hohenlohe-Schillingsfuerst-Waldburg zu Wolfegg"
LONG_TYPE = "Supporter with a very long ticket type name, of 60 letters!!"
BOXES = """(place) => [...place.children].map((one) => {
  const { top, bottom, left, right } = one.getBoundingClientRect();
  return { top: top + place.scrollTop, bottom: bottom + place.scrollTop, left, right };
})"""


async def is_whole(phone: Phone, screen: ViewportSize) -> None:
    """Everything stands under the thing before it, none is cut off at a side, and the first is there to be seen."""
    shown = phone.page.locator("#result")
    assert await shown.evaluate("(place) => place.scrollTop") == 0
    boxes = await shown.evaluate(BOXES)
    assert boxes[0]["top"] >= 0
    assert all(upper["bottom"] <= lower["top"] for upper, lower in itertools.pairwise(boxes))
    assert all(0 <= box["left"] < box["right"] <= screen["width"] for box in boxes)
    assert await shown.evaluate("(place) => place.scrollWidth") <= screen["width"]
    assert await shown.evaluate("(place) => place.scrollHeight") >= boxes[-1]["bottom"]


@pytest.mark.slow
async def test_an_answer_with_a_long_name_is_whole_on_every_screen(chromium: Browser, door: Door) -> None:
    (code,) = await door.tickets()
    await door.execute("UPDATE ticket SET holder = $1", LONG_NAME)
    await door.execute("UPDATE ticket_type SET checks = ARRAY['age', 'name'], name = $1", LONG_TYPE)
    phone = await paired_phone(chromium, door, role="supervisor")
    for screen in (PHONE, LYING, ZOOMED):
        await phone.page.set_viewport_size(screen)
        await phone.type(code)
        await expect(phone.page.locator("#result")).to_be_visible()
        await is_whole(phone, screen)
        await phone.page.locator("#result").evaluate("(place) => place.scrollTo(0, place.scrollHeight)")
        await phone.page.get_by_role("button", name="Next").click()
    field = await phone.page.locator("#code").bounding_box()
    assert field is not None
    assert field["width"] > 120
    await phone.context.close()
