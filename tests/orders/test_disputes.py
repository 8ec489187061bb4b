"""Banks that take a payment back, ask about it, or warn."""

from itertools import permutations

import pytest

from boxoffice.orders.decide_refund import NotRefundable
from stripe_simulator.store.unit import Unit
from tests.orders.money import (
    books,
    bought,
    findings,
    intent_of,
    mails,
    refund,
    rows,
    seen,
    statuses,
    used_units,
    value,
)
from tests.orders.test_webhook import deliver, events_of
from tests.shop import Json, Shop, session_of

DISPUTED = "4000000000000259"
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)
FEE = 2000


async def disputed(shop: Shop, quantity: int = 1, **how: object) -> tuple[Json, Json]:
    order = await bought(shop, quantity)
    dispute = await shop.control("disputes", payment_intent=await intent_of(shop, order), **how)
    await shop.delivered()
    return order, dispute


async def close(shop: Shop, dispute: Json, outcome: str) -> None:
    await shop.control(f"disputes/{dispute['id']}/close", outcome=outcome)
    await shop.delivered()


async def test_it_blocks_until_it_is_won(shop: Shop) -> None:
    order, dispute = await disputed(shop, 2)
    assert await statuses(shop, order) == ["cancelled", "cancelled"]
    assert await rows(shop, "SELECT DISTINCT status, blocked_reason FROM ticket") == [("active", "disputed")]
    taken = {"stripe": -FEE, "sales": -2400, "disputes": 2400, "fees": FEE}
    assert await books(shop) == taken
    with pytest.raises(NotRefundable, match="Stripe's Dashboard"):
        await refund(shop, order)
    page = await shop.web.get(f"/orders/{order['code']}", params={"t": order["access_token"]}, follow_redirects=True)
    assert "The payment is disputed" in page.text
    assert any(text.startswith("Alarm: A payment is disputed") for text in await mails(shop))
    await close(shop, dispute, "won")
    assert await statuses(shop, order) == ["active", "active"]
    assert await books(shop) == {"stripe": 2400 - FEE, "sales": -2400, "fees": FEE}
    assert (await seen(shop, order))["status"] == "paid"
    await shop.sound()


async def test_lost_cancels_the_tickets_and_returns_the_units_and_a_late_win_only_the_money(shop: Shop) -> None:
    order, dispute = await disputed(shop, 2)
    await close(shop, dispute, "lost")
    assert await statuses(shop, order) == ["cancelled", "cancelled"]
    assert await used_units(shop) == 0
    assert await rows(shop, "SELECT DISTINCT status, blocked_reason, revision FROM ticket") == [
        ("cancelled", "dispute_lost", 1)
    ]
    await shop.pass_time(days=90)
    await close(shop, dispute, "won")
    assert await statuses(shop, order) == ["cancelled", "cancelled"]
    assert await used_units(shop) == 0
    assert await books(shop) == {"stripe": 2400 - FEE, "sales": -2400, "fees": FEE}
    assert any(text.startswith("Alarm: A lost dispute was won after all") for text in await mails(shop))
    assert (await refund(shop, order)).plan.amount_minor == 2400  # the buyer got nothing: a person gives it back
    await shop.sound()


async def test_a_part_that_is_lost_leaves_the_tickets_to_a_person(shop: Shop) -> None:
    order, dispute = await disputed(shop, 2, amount=1200)
    assert await statuses(shop, order) == ["cancelled", "cancelled"]
    await close(shop, dispute, "lost")
    assert await statuses(shop, order) == ["active", "active"]
    assert any("--ticket CODE --amount 0" in text for text in await mails(shop))
    await refund(shop, order, tickets=(order["tickets"][0]["code"],), amount_minor=0)
    assert sorted(await statuses(shop, order)) == ["active", "cancelled"]


async def test_an_inquiry_changes_nothing_until_it_escalates(shop: Shop) -> None:
    order, inquiry = await disputed(shop, inquiry=True)
    assert await statuses(shop, order) == ["active"]
    assert await books(shop) == {"stripe": 1200, "sales": -1200}
    assert any(text.startswith("Alarm: A bank asks about a payment") for text in await mails(shop))
    await close(shop, inquiry, "escalated")
    assert await statuses(shop, order) == ["cancelled"]
    assert (await books(shop))["disputes"] == 1200
    other, question = await disputed(shop, inquiry=True)
    await close(shop, question, "warning_closed")
    assert await statuses(shop, other) == ["active"]


async def test_an_inquiry_may_be_refunded_or_prevented(shop: Shop) -> None:
    order, _ = await disputed(shop, inquiry=True)
    await refund(shop, order)
    await shop.tick()
    assert await value(shop, "SELECT status FROM refund") == "succeeded"
    other, question = await disputed(shop, inquiry=True)
    await close(shop, question, "prevented")
    await shop.tick()
    assert await statuses(shop, other) == ["refunded"]
    assert await value(shop, "SELECT status FROM dispute WHERE id = $1", question["id"]) == "prevented"
    await shop.sound()


async def test_several_block_until_the_last_is_won(shop: Shop) -> None:
    order, first = await disputed(shop, 2, amount=1000)
    second = await shop.control("disputes", payment_intent=await intent_of(shop, order), amount=1400)
    await shop.delivered()
    await close(shop, first, "won")
    assert await statuses(shop, order) == ["cancelled", "cancelled"]
    await close(shop, second, "won")
    assert await statuses(shop, order) == ["active", "active"]
    await shop.sound()


async def test_a_card_that_is_disputed_inside_the_payment(shop: Shop) -> None:
    """`charge.dispute.created` comes before the payment is known."""
    order = await bought(shop, card=DISPUTED)
    assert (await seen(shop, order))["status"] == "paid"
    assert await statuses(shop, order) == ["cancelled"]
    await shop.sound()


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_its_events_in_any_order_and_twice_end_the_same(shop: Shop, outcome: str) -> None:
    order = await bought(shop)
    await shop.fault("drop", count=None)
    dispute = await shop.control("disputes", payment_intent=await intent_of(shop, order))
    await close(shop, dispute, outcome)
    bodies = await events_of(shop, *DISPUTE_EVENTS)
    ends: set[str] = set()
    for number, these in enumerate(permutations(bodies)):
        for body in (*these, these[0]):
            fresh = body.replace(b'"id":"evt_', f'"id":"evt_{number}_'.encode(), 1)
            assert (await deliver(shop, fresh))[0] == 200
        ends.add(repr((await statuses(shop, order), await books(shop), await rows(shop, "SELECT status FROM dispute"))))
    assert len(ends) == 1
    assert f"'{outcome}'" in next(iter(ends))
    await shop.sound()


async def test_it_is_found_when_only_what_is_needed_is_heard(shop: Shop) -> None:
    await shop.listen("checkout.session.completed", "payment_intent.succeeded", "payment_intent.payment_failed")
    order, dispute = await disputed(shop)
    assert await shop.count("dispute") == 0
    await shop.tick()
    assert await statuses(shop, order) == ["cancelled"]
    assert await value(shop, "SELECT id FROM dispute") == dispute["id"]


async def test_one_of_an_unknown_charge_is_kept_for_a_person(shop: Shop) -> None:
    forged = {"id": "du_unknown", "object": "dispute", "charge": "ch_unknown", "payment_intent": None, "metadata": {}}
    await shop.control("events/forge", type="charge.dispute.created", object=forged)
    await shop.delivered()
    assert await rows(shop, "SELECT outcome, about FROM stripe_event") == [("foreign", ["du_unknown", "ch_unknown"])]


async def test_a_second_payment_that_is_disputed_touches_no_ticket(shop: Shop) -> None:
    order = await bought(shop)
    intent = await intent_of(shop, order)
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE payment SET purpose = 'returned'")
        await connection.execute(
            """INSERT INTO payment SELECT event_id, 'pi_that_pays', order_id, attempt_number, amount_minor, currency,
            'kept', received_at FROM payment"""
        )
    await shop.control("disputes", payment_intent=intent)
    await shop.delivered()
    assert await value(shop, "SELECT status FROM dispute") == "needs_response"
    assert await statuses(shop, order) == ["active"]


async def test_warnings_and_reviews_are_told_and_change_nothing(shop: Shop) -> None:
    order = await bought(shop, card="4000000000005423")
    review = await shop.control("reviews", payment_intent=await intent_of(shop, order))
    await shop.delivered()
    await shop.tick()
    kinds = "SELECT kind, closed_reason FROM fraud_sign ORDER BY kind"
    assert await rows(shop, kinds) == [("early_fraud_warning", None), ("review", None)]
    told = await mails(shop)
    assert any("A bank warns of fraud" in text for text in told)
    assert any("wants a payment reviewed" in text for text in told)
    await shop.control(f"reviews/{review['id']}/close", reason="approved")
    await shop.delivered()
    assert await rows(shop, kinds) == [("early_fraud_warning", None), ("review", "approved")]
    assert await statuses(shop, order) == ["active"]


async def test_the_buyer_is_told_when_tickets_are_blocked_good_again_or_gone(shop: Shop) -> None:
    order, dispute = await disputed(shop)
    assert sum(text.startswith("Blocked: tickets for") for text in await mails(shop)) == 1
    await close(shop, dispute, "won")
    told = await mails(shop)
    assert sum(text.startswith("Valid again: tickets for") for text in told) == 1
    _, other = await disputed(shop)
    await close(shop, other, "lost")  # before the mail about the block went out: that one would be wrong by now
    told = await mails(shop)
    assert sum(text.startswith("Blocked:") for text in told) == 1
    assert sum(text.startswith("Cancelled: tickets for") for text in told) == 1
    assert order["code"][:4] in next(text for text in told if text.startswith("Blocked:"))
    _, inquiry = await disputed(shop, inquiry=True)
    await close(shop, inquiry, "warning_closed")
    assert len([text for text in await mails(shop) if "tickets for" in text.partition("\n")[0]]) == 3


async def test_one_that_comes_before_its_payment_is_received_waits_for_it(shop: Shop) -> None:
    """Stripe disputes some cards inside the payment: then the session may not be complete yet when this is worked."""
    order = await shop.ordered()
    await shop.fault("drop", count=None)
    await shop.pay(order, DISPUTED)
    await shop.stripe.delete("/_control/faults")
    (body,) = await events_of(shop, "charge.dispute.created")
    await set_session(shop, order, status="open", payment_status="unpaid")
    status, answer = await deliver(shop, body)
    assert (status, answer["type"]) == (503, "not_received_yet")
    assert await rows(shop, "SELECT handled_at, tries::integer FROM stripe_event") == [(None, 1)]
    await set_session(shop, order, status="complete", payment_status="paid")
    status, answer = await deliver(shop, body)
    assert (status, answer["outcome"]) == (200, "paid,dispute_needs_response")
    assert await statuses(shop, order) == ["cancelled"]
    await shop.sound()


async def set_session(shop: Shop, order: Json, **fields: str) -> None:
    async def verb(unit: Unit) -> None:
        session = await unit.lock("checkout.session", session_of(order))
        assert session is not None
        session.doc.update(fields)
        unit.put(session)

    await shop.core.act(verb)


async def test_a_refund_that_the_dispute_stopped_is_not_owed_once_the_bank_has_taken_it(shop: Shop) -> None:
    order, dispute = await disputed(shop)
    await close(shop, dispute, "won")
    await refund(shop, order)
    second = await shop.control("disputes", payment_intent=await intent_of(shop, order))
    await shop.tick()  # Stripe refuses
    assert await rows(shop, "SELECT status FROM refund") == [("failed",)]
    await close(shop, second, "lost")
    assert await rows(shop, "SELECT status FROM refund") == [("dropped",)]
    assert (await books(shop)).get("owed_to_buyers") is None
    assert await findings(shop) == []
    await shop.pass_time(days=60)
    await close(shop, second, "won")  # the money is back after all, and the buyer got nothing
    decided = await refund(shop, order)
    assert (decided.first_time, decided.plan.amount_minor) == (True, 1200)
    assert not (await refund(shop, order)).first_time
    await shop.tick()
    assert sorted(await rows(shop, "SELECT status FROM refund")) == [("dropped",), ("succeeded",)]
    assert await findings(shop) == []


async def test_the_order_of_the_refusal_and_the_loss_does_not_matter(shop: Shop) -> None:
    order = await bought(shop)
    await refund(shop, order)
    dispute = await shop.control("disputes", payment_intent=await intent_of(shop, order))
    await shop.delivered()
    await close(shop, dispute, "lost")
    await shop.tick()
    assert await rows(shop, "SELECT status FROM refund") == [("dropped",)]
    assert (await books(shop)).get("owed_to_buyers") is None
    assert await findings(shop) == []
