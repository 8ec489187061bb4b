"""A ticket on a phone: its paper is one tap away, and its code can be read off the screen."""

from contextlib import nullcontext, suppress

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize
from playwright.async_api import TimeoutError as NothingCame

from boxoffice.edge.render import path_part
from boxoffice.orders.order import OrderView, show_order
from boxoffice.tickets.code import ticket_payload
from boxoffice.tickets.ticket import OrderTicket
from tests.chromium import in_chromium
from tests.paper import codes, pixels
from tests.shop import Shop, until
from tests.web.cast import key_of

PHONE = ViewportSize(width=390, height=844)

pytestmark = in_chromium


async def bought(shop: Shop, quantity: int = 1) -> OrderView:
    order = await shop.ordered(quantity)
    await shop.pay(order)
    async with shop.box.db.transaction() as connection:
        return await show_order(connection, order["code"])


async def text_of(shop: Shop, view: OrderView, ticket: OrderTicket) -> str:
    key = shop.box.settings.secret_key
    async with shop.box.db.transaction() as connection:
        return await ticket_payload(connection, key, view.order.event_id, ticket.id, ticket.revision)


async def phone(chromium: Browser, shop: Shop, view: OrderView, *, dark: bool = True) -> BrowserContext:
    context = await chromium.new_context(
        viewport=PHONE, device_scale_factor=3, color_scheme="dark" if dark else "light"
    )
    cookies = key_of(shop.box, view)
    await context.add_cookies([{"name": name, "value": value, "url": shop.url} for name, value in cookies.items()])
    return context


async def type_of_what_a_tap_opens(page: Page) -> str:
    """A busy Chromium loses a tap now and then while it starts the viewer's process, and nothing is asked for: people
    tap again."""
    for tap in range(3):
        with suppress(NothingCame) if tap < 2 else nullcontext():
            async with page.expect_navigation(url="**.pdf", wait_until="commit", timeout=8_000) as navigation:
                await page.get_by_role("link", name="(PDF)").click()
            answer = await navigation.value
            assert answer is not None
            return answer.headers["content-type"]
    raise AssertionError("the last tap answers or raises")


async def test_the_paper_is_one_tap_away(chromium: Browser, shop: Shop) -> None:
    """And the browser's own viewer shows it, under our Content-Security-Policy."""
    view = await bought(shop, 2)
    first, second = [await text_of(shop, view, ticket) for ticket in view.tickets]
    order, ticket = f"/orders/{path_part(view.order.code)}", f"/tickets/{path_part(view.tickets[1].code)}"
    for address, shown in ((order, first), (f"{order}/success", first), (ticket, second)):
        context = await phone(chromium, shop, view)  # one that shows a file already may not ask for it again
        page = await context.new_page()
        await page.goto(shop.url + address)
        assert await type_of_what_a_tap_opens(page) == "application/pdf"

        async def readable(page: Page = page, expected: str = shown) -> bool:
            return codes(pixels(await page.screenshot()))[:1] == [expected]

        await until(readable)
        await context.close()


@pytest.mark.parametrize("dark", [True, False])
async def test_the_code_can_be_read_off_the_screen(chromium: Browser, shop: Shop, dark: bool) -> None:
    view = await bought(shop)
    (ticket,) = view.tickets
    text = await text_of(shop, view, ticket)
    context = await phone(chromium, shop, view, dark=dark)
    page = await context.new_page()
    await page.goto(f"{shop.url}/tickets/{path_part(ticket.code)}")
    assert codes(pixels(await page.screenshot())) == [text], "without scrolling"
    await context.close()
