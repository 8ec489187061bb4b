"""`reconcile`: every way in which Stripe and we can differ is told in words, and healed where the rules allow."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from boxoffice.foundation.clock import now
from boxoffice.orders import repair
from boxoffice.orders.comparison import Compared, Difference
from boxoffice.orders.reconcile import reconcile, reconcile_recent
from boxoffice.worker.tick import run_jobs
from tests.orders.money import books, bought, intent_of, statuses
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


async def other_software_sells(shop: Shop) -> str:
    """A payment of the same account that is none of ours; its id."""
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
    (intent,) = (await shop.stripe.get("/v1/payment_intents", auth=(STRIPE_KEY, ""))).json()["data"]
    return intent["id"]


async def test_other_software_is_counted_and_left_alone(shop: Shop) -> None:
    await other_software_sells(shop)
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


async def disputed_unheard(shop: Shop, **how: object) -> tuple[Json, Json]:
    """A bank took the payment back, or asks about it, and nobody told us."""
    order = await bought(shop)
    await shop.fault("drop", count=None)
    dispute = await shop.control("disputes", payment_intent=await intent_of(shop, order), **how)
    await shop.pass_time(minutes=2)
    return order, dispute


async def test_a_dispute_that_nobody_told_us_of_is_told_in_money_and_healed(shop: Shop) -> None:
    order, dispute = await disputed_unheard(shop)
    compared, (left,) = await compare(shop)
    assert (left.kind, left.about, left.order, left.healed) == ("dispute_unknown", dispute["id"], order["code"], None)
    assert left.words == (
        f"€12.00 of order {order['code']} is disputed at Stripe (needs response), and nothing here says so."
    )
    assert (left.amount_minor, left.currency, compared.disputes, compared.left) == (1200, "eur", 1, 1)
    assert await shop.count("dispute") == 0
    compared, (healed,) = await compare(shop, fix=True)
    assert (healed.healed, compared.healed, compared.left) == ("dispute_needs_response", 1, 0)
    assert await statuses(shop, order) == ["cancelled"]
    assert (await books(shop))["disputes"] == 1200
    assert (await compare(shop, fix=True))[1] == []
    await shop.sound()


@pytest.mark.parametrize(
    ("inquiry", "outcome", "here", "there", "ends"),
    [
        (False, "won", "needs response", "won", "active"),
        (False, "lost", "needs response", "lost", "cancelled"),
        (True, "escalated", "warning needs response", "needs response", "cancelled"),
        (True, "warning_closed", "warning needs response", "warning closed", "active"),
    ],
)
async def test_a_dispute_that_went_on_and_nobody_told_us_is_followed(
    shop: Shop, *, inquiry: bool, outcome: str, here: str, there: str, ends: str
) -> None:
    order, dispute = await disputed_unheard(shop, inquiry=inquiry)
    await compare(shop, fix=True)
    await shop.control(f"disputes/{dispute['id']}/close", outcome=outcome)
    await shop.pass_time(minutes=2)
    _, (left,) = await compare(shop)
    assert (left.kind, left.healed) == ("dispute_status", None)
    assert left.words == f"The dispute over €12.00 of order {order['code']} is {there} at Stripe, {here} here."
    _, (healed,) = await compare(shop, fix=True)
    assert healed.healed == f"dispute_{there.replace(' ', '_')}"
    assert await statuses(shop, order) == [ends]
    assert (await compare(shop, fix=True))[1] == []
    await shop.sound()


async def test_a_dispute_is_asked_for_long_after_it_was_opened(shop: Shop) -> None:
    """Stripe lists it by the moment when it was opened; a bank decides two months later."""
    order, dispute = await disputed_unheard(shop)
    await compare(shop, fix=True)
    await shop.pass_time(days=60)
    await shop.control(f"disputes/{dispute['id']}/close", outcome="won")
    await shop.pass_time(minutes=2)
    compared, (one,) = await compare(shop, fix=True)
    assert (one.kind, one.healed, compared.disputes) == ("dispute_status", "dispute_won", 1)
    assert await statuses(shop, order) == ["active"]
    await shop.pass_time(days=1)
    assert (await compare(shop))[0].disputes == 0, "what is won moves no more"


async def test_money_of_a_dispute_that_is_not_in_the_books_is_posted(shop: Shop) -> None:
    order, _ = await disputed_unheard(shop)
    await compare(shop, fix=True)
    await shop.pass_time(minutes=2)
    await execute(shop, "DELETE FROM ledger_entry WHERE posting LIKE 'dispute%'")
    _, (left,) = await compare(shop)
    assert (left.kind, left.healed) == ("dispute_funds", None)
    assert left.words == (
        f"€12.00 was taken and a fee of €20.00 was taken for the dispute of order {order['code']} at Stripe, "
        "and the books here do not say so."
    )
    _, (healed,) = await compare(shop, fix=True)
    assert healed.healed == "posted"
    assert (await compare(shop))[1] == []
    await shop.sound()


async def test_what_a_dispute_is_here_alone_is_left_for_a_person(shop: Shop) -> None:
    await disputed_unheard(shop)
    await compare(shop, fix=True)
    await shop.pass_time(minutes=2)
    await execute(shop, "UPDATE dispute SET amount_minor = 1300")
    _, (one,) = await compare(shop, fix=True)
    assert (one.kind, one.healed) == ("dispute_amount", None)
    assert "€12.00" in one.words
    assert "€13.00" in one.words
    await execute(shop, "UPDATE dispute SET id = 'du_of_nobody'")
    kinds = sorted(one.kind for one in (await compare(shop))[1])
    assert kinds == ["dispute_missing", "dispute_unknown"]


async def test_a_dispute_that_has_just_been_opened_is_under_way(shop: Shop) -> None:
    order = await bought(shop)
    await shop.fault("drop", count=None)
    await shop.pass_time(minutes=2)
    await shop.control("disputes", payment_intent=await intent_of(shop, order))
    await shop.pass_time(seconds=2)
    compared, found = await compare(shop, fix=True)
    assert (found, compared.under_way, await shop.count("dispute")) == ([], 1, 0)


async def test_disputes_of_other_software_are_counted_and_left_alone(shop: Shop) -> None:
    theirs = await other_software_sells(shop)
    await shop.control("disputes", payment_intent=theirs)
    await shop.pass_time(minutes=2)
    compared, found = await compare(shop, fix=True)
    assert (found, compared.foreign, compared.disputes) == ([], 3, 1)


async def test_the_worker_hears_of_disputes_that_nobody_told_us_of_within_a_day(shop: Shop) -> None:
    """Weeks after the sale, when nothing else is going on."""
    order = await bought(shop)
    await shop.tick()
    await shop.fault("drop", count=None)
    await shop.fault("key_not_allowed", "GET /v1/events", count=None)
    await shop.pass_time(days=30)
    await reconcile_recent(shop.box.till)
    dispute = await shop.control("disputes", payment_intent=await intent_of(shop, order))
    await shop.pass_time(hours=20)
    assert await reconcile_recent(shop.box.till) == 0, "it is quiet: once a day is enough"
    await shop.pass_time(hours=5)
    assert await reconcile_recent(shop.box.till) == 1
    assert await statuses(shop, order) == ["cancelled"]
    await shop.pass_time(days=20)
    await reconcile_recent(shop.box.till)
    await shop.control(f"disputes/{dispute['id']}/close", outcome="won")
    await shop.pass_time(hours=25)
    assert await reconcile_recent(shop.box.till) == 1
    assert await statuses(shop, order) == ["active"]
    await shop.pass_time(hours=25)
    assert await reconcile_recent(shop.box.till) == 0
    await shop.sound()


async def test_the_worker_asks_for_an_old_dispute_once_a_day(shop: Shop) -> None:
    await disputed_unheard(shop)
    await compare(shop, fix=True)
    await shop.pass_time(days=40)
    asked = 0
    async with shop.box.db.transaction() as connection:
        before = await now(connection)
    for _ in range(24):
        await shop.pass_time(hours=1)
        async with shop.box.db.transaction() as connection:
            moment = await now(connection)
        compared = await reconcile(shop.box.till, before, moment, lambda _: None, fix=False, asked_since=before)
        asked += compared.disputes
        before = moment
    assert asked == 1
