"""`/verify` says genuine for its night, or not: nothing of the holder, nothing of who came in."""

import re

import pytest
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from boxoffice.tickets.code import ticket_payload
from boxoffice.web.storefront.verify import LOOKS
from tests.web.cast import MARA, paid


async def check(browser: AsyncClient, code: str) -> str:
    """The heading of the answer."""
    answer = await browser.post("/verify", data={"code": code})
    assert answer.status_code == 200, answer.text
    found = re.search("<h1[^>]*>([^<]+)</h1>", answer.text)
    assert found
    return found[1]


async def test_a_genuine_code_is_told_with_its_night_and_nothing_else(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1, names=("Zoë Example",))
    ticket = view.tickets[0]
    async with box.db.transaction() as connection:
        key = box.settings.secret_key
        text = await ticket_payload(connection, key, view.order.event_id, ticket.id, ticket.revision)
    pages: set[str] = set()
    for code in (ticket.code, f" {ticket.code[:4].lower()}-{ticket.code[4:]} ", text):
        answer = await browser.post("/verify", data={"code": code})
        assert "Genuine" in answer.text
        assert "A ticket for" in answer.text
        assert "Tiefdruck Eins" in answer.text
        assert "opens" not in answer.text
        for words in ("Zoë", MARA, ticket.code, view.order.code, "Entry"):
            assert words not in answer.text
        pages.add(answer.text)
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE ticket SET status = 'used', used_at = clock()")
    pages.add((await browser.post("/verify", data={"code": ticket.code})).text)
    assert len(pages) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ticket SET status = 'refunded'",
        "UPDATE ticket SET status = 'cancelled'",
        "UPDATE ticket SET blocked_reason = 'disputed'",
        "UPDATE ticket SET revision = 7, code = code || 'X'",
        "UPDATE event SET status = 'draft'",
    ],
)
async def test_what_opens_no_door_is_not_genuine(browser: AsyncClient, box: BoxOffice, change: str) -> None:
    view = await paid(box, quantity=1)
    ticket = view.tickets[0]
    async with box.db.transaction() as connection:
        key = box.settings.secret_key
        text = await ticket_payload(connection, key, view.order.event_id, ticket.id, ticket.revision)
        await connection.execute(change)
    assert [await check(browser, code) for code in (ticket.code, text)] == ["Not genuine", "Not genuine"]


@pytest.mark.parametrize(
    "text", ["x", "https://example.org/", "A" * 140, "0" * 5000, "\N{PILE OF POO}", "\u202eabc", "ABCD-EFGH"]
)
async def test_whatever_is_typed_is_answered(browser: AsyncClient, box: BoxOffice, text: str) -> None:
    await paid(box, quantity=1)
    assert await check(browser, text) == "Not genuine"


async def test_no_address_carries_a_code(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1)
    assert (await browser.get(f"/verify/{view.tickets[0].code}")).status_code == 404
    page = (await browser.get("/verify", params={"code": view.tickets[0].code})).text
    assert "Genuine" not in page


async def test_checking_is_limited(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1)
    for _ in range(LOOKS.times):
        await check(browser, "x")
    answer = await browser.post("/verify", data={"code": view.tickets[0].code})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Genuine" not in answer.text


async def test_who_may_not_come_in_any_more_has_a_genuine_ticket_and_is_promised_nothing(
    browser: AsyncClient, box: BoxOffice
) -> None:
    view = await paid(box, quantity=1)
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE ticket_type SET last_entry_at = clock()")
    page = (await browser.post("/verify", data={"code": view.tickets[0].code})).text
    assert "Genuine" in page
    assert "Whether somebody came in with it is not told here" in page
    assert "door" not in page.split("<main", 1)[1].split("</main>", 1)[0]
