"""Stripe's deliveries: forged, old, foreign, repeated, in any order, or never."""

import asyncio
import time
from itertools import permutations

import msgspec
import pytest
import stripe

from boxoffice.foundation.db import Command
from boxoffice.orders import fulfil
from boxoffice.orders.look import ask_stripe
from boxoffice.orders.order import show_order
from tests.shop import CARD, STRIPE_KEY, WEBHOOK_SECRET, Json, Shop, session_of, together

THE_THREE = ("checkout.session.completed", "payment_intent.succeeded", "payment_intent.payment_failed")
BREAK_THE_WORK = Command("ALTER TABLE ticket ADD CONSTRAINT broken CHECK (false)")
MEND_THE_WORK = Command("ALTER TABLE ticket DROP CONSTRAINT broken")


async def deliver(
    shop: Shop, body: bytes, *, secret: str = WEBHOOK_SECRET, at: float | None = None
) -> tuple[int, Json]:
    """Posts a signed delivery of our own."""
    header = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=int(time.time() if at is None else at)
    )
    answer = await shop.web.post("/api/webhook", content=body, headers={"Stripe-Signature": header})
    return answer.status_code, answer.json()


async def events_of(shop: Shop, *types: str) -> list[bytes]:
    """The bodies of Stripe's events of these types, oldest first."""
    answer = await shop.stripe.get("/v1/events", params={"limit": 100}, auth=(STRIPE_KEY, ""))
    return [msgspec.json.encode(event) for event in reversed(answer.json()["data"]) if event["type"] in types]


async def paid_unheard(shop: Shop, quantity: int = 1) -> Json:
    """An order that is paid while no webhook is delivered."""
    order = await shop.ordered(quantity)
    await shop.fault("drop", count=None)
    await shop.pay(order)
    await shop.stripe.delete("/_control/faults")
    assert (await shop.look(order))["status"] == "paying"
    return order


async def test_a_forged_an_old_and_a_foreign_mode_delivery_are_400_and_nothing_changes(shop: Shop) -> None:
    order = await paid_unheard(shop)
    (body,) = await events_of(shop, "checkout.session.completed")
    assert (await deliver(shop, body, secret="whsec_somebody_elses"))[0] == 400
    assert (await deliver(shop, body, at=time.time() - 301))[0] == 400
    changed = body.replace(b'"amount_total":1200', b'"amount_total":1201')
    assert changed != body
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), WEBHOOK_SECRET)
    answer = await shop.web.post("/api/webhook", content=changed, headers={"Stripe-Signature": header})
    assert answer.status_code == 400
    assert (await shop.web.post("/api/webhook", content=body)).status_code == 400
    assert (
        await shop.web.post("/api/webhook", content=b"\xff\xfe", headers={"Stripe-Signature": "t=1"})
    ).status_code == 400
    status, problem = await deliver(shop, body.replace(b'"livemode":false', b'"livemode":true'))
    assert (status, problem["type"]) == (400, "wrong_mode")
    assert (await deliver(shop, b"[]"))[0] == 400
    assert (await deliver(shop, b'{"id": "evt_1"}'))[0] == 400
    assert await shop.count("stripe_event") == 0
    assert (await shop.look(order))["status"] == "paying"


async def test_what_another_application_did_is_written_down_and_left_alone(shop: Shop) -> None:
    order = await paid_unheard(shop)
    (body,) = await events_of(shop, "checkout.session.completed")
    for change in ((b'"app":"boxoffice"', b'"app":"elsewhere"'), (shop.url.encode(), b"https://elsewhere.example")):
        foreign = body.replace(*change).replace(b'"id":"evt_', f'"id":"evt_{change[1][-4:].hex()}'.encode())
        assert foreign != body
        status, answer = await deliver(shop, foreign)
        assert (status, answer["outcome"]) == (200, "foreign")
    unknown = {"id": "evt_x", "object": "event", "type": "customer.created", "livemode": False, "data": {"object": {}}}
    assert await deliver(shop, msgspec.json.encode(unknown)) == (200, {"outcome": "nothing_to_do"})
    assert (await shop.look(order))["status"] == "paying"


async def test_one_of_several_secrets_fits(shop: Shop) -> None:
    endpoints = await shop.stripe.get("/v1/webhook_endpoints", auth=(STRIPE_KEY, ""))
    await shop.control(
        f"webhook_endpoints/{endpoints.json()['data'][0]['id']}/roll_secret", secret="whsec_the_new_one_of_it"
    )
    order = await shop.ordered()
    await shop.pay(order)
    assert (await shop.look(order))["status"] == "paid"


async def test_five_deliveries_the_success_page_and_the_repair_at_once_make_one_set_of_tickets(shop: Shop) -> None:
    order = await paid_unheard(shop, 2)
    (body,) = await events_of(shop, "checkout.session.completed")
    async with shop.box.db.transaction() as connection:
        view = await show_order(connection, order["code"])
    answers = await together(
        *(deliver(shop, body) for _ in range(5)),
        ask_stripe(shop.box.till, view.order.event_id, view.order.id),
        shop.tick(),
    )
    assert {answer[0] for answer in answers[:5]} == {200}
    assert len((await shop.look(order))["tickets"]) == 2
    assert (await shop.count("payment"), await shop.count("ledger_entry")) == (1, 2)
    await shop.sound()


async def test_without_their_locks_they_collide(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above: unlocked, more than one comes through to the issue of tickets."""
    order = await paid_unheard(shop)
    (body,) = await events_of(shop, "checkout.session.completed")
    unlocked = fulfil.LOCK.sql.replace("FOR UPDATE", "")
    assert unlocked != fulfil.LOCK.sql
    monkeypatch.setattr(fulfil, "LOCK", fulfil.Query(fulfil.LOCK.row, unlocked))
    never = fulfil.Command(fulfil.ATTEMPT_COMPLETE.sql.replace("WHERE", "WHERE false AND"))
    monkeypatch.setattr(fulfil, "ATTEMPT_COMPLETE", never)
    real_issue, inside = fulfil.issue, 0
    everybody = asyncio.Event()

    async def slow_issue(*arguments: object) -> None:
        nonlocal inside
        inside += 1
        try:
            await asyncio.wait_for(everybody.wait(), 0.3)
        except TimeoutError:
            everybody.set()
        await real_issue(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(fulfil, "issue", slow_issue)
    copies = [body.replace(b'"id":"evt_', f'"id":"evt_{number}'.encode(), 1) for number in range(3)]
    answers = await together(*(deliver(shop, copy) for copy in copies))
    assert inside > 1
    assert {status for status, _ in answers} == {200, 500}
    assert len((await shop.look(order))["tickets"]) == 1  # the unique key on (order, number) still holds


async def test_work_that_fails_is_kept_with_its_error_and_worked_again_on_redelivery(shop: Shop) -> None:
    order = await paid_unheard(shop)
    (body,) = await events_of(shop, "checkout.session.completed")
    async with shop.box.db.transaction() as connection:
        await connection.execute(BREAK_THE_WORK.sql)
    assert (await deliver(shop, body))[0] == 500
    async with shop.box.db.transaction() as connection:
        row = await connection.fetchrow("SELECT handled_at, problem FROM stripe_event")
        assert row is not None
        assert row["handled_at"] is None
        assert "broken" in row["problem"]
        assert await connection.fetchval("SELECT status FROM orders") == "paying"
        await connection.execute(MEND_THE_WORK.sql)
    assert await deliver(shop, body) == (200, {"outcome": "paid"})
    assert await deliver(shop, body) == (200, {"outcome": "duplicate"})
    assert len((await shop.look(order))["tickets"]) == 1


async def test_an_event_that_failed_is_worked_again_by_the_worker_alone(shop: Shop) -> None:
    order = await paid_unheard(shop)
    (body,) = await events_of(shop, "checkout.session.completed")
    async with shop.box.db.transaction() as connection:
        await connection.execute(BREAK_THE_WORK.sql)
    assert (await deliver(shop, body))[0] == 500
    async with shop.box.db.transaction() as connection:
        await connection.execute(MEND_THE_WORK.sql)
    await shop.pass_time(seconds=31)
    await shop.tick()
    assert (await shop.look(order))["status"] == "paid"


async def test_with_the_three_events_alone_everything_is_right(shop: Shop) -> None:
    await shop.stripe.post("/_control/reset", json={})
    await shop.listen(*THE_THREE)
    bought, declined, left = [await shop.ordered() for _ in range(3)]
    await shop.pay(bought)
    await shop.pay(declined, "4000000000000002")
    await shop.pay(declined, CARD)
    assert (await shop.look(bought))["status"] == (await shop.look(declined))["status"] == "paid"
    await shop.pass_time(minutes=13)
    await shop.tick()
    assert (await shop.look(left))["status"] == "expired"
    await shop.sound()


async def test_payment_intent_succeeded_alone_is_enough(shop: Shop) -> None:
    order = await paid_unheard(shop)
    (body,) = await events_of(shop, "payment_intent.succeeded")
    assert await deliver(shop, body) == (200, {"outcome": "paid"})
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()


async def test_with_every_webhook_dropped_everything_is_right(shop: Shop) -> None:
    await shop.fault("drop", count=None)
    bought, left = await shop.ordered(2), await shop.ordered()
    await shop.pay(bought)
    assert (await shop.look(bought))["status"] == "paying"
    await shop.tick()  # reads Stripe's own list of events
    assert (await shop.look(bought))["status"] == "paid"
    await shop.pass_time(minutes=13)
    await shop.tick()
    assert (await shop.look(left))["status"] == "expired"
    assert {session["status"] for session in await shop.sessions()} == {"complete", "expired"}
    await shop.sound()


async def test_without_webhooks_and_without_the_list_the_end_of_the_hold_finds_the_payment(shop: Shop) -> None:
    order = await paid_unheard(shop)
    await shop.fault("server_error", "GET /v1/events", count=None)
    await shop.pass_time(minutes=13)
    await shop.tick()
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()


async def test_in_whatever_order_events_come_the_end_is_the_same(shop: Shop) -> None:
    kinds = ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")
    for order_of_events in permutations(kinds):
        order = await paid_unheard(shop)
        bodies = {kind: (await events_of(shop, kind))[-1] for kind in kinds}
        for kind in order_of_events:
            assert (await deliver(shop, bodies[kind]))[0] == 200
        assert len((await shop.look(order))["tickets"]) == 1
    await shop.sound()


async def test_an_expired_event_that_comes_after_the_payment_changes_nothing(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.control(f"checkout/sessions/{session_of(order)}/expire")
    await shop.delivered()
    (body,) = await events_of(shop, "checkout.session.expired")
    other = await shop.ordered()
    await shop.pay(other)
    stale = body.replace(session_of(order).encode(), session_of(other).encode())
    stale = stale.replace(b'"id":"evt_', b'"id":"evt_9', 1)
    assert (await deliver(shop, stale))[0] == 200
    assert (await shop.look(other))["status"] == "paid"
