"""A ticket whose code changes: its page with scripts and without, without a network; no paper where none may be."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, BrowserContext, Page

from boxoffice.box import BoxOffice
from boxoffice.orders.order import OrderView
from boxoffice.tickets.code import STEP, RotatingCode, read_payload, rotating_code, step_of
from boxoffice.worker.tick import run_jobs
from tests.chromium import in_chromium
from tests.shop import Shop
from tests.web.cast import key_of, paid

ROTATING = "UPDATE event SET code = 'rotating', paper = $1"


async def bought(box: BoxOffice, *, paper: bool = False) -> tuple[OrderView, RotatingCode]:
    """An order of one ticket, and what its codes are made of."""
    view = await paid(box, quantity=1)
    ticket = view.tickets[0]
    async with box.db.transaction() as connection:
        await connection.execute(ROTATING, paper)
        made = await rotating_code(connection, box.settings.secret_key, view.order.event_id, ticket.id, ticket.revision)
    return view, made


def texts(made: RotatingCode) -> set[str]:
    """Those of about now."""
    now = datetime.now(UTC)
    return {made.text_at(now + number * STEP) for number in (-1, 0, 1)}


async def test_without_scripts_the_page_has_a_code_of_now_and_comes_again(browser: AsyncClient, box: BoxOffice) -> None:
    view, _ = await bought(box)
    browser.cookies.update(key_of(box, view))
    page = (await browser.get(f"/tickets/{view.tickets[0].code}")).text
    assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in page
    assert "changes every 15 seconds" in page
    assert "<noscript> Here scripts are off: the page loads anew for each code" in page
    assert 'class="ticket-code"' not in page
    assert "Print" not in page


async def test_no_paper_is_made_where_none_is_taken(browser: AsyncClient, box: BoxOffice) -> None:
    view, _ = await bought(box)
    browser.cookies.update(key_of(box, view))
    code, order = view.tickets[0].code, view.order.code
    for address in (f"/orders/{order}/tickets.pdf", f"/tickets/{code}/ticket.pdf", f"/orders/{order}/print"):
        answer = await browser.get(address)
        assert (answer.status_code, "takes no tickets on paper" in answer.text) == (404, True)
    assert "tickets.pdf" not in (await browser.get(f"/orders/{order}")).text


async def test_with_paper_the_static_code_is_printed(browser: AsyncClient, box: BoxOffice) -> None:
    view, _ = await bought(box, paper=True)
    browser.cookies.update(key_of(box, view))
    assert 'class="qr"' in (await browser.get(f"/orders/{view.order.code}/print")).text
    page = (await browser.get(f"/tickets/{view.tickets[0].code}")).text
    assert 'class="ticket-code"' in page
    assert "data-fixed" in page


async def test_the_mail_says_to_open_the_ticket_and_has_no_code(box: BoxOffice) -> None:
    view, _ = await bought(box)
    async with box.db.transaction() as connection:
        await connection.execute(
            "INSERT INTO job (id, name, subject, arguments, run_at, created_at) VALUES "
            "($1, 'mail_tickets', 'x', json_build_object('event_id', $2::text, 'order_id', $3::text)::text, "
            "clock(), clock())",
            view.order.id,
            str(view.order.event_id),
            str(view.order.id),
        )
    await run_jobs(box)
    async with box.db.transaction() as connection:
        mail = str(await connection.fetchval("SELECT text FROM mailbox_message"))
    assert "its code changes all the" in mail
    assert not re.search(f"{view.tickets[0].code[4:8]}", mail)


async def test_a_static_ticket_is_as_it_was(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1)
    browser.cookies.update(key_of(box, view))
    page = (await browser.get(f"/tickets/{view.tickets[0].code}")).text
    for words in ("data-fixed", "rotating.js", "refresh", "changes every"):
        assert words not in page


def read_qr(picture: bytes) -> str:
    """What an independent reader makes of a screenshot: its second way of finding the corners reads the one in forty
    that the first does not."""
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    texts = (detector().detectAndDecode(image)[0] for detector in (cv2.QRCodeDetector, cv2.QRCodeDetectorAruco))
    return next((str(text) for text in texts if text), "")


@pytest.fixture
async def phone(chromium: Browser, shop: Shop) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport={"width": 360, "height": 780}, device_scale_factor=2)
    yield context
    await context.close()


async def opened(phone: BrowserContext, shop: Shop, view: OrderView) -> Page:
    cookies = [{"name": name, "value": key, "url": shop.url} for name, key in key_of(shop.box, view).items()]
    await phone.add_cookies(cookies)  # type: ignore[arg-type]
    page = await phone.new_page()
    await page.goto(f"{shop.url}/tickets/{view.tickets[0].code}")
    return page


async def shown(page: Page, where: str = ".ticket-qr", *, other_than: str = "") -> str:
    """The text of the code on the screen, once it can be read: a door's camera looks more than once too."""
    await page.wait_for_selector(f"{where} path[fill='#000']", state="attached")
    for _ in range(100):
        text = read_qr(await page.locator(where).screenshot())
        if text not in ("", other_than):
            return text
        await page.wait_for_timeout(50)
    raise AssertionError("no code can be read off the screen")


class TestOnAPhone:
    pytestmark = in_chromium

    async def test_the_code_changes_and_each_is_of_its_moment(self, phone: BrowserContext, shop: Shop) -> None:
        view, made = await bought(shop.box)
        page = await opened(phone, shop, view)
        first = await shown(page)
        assert first in texts(made)
        await page.evaluate("Date.now = ((real) => () => real() + 15_000)(Date.now)")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        second = await shown(page, other_than=first)
        assert second in {made.text_at(datetime.now(UTC) + number * STEP) for number in (0, 1, 2)}

    async def test_a_phone_whose_clock_is_wrong_shows_the_right_code(self, phone: BrowserContext, shop: Shop) -> None:
        view, made = await bought(shop.box)
        await phone.add_init_script("Date.now = ((real) => () => real() - 3_600_000)(Date.now)")
        page = await opened(phone, shop, view)
        assert await shown(page) in texts(made)

    async def test_opened_once_it_goes_on_without_a_network(self, phone: BrowserContext, shop: Shop) -> None:
        view, made = await bought(shop.box)
        page = await opened(phone, shop, view)
        await page.wait_for_selector("#kept:not([hidden])")
        await phone.set_offline(True)
        await page.reload()
        await page.wait_for_selector("#saved:not([hidden])")
        text = await shown(page)
        assert text in texts(made)
        payload = read_payload(text)
        assert payload is not None
        now = datetime.now(UTC)
        assert payload.step == step_of(now).to_bytes(8, "big")[-2:] or now.timestamp() % 15 < 2

    async def test_the_large_code_changes_too(self, phone: BrowserContext, shop: Shop) -> None:
        view, made = await bought(shop.box)
        page = await opened(phone, shop, view)
        await page.get_by_role("button", name="Show the code large").click()
        assert await shown(page, "dialog.large svg") in texts(made)


async def test_the_clock_is_told_to_the_millisecond(browser: AsyncClient) -> None:
    answer = await browser.get("/clock")
    told: dict[str, Any] = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert abs(datetime.now(UTC) - datetime.fromtimestamp(told["now"] / 1000, UTC)) < timedelta(seconds=5)
