"""The pages in a real browser: for everyone, on a phone, by keyboard alone, without scripts, without a network."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from playwright.async_api import Browser, BrowserContext, Route, ViewportSize

from boxoffice.accounts.login import MEET
from boxoffice.accounts.sessions import open_session
from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.edge.render import path_part
from boxoffice.foundation.ids import new_id
from boxoffice.orders.order import OrderView
from boxoffice.settings import Settings
from tests.chromium import in_chromium
from tests.conftest import SECRET_KEY
from tests.nights import load
from tests.paper import codes, pixels
from tests.stripe_simulator.seller import free_port
from tests.web.cast import LONG_NIGHT, MARA, NAMES, key_of, moved, paid, paying, place, refunded
from tests.web.conftest import KEYS
from tests.web.page_faults import page_faults

PHONE = ViewportSize(width=360, height=780)
WHITE = "rgb(255, 255, 255)"
EVENT = "/events/tiefdruck-eins"

pytestmark = in_chromium


@dataclass
class House:
    """A box office behind a real server."""

    box: BoxOffice
    url: str

    async def entry(self) -> str:
        """The id of the first ticket type."""
        async with self.box.db.transaction() as connection:
            return str(await connection.fetchval("SELECT id FROM ticket_type WHERE name = 'Entry'"))

    async def mara(self, context: BrowserContext, *views: OrderView) -> None:
        """Signs Mara in and gives her browser the cookies of these orders."""
        async with self.box.db.transaction() as connection:
            person = await MEET.first(connection, new_id(), MARA)
            assert person is not None
            cookies = {"session": await open_session(connection, person.id)}
        for view in views:
            cookies |= key_of(self.box, view)
        await context.add_cookies([{"name": name, "value": value, "url": self.url} for name, value in cookies.items()])


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    port = free_port()
    url = f"http://localhost:{port}"
    box = BoxOffice.from_settings(
        Settings.from_environment({"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "BASE_URL": url} | KEYS)
    )
    await load(box.db, LONG_NIGHT)
    server = Server(
        create_app(box), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_level=LogLevels.error
    )
    task = asyncio.create_task(server.serve())
    await asyncio.sleep(0.3)
    yield House(box, url)
    server.stop()
    await task
    await box.close()


async def phone(chromium: Browser, *, dark: bool = True, scripts: bool = True) -> BrowserContext:
    """A small phone."""
    return await chromium.new_context(
        viewport=PHONE,
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )


@pytest.mark.parametrize("dark", [True, False])
async def test_everyone_can_use_every_page(chromium: Browser, house: House, dark: bool) -> None:
    long_names = ("نور" * 33, "👩🏽‍🎤" * 14)
    tickets = await paid(house.box, names=long_names)
    async with house.box.db.transaction() as connection:
        await connection.execute("UPDATE ticket SET blocked_reason = 'disputed' WHERE id = $1", tickets.tickets[1].id)
        await connection.execute("UPDATE orders SET paid_at = clock()")
    views = [await place(house.box, quantity=1), await paying(house.box), await moved(house.box, "in_review")]
    views += [await moved(house.box, "expired"), await refunded(house.box, late=True), tickets]
    orders = [f"/orders/{path_part(view.order.code)}" for view in views]
    cards = [f"/tickets/{path_part(ticket.code)}" for ticket in tickets.tickets]
    choice = f"{EVENT}/checkout?{await house.entry()}=3"
    addresses = ["/", EVENT, f"{EVENT}?chosen=nothing", choice, *orders, f"{orders[-1]}/success", f"{orders[-1]}/print"]
    context = await phone(chromium, dark=dark)
    await house.mara(context, *views)
    page = await context.new_page()
    found: dict[str, list[str]] = {}
    for address in [*addresses, "/tickets", *cards, "/dev/mailbox", "/nowhere"]:
        await page.goto(house.url + address)
        found[address] = await page_faults(page)
    await page.goto(house.url + choice)
    await page.click("button.block")
    assert await page.locator(":focus").get_attribute("class") == "errors"
    found["errors"] = await page_faults(page)
    await context.clear_cookies()
    await page.goto(f"{house.url}/tickets")
    found["sign in"] = await page_faults(page)
    await page.fill("#email", MARA)
    await page.click("text=Send me a code")
    found["code"] = await page_faults(page)
    await context.close()
    assert {address: words for address, words in found.items() if words} == {}


async def test_no_page_breaks_its_own_rules(chromium: Browser, house: House) -> None:
    view = await paid(house.box, names=NAMES)
    context = await phone(chromium)
    await house.mara(context, view)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    order = f"/orders/{path_part(view.order.code)}"
    for address in ("/", EVENT, order, f"{order}/success", f"{order}/print", "/tickets"):
        await page.goto(house.url + address)
    await page.goto(f"{house.url}/tickets/{path_part(view.tickets[0].code)}")
    await page.click("text=Show the code large")
    assert await page.is_visible("dialog svg")
    await context.close()
    assert complaints == []


async def test_the_large_code_is_read_off_every_screen(chromium: Browser, house: House) -> None:
    """A phone that lies on its side too: nothing lies over it, and all of it is in sight."""
    view = await paid(house.box)
    context = await phone(chromium)
    await house.mara(context, view)
    page = await context.new_page()
    await page.goto(f"{house.url}/tickets/{path_part(view.tickets[0].code)}")
    await page.click("text=Show the code large")
    for width, height in ((360, 780), (320, 568), (740, 360), (568, 320)):
        await page.set_viewport_size({"width": width, "height": height})
        assert len(codes(pixels(await page.screenshot()))) == 1, width
        assert await page.get_by_role("button", name="Close").is_visible()
        assert await page.evaluate(
            "(({ scrollHeight, clientHeight }) => scrollHeight <= clientHeight)(document.querySelector('dialog'))"
        )
    await context.close()


async def test_times_on_a_ticket_stand_apart(chromium: Browser, house: House) -> None:
    view = await paid(house.box)
    context = await chromium.new_context(viewport=PHONE)
    await house.mara(context, view)
    page = await context.new_page()
    await page.goto(f"{house.url}/tickets/{view.tickets[0].code}")
    gaps = await page.evaluate("""async () => {
      await document.fonts.ready;
      const boxes = [...document.querySelectorAll(".ticket-more .facts > div:not(.wide) dd")].map((one) => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return range.getBoundingClientRect();
      });
      return boxes.slice(1).map((one, place) => [one, boxes[place]]).filter(([one, before]) => one.top === before.top)
        .map(([one, before]) => one.left - before.right);
    }""")
    assert len(gaps) >= 2
    assert min(gaps) >= 8
    await context.close()


async def test_choosing_counts_along_and_an_empty_choice_goes_nowhere(chromium: Browser, house: House) -> None:
    context = await phone(chromium)
    page = await context.new_page()
    await page.goto(house.url + EVENT)
    await page.click("text=Get tickets")
    assert await page.is_visible("text=Choose at least one ticket first.")
    assert page.url == house.url + EVENT
    more = page.get_by_role("button", name="One more: Entry")
    for _ in range(2):
        await more.click()
    assert await page.inner_text("#sum") == "2 tickets €24.00"
    await page.click("text=Get tickets")
    assert "Buy for €24.00" in await page.inner_text("main")
    await context.close()


async def test_buying_by_keyboard_alone_and_without_scripts(chromium: Browser, house: House) -> None:
    await load(house.box.db, LONG_NIGHT.replace('"12.00"', '"0.00"'))
    context = await phone(chromium, scripts=False)
    page = await context.new_page()
    await page.goto(house.url + EVENT)
    await page.focus(f"#q-{await house.entry()}")
    await page.keyboard.type("2")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/checkout?*")
    await page.focus("#email")
    await page.keyboard.type(MARA)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders/*/success")
    assert "You’re in" in await page.inner_text("h1")
    assert await page.locator(".stub").count() == 2
    await context.close()


async def test_an_opened_ticket_is_there_without_a_network_until_signing_out(chromium: Browser, house: House) -> None:
    view = await paid(house.box, names=NAMES)
    opened, other = (f"{house.url}/tickets/{path_part(ticket.code)}" for ticket in view.tickets)
    context = await phone(chromium)
    await house.mara(context, view)
    page = await context.new_page()
    await page.goto(opened)
    await page.wait_for_selector("text=it opens without a network")
    await context.set_offline(True)
    await page.goto(opened)
    assert await page.is_visible(".ticket-qr svg")
    assert await page.is_visible("text=You are offline")
    assert await page.evaluate("getComputedStyle(document.querySelector('.ticket-qr')).backgroundColor") == WHITE
    await page.goto(other)
    assert await page.is_visible("text=No network")
    assert await page.locator(".ticket-qr").count() == 0
    await context.set_offline(False)
    await page.goto(f"{house.url}/tickets")
    await page.click("text=Sign out")
    assert await page.is_visible("text=Send me a code")
    assert await page.evaluate("caches.keys()") == []
    await context.close()


async def test_an_open_ticket_shows_soon_that_somebody_came_in_and_asks_only_on_the_night(
    chromium: Browser, house: House
) -> None:
    view = await paid(house.box, quantity=1)
    context = await phone(chromium)
    await house.mara(context, view)
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/state") else None)
    await page.clock.install()
    address = f"{house.url}/tickets/{path_part(view.tickets[0].code)}"
    await page.goto(address)
    await page.clock.fast_forward(60_000)
    assert asked == [], "it is weeks away"
    async with house.box.db.transaction() as connection:
        await connection.execute("UPDATE event SET doors_at = clock(), starts_at = clock()")
    await page.goto(address)
    async with page.expect_response("**/state"):
        await page.clock.fast_forward(21_000)
    assert "Valid" in await page.inner_text(".ticket-state")
    async with house.box.db.transaction() as connection:
        await connection.execute("UPDATE ticket SET status = 'used', used_at = clock()")
    await page.clock.fast_forward(21_000)
    await page.wait_for_selector(".ticket-state:has-text('Used')")
    await context.close()


async def test_the_line_goes_on_to_the_payment_by_itself(chromium: Browser, house: House) -> None:
    view = await place(house.box)
    context = await phone(chromium)
    await house.mara(context, view)
    page = await context.new_page()
    await page.goto(f"{house.url}/orders/{path_part(view.order.code)}")
    assert await page.is_visible("text=You are in line")
    async with house.box.db.transaction() as connection:
        await connection.execute("UPDATE payment_attempt SET status = 'sending', parameters = '{}'")
        await connection.execute(
            "UPDATE payment_attempt SET status = 'open', session_id = 'cs_x', session_url = $1",
            f"{house.url}/the-payment-page",
        )
        await connection.execute("UPDATE orders SET status = 'paying'")
    await page.wait_for_url("**/the-payment-page", timeout=25_000)
    await context.close()


SHIFTS = """() => new Promise((answer) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => answer(sum), 300);
})"""


@pytest.mark.parametrize("width", [360, 1440])
async def test_nothing_moves_while_fonts_and_posters_arrive(chromium: Browser, house: House, width: int) -> None:
    context = await chromium.new_context(viewport={"width": width, "height": 780})

    async def late(route: Route) -> None:
        await asyncio.sleep(0.4)
        await route.continue_()

    await context.route(re.compile(r"\.(woff2|svg)(\?|$)"), late)
    page = await context.new_page()
    moved_by: dict[str, float] = {}
    choice = f"{EVENT}/checkout?{await house.entry()}=2"
    for address in ("/", EVENT, choice, "/tickets", "/nowhere"):
        await page.goto(house.url + address)
        assert await page.evaluate("document.fonts.ready.then(() => document.fonts.check('800 16px Anybody'))")
        moved_by[address] = await page.evaluate(SHIFTS)
    await context.close()
    assert {address: by for address, by in moved_by.items() if by > 0.01} == {}


async def test_pages_stay_usable_at_twice_the_size_and_in_forced_colours(chromium: Browser, house: House) -> None:
    view = await paid(house.box, names=NAMES)
    context = await chromium.new_context(
        viewport={"width": 320, "height": 400}, forced_colors="active", reduced_motion="reduce"
    )
    await house.mara(context, view)
    page = await context.new_page()
    found: defaultdict[str, list[str]] = defaultdict(list)
    ticket = f"/tickets/{path_part(view.tickets[0].code)}"
    choice = f"{EVENT}/checkout?{await house.entry()}=2"
    for address in ("/", EVENT, choice, f"/orders/{path_part(view.order.code)}", ticket, "/tickets"):
        await page.goto(house.url + address)
        found[address] = await page_faults(page)
    assert await page.evaluate("matchMedia('(forced-colors: active)').matches")
    await page.set_viewport_size({"width": 180, "height": 370})  # a phone's 360 at twice the size
    for address in ("/", EVENT, choice, f"/orders/{path_part(view.order.code)}", ticket, "/tickets", "/past"):
        await page.goto(house.url + address)
        if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[address].append("wider than a window of 180")
        wide = "[...document.querySelectorAll('.rung-name')].every((one) => one.offsetWidth > 70)"
        if not await page.evaluate(wide):
            found[address].append("a letter a line")
    await context.close()
    assert {address: words for address, words in found.items() if words} == {}
