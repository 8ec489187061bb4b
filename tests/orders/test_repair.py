"""What the worker's rounds must find, whatever else lies around."""

from dataclasses import replace

import pytest

from boxoffice.box import BoxOffice
from boxoffice.worker.tick import tick
from tests.orders.test_unkind_paths import available
from tests.shop import Shop, session_of


async def test_a_payment_nobody_told_us_of_is_found_on_a_box_office_that_has_heard_of_others(shop: Shop) -> None:
    heard = await shop.ordered()
    await shop.pay(heard)
    await shop.fault("drop", count=None)
    unheard = await shop.ordered()
    await shop.pay(unheard)
    assert (await shop.look(unheard))["status"] == "paying"
    await shop.tick()
    assert (await shop.look(unheard))["status"] == "paid"
    await shop.sound()


async def test_places_in_line_of_orders_that_have_ended_keep_no_one_waiting(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE stock SET cap = 100")
        await connection.execute(
            "INSERT INTO pace (name, next_at) VALUES ('checkout_sessions', clock() + interval '1 minute')"
        )
    for number in range(55):
        await shop.ordered(email=f"gone-{number}@example.org")
    await shop.pass_time(minutes=20)
    async with shop.box.db.transaction() as connection:
        await connection.execute("UPDATE pace SET next_at = clock() + interval '4 seconds'")
    waiting = await shop.ordered()  # sweeps the others, whose buyers have gone
    assert waiting["checkout_url"] is None
    await shop.pass_time(seconds=10)
    await shop.tick()
    assert len(await shop.sessions()) == 1  # before anybody looks at the order, which would open the payment too
    assert (await shop.look(waiting))["checkout_url"] is not None


async def test_a_session_that_stripe_does_not_know_keeps_no_other_hold_from_ending(shop: Shop) -> None:
    """As after a change of keys to another account."""
    lost = await shop.ordered()
    await shop.pass_time(seconds=1)
    left = await shop.ordered(2, email="someone@example.org")
    before = await available(shop)
    async with shop.box.db.transaction() as connection:
        await connection.execute(
            "UPDATE payment_attempt SET session_id = 'cs_test_of_another_account' WHERE session_id = $1",
            session_of(lost),
        )
    await shop.pass_time(minutes=16)
    await shop.tick()
    assert (await shop.look(left))["status"] == "expired"
    assert await available(shop) == before + 2
    await shop.pass_time(minutes=30)  # by now nobody can pay it there either
    await shop.tick()
    assert (await shop.look(lost))["status"] == "expired"
    await shop.sound()


@pytest.mark.slow
async def test_a_wrong_payment_for_an_order_that_has_ended_goes_back_too_and_its_promo_code_is_freed_once(
    shop: Shop,
) -> None:
    async with shop.box.db.transaction() as connection:
        await connection.execute(
            "INSERT INTO promo (event_id, id, code, percent, uses_max) SELECT id, id, 'FRIENDS', 10, 1 FROM event"
        )
    order = await shop.ordered(promo_code="friends")
    await shop.control(f"checkout/sessions/{session_of(order)}/amend", amount_total=100)
    await shop.fault("late", "*", seconds=60, count=None)
    await shop.pay(order)
    await shop.stripe.delete("/_control/faults")
    async with shop.box.db.transaction() as connection:  # as if the units had been given back already
        event_id, order_id = await connection.fetchrow("SELECT event_id, id FROM orders")  # type: ignore[misc]
        await connection.execute("UPDATE payment_attempt SET status = 'expired'")
        await connection.fetch("SELECT 1 FROM stock ORDER BY id FOR UPDATE")
        await connection.execute("SELECT give_back($1, ARRAY[$2::uuid])", event_id, order_id)
        await connection.execute("UPDATE orders SET status = 'expired'")
    await shop.pass_time(minutes=2)
    await shop.tick()
    assert (await shop.look(order))["status"] == "in_review"
    await shop.pass_time(hours=25)
    await shop.tick()
    assert (await shop.look(order))["status"] == "refunded"
    assert all(charge["refunded"] for charge in await shop.charges())
    await shop.sound()


async def test_what_was_begun_under_an_earlier_address_is_still_ours(shop: Shop) -> None:
    """As after a move to a domain of one's own in the middle of a sale."""
    await shop.fault("drop", count=None)
    order = await shop.ordered()
    await shop.pay(order)
    moved = BoxOffice.from_settings(replace(shop.box.settings, base_url="http://localhost:1"))
    moved.db.moved_clock = shop.box.db.moved_clock
    await tick(moved)
    await moved.close()
    assert (await shop.look(order))["status"] == "paid"
    await shop.sound()
