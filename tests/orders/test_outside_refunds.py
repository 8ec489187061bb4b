"""Refunds that somebody made in Stripe's Dashboard."""

import msgspec
import pytest

from boxoffice.foundation.db import Query
from boxoffice.orders import send_refund as sending
from boxoffice.orders.decide_refund import ask_again
from boxoffice.worker.tick import run_jobs
from tests.orders.money import (
    books,
    bought,
    findings,
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
from tests.orders.test_webhook import deliver, events_of, paid_unheard
from tests.shop import Json, Shop

NEEDED = ("checkout.session.completed", "payment_intent.succeeded", "payment_intent.payment_failed")


@pytest.mark.parametrize("heard", ["everything", "only what is needed"])
async def test_a_whole_one_voids_every_ticket(shop: Shop, heard: str) -> None:
    if heard != "everything":
        await shop.listen(*NEEDED)
    order = await bought(shop, 2)
    await shop.control("refunds", payment_intent=await intent_of(shop, order))
    await shop.delivered()
    await shop.tick()
    assert await statuses(shop, order) == ["refunded", "refunded"]
    assert (await seen(shop, order))["status"] == "refunded"
    assert await used_units(shop) == 0
    assert await rows(shop, "SELECT reason, status, amount_minor FROM refund") == [("outside", "succeeded", 2400)]
    assert await books(shop) == {"sales": -2400, "refunds": 2400}
    told = await mails(shop)
    assert any(text.startswith("Alarm: A refund of €24.00") for text in told)
    assert any("no longer open the door" in text and text.startswith("Refund:") for text in told)
    await shop.sound()


async def test_a_part_leaves_the_tickets_and_tells_a_person(shop: Shop) -> None:
    order = await bought(shop, 2)
    intent = await intent_of(shop, order)
    await shop.control("refunds", payment_intent=intent, amount=1200)
    await shop.tick()
    assert await statuses(shop, order) == ["active", "active"]
    assert (await seen(shop, order))["status"] == "part_refunded"
    assert any("--amount 0" in text for text in await mails(shop))
    await shop.control("refunds", payment_intent=intent, amount=1200)  # now all of it is back
    await shop.tick()
    assert await statuses(shop, order) == ["refunded", "refunded"]
    assert await books(shop) == {"sales": -2400, "refunds": 2400}
    for body in await events_of(shop, "refund.created", "charge.refunded", "refund.updated"):
        assert (await deliver(shop, body))[0] == 200
    assert await shop.count("refund") == 2
    await shop.sound()


async def test_it_takes_the_place_of_one_that_was_decided_here_and_not_sent(shop: Shop) -> None:
    order = await bought(shop)
    await shop.fault("drop", count=None)
    await shop.control("refunds", payment_intent=await intent_of(shop, order))
    await refund(shop, order)
    await shop.tick()  # reads what was not delivered, then sends what was decided
    await shop.stripe.delete("/_control/faults")
    assert sorted(await rows(shop, "SELECT reason, status FROM refund")) == [
        ("outside", "succeeded"),
        ("requested", "dropped"),
    ]
    assert [one["amount"] for one in await refunds_at_stripe(shop, order)] == [1200]
    assert await books(shop) == {"sales": -1200, "refunds": 1200}
    await shop.sound()


async def test_our_call_finds_that_the_money_is_gone_when_no_event_told(shop: Shop) -> None:
    order = await bought(shop)
    await shop.fault("drop", count=None)
    await shop.control("refunds", payment_intent=await intent_of(shop, order))
    await refund(shop, order)
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE event_list_mark SET read_until = clock() + interval '1 day'")
    await shop.tick()
    await shop.stripe.delete("/_control/faults")
    assert sorted(await rows(shop, "SELECT reason, status FROM refund")) == [
        ("outside", "succeeded"),
        ("requested", "dropped"),
    ]
    assert await books(shop) == {"sales": -1200, "refunds": 1200}


async def test_one_of_a_payment_that_nobody_told_us_of_makes_the_order_first(shop: Shop) -> None:
    order = await paid_unheard(shop, 2)
    (session,) = await events_of(shop, "checkout.session.completed")
    intent = msgspec.json.decode(session)["data"]["object"]["payment_intent"]
    await shop.fault("drop", count=None)
    await shop.control("refunds", payment_intent=intent)
    await shop.stripe.delete("/_control/faults")
    (body,) = await events_of(shop, "refund.created")
    status, answer = await deliver(shop, body)
    assert (status, answer["outcome"]) == (200, "paid,refunded_outside")
    assert (await shop.look(order))["status"] == "refunded"
    assert await value(shop, "SELECT count(*)::integer FROM ticket WHERE status = 'refunded'") == 2
    await shop.sound()


async def test_a_refund_of_another_application_is_written_down_and_left_alone(shop: Shop) -> None:
    order = await bought(shop)
    await shop.control("refunds", payment_intent=await intent_of(shop, order), amount=100)
    await shop.tick()
    (body,) = await events_of(shop, "refund.created")
    intent = (await intent_of(shop, order)).encode()
    foreign = body.replace(intent, b"pi_of_somebody_else").replace(b'"id":"evt_', b'"id":"evt_foreign')
    assert await deliver(shop, foreign) == (200, {"outcome": "foreign"})
    assert await value(shop, "SELECT count(*)::integer FROM stripe_event WHERE outcome = 'foreign'") == 1
    assert await shop.count("refund") == 1


FAILS = "4000000000005126"
STATES = "SELECT reason, status, amount_minor FROM refund ORDER BY amount_minor, status"


async def unheard(shop: Shop) -> None:
    """Stripe's list of events tells nothing of the past any more."""
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE event_list_mark SET read_until = clock() + interval '1 day'")


async def test_a_part_of_what_was_decided_here_leaves_the_rest_of_it_owed(shop: Shop) -> None:
    order = await bought(shop, 2)
    await shop.fault("drop", count=None)
    await shop.control("refunds", payment_intent=await intent_of(shop, order), amount=500)
    await refund(shop, order)
    await unheard(shop)
    await shop.tick()  # our call over all of it is refused, and the list shows why
    await shop.stripe.delete("/_control/faults")
    assert await rows(shop, STATES) == [
        ("outside", "succeeded", 500),
        ("requested", "succeeded", 1900),
        ("requested", "dropped", 2400),
    ]
    assert sorted(one["amount"] for one in await refunds_at_stripe(shop, order)) == [500, 1900]
    assert await books(shop) == {"sales": -2400, "refunds": 2400}
    void = "SELECT amount_minor, count(*)::integer FROM refund JOIN ticket ON refund.id = ticket.refund_id GROUP BY 1"
    assert await rows(shop, void) == [(1900, 2)]
    told = [text for text in await mails(shop) if text.startswith("Refund:")]
    assert all(any(amount in text for text in told) for amount in ("€5.00", "€19.00"))
    await shop.sound()


async def test_one_that_pays_a_failed_refund_another_way_voids_no_other_ticket(shop: Shop) -> None:
    order = await bought(shop, 2, card=FAILS)
    await refund(shop, order, tickets=(order["tickets"][0]["code"],))
    await shop.tick()
    await shop.pass_time(days=1)
    await shop.tick()
    assert await rows(shop, STATES) == [("requested", "failed", 1200)]
    await shop.control("refunds", payment_intent=await intent_of(shop, order), amount=1200, outcome="succeeds")
    await shop.tick()
    assert await rows(shop, STATES) == [("requested", "dropped", 1200), ("outside", "succeeded", 1200)]
    assert sorted(await statuses(shop, order)) == ["active", "refunded"]
    assert (await seen(shop, order))["status"] == "part_refunded"
    assert (await books(shop)).get("owed_to_buyers") is None
    assert await findings(shop) == []
    await shop.sound()


async def test_a_part_of_a_failed_refund_leaves_the_rest_to_a_person(shop: Shop) -> None:
    order = await bought(shop, card=FAILS)
    await refund(shop, order)
    await shop.tick()
    await shop.pass_time(days=1)
    await shop.tick()
    await shop.control("refunds", payment_intent=await intent_of(shop, order), amount=500, outcome="succeeds")
    await shop.tick()
    assert await rows(shop, STATES) == [
        ("outside", "succeeded", 500),
        ("requested", "failed", 700),
        ("requested", "dropped", 1200),
    ]
    assert (await books(shop))["owed_to_buyers"] == -700
    assert await findings(shop) == []
    await shop.box.db.attempt(ask_again, order["code"])
    await shop.tick()
    assert (await books(shop)).get("owed_to_buyers") is None
    assert await findings(shop) == []
    assert sum(one["amount"] for one in await refunds_at_stripe(shop, order) if one["status"] == "succeeded") == 1200


async def sent_and_never_heard(shop: Shop) -> Json:
    """A refund that Stripe made while neither its answer nor its events arrived; two days later we ask again."""
    order = await bought(shop)
    await shop.fault("drop", count=None)
    await shop.fault("lost_response", match="POST /v1/refunds")
    await refund(shop, order, amount_minor=500)
    while await run_jobs(shop.box):
        pass
    assert await rows(shop, STATES) == [("goodwill", "decided", 500)]
    assert len(await refunds_at_stripe(shop, order)) == 1
    await shop.pass_time(days=2)
    await unheard(shop)
    while await run_jobs(shop.box):
        pass
    await shop.stripe.delete("/_control/faults")
    return order


async def test_after_a_day_stripe_is_asked_what_it_made_before_it_is_asked_to_make_it(shop: Shop) -> None:
    order = await sent_and_never_heard(shop)
    assert await rows(shop, STATES) == [("goodwill", "succeeded", 500)]
    assert len(await refunds_at_stripe(shop, order)) == 1


async def test_without_looking_first_the_money_goes_back_twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: Stripe forgets keys."""
    monkeypatch.setattr(sending, "IS_OLD", Query(bool, "SELECT false WHERE $1::uuid <> $2::uuid"))
    order = await sent_and_never_heard(shop)
    assert len(await refunds_at_stripe(shop, order)) == 2
