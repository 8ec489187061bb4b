"""`reconcile`: every way in which Stripe and we can differ is told in words, and healed where the rules allow."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from boxoffice.foundation.clock import now
from boxoffice.orders import repair
from boxoffice.orders.reconcile import Compared, Difference, reconcile, reconcile_recent
from boxoffice.worker.tick import run_jobs
from tests.orders.test_unkind_paths import one_left, released_and_paid
from tests.shop import CARD, STRIPE_KEY, Json, Shop, session_of

Make = Callable[[Shop], Awaitable[Json]]


async def compare(shop: Shop, *, fix: bool = False, **back: float) -> tuple[Compared, list[Difference]]:
    async with shop.box.db.transaction() as connection:
        moment = await now(connection)
    found: list[Difference] = []
    since = moment - timedelta(**(back or {"days": 1}))
    return await reconcile(shop.box.till, since, moment, found.append, fix=fix), found


async def execute(shop: Shop, sql: str) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute(sql)


async def value(shop: Shop, sql: str) -> object:
    async with shop.box.db.transaction() as connection:
        return await connection.fetchval(sql)


async def unheard(shop: Shop) -> Json:
    """Paid, and nobody told us."""
    await shop.fault("drop", count=None)
    order = await shop.ordered()
    await shop.pay(order)
    return order


async def paid_for_a_hold_that_ended(shop: Shop) -> Json:
    await shop.fault("drop", count=None)
    order = await released_and_paid(shop)
    await one_left(shop)
    await execute(shop, "UPDATE stock SET used = 1, closed = true WHERE cap = 1")
    return order


async def session_ended(shop: Shop) -> Json:
    await shop.fault("drop", count=None)
    order = await shop.ordered()
    await shop.control(f"checkout/sessions/{session_of(order)}/expire")
    return order


async def ended_and_still_open(shop: Shop) -> Json:
    order = await shop.ordered()
    await execute(shop, "UPDATE payment_attempt SET status = 'expired'")
    await execute(
        shop,
        "SELECT 1 FROM stock ORDER BY id FOR UPDATE; SELECT give_back(event_id, ARRAY[id]) FROM orders;"
        "UPDATE orders SET status = 'expired', ended_reason = 'hold_ended'",
    )
    return order


async def bank_debit_unheard(shop: Shop) -> Json:
    await shop.fault("drop", count=None)
    order = await shop.ordered()
    await shop.pay(order, "bank_debit")
    return order


@pytest.mark.parametrize(
    ("make", "kind", "ends"),
    [
        (unheard, "not_received", "paid"),
        (session_ended, "session_ended", "released"),
        (bank_debit_unheard, "session_complete", "settling"),
    ],
)
async def test_what_nobody_told_us_of_is_told_and_healed(shop: Shop, make: Make, kind: str, ends: str) -> None:
    order = await make(shop)
    await shop.pass_time(minutes=2)
    before = (await shop.look(order))["status"]
    compared, (one,) = await compare(shop)
    assert (one.kind, one.healed, compared.left, compared.healed) == (kind, None, 1, 0)
    assert one.order == order["code"]
    assert order["code"] in one.words
    assert (await shop.look(order))["status"] == before == "paying"
    compared, (one,) = await compare(shop, fix=True)
    assert one.healed
    assert (compared.left, compared.healed) == (0, 1)
    assert (await shop.look(order))["status"] in (ends, "expired")
    assert (await compare(shop, fix=True))[1] == []
    await shop.sound()


async def test_money_in_words(shop: Shop) -> None:
    await unheard(shop)
    await shop.pass_time(minutes=2)
    _, (one,) = await compare(shop)
    assert one.words.startswith("€12.00 was paid for order ")
    assert (one.amount_minor, one.currency) == (1200, "eur")


async def test_money_for_an_order_that_has_ended_goes_back(shop: Shop) -> None:
    order = await paid_for_a_hold_that_ended(shop)
    await shop.pass_time(minutes=2)
    _, (one,) = await compare(shop, fix=True)
    assert (one.kind, one.healed) == ("not_received", "returned")
    await shop.tick()
    assert (await shop.look(order))["status"] == "refunded"
    assert (await compare(shop, fix=True))[1] == []


async def test_a_session_that_outlived_its_order_is_ended(shop: Shop) -> None:
    await ended_and_still_open(shop)
    await shop.pass_time(seconds=2)
    _, (one,) = await compare(shop, fix=True)
    assert one.kind == "session_open"
    assert [session["status"] for session in await shop.sessions()] == ["expired"]
    assert (await compare(shop))[1] == []


async def test_what_is_written_here_and_not_at_stripe_is_left_for_a_person(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order)
    await shop.pass_time(minutes=2)
    assert (await compare(shop))[1] == []
    await execute(shop, "UPDATE payment SET amount_minor = 1300")
    compared, (one,) = await compare(shop, fix=True)
    assert (one.kind, compared.left) == ("amount", 1)
    assert "€12.00" in one.words
    assert "€13.00" in one.words
    await execute(shop, "UPDATE payment SET amount_minor = 1200, payment_intent_id = 'pi_of_nobody'")
    kinds = sorted(one.kind for one in (await compare(shop))[1])
    assert kinds == ["no_charge", "not_received"]
    await execute(shop, "DELETE FROM payment")
    kinds = sorted(one.kind for one in (await compare(shop))[1])
    assert kinds == ["no_payment", "not_received"]


async def refunded(shop: Shop) -> Json:
    order = await paid_for_a_hold_that_ended(shop)
    await shop.tick()
    assert await value(shop, "SELECT status FROM refund") == "succeeded"
    await shop.pass_time(minutes=2)
    return order


async def test_refunds_are_compared_too(shop: Shop) -> None:
    await refunded(shop)
    assert (await compare(shop))[1] == []
    await execute(shop, "UPDATE refund SET refund_id = 're_of_nobody', id = '00000000-0000-4000-8000-000000000001'")
    kinds = sorted(one.kind for one in (await compare(shop))[1])
    assert kinds == ["refund_missing", "refund_unknown"]


async def test_a_refund_whose_outcome_was_not_told_is_settled(shop: Shop) -> None:
    await refunded(shop)
    await execute(shop, "DROP TRIGGER refund_legal_move ON refund")
    await execute(shop, "UPDATE refund SET status = 'pending', settled_at = NULL; DELETE FROM stripe_event")
    _, (one,) = await compare(shop, fix=True)
    assert (one.kind, one.healed) == ("refund_status", "succeeded")
    assert (await compare(shop))[1] == []


@pytest.mark.parametrize("was_sent", [True, False])
async def test_a_refund_that_was_given_up_is_sent_once(shop: Shop, *, was_sent: bool) -> None:
    """Its answer may have been lost days ago, when Stripe still knew the key."""
    await shop.fault("lost_response" if was_sent else "server_error", "POST /v1/refunds")
    await paid_for_a_hold_that_ended(shop)
    await repair.read_missed_events(shop.box.till)
    await run_jobs(shop.box)
    await execute(shop, "UPDATE job SET parked_at = clock() WHERE name = 'send_refund'")
    assert await value(shop, "SELECT status FROM refund") == "decided"
    await shop.pass_time(minutes=2)
    compared, found = await compare(shop, fix=True)
    assert compared.left == 0
    assert {one.kind for one in found} <= {"refund_not_sent", "refund_status"}
    refunds = (await shop.stripe.get("/v1/refunds", auth=(STRIPE_KEY, ""))).json()["data"]
    assert [one["amount"] for one in refunds] == [1200]
    assert await value(shop, "SELECT status FROM refund") == "succeeded"
    assert (await compare(shop))[1] == []


async def test_other_software_is_counted_and_left_alone(shop: Shop) -> None:
    theirs = await shop.stripe.post(
        "/v1/checkout/sessions",
        auth=(STRIPE_KEY, ""),
        data={
            "mode": "payment",
            "success_url": "https://example.org",
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": "1200",
            "line_items[0][price_data][product_data][name]": "Something else",
            "line_items[0][quantity]": "1",
        },
    )
    await shop.control(f"checkout/sessions/{theirs.json()['id']}/pay", card=CARD)
    await shop.delivered()
    await shop.pass_time(minutes=2)
    compared, found = await compare(shop, fix=True)
    assert (found, compared.foreign) == ([], 2)


@pytest.mark.slow
async def test_pages_and_days_are_gone_through_to_the_end(shop: Shop) -> None:
    await execute(shop, "UPDATE stock SET cap = cap + 200")
    await shop.fault("drop", count=None)
    for number in range(103):
        order = await shop.ordered(email=f"guest{number}@example.org")
        await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD)
    await shop.pass_time(hours=30)
    await execute(
        shop, "UPDATE payment_attempt SET status = 'complete'"
    )  # so that none of them is asked for one by one
    compared, found = await compare(shop, fix=True, days=3)
    assert len(found) == compared.healed == 103
    assert await shop.count("ticket") == 103
    await shop.sound()


async def test_every_webhook_lost_for_an_hour_and_the_list_of_events_closed_loses_nobody_a_ticket(shop: Shop) -> None:
    """What the worker does by itself, with a key that may not read events."""
    await shop.fault("drop", count=None)
    orders: list[Json] = []
    for number in range(6):
        orders.append(await shop.ordered(email=f"guest{number}@example.org"))
        await shop.control(f"checkout/sessions/{session_of(orders[-1])}/pay", card=CARD)
        await shop.pass_time(minutes=10)
    await shop.fault("key_not_allowed", "GET /v1/events", count=None)
    assert await reconcile_recent(shop.box.till) == 6
    await shop.tick()
    assert {(await shop.look(order))["status"] for order in orders} == {"paid"}
    assert await shop.count("mailbox_message") == 6
    assert await reconcile_recent(shop.box.till) == 0
    await shop.sound()


async def test_every_webhook_lost_for_an_hour_is_read_from_the_list_of_events(shop: Shop) -> None:
    await shop.fault("drop", count=None)
    await shop.tick()
    orders: list[Json] = []
    for number in range(6):
        orders.append(await shop.ordered(email=f"guest{number}@example.org"))
        await shop.control(f"checkout/sessions/{session_of(orders[-1])}/pay", card=CARD)
        await shop.pass_time(minutes=10)
    await shop.fault("key_not_allowed", "GET /v1/payment_intents", count=None)
    await shop.tick()
    assert {(await shop.look(order))["status"] for order in orders} == {"paid"}
    await shop.sound()


async def test_what_is_left_raises_one_alarm(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order)
    await execute(shop, "UPDATE payment SET amount_minor = 1300")
    for _ in range(2):
        await shop.pass_time(minutes=11)
        assert await reconcile_recent(shop.box.till) == 1
    assert await value(shop, "SELECT count(*) FROM job WHERE name = 'alarm'") == 1


async def test_a_refund_from_outside_that_nobody_told_of_is_written_down(shop: Shop) -> None:
    order = await shop.ordered(2)
    await shop.pay(order)
    await shop.fault("drop", count=None)
    intent = await value(shop, "SELECT payment_intent_id FROM payment")
    await shop.control("refunds", payment_intent=intent)
    await shop.pass_time(minutes=2)
    _, (left,) = await compare(shop)
    assert (left.kind, left.amount_minor, left.healed) == ("refund_unknown", 2400, None)
    _, (healed,) = await compare(shop, fix=True)
    assert (healed.kind, healed.healed) == ("refund_unknown", "refunded_outside")
    assert (await shop.look(order))["status"] == "refunded"
    assert (await compare(shop))[1] == []
    await shop.stripe.delete("/_control/faults")
