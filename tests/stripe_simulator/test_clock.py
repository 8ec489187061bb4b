"""Time: sessions end by themselves, and tests can make it pass."""

import time

from tests.stripe_simulator.seller import Seller


async def test_a_session_ends_when_its_time_is_over(seller: Seller) -> None:
    session = await seller.session(expires_at=seller.core.world.now + 1800)
    await seller.advance(1799)
    assert (await seller.sdk.v1.checkout.sessions.retrieve_async(session.id)).status == "open"
    await seller.advance(1)
    ended = await seller.read("checkout.session", f"/v1/checkout/sessions/{session.id}")
    assert (ended["status"], ended["url"], ended["payment_status"]) == ("expired", None, "unpaid")
    event = (await seller.get("/v1/events", type="checkout.session.expired")).json()["data"][0]
    assert event["created"] == session.expires_at


async def test_an_event_happens_at_its_own_moment(seller: Seller) -> None:
    session = await seller.session(expires_at=seller.core.world.now + 1800)
    await seller.advance(5 * 86_400)
    event = (await seller.get("/v1/events", type="checkout.session.expired")).json()["data"][0]
    assert event["created"] == session.expires_at


async def test_the_payment_that_failed_attempts_left_is_canceled(seller: Seller) -> None:
    declined = await seller.paid("4000000000000002")
    await seller.advance(24 * 3600)
    assert (await seller.events())[-2:] == ["checkout.session.expired", "payment_intent.canceled"]
    intent = await seller.read("payment_intent", f"/v1/payment_intents/{declined['payment_intent']}")
    assert (intent["status"], intent["cancellation_reason"]) == ("canceled", "expired")


async def test_a_paid_session_does_not_end(seller: Seller) -> None:
    paid = await seller.paid()
    await seller.advance(2 * 86_400)
    assert "checkout.session.expired" not in await seller.events()
    assert (await seller.sdk.v1.checkout.sessions.retrieve_async(paid["session"])).status == "complete"


async def test_an_ended_session_cannot_be_paid(seller: Seller) -> None:
    session = await seller.session(expires_at=seller.core.world.now + 1800)
    seller.core.world.clock.advance(1800)
    late = await seller.pay(session.id)
    assert (late["outcome"], late["status"]) == ("expired", "expired")
    assert "charge.succeeded" not in await seller.events()


async def test_the_seller_can_end_a_session_from_outside(seller: Seller) -> None:
    session = await seller.session()
    assert (await seller.control(f"checkout/sessions/{session.id}/expire"))["status"] == "expired"


async def test_the_clock_can_be_read(seller: Seller) -> None:
    before = (await seller.web.get("/_control/clock")).json()["now"]
    await seller.advance(100)
    assert (await seller.web.get("/_control/clock")).json()["now"] == before + 100
    assert before > time.time() - 3600
    assert (await seller.web.post("/_control/clock/advance", json={"seconds": -1})).status_code == 400


async def test_events_reach_back_thirty_days(seller: Seller) -> None:
    await seller.paid()
    await seller.advance(31 * 86_400)
    assert "charge.succeeded" not in await seller.events()
