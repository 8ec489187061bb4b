"""Refunds that somebody made in Stripe's Dashboard."""

import msgspec
import pytest

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
from tests.orders.test_webhook import deliver, events_of, paid_unheard
from tests.shop import Shop

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
