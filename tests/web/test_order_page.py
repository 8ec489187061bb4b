"""An order's page: who may see it, and what it says in every state."""

import re
from datetime import timedelta

import pytest
from httpx import AsyncClient

from boxoffice.accounts.login import MEET
from boxoffice.accounts.sessions import open_session
from boxoffice.box import BoxOffice
from boxoffice.foundation.ids import new_id
from boxoffice.orders.access import access_token
from boxoffice.orders.order import OrderView
from tests.web.cast import (
    CHECKOUT_URL,
    MARA,
    again,
    disputed,
    give_back,
    key_of,
    moved,
    paid,
    part_refunded,
    paying,
    place,
    refunded,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def page_of(view: OrderView) -> str:
    return f"/orders/{view.order.code}"


async def seen(browser: AsyncClient, box: BoxOffice, view: OrderView, more: str = "") -> str:
    """The order's page as its buyer sees it."""
    browser.cookies.update(key_of(box, view))
    page = await browser.get(page_of(view) + more)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    return page.text


async def test_a_foreign_order_and_a_missing_one_are_one_answer(browser: AsyncClient, box: BoxOffice) -> None:
    mine, foreign = await paid(box), await paid(box, email="otto@example.org")
    browser.cookies.update(key_of(box, mine))
    missing = await browser.get("/orders/ABCD1234567X")
    for address in ("", "/success", "/print", "/success?session_id=cs_test_of_mara"):
        answer = await browser.get(page_of(foreign) + address)
        assert answer.status_code == missing.status_code == 404
        assert answer.text == missing.text
    released = await browser.post(page_of(foreign) + "/release", headers=FORM)
    assert released.status_code == 404


async def test_the_cookie_of_another_order_opens_nothing(browser: AsyncClient, box: BoxOffice) -> None:
    mine, foreign = await paid(box), await paid(box, email="otto@example.org")
    token = access_token(box.settings.secret_key, mine.order)
    browser.cookies.set(next(iter(key_of(box, foreign))), token)
    assert (await browser.get(page_of(foreign))).status_code == 404


async def test_the_mailed_token_becomes_a_cookie_and_leaves_the_address(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box)
    answer = await browser.get(page_of(view), params={"t": access_token(box.settings.secret_key, view.order)})
    assert answer.status_code == 303
    assert "t=" not in answer.headers["location"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "You have tickets" in (await browser.get(answer.headers["location"])).text
    wrong = await browser.get(page_of(view), params={"t": "x" * 43})
    assert wrong.status_code == 404


async def test_a_token_of_an_older_revision_opens_nothing(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box)
    browser.cookies.update(key_of(box, view))
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE orders SET revision = revision + 1")
    assert (await browser.get(page_of(view))).status_code == 404


async def test_a_signed_in_buyer_sees_her_order_and_nobody_else_does(browser: AsyncClient, box: BoxOffice) -> None:
    mine, foreign = await paid(box), await paid(box, email="otto@example.org")
    async with box.db.transaction() as connection:
        person = await MEET.first(connection, new_id(), MARA)
        assert person is not None
        browser.cookies.set("session", await open_session(connection, person.id))
    assert (await browser.get(page_of(mine))).status_code == 200
    assert (await browser.get(page_of(foreign))).status_code == 404


async def test_in_line_the_page_says_when_and_goes_on_without_scripts(browser: AsyncClient, box: BoxOffice) -> None:
    page = await seen(browser, box, await place(box))
    assert "You are in line" in page
    assert re.search(r"your turn comes in about <strong id=\"wait\">\d+ seconds?(, after \d+ others?)?</strong>", page)
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "waiting=true" in page


async def test_once_there_is_a_payment_the_line_leads_to_it(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paying(box)
    page = await seen(browser, box, view)
    assert "Held for you" in page
    assert f'href="{CHECKOUT_URL}"' in page
    assert "http-equiv" not in page
    onward = await browser.get(page_of(view) + "?waiting=true")
    assert onward.status_code == 303
    assert onward.headers["location"] == CHECKOUT_URL


@pytest.mark.parametrize("reason", [None, "given_up"])
async def test_while_it_is_being_ended_nobody_is_told_to_buy_again(
    browser: AsyncClient, box: BoxOffice, reason: str | None
) -> None:
    view = await paying(box)
    async with box.db.transaction() as connection:
        until = view.order.now + timedelta(minutes=5 if reason else -5)
        await connection.execute("UPDATE orders SET held_until = $1, ended_reason = $2", until, reason)
    page = await seen(browser, box, await again(box, view))
    assert "do not buy again" in page
    assert "Buy again" not in page
    assert "http-equiv" in page


@pytest.mark.parametrize(
    ("status", "reason", "words", "absent"),
    [
        ("settling", None, "Payment on its way", "Buy again"),
        ("in_review", None, "do not buy again", "Buy again"),
        ("expired", "hold_ended", "went back on sale", "do not buy"),
        ("released", "given_up", "These tickets were given back", "do not buy"),
        ("released", "payment_failed", "did not go through", "do not buy"),
        ("released", "payment_refused", "could not be opened", "do not buy"),
    ],
)
async def test_every_state_has_its_words(
    browser: AsyncClient, box: BoxOffice, status: str, reason: str | None, words: str, absent: str
) -> None:
    page = await seen(browser, box, await moved(box, status, reason=reason))
    assert words in page
    assert absent not in page
    if status in ("expired", "released"):
        assert "/events/tiefdruck-eins#tickets" in page


async def test_one_ticket_is_called_one(browser: AsyncClient, box: BoxOffice) -> None:
    for quantity, words in ((1, "This ticket was given back."), (2, "These tickets were given back.")):
        view = await moved(box, "released", reason="given_up", quantity=quantity)
        browser.cookies.update(key_of(box, view))
        assert words in (await browser.get(f"/orders/{view.order.code}")).text


async def test_a_paid_order_shows_its_tickets_and_whom_they_are_for(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, names=("نور الهدى", "A\u202eB"))
    page = await seen(browser, box, view)
    assert "<bdi>نور الهدى</bdi>" in page
    for ticket in view.tickets:
        assert f"/tickets/{ticket.code[:-1]}" in page


async def test_money_that_came_too_late_is_said_to_go_back(browser: AsyncClient, box: BoxOffice) -> None:
    page = await seen(browser, box, await refunded(box, late=True, status="pending"))
    assert "All of it goes back to you" in page
    assert "€24.00" in page
    assert "5 to 10 days" in page


async def test_a_refunded_order_says_so_on_order_and_tickets(browser: AsyncClient, box: BoxOffice) -> None:
    page = await seen(browser, box, await refunded(box, late=False))
    assert "no longer open the door" in page
    assert "sent to your bank" in page
    assert "refunded" in page


async def test_a_refund_in_part_says_what_stays_valid(browser: AsyncClient, box: BoxOffice) -> None:
    page = await seen(browser, box, await part_refunded(box, goodwill=False))
    assert "1 ticket of this order no longer opens the door; the other one stays valid" in page
    assert "Open the ticket" in page
    page = await seen(browser, box, await part_refunded(box, goodwill=True))
    assert "A part of what you paid goes back to you. Your tickets stay valid." in page


@pytest.mark.parametrize(("lost", "words"), [(False, "Until that ends"), (True, "for good")])
async def test_a_disputed_payment_is_named_and_offers_no_ticket(
    browser: AsyncClient, box: BoxOffice, lost: bool, words: str
) -> None:
    page = await seen(browser, box, await disputed(box, lost=lost))
    assert words in page
    assert "You have" not in page
    assert "Open the first ticket" not in page


@pytest.mark.parametrize("free", [False, True])
async def test_an_order_of_a_cancelled_night_says_where_its_money_goes(
    browser: AsyncClient, box: BoxOffice, free: bool
) -> None:
    view = await paid(box)
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE event SET status = 'cancelled'")
        if free:
            await connection.execute("UPDATE orders SET total_minor = 0")
    page = await seen(browser, box, view)
    assert "does not take place" in page
    assert "valid</span>" not in page
    assert ("no money goes back" in page) == free
    assert ("a mail says when it is on its way" in page) != free
    if not free:
        page = await seen(browser, box, await give_back(box, view, "event_cancelled"))
        assert "below is how far it is" in page
        assert "You have" not in page


async def test_a_payment_that_fits_no_order_is_not_said_to_be_late(browser: AsyncClient, box: BoxOffice) -> None:
    page = await seen(browser, box, await give_back(box, await moved(box, "in_review"), "not_confirmed"))
    assert "could not match it with this order" in page
    assert "no longer held" not in page


async def test_giving_up_in_line_gives_the_tickets_back(browser: AsyncClient, box: BoxOffice) -> None:
    view = await place(box)
    page = await seen(browser, box, view)
    assert "go back on sale at once" in page
    answer = await browser.post(page_of(view) + "/release", headers=FORM)
    assert answer.status_code == 303
    assert "These tickets were given back" in await seen(browser, box, view)


async def test_giving_up_waits_for_stripes_word(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paying(box)
    browser.cookies.update(key_of(box, view))
    answer = await browser.post(page_of(view) + "/release", headers=FORM)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert (await again(box, view)).order.status == "paying"


async def test_success_celebrates_what_is_paid(browser: AsyncClient, box: BoxOffice) -> None:
    page = await seen(browser, box, await paid(box), "/success")
    assert "You’re in" in page
    assert MARA in page


async def test_a_visit_to_success_proves_nothing(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paying(box)
    page = await seen(browser, box, view, "/success?session_id=cs_test_forged")
    assert "You’re in" not in page
    assert (await again(box, view)).order.status == "paying"


async def test_the_stored_session_id_opens_success_for_an_hour_to_look_only(
    browser: AsyncClient, box: BoxOffice
) -> None:
    view = await paid(box)
    address = page_of(view) + f"/success?session_id={view.attempts[0].session_id}"
    page = await browser.get(address)
    assert "You’re in" in page.text
    assert "set-cookie" not in page.headers
    assert MARA not in page.text
    assert 'href="/tickets/' not in page.text
    assert (await browser.get(page_of(view))).status_code == 404
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE orders SET created_at = created_at - interval '61 minutes'")
    assert (await browser.get(address)).status_code == 404
    assert (await browser.get(page_of(view) + "/success?session_id=")).status_code == 404


async def test_confirming_refreshes_by_itself(browser: AsyncClient, box: BoxOffice) -> None:
    page = await seen(browser, box, await moved(box, "settling"), "/success")
    assert "http-equiv" in page
    assert "You’re in" not in page
