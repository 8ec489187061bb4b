"""A person gives money back: whole, by ticket, by amount; once, never too much, and told to the buyer."""

import asyncio
from typing import Any

import asyncpg
import pytest

from boxoffice.foundation.db import Query
from boxoffice.foundation.problems import NotFound, Problem, Unprocessable
from boxoffice.foundation.written import write_code
from boxoffice.orders import decide_refund as deciding
from boxoffice.orders.decide_refund import MoreThanLeft, NotRefundable, TicketUsed, Wish, ask_again, decide_refund
from boxoffice.orders.mail_again import NoTickets, mail_tickets_again
from boxoffice.orders.order import show_order
from tests.orders.money import (
    books,
    bought,
    intent_of,
    mails,
    refund,
    refunds_at_stripe,
    rows,
    seen,
    statuses,
    used_units,
    value,
)
from tests.shop import Shop, together

USE = "UPDATE ticket SET status = 'used', used_at = clock() WHERE code = $1 AND status = 'active'"


FEE = 43
"""Of 12.00 by Stripe's list price."""


def codes(order: dict[str, Any]) -> list[str]:
    return [ticket["code"] for ticket in order["tickets"]]


async def scan(shop: Shop, code: str) -> bool:
    """The move that a door makes: a counted update of the ticket's row."""
    async with shop.box.db.transaction() as connection:
        return str(await connection.execute(USE, code)) == "UPDATE 1"


async def test_a_whole_order_goes_back_with_tickets_units_books_and_mail(shop: Shop) -> None:
    order = await bought(shop, 2)
    before = await used_units(shop)
    decided = await refund(shop, order, reason="The buyer is ill.")
    assert (decided.first_time, decided.plan.amount_minor) == (True, 2400)
    assert await statuses(shop, order) == ["refunded", "refunded"]  # on the decision, before Stripe is asked
    assert await value(shop, "SELECT min(revision) FROM ticket") == 1
    assert await used_units(shop) < before
    assert await books(shop) == {"stripe": 2400, "sales": -2400, "refunds": 2400, "owed_to_buyers": -2400}
    await shop.tick()
    assert (await seen(shop, order))["status"] == "refunded"
    assert [(one["amount"], one["status"]) for one in await refunds_at_stripe(shop, order)] == [(2400, "succeeded")]
    assert await value(shop, "SELECT status FROM refund") == "succeeded"
    assert await books(shop) == {"sales": -2400, "refunds": 2400}
    text = (await mails(shop))[-1]
    assert "€24.00" in text
    assert "no longer open the door" in text
    assert "The buyer is ill." in text
    assert "5 to 10 working days" in text
    page = await shop.web.get(f"/orders/{order['code']}", params={"t": order["access_token"]}, follow_redirects=True)
    assert "sent to your bank" in page.text
    await shop.sound()


async def test_the_same_decision_twice_is_one_refund_also_at_the_same_moment(shop: Shop) -> None:
    order = await bought(shop, 2)
    ticket = codes(order)[0]
    first, second = await together(refund(shop, order, tickets=(ticket,)), refund(shop, order, tickets=(ticket,)))
    assert first.refund_id == second.refund_id
    assert {first.first_time, second.first_time} == {True, False}
    await shop.tick()
    again = await refund(shop, order, tickets=(ticket.lower(),))
    assert not again.first_time
    await shop.tick()
    assert [one["amount"] for one in await refunds_at_stripe(shop, order)] == [1200]
    assert sorted(await statuses(shop, order)) == ["active", "refunded"]
    assert (await seen(shop, order))["status"] == "part_refunded"
    text = (await mails(shop))[-1]
    assert "The other one of your order stays valid" in text
    await refund(shop, order)
    await shop.tick()
    assert (await seen(shop, order))["status"] == "refunded"
    assert sum(one["amount"] for one in await refunds_at_stripe(shop, order)) == 2400
    await shop.sound()


async def test_an_amount_is_goodwill_and_leaves_the_tickets(shop: Shop) -> None:
    order = await bought(shop, 2)
    before = await used_units(shop)
    await refund(shop, order, amount_minor=500)
    assert not (await refund(shop, order, amount_minor=500)).first_time
    assert (await refund(shop, order, amount_minor=500, number=2)).first_time
    await shop.tick()
    assert await statuses(shop, order) == ["active", "active"]
    assert (await seen(shop, order))["status"] == "part_refunded"
    assert await used_units(shop) == before
    assert "Your tickets are valid and stay as they are" in (await mails(shop))[-1]
    with pytest.raises(MoreThanLeft, match=r"€14\.00 left"):
        await refund(shop, order, amount_minor=1401)
    with pytest.raises(MoreThanLeft):
        await refund(shop, order, tickets=tuple(codes(order)))
    assert (await refund(shop, order)).plan.amount_minor == 1400
    await shop.tick()
    assert sorted(one["amount"] for one in await refunds_at_stripe(shop, order)) == [500, 500, 1400]
    await shop.sound()


async def test_what_cannot_be_meant_is_refused_in_words(shop: Shop) -> None:
    order = await bought(shop)
    for wish, problem in [
        (Wish(tickets=("AAAA-BBBB-CCC",)), NotFound),
        (Wish(amount_minor=0), Unprocessable),
        (Wish(amount_minor=-1), Unprocessable),
        (Wish(amount_minor=1201), MoreThanLeft),
    ]:
        with pytest.raises(problem):
            await shop.box.db.attempt(decide_refund, order["code"], wish)
    with pytest.raises(NotFound):
        await shop.box.db.attempt(decide_refund, "0000-0000-0000", Wish())
    unpaid = await shop.ordered()
    with pytest.raises(NotRefundable, match="paying"):
        await refund(shop, unpaid)
    await refund(shop, order)
    with pytest.raises(NotRefundable):
        await refund(shop, order, amount_minor=1)
    with pytest.raises(NotRefundable, match="failed"):
        await shop.box.db.attempt(ask_again, order["code"])
    assert await shop.count("refund") == 1


async def test_the_database_itself_refuses_more_than_was_paid(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the checks in code: without the order's lock, the trigger still holds."""
    order = await bought(shop)
    unlocked = deciding.LOCK_STATUS.sql.replace("FOR UPDATE", "")
    assert unlocked != deciding.LOCK_STATUS.sql
    monkeypatch.setattr(deciding, "LOCK_STATUS", Query(str, unlocked))
    tickets = deciding.LOCK_TICKETS.sql.replace("FOR UPDATE", "")
    monkeypatch.setattr(deciding, "LOCK_TICKETS", Query(int, tickets))
    everybody = asyncio.Barrier(2)
    real_owe = deciding._owe  # pyright: ignore[reportPrivateUsage]

    async def owe_together(*arguments: Any) -> Any:
        await everybody.wait()
        return await real_owe(*arguments)

    monkeypatch.setattr(deciding, "_owe", owe_together)
    answers = await asyncio.gather(
        refund(shop, order, amount_minor=700), refund(shop, order, amount_minor=800), return_exceptions=True
    )
    refused = [one for one in answers if isinstance(one, asyncpg.CheckViolationError)]
    assert len(refused) == 1, answers
    assert await value(shop, "SELECT sum(amount_minor)::integer FROM refund") in (700, 800)


async def test_two_refunds_at_once_never_give_back_more_than_was_paid(shop: Shop) -> None:
    order = await bought(shop)
    answers = await asyncio.gather(
        *(refund(shop, order, amount_minor=amount) for amount in (700, 701, 702, 703)), return_exceptions=True
    )
    assert sum(isinstance(one, MoreThanLeft) for one in answers) == 3, answers
    await shop.tick()
    assert len(await refunds_at_stripe(shop, order)) == 1
    await shop.sound()


async def test_a_used_ticket_needs_an_override_and_both_are_kept(shop: Shop) -> None:
    order = await bought(shop, 2)
    assert await scan(shop, codes(order)[0])
    with pytest.raises(TicketUsed, match="--override-used"):
        await refund(shop, order)
    assert await statuses(shop, order) == ["used", "active"]
    await refund(shop, order, override_used=True)
    assert await statuses(shop, order) == ["refunded", "refunded"]
    assert await rows(shop, "SELECT override_used FROM refund") == [(True,)]
    assert await value(shop, "SELECT count(*)::integer FROM ticket WHERE used_at IS NOT NULL") == 1


async def test_a_refund_that_fails_is_an_alarm_and_waits_for_a_person(shop: Shop) -> None:
    order = await bought(shop, card="4000000000005126")
    await refund(shop, order)
    await shop.tick()
    assert await books(shop) == {"sales": -1200, "refunds": 1200}
    await shop.pass_time(days=1)
    await shop.tick()
    assert await value(shop, "SELECT status FROM refund") == "failed"
    owed = {"stripe": 1200 - FEE, "fees": FEE, "sales": -1200, "refunds": 1200, "owed_to_buyers": -1200}
    assert await books(shop) == owed
    alarm = next(text for text in await mails(shop) if text.startswith("Alarm: A refund of"))
    assert f"boxoffice refund {order['code']} --again" in alarm
    page = await shop.web.get(f"/orders/{order['code']}", params={"t": order["access_token"]}, follow_redirects=True)
    assert "did not arrive; we are looking into it" in page.text
    await shop.pass_time(days=2)
    await shop.tick()
    assert len(await refunds_at_stripe(shop, order)) == 1  # nothing is tried by itself
    with pytest.raises(Problem):
        await refund(shop, order, amount_minor=100)  # what failed is owed still, so nothing is left
    (again,) = await shop.box.db.attempt(ask_again, order["code"])
    await shop.tick()
    assert await rows(shop, "SELECT id, status, attempt::integer FROM refund") == [(again, "succeeded", 2)]
    assert len(await refunds_at_stripe(shop, order)) == 2
    assert await books(shop) == {"stripe": -FEE, "fees": FEE, "sales": -1200, "refunds": 1200}


async def test_a_pending_refund_is_found_by_repair_when_no_event_tells(shop: Shop) -> None:
    order = await bought(shop, card="4000000000007726")
    await refund(shop, order)
    await shop.tick()
    assert await value(shop, "SELECT status FROM refund") == "pending"
    await shop.fault("drop", count=None)
    await shop.pass_time(days=2)
    await shop.stripe.delete("/_control/faults")
    await shop.tick()
    assert await value(shop, "SELECT status FROM refund") == "succeeded"


async def test_stripe_that_refuses_for_good_makes_it_fail_at_once(shop: Shop) -> None:
    order = await bought(shop)
    intent = await intent_of(shop, order)
    await shop.fault("drop", count=None)
    await shop.control("disputes", payment_intent=intent)
    await refund(shop, order, amount_minor=100)
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE event_list_mark SET read_until = clock() + interval '1 day'")
    await shop.tick()
    await shop.stripe.delete("/_control/faults")
    status, problem = (await rows(shop, "SELECT status, problem FROM refund"))[0]
    assert status == "failed"
    assert "charged back" in problem


async def test_units_return_to_the_release_on_sale_and_only_those_of_void_tickets(shop: Shop) -> None:
    order = await bought(shop, 3)
    sql = (
        "SELECT stock_id, hold.quantity FROM hold JOIN orders ON orders.id = order_id WHERE code = $1 ORDER BY stock_id"
    )
    held = await rows(shop, sql, order["code"])
    await refund(shop, order, tickets=(codes(order)[1],))
    assert await rows(shop, sql, order["code"]) == [(stock, quantity - 1) for stock, quantity in held]
    await refund(shop, order, tickets=(codes(order)[0],), amount_minor=0)  # void without money
    assert await rows(shop, sql, order["code"]) == [(stock, quantity - 2) for stock, quantity in held]
    assert sorted(await statuses(shop, order)) == ["active", "cancelled", "refunded"]
    assert await shop.count("refund") == 1
    await refund(shop, order)
    assert await rows(shop, sql, order["code"]) == []
    await shop.tick()
    await shop.sound()


async def test_a_free_order_ends_without_money(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE release SET price_minor = 0")
    order = await shop.ordered(2)
    await shop.tick()
    await refund(shop, order)
    assert await statuses(shop, order) == ["cancelled", "cancelled"]
    assert (await shop.count("refund"), await used_units(shop)) == (0, 0)
    assert any("no money to pay back" in " ".join(text.split()) for text in await mails(shop))


async def test_what_is_left_of_a_refunded_order_can_still_be_given_back(shop: Shop) -> None:
    order = await bought(shop)
    await refund(shop, order, tickets=(codes(order)[0],), amount_minor=500)
    assert (await seen(shop, order))["status"] == "refunded"
    await refund(shop, order, amount_minor=300)
    assert (await refund(shop, order)).plan.amount_minor == 400
    with pytest.raises(NotRefundable):
        await refund(shop, order, amount_minor=1)
    await shop.tick()
    assert sorted(one["amount"] for one in await refunds_at_stripe(shop, order)) == [300, 400, 500]
    assert await books(shop) == {"sales": -1200, "refunds": 1200}
    await shop.sound()


async def test_tickets_are_mailed_again_without_those_that_open_nothing(shop: Shop) -> None:
    order = await bought(shop, 2)
    first, second = (write_code(code) for code in codes(order))
    await refund(shop, order, tickets=(codes(order)[0],))
    assert await mail_again(shop, order) == "The tickets are mailed again now."
    text = [one for one in await mails(shop) if one.startswith("Your ticket")][-1]
    assert second in text
    assert first not in text
    await refund(shop, order)
    with pytest.raises(NoTickets, match="refunded"):
        await mail_again(shop, order)


async def mail_again(shop: Shop, order: dict[str, Any]) -> str:
    async with shop.box.db.transaction() as connection:
        return await mail_tickets_again(connection, await show_order(connection, order["code"]))
