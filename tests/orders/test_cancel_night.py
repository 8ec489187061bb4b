"""A night is called off: dry run, batches that go on after a crash, everyone refunded and told."""

import asyncio

import pytest

from boxoffice.foundation.problems import NotFound
from boxoffice.orders import cancel_night
from boxoffice.orders.cancel_night import call_off, cancel_some, night_to_cancel, sent, tallies
from tests.nights import NIGHT, load
from tests.orders.money import bought, intent_of, mails, refunds_at_stripe, rows, seen, statuses, used_units, value
from tests.shop import SLUG, Shop, session_of


async def called_off(shop: Shop, reason: str = "The club is flooded.") -> None:
    async with shop.box.db.transaction() as connection:
        await call_off(connection, await night_to_cancel(connection, SLUG), reason)


async def test_everyone_is_refunded_and_told_and_nothing_is_sold_any_more(shop: Shop) -> None:
    paid, partly = await bought(shop, 2), await bought(shop, 2, email="jo@example.org")
    await shop.control("refunds", payment_intent=await intent_of(shop, partly), amount=400)
    await shop.delivered()
    open_, held = await shop.ordered(email="late@example.org"), await shop.ordered(email="idle@example.org")
    await called_off(shop)
    assert (await shop.order()).status_code == 409
    await shop.tick()
    assert [(await seen(shop, one))["status"] for one in (paid, partly, open_, held)] == [
        *("refunded", "refunded"),
        *("released", "released"),
    ]
    assert sorted(one["amount"] for one in await refunds_at_stripe(shop, partly)) == [400, 2000]
    assert {session["status"] for session in await shop.sessions()} == {"complete", "expired"}
    assert await used_units(shop) == 0
    told = await mails(shop)
    assert sum(text.startswith("Refund:") and "does not take place" in text for text in told) == 2
    assert sum(text.startswith("Cancelled:") and "nothing was taken" in text for text in told) == 2
    page = await shop.web.get(f"/events/{SLUG}")
    assert "The club is flooded." in page.text
    async with shop.box.db.transaction() as connection:
        night = await night_to_cancel(connection, SLUG)
        assert (night.status, night.finished) == ("cancelled", True)
        assert [(one.status, one.refunds, one.amount_minor) for one in await sent(connection, night)] == [
            ("succeeded", 2, 4400)
        ]
    await shop.sound()


async def test_money_that_comes_after_it_goes_back(shop: Shop) -> None:
    order = await shop.ordered(2)
    await shop.fault("drop", count=None)
    await shop.pay(order)
    await shop.stripe.delete("/_control/faults")
    await called_off(shop)
    await shop.tick()  # expires the session, finds that it was paid
    assert (await seen(shop, order))["status"] == "refunded"
    assert await shop.count("ticket") == 0
    assert await rows(shop, "SELECT reason, status, amount_minor FROM refund") == [
        ("event_cancelled", "succeeded", 2400)
    ]
    assert await used_units(shop) == 0
    await shop.sound()


async def test_a_bank_that_takes_its_time_is_waited_for_and_refunded(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pay(order, "bank_debit")
    assert (await seen(shop, order))["status"] == "settling"
    await called_off(shop)
    await shop.tick()
    assert await value(shop, "SELECT finished_at FROM cancellation") is None
    await shop.control(f"checkout/sessions/{session_of(order)}/settle", outcome="succeeded")
    await shop.delivered()
    await shop.tick()
    assert (await seen(shop, order))["status"] == "refunded"
    assert await value(shop, "SELECT finished_at FROM cancellation") is not None


@pytest.mark.slow
async def test_it_goes_on_after_a_crash_and_twice_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [await bought(shop, email=f"b{number}@example.org") for number in range(5)]
    await called_off(shop)
    monkeypatch.setattr(cancel_night, "AT_ONCE", 2)
    assert await cancel_some(shop.box.till) == 2
    await called_off(shop, "Another reason.")
    await asyncio.gather(*(cancel_some(shop.box.till) for _ in range(4)))
    await shop.tick()
    assert [(await seen(shop, one))["status"] for one in orders] == ["refunded"] * 5
    assert await rows(shop, "SELECT status, count(*)::integer FROM refund GROUP BY status") == [("succeeded", 5)]
    assert await value(shop, "SELECT reason FROM cancellation") == "The club is flooded."
    await shop.sound()


async def test_loading_its_file_again_does_not_bring_it_back(shop: Shop) -> None:
    await called_off(shop)
    await load(shop.box.db, NIGHT)
    assert await rows(shop, "SELECT status, cancelled_reason FROM event") == [("cancelled", "The club is flooded.")]


async def test_a_disputed_order_ends_without_a_refund_of_ours(shop: Shop) -> None:
    order = await bought(shop)
    dispute = await shop.control("disputes", payment_intent=await intent_of(shop, order))
    await shop.delivered()
    await called_off(shop)
    async with shop.box.db.transaction() as connection:
        (tally,) = await tallies(connection, await night_to_cancel(connection, SLUG))
        assert (tally.orders, tally.disputed) == (1, 1)
    await shop.tick()
    assert await statuses(shop, order) == ["cancelled"]
    assert (await shop.count("refund"), await used_units(shop)) == (0, 0)
    assert await value(shop, "SELECT finished_at FROM cancellation") is not None
    told = [text for text in await mails(shop) if text.startswith("Cancelled:")]
    assert len(told) == 1
    assert "no longer open" in told[0]
    await shop.control(f"disputes/{dispute['id']}/close", outcome="won")
    await shop.delivered()
    alarm = next(text for text in await mails(shop) if text.startswith("Alarm: A dispute was won"))
    assert "Refund it if the buyer got nothing" in alarm


async def test_a_night_that_does_not_exist(shop: Shop) -> None:
    async with shop.box.db.transaction() as connection:
        with pytest.raises(NotFound):
            await night_to_cancel(connection, "nowhere")
