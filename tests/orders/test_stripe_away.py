"""Stripe is down: buying says so and keeps the hold, everything else goes on, and it is noticed when it is back."""

import asyncio
import time

import httpx
import pytest

from boxoffice.doctor import worker as doctor_of_worker
from boxoffice.doctor.patient import Patient
from boxoffice.foundation.db import Database
from boxoffice.payments.breaker import FAILURES_MAX, Breaker
from boxoffice.payments.pacing import Pace
from boxoffice.payments.stripe import StripeAway, StripeProblem, StripeUnreachable
from boxoffice.settings import read_environment
from tests.pgbouncer import POOLED
from tests.shop import STRIPE_KEY, Json, Shop, session_of
from tests.shop_fixtures import shop_environment

FOREVER = {"count": None}


async def fail_until_noticed(shop: Shop) -> None:
    stripe = shop.box.till.stripe
    assert stripe is not None
    for _ in range(FAILURES_MAX):
        with pytest.raises(StripeUnreachable):
            await stripe.account()
    with pytest.raises(StripeAway):
        await stripe.account()


async def page_of(shop: Shop, order: Json) -> httpx.Response:
    token = {"t": order["access_token"]}
    return await shop.web.get(f"/orders/{order['code']}", params=token, follow_redirects=True)


@pytest.mark.parametrize("fault", ["server_error", "timeout", "delay", "lost_response"])
async def test_an_outage_is_noticed_by_all_processes_and_tried_by_one(
    shop: Shop, database_url: str, fault: str
) -> None:
    """Errors, no answer after the effect, none before it, and broken connections."""
    stripe = shop.box.till.stripe
    assert stripe is not None
    stripe.timeout_seconds = 0.2
    seconds = {"seconds": 1.0} if fault in ("timeout", "delay") else {}
    await shop.fault(fault, "*", **FOREVER, **seconds)
    await fail_until_noticed(shop)
    db = Database(database_url, size=2, pooled=POOLED)
    other = Breaker(db, believed_seconds=0)  # its second of belief is no part of this, however fast the machine
    assert await other.away() > 0
    db.moved_clock = shop.box.db.moved_clock
    await shop.stripe.delete("/_control/faults")
    await shop.pass_time(seconds=6)
    db.moved_clock = shop.box.db.moved_clock
    assert sorted(await asyncio.gather(other.may_call(), Breaker(db).may_call())) == [False, True]
    await shop.pass_time(seconds=20)  # whoever tried was not heard of again
    db.moved_clock = shop.box.db.moved_clock
    stripe.timeout_seconds = 10
    await stripe.account()
    assert (await other.state()).is_open is False
    assert (await other.state()).recently_back
    await db.close()


async def test_buying_says_so_keeps_the_hold_and_goes_on_by_itself(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # What was seen is believed for a second of real time, in which clocks are moved by minutes here.
    monkeypatch.setattr(shop.box.till.breaker, "_believed_seconds", 0)
    await shop.fault("server_error", "*", **FOREVER)
    await fail_until_noticed(shop)
    began = time.monotonic()
    order = await shop.ordered()
    assert time.monotonic() - began < 2
    assert (order["status"], order["checkout_url"]) == ("held", None)
    assert order["retry_after"] >= 5
    page = await page_of(shop, order)
    assert "The payment service does not answer" in page.text
    assert "held while this page is open" in page.text
    for _ in range(8):  # longer than the hold; somebody looks
        await shop.pass_time(minutes=1, seconds=50)
        await shop.tick()
        assert (await shop.look(order))["status"] in ("held", "paying")  # a try may have been made with it
    await shop.stripe.delete("/_control/faults")
    await shop.pass_time(seconds=90)
    await shop.tick()
    opened = await shop.look(order)
    assert opened["checkout_url"] is not None
    await shop.pay(opened)
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()


async def test_who_does_not_wait_gives_the_units_back(shop: Shop) -> None:
    await shop.fault("server_error", "*", **FOREVER)
    await fail_until_noticed(shop)
    order = await shop.ordered()
    await shop.pass_time(minutes=16)
    await shop.tick()
    await shop.stripe.delete("/_control/faults")
    assert (await shop.look(order))["status"] == "expired"
    await shop.sound()


async def test_everything_else_goes_on(shop: Shop) -> None:
    paid = await shop.ordered()
    await shop.pay(paid)
    await shop.fault("server_error", "*", **FOREVER)
    await fail_until_noticed(shop)
    assert (await shop.web.get("/")).status_code == 200
    assert (await shop.web.get("/events/tiefdruck-eins")).status_code == 200
    assert (await shop.web.get("/tickets")).status_code == 200
    assert (await shop.web.get("/readyz")).status_code == 200
    assert len((await shop.look(paid))["tickets"]) == 1
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE release SET price_minor = 0")
    free = await shop.ordered(email="free@example.org")
    assert free["status"] == "paid"


async def test_the_doctor_names_it(shop: Shop, database_url: str) -> None:
    await shop.fault("server_error", "*", **FOREVER)
    await fail_until_noticed(shop)
    stripe_url = shop.core.world.settings.base_url
    patient = Patient.of(read_environment(shop_environment(database_url, shop.url, stripe_url)))
    findings = {one.what: one for one in await doctor_of_worker.examine(patient)}
    await patient.close()
    assert findings["payments"].level == "problem"
    assert "buying waits" in findings["payments"].saw


async def test_a_hold_that_ended_while_stripe_was_down_gets_five_minutes(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.fault("server_error", "*", **FOREVER)
    await fail_until_noticed(shop)
    await shop.pass_time(minutes=14)
    await shop.tick()
    await shop.stripe.delete("/_control/faults")
    await shop.pass_time(seconds=31)
    stripe = shop.box.till.stripe
    assert stripe is not None
    await stripe.account()
    await shop.tick()
    assert (await shop.look(order))["status"] == "paying"
    await shop.pass_time(minutes=6)
    await shop.tick()
    assert (await shop.look(order))["status"] == "expired"


async def test_a_stripe_that_hangs_ties_up_no_more_than_its_share(shop: Shop) -> None:
    stripe = shop.box.till.stripe
    assert stripe is not None
    stripe.timeout_seconds = 0.5
    await shop.fault("delay", "*", seconds=3, **FOREVER)
    began = time.monotonic()
    asked = asyncio.gather(*(stripe.account() for _ in range(100)), return_exceptions=True)
    await asyncio.sleep(0.2)
    assert (await shop.web.get("/readyz")).status_code == 200
    answers = await asked
    assert time.monotonic() - began < 5
    assert all(isinstance(answer, StripeProblem) for answer in answers)
    assert sum(isinstance(answer, StripeUnreachable) for answer in answers) <= 25
    await shop.stripe.delete("/_control/faults")


async def test_too_fast_stops_the_line_of_all_processes_longer_each_time(db: Database, database_url: str) -> None:
    other = Database(database_url, size=2, pooled=POOLED)
    line, same_line = Pace(db, "calls", 25), Pace(other, "calls", 25)
    await asyncio.gather(line.pause(), line.pause(), same_line.pause())
    assert 0.5 < await same_line.paused_seconds() <= 1
    assert 0.5 < (await same_line.turn()).wait_seconds <= 1.1
    await asyncio.sleep(1.1)
    await same_line.pause()
    assert 1.5 < await line.paused_seconds() <= 2
    await other.close()


@pytest.mark.slow
async def test_a_turn_that_passed_while_the_line_stood_still_is_taken_anew(shop: Shop) -> None:
    """25 a second is all that Stripe gets after an outage too."""
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE stock SET cap = cap + 100")
        await connection.execute(
            "INSERT INTO pace (name, next_at) VALUES ('checkout_sessions', clock() + interval '20 seconds')"
        )
    orders = [await shop.ordered(email=f"guest{number}@example.org") for number in range(40)]
    await shop.pass_time(minutes=2)
    began, shown = shop.box.db.moved_clock, list[Json]()
    for _ in range(5):
        shown = await asyncio.gather(*(shop.look(order) for order in orders))
        await shop.pass_time(seconds=3)
    assert all(one["checkout_url"] for one in shown)
    async with shop.box.db.transaction() as connection:
        taken = await connection.fetchval("SELECT next_at - $1 FROM pace WHERE name = 'checkout_sessions'", began)
    assert taken is not None
    assert taken.total_seconds() >= 40 / 25


async def test_refunds_come_after_the_buyers_in_line(db: Database) -> None:
    sessions, refunds = Pace(db, "sessions", 25), Pace(db, "refunds", 10, after="sessions")
    assert (await refunds.turn()).wait_seconds == 0
    for _ in range(50):
        await sessions.turn()
    first, second = await refunds.turn(), await refunds.turn()
    assert first.wait_seconds > 1
    assert 0.05 < (second.at - first.at).total_seconds() < 0.15


async def test_a_refund_whose_turn_is_far_waits_without_failing_and_is_sent_in_it(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.control(f"checkout/sessions/{session_of(order)}/amend", amount_total=100)
    await shop.pay(order)
    await shop.pass_time(hours=25)
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE pace SET next_at = clock() + interval '1 minute'")
    await shop.tick()
    async with shop.box.db.transaction() as connection:
        job = await connection.fetchrow("SELECT failures, turn_at, done_at FROM job WHERE name = 'send_refund'")
    assert job is not None
    assert (job["failures"], job["done_at"]) == (0, None)
    assert job["turn_at"] is not None
    assert await refunds_at_stripe(shop) == []
    await shop.pass_time(seconds=61)
    await shop.tick()
    assert await refunds_at_stripe(shop) == [100]


async def refunds_at_stripe(shop: Shop) -> list[int]:
    listed = (await shop.stripe.get("/v1/refunds", auth=(STRIPE_KEY, ""))).json()["data"]
    return [one["amount"] for one in listed]
