"""Paths on which something goes wrong: every order still ends in a ticket, a release or a refund."""

import pytest

from boxoffice.foundation.problems import Unavailable
from boxoffice.orders.order import OrderView, show_order
from boxoffice.orders.release import give_up
from tests.orders.money import bought, findings, refund
from tests.shop import CARD, STRIPE_KEY, Json, Shop, session_of, together


async def view_of(shop: Shop, order: Json) -> OrderView:
    async with shop.box.db.transaction() as connection:
        return await show_order(connection, order["code"])


async def give_up_on(shop: Shop, order: Json) -> str:
    return (await give_up(shop.box.till, await view_of(shop, order))).order.status


async def one_left(shop: Shop) -> None:
    """The whole house has one ticket left."""
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE stock SET cap = 1")


async def available(shop: Shop) -> int:
    return (await shop.web.get("/api/v1/events/tiefdruck-eins")).json()["ticket_types"][0]["available"]


# Giving up and expiry


async def test_giving_up_expires_at_stripe_first_and_then_releases(shop: Shop) -> None:
    await one_left(shop)
    order = await shop.ordered()
    assert await available(shop) == 0
    assert await give_up_on(shop, order) == "released"
    assert [session["status"] for session in await shop.sessions()] == ["expired"]
    assert await available(shop) == 1
    assert (await shop.look(order))["checkout_url"] is None
    await shop.sound()


async def test_giving_up_while_stripe_is_away_keeps_the_units_until_it_answers(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.fault("server_error", "POST /v1/checkout/sessions/*", count=1)
    with pytest.raises(Unavailable):
        await give_up_on(shop, order)
    assert (await shop.look(order))["status"] == "paying"
    assert await give_up_on(shop, order) == "released"


async def test_giving_up_in_the_moment_of_paying_gives_tickets(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.fault("drop", count=None)
    await shop.pay(order)
    assert await give_up_on(shop, order) == "paid"
    await shop.sound()


async def test_giving_up_a_place_in_line_needs_no_stripe(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute(
            "INSERT INTO pace (name, next_at) VALUES ('checkout_sessions', clock() + interval '1 minute')"
        )
    order = await shop.ordered()
    assert await give_up_on(shop, order) == "released"
    await shop.pass_time(minutes=2)
    await shop.tick()
    assert await shop.sessions() == []
    await shop.sound()


async def test_a_hold_ends_by_the_clock_and_stripe_hears_of_it_first(shop: Shop) -> None:
    await one_left(shop)
    order = await shop.ordered()
    await shop.pass_time(minutes=11)
    await shop.tick()
    assert (await shop.look(order))["status"] == "paying"
    await shop.pass_time(minutes=2)
    await shop.tick()
    assert (await shop.look(order))["status"] == "expired"
    assert [session["status"] for session in await shop.sessions()] == ["expired"]
    assert await available(shop) == 1
    await shop.sound()


async def test_a_challenge_under_way_gets_five_minutes_once(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order, "4000000000003220", three_d_secure="leave")
    await shop.pass_time(minutes=13)
    await shop.tick()
    assert (await shop.look(order))["status"] == "paying"
    await shop.pass_time(minutes=6)
    await shop.tick()
    assert (await shop.look(order))["status"] == "expired"
    await shop.sound()


async def test_the_hold_starts_when_the_address_to_pay_at_exists(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute(
            "INSERT INTO pace (name, next_at) VALUES ('checkout_sessions', clock() + interval '14 minutes')"
        )
    order = await shop.ordered()
    await shop.pass_time(minutes=13)
    await shop.tick()
    assert (await shop.look(order))["status"] == "held"  # its turn is after the hold's usual end
    await shop.pass_time(minutes=1, seconds=5)
    opened = await shop.look(order)
    assert opened["checkout_url"] is not None
    await shop.pass_time(minutes=11)
    await shop.tick()
    assert (await shop.look(order))["status"] == "paying"


# Two tabs, lost answers


async def test_two_tabs_pay_the_same_session_once(shop: Shop) -> None:
    order = await shop.ordered()
    answers = await together(
        *(
            shop.stripe.post(f"/_control/checkout/sessions/{session_of(order)}/pay", json={"card": CARD})
            for _ in range(2)
        )
    )
    await shop.delivered()
    assert [answer.status_code for answer in answers].count(200) >= 1
    assert len(await shop.charges()) == 1
    assert len((await shop.look(order))["tickets"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["lost_response", "server_error", "conflict", "rate_limit", "lock_timeout"])
async def test_a_call_without_an_answer_is_repeated_under_its_key(shop: Shop, fault: str) -> None:
    await shop.fault(fault, "POST /v1/checkout/sessions")
    order = await shop.ordered()
    assert (order["status"], order["checkout_url"]) == ("paying", None)
    assert order["retry_after"] >= 1
    await shop.pass_time(seconds=20)
    opened = await shop.look(order)
    assert opened["checkout_url"] is not None
    assert len(await shop.sessions()) == 1
    await shop.pay(opened)
    assert len(await shop.charges()) == 1
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()


@pytest.mark.slow
async def test_a_lost_answer_and_a_buyer_who_never_comes_back(shop: Shop) -> None:
    await shop.fault("lost_response", "POST /v1/checkout/sessions")
    order = await shop.ordered()
    for _ in range(2):  # the repair finds the session, whose hold then starts; nobody pays
        await shop.pass_time(minutes=13)
        await shop.tick()
    assert (await shop.look(order))["status"] == "expired"
    assert [session["status"] for session in await shop.sessions()] == ["expired"]
    await shop.sound()


@pytest.mark.slow
@pytest.mark.parametrize("effect", [True, False])
async def test_a_failure_stored_under_the_key_is_found_by_listing_or_begun_anew(shop: Shop, effect: bool) -> None:
    await shop.fault("stored_server_error", "POST /v1/checkout/sessions", effect=effect)
    order = await shop.ordered()
    for _ in range(8):
        await shop.pass_time(seconds=65)
        opened = await shop.look(order)
        if opened["checkout_url"]:
            break
    else:
        raise AssertionError("no session came of it")
    assert len(await shop.sessions()) == 1
    await shop.pay(opened)
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()


@pytest.mark.slow
@pytest.mark.parametrize("effect", [True, False])
async def test_refunds_whose_failure_is_stored_under_their_keys_are_made_once_and_close_no_shop(
    shop: Shop, effect: bool
) -> None:
    orders = [await bought(shop) for _ in range(3)]
    await shop.fault("stored_server_error", "POST /v1/refunds", effect=effect, count=len(orders))
    for order in orders:
        await refund(shop, order)
    for _ in range(3):
        await shop.tick()
        assert not await shop.box.till.breaker.away()
        await shop.pass_time(minutes=1)
    made = (await shop.stripe.get("/v1/refunds", params={"limit": 100}, auth=(STRIPE_KEY, ""))).json()["data"]
    assert len({one["payment_intent"] for one in made}) == len(made) == len(orders)
    assert [(await shop.look(order))["status"] for order in orders] == ["refunded"] * len(orders)
    assert await findings(shop) == []
    await shop.sound()


@pytest.mark.slow
async def test_an_answer_so_late_that_the_session_cannot_begin_any_more(shop: Shop) -> None:
    """A 400 about expires_at proves that the first call never ran: a new attempt takes its place."""
    await shop.fault("server_error", "POST /v1/checkout/sessions")
    order = await shop.ordered()
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE orders SET held_until = clock() + interval '30 minutes'")
    await shop.pass_time(minutes=12)
    await shop.tick()
    opened = await shop.look(order)
    assert opened["checkout_url"] is not None
    assert [one.status for one in (await view_of(shop, order)).attempts] == ["refused", "open"]
    assert len(await shop.sessions()) == 1


@pytest.mark.slow
async def test_the_webhook_before_the_answer_of_the_call(shop: Shop) -> None:
    """The session is paid before its create call answered us: the payment counts, and no second session is made."""
    await shop.fault("lost_response", "POST /v1/checkout/sessions")
    order = await shop.ordered()
    (session,) = await shop.sessions()
    await shop.control(f"checkout/sessions/{session['id']}/pay", card=CARD)
    await shop.delivered()
    assert (await shop.look(order))["status"] == "paid"
    await shop.pass_time(minutes=1)
    await shop.tick()
    assert len(await shop.sessions()) == 1
    await shop.sound()


# Money that comes late, twice or wrong


async def released_and_paid(shop: Shop, quantity: int = 1) -> Json:
    """An order whose units went back to sale although its session could still be paid, and was."""
    order = await shop.ordered(quantity)
    event_id, order_id = (view := await view_of(shop, order)).order.event_id, view.order.id
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE payment_attempt SET status = 'expired'")
        await connection.fetch("SELECT 1 FROM stock ORDER BY id FOR UPDATE")
        await connection.execute("SELECT give_back($1, ARRAY[$2::uuid])", event_id, order_id)
        await connection.execute("UPDATE orders SET status = 'expired'")
    await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD)
    return order


async def test_late_money_takes_new_units_while_there_are_some(shop: Shop) -> None:
    order = await released_and_paid(shop, 2)
    await shop.delivered()
    paid = await shop.look(order)
    assert (paid["status"], len(paid["tickets"])) == ("paid", 2)
    await shop.sound()


@pytest.mark.slow
async def test_late_money_for_a_sold_out_night_goes_back_in_full_and_is_told(shop: Shop) -> None:
    await shop.fault("late", "*", seconds=60, count=None)
    order = await released_and_paid(shop)
    await one_left(shop)
    await shop.stripe.delete("/_control/faults")
    await shop.ordered(email="someone@example.org")
    await shop.pass_time(seconds=61)
    await shop.tick()
    ended = await shop.look(order)
    assert (ended["status"], ended["tickets"]) == ("refunded", [])
    (charge,) = await shop.charges()
    assert (charge["amount_refunded"], charge["refunded"]) == (1200, True)
    (refund,) = (await view_of(shop, order)).refunds
    assert (refund.reason, refund.status, refund.amount_minor) == ("came_too_late", "succeeded", 1200)
    await shop.sound()


async def test_a_second_payment_goes_back_and_the_first_stays(shop: Shop) -> None:
    """Two sessions of one order both paid: one set of tickets, and the second amount goes back."""
    order = await shop.ordered()
    (first,) = await shop.sessions()
    twin = await shop.stripe.post(
        "/v1/checkout/sessions",
        auth=(STRIPE_KEY, ""),
        data={
            "mode": "payment",
            "success_url": "https://example.org",
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": "1200",
            "line_items[0][price_data][product_data][name]": "Entry",
            "line_items[0][quantity]": "1",
        }
        | {f"metadata[{name}]": value for name, value in first["metadata"].items()},
    )
    await shop.pay(order)
    await shop.control(f"checkout/sessions/{twin.json()['id']}/pay", card=CARD)
    await shop.tick()
    paid = await shop.look(order)
    assert (paid["status"], len(paid["tickets"])) == ("paid", 1)
    assert sorted(charge["amount_refunded"] for charge in await shop.charges()) == [0, 1200]
    (refund,) = (await view_of(shop, order)).refunds
    assert refund.reason == "paid_twice"
    await shop.sound()


@pytest.mark.parametrize("change", [{"amount_total": 100}, {"currency": "usd"}])
async def test_a_wrong_amount_or_currency_is_reviewed_and_goes_back_after_a_day(shop: Shop, change: Json) -> None:
    order = await shop.ordered()
    await shop.control(f"checkout/sessions/{session_of(order)}/amend", **change)
    await shop.pay(order)
    reviewed = await shop.look(order)
    assert (reviewed["status"], reviewed["tickets"]) == ("in_review", [])
    await shop.tick()
    assert (await shop.look(order))["status"] == "in_review"
    await shop.pass_time(hours=25)
    await shop.tick()
    assert (await shop.look(order))["status"] == "refunded"
    assert all(charge["refunded"] for charge in await shop.charges())
    await shop.sound()


async def test_a_refund_that_stripe_does_not_answer_is_sent_once(shop: Shop) -> None:
    await shop.fault("lost_response", "POST /v1/refunds")
    order = await shop.ordered()
    await shop.control(f"checkout/sessions/{session_of(order)}/amend", amount_total=100)
    await shop.pay(order)
    await shop.pass_time(hours=25)
    await shop.tick()
    await shop.pass_time(minutes=5)
    await shop.tick()
    refunds = (await shop.stripe.get("/v1/refunds", auth=(STRIPE_KEY, ""))).json()["data"]
    assert len(refunds) == 1
    await shop.sound()


# Banks that take days


async def test_a_bank_debit_keeps_the_units_and_makes_tickets_when_it_settles(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order, "bank_debit")
    settling = await shop.look(order)
    assert (settling["status"], settling["tickets"]) == ("settling", [])
    await shop.pass_time(hours=5)
    await shop.tick()
    assert (await shop.look(order))["status"] == "settling"
    await shop.control(f"checkout/sessions/{session_of(order)}/settle", outcome="succeeded")
    await shop.delivered()
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()


async def test_a_bank_debit_that_fails_frees_the_units(shop: Shop) -> None:
    await one_left(shop)
    order = await shop.ordered()
    await shop.pay(order, "bank_debit_fails")
    await shop.control(f"checkout/sessions/{session_of(order)}/settle", outcome="failed")
    await shop.delivered()
    assert (await shop.look(order))["status"] == "released"
    assert await available(shop) == 1
    await shop.sound()
