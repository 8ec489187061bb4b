"""Bad luck on request."""

import time

import httpx
import pytest
import stripe

from stripe_simulator.deliveries.signature import signature
from tests.stripe_simulator.seller import SECRET, Seller


async def test_a_server_error_before_any_effect(seller: Seller) -> None:
    await seller.control("faults", fault="server_error", match="POST /v1/customers", count=2)
    for _ in range(2):
        assert (await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k"})).status_code == 500
    answer = await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k"})
    assert answer.status_code == 200
    assert len((await seller.get("/v1/customers")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("conflict", 409, "idempotency_key_in_use"),
        ("lock_timeout", 429, "lock_timeout"),
        ("rate_limit", 429, "rate_limit"),
    ],
)
async def test_refusals(seller: Seller, fault: str, status: int, code: str) -> None:
    await seller.control("faults", fault=fault, match="GET /v1/events*")
    answer = await seller.get("/v1/events")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("stripe-rate-limited-reason" in answer.headers) == (fault == "rate_limit")
    assert (await seller.get("/v1/events")).status_code == 200


async def test_a_stored_error_after_the_effect(seller: Seller) -> None:
    await seller.control("faults", fault="stored_server_error", match="POST /v1/customers", effect=True)
    first = await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k"})
    again = await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (500, 500)
    assert len((await seller.get("/v1/customers")).json()["data"]) == 1


async def test_a_lost_answer_after_the_effect(seller: Seller) -> None:
    await seller.control("faults", fault="lost_response", match="POST /v1/customers")
    with pytest.raises(httpx.TransportError):
        await seller.post("/v1/customers", {"name": "Ada"})
    assert len((await seller.get("/v1/customers")).json()["data"]) == 1


async def test_slow_answers(seller: Seller) -> None:
    await seller.control("faults", fault="delay", match="GET /v1/account", seconds=0.2)
    await seller.control("faults", fault="timeout", match="GET /v1/account", seconds=0.2)
    began = time.monotonic()
    await seller.get("/v1/account")
    assert time.monotonic() - began >= 0.4


async def test_rules_wait_and_are_used_up(seller: Seller) -> None:
    rule = await seller.control("faults", fault="server_error", match="GET /v1/account", after=1, count=1)
    statuses = [(await seller.get("/v1/account")).status_code for _ in range(3)]
    assert statuses == [200, 500, 200]
    assert (await seller.web.get("/_control/faults")).json() == {"faults": []}
    kept = await seller.control("faults", fault="server_error", match="GET /v1/account", count=None)
    assert kept["id"] != rule["id"]
    assert [(await seller.get("/v1/account")).status_code for _ in range(3)] == [500] * 3
    assert (await seller.web.delete(f"/_control/faults/{kept['id']}")).json() == {"faults": []}
    assert (await seller.get("/v1/account")).status_code == 200


async def test_an_unknown_fault_is_refused(seller: Seller) -> None:
    answer = await seller.web.post("/_control/faults", json={"fault": "meteor"})
    assert answer.status_code == 400


async def test_duplicates(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    await seller.control("faults", fault="duplicate", match="charge.*", times=2)
    await seller.paid()
    await seller.flush()
    assert len({one.event["id"] for one in seller.hook.heard}) == 1
    assert len(seller.hook.heard) == 3


async def test_a_second_event_for_one_change(seller: Seller) -> None:
    await seller.listen("checkout.session.completed")
    await seller.control("faults", fault="second_event", match="checkout.session.completed")
    await seller.paid()
    await seller.flush()
    one, other = seller.hook.heard
    assert one.event["id"] != other.event["id"]
    assert one.event["data"] == other.event["data"]
    assert (await seller.events()).count("checkout.session.completed") == 2


async def test_reordering_and_delay(seller: Seller) -> None:
    await seller.listen("charge.succeeded", "payment_intent.succeeded", "checkout.session.completed")
    await seller.control("faults", fault="reorder", match="charge.succeeded")
    await seller.control("faults", fault="late", match="payment_intent.succeeded", seconds=60)
    await seller.paid()
    await seller.flush()
    assert seller.hook.types == ["checkout.session.completed"]
    await seller.advance(1)
    assert seller.hook.types == ["checkout.session.completed", "charge.succeeded"]
    await seller.advance(60)
    assert seller.hook.types[-1] == "payment_intent.succeeded"


async def test_drops_are_never_sent_and_stay_on_the_repair_list(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    await seller.control("faults", fault="drop", match="charge.succeeded")
    await seller.paid()
    await seller.advance(24 * 3600)
    assert seller.hook.heard == []
    listed = await seller.sdk.v1.events.list_async({"delivery_success": False})
    assert [one.type for one in listed.data] == ["charge.succeeded"]


async def test_a_wrong_signature(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    await seller.control("faults", fault="wrong_signature")
    await seller.paid()
    await seller.flush()
    (heard,) = seller.hook.heard
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(heard.body, heard.signature, SECRET)  # pyright: ignore[reportUnknownMemberType]


async def test_a_stale_signature(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    await seller.control("faults", fault="stale", seconds=301)
    await seller.paid()
    await seller.flush()
    (heard,) = seller.hook.heard
    moment = seller.core.world.now - 301
    assert f"t={moment},v1={signature(SECRET, moment, heard.body)}" in heard.signature


async def test_a_wrong_mode_and_an_old_version(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    await seller.control("faults", fault="wrong_livemode")
    await seller.control("faults", fault="old_api_version", api_version="2024-06-20")
    await seller.paid()
    await seller.flush()
    event = seller.hook.heard[0].event
    assert (event["livemode"], event["api_version"]) == (True, "2024-06-20")


async def test_an_ignored_answer_is_tried_again(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    await seller.control("faults", fault="answer_timeout")
    await seller.paid()
    await seller.flush()
    await seller.advance(10)
    assert len(seller.hook.heard) == 2


async def test_an_amended_session_tells_another_amount(seller: Seller) -> None:
    session = await seller.session()
    await seller.control(f"checkout/sessions/{session.id}/amend", amount_total=100, currency="usd")
    paid = await seller.pay(session.id)
    found = await seller.sdk.v1.checkout.sessions.retrieve_async(paid["session"])
    assert (found.amount_total, found.currency, found.payment_status) == (100, "usd", "paid")


async def test_control_answers_no_page_of_another_site(seller: Seller) -> None:
    answer = await seller.web.post("/_control/reset", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
