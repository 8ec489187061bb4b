"""The door's page in a real browser: it keeps itself up to date without disturbing, and works with the keyboard."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from httpx import AsyncClient
from playwright.async_api import Browser, expect

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.foundation.written import write_code
from boxoffice.settings import Settings
from tests.chromium import in_chromium
from tests.conftest import SECRET_KEY
from tests.stripe_simulator.seller import free_port
from tests.web.cast import sold_for_cash
from tests.web.conftest import BROWSER, KEYS
from tests.web.test_organiser import BOSS, PAGE, SLUG, Office, counted_wrongly, open_office

pytestmark = in_chromium


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[tuple[Office, str]]:
    """The night behind a real server, and where that is."""
    port = free_port()
    url = f"http://localhost:{port}"
    values = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "BASE_URL": url} | KEYS
    box = BoxOffice.from_settings(Settings.from_environment(values))
    server = Server(
        create_app(box), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_level=LogLevels.error
    )
    task = asyncio.create_task(server.serve())
    await asyncio.sleep(0.3)
    async with AsyncClient(base_url=url, headers=BROWSER) as browser:
        yield await open_office(box, browser), url
    server.stop()
    await task
    await box.close()


async def test_the_page_follows_the_door_and_leaves_alone_what_somebody_does(
    chromium: Browser, served: tuple[Office, str]
) -> None:
    office, url = served
    await office.enter(BOSS)
    context = await chromium.new_context(viewport={"width": 360, "height": 780})
    await context.add_cookies([{"name": "session", "value": office.browser.cookies["session"], "url": url}])
    page = await context.new_page()
    await page.clock.install()
    await page.goto(url + PAGE)
    inside = page.locator(".now-large strong")
    await expect(inside).to_have_text("0")
    summary = page.locator("#devices summary").first
    await summary.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Out of service")).to_be_visible()
    await page.fill("#gate", "Half typed")
    await office.scan(next(iter(office.tokens)), office.tickets[0].code)
    await page.clock.run_for(6000)
    await expect(inside).to_have_text("1")
    await expect(page.locator("#curve svg")).to_be_visible()
    await expect(page.locator("#devices")).to_contain_text("1 scan,")
    await expect(page.get_by_role("button", name="Out of service")).to_be_visible()
    assert await page.input_value("#gate") == "Half typed"
    await context.clear_cookies()
    await page.clock.run_for(6000)
    await expect(page.get_by_role("button", name="Send me a code")).to_be_visible()
    await context.close()


async def test_without_scripts_a_link_looks_again_and_a_scanner_is_made(
    chromium: Browser, served: tuple[Office, str]
) -> None:
    office, url = served
    await office.enter(BOSS)
    context = await chromium.new_context(java_script_enabled=False)
    await context.add_cookies([{"name": "session", "value": office.browser.cookies["session"], "url": url}])
    page = await context.new_page()
    await page.goto(url + PAGE)
    await office.scan(next(iter(office.tokens)), office.tickets[0].code)
    await page.get_by_role("link", name="Look again").click()
    await expect(page.locator(".now-large strong")).to_have_text("1")
    await page.get_by_label("Gate", exact=True).fill("Terrace")
    await page.get_by_role("button", name="Make link and PIN").click()
    await expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    await page.get_by_role("link", name="Back to the door").click()
    await expect(page.locator("#devices")).to_contain_text("Terrace")
    await context.close()


async def test_counts_that_were_taken_back_are_read_on_a_narrow_phone(
    chromium: Browser, served: tuple[Office, str]
) -> None:
    office, url = served
    await counted_wrongly(office)
    await office.enter(BOSS)
    context = await chromium.new_context(viewport={"width": 360, "height": 780})
    await context.add_cookies([{"name": "session", "value": office.browser.cookies["session"], "url": url}])
    page = await context.new_page()
    await page.goto(url + PAGE)
    rows = page.locator("#cash-boxes table").last.locator("tr")
    await expect(rows).to_have_count(4)
    await expect(rows.nth(2)).to_contain_text("two notes of 50 lay under the tray")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for row in await rows.all():
        words, amount = [await row.locator(cell).bounding_box() for cell in ("th", "td")]
        assert words is not None
        assert amount is not None
        assert words["width"] > 170
        assert amount["x"] + amount["width"] <= 360 - 16
    await context.close()


async def test_cash_is_handed_back_by_keyboard_and_without_scripts(
    chromium: Browser, served: tuple[Office, str]
) -> None:
    office, url = served
    first, second = [write_code(code) for code in await sold_for_cash(office.box, SLUG, "Main door", (2, ""), (1, ""))]
    await office.value("UPDATE event SET status = 'cancelled' WHERE slug = $1", SLUG)
    await office.enter(BOSS)
    context = await chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 780})
    await context.add_cookies([{"name": "session", "value": office.browser.cookies["session"], "url": url}])
    page = await context.new_page()
    await page.goto(url + PAGE)
    owed = page.locator("#cash-owed")
    await expect(owed).to_contain_text("€66.00 of 2 orders is still owed")
    await page.get_by_role("link", name=f"Hand back €44.00 of order {first}").press("Enter")
    await expect(page.locator("h1")).to_have_text("Hand back €44.00")
    await page.get_by_role("link", name="Not now").press("Enter")
    await page.get_by_role("link", name=f"Hand back €44.00 of order {first}").press("Enter")
    await page.get_by_label("Why").press("Enter")
    await expect(page.get_by_role("status")).to_have_text(f"€44.00 of order {first} is booked as handed back.")
    await expect(page.get_by_role("status")).to_be_in_viewport()
    await expect(owed).to_contain_text("€22.00 of 1 order is still owed")
    await expect(owed).to_contain_text(second)
    await page.go_back()
    await expect(page.get_by_role("status")).to_contain_text("Hand nothing over again")
    await context.close()


WORDS_RIGHT = """(part) => {
  const range = document.createRange();
  range.selectNodeContents(part);
  return range.getBoundingClientRect().right;
}"""
STICKS_OUT = """() => [...document.querySelectorAll("main *, header *")].filter((part) => {
  const {left, right, width} = part.getBoundingClientRect();
  return width && !part.closest(".hidden") && (left < 0 || right > innerWidth + 0.5);
}).map((part) => part.outerHTML.slice(0, 90))"""


async def test_everything_is_in_the_window_with_letters_twice_as_large(
    chromium: Browser, served: tuple[Office, str]
) -> None:
    """A phone of 360 pixels at twice the size has 180 of them."""
    office, url = served
    await counted_wrongly(office)
    await office.enter(BOSS)
    links = re.findall(r'href="(http[^"]+/guests/[^"]+)"', await office.page())
    context = await chromium.new_context(viewport={"width": 180, "height": 370})
    await context.add_cookies([{"name": "session", "value": office.browser.cookies["session"], "url": url}])
    page = await context.new_page()

    async def all_of_it_is_seen(address: str) -> None:
        await page.goto(address)
        assert await page.evaluate(STICKS_OUT) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == 180

    for address in (url + PAGE, url + "/organiser", links[0]):
        await all_of_it_is_seen(address)
    await page.locator("#name").fill("Ada Lark of the Very Long Lane")
    await page.get_by_role("button", name="Put on the list").click()
    await expect(page.get_by_role("button", name="Take off Ada")).to_be_visible()
    assert await page.evaluate(STICKS_OUT) == []
    name = await page.get_by_text("Ada Lark of").last.bounding_box()
    assert name is not None
    assert name["width"] > 100
    (code,) = await sold_for_cash(office.box, SLUG, "Main door", (2, ""))
    await office.value("UPDATE event SET status = 'cancelled' WHERE slug = $1", SLUG)
    for address in (url + PAGE, f"{url}{PAGE}/cash/{quote(code)}"):
        await all_of_it_is_seen(address)
    await context.close()


@pytest.mark.parametrize("width", [180, 360])
async def test_the_mailed_code_is_read_whole_where_it_is_typed(
    chromium: Browser, served: tuple[Office, str], width: int
) -> None:
    """As the mail writes it, with its space."""
    context = await chromium.new_context(viewport={"width": width, "height": 740})
    page = await context.new_page()
    await page.goto(served[1] + "/organiser")
    await page.get_by_label("E-mail").fill(BOSS)
    await page.keyboard.press("Enter")
    field = page.get_by_label("Eight digits")
    await field.fill("4090 8605")
    assert await field.evaluate("(field) => field.scrollWidth <= field.clientWidth")
    await context.close()


async def test_how_full_a_list_is_stands_apart_from_who_came(chromium: Browser, served: tuple[Office, str]) -> None:
    office, url = served
    await office.value("""UPDATE stock SET cap = 300, used = 222
      WHERE id IN (SELECT stock_id FROM release JOIN guest_list ON ticket_type_id = guest_list.id)""")
    await office.enter(BOSS)
    context = await chromium.new_context(viewport={"width": 360, "height": 780})
    await context.add_cookies([{"name": "session", "value": office.browser.cookies["session"], "url": url}])
    page = await context.new_page()
    await page.goto(url + PAGE)
    filled, came = page.locator("[id^=list-] dd").nth(0), page.locator("[id^=list-] dd").nth(1)
    await expect(filled).to_have_text("222 of 300")
    words, other = await filled.evaluate(WORDS_RIGHT), await came.bounding_box()
    assert other is not None
    assert words + 8 <= other["x"]
    await context.close()
