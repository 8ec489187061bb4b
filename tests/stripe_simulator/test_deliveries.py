"""Webhooks: signed as published, tried again, resent, rolled, and still there after a restart."""

import asyncio
import json
import time
from random import Random

import pytest
import stripe

from stripe_simulator.clock import ManualClock
from stripe_simulator.core import Core
from stripe_simulator.deliveries.signature import signature
from stripe_simulator.settings import Settings
from stripe_simulator.shapes import misshapen
from tests.stripe_simulator.conftest import new_database
from tests.stripe_simulator.receiver import Heard, Receiver
from tests.stripe_simulator.seller import KEY, SECRET, VERSION, Seller, order


def verified(heard: Heard, secret: str = SECRET) -> stripe.Event:
    """The event, if the official SDK accepts its signature."""
    return stripe.Webhook.construct_event(heard.body, heard.signature, secret)  # pyright: ignore[reportUnknownMemberType]


def test_the_published_vector() -> None:
    expected = "248a374f50f943a28b0f6ab50faf9a7e7e29b710fa26df9fb1618b9bf8ea9c9a"
    assert signature("whsec_test_secret", 1_700_000_000, b'{"id":"evt_1"}') == expected


async def test_a_delivery_looks_like_one_of_stripes(seller: Seller) -> None:
    await seller.listen("checkout.session.completed")
    paid = await seller.paid()
    (heard,) = seller.hook.heard
    assert verified(heard).type == "checkout.session.completed"
    assert heard.headers["content-type"] == "application/json; charset=utf-8"
    assert heard.headers["user-agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
    assert heard.headers["accept"] == "*/*; q=0.5, application/xml"
    assert heard.headers["cache-control"] == "no-cache"
    assert ",v0=" in heard.signature
    assert heard.body == json.dumps(heard.event, indent=2, ensure_ascii=False).encode()
    event = heard.event
    assert list(misshapen("event", event)) == []
    assert list(misshapen("checkout.session", event["data"]["object"])) == []
    assert event["data"]["object"]["id"] == paid["session"]
    assert event["api_version"] == VERSION
    assert event["pending_webhooks"] == 1
    assert event["request"] == {"id": None, "idempotency_key": None}


async def test_events_name_the_request_that_caused_them(seller: Seller) -> None:
    await seller.listen("customer.created")
    answer = await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    await seller.flush()
    assert seller.hook.heard[0].event["request"] == {
        "id": answer.headers["request-id"],
        "idempotency_key": "k1",
    }


async def test_every_snapshot_has_its_shape(seller: Seller) -> None:
    await seller.listen()
    await seller.paid("4000000000000259")
    declined = await seller.paid("4000000000000002")
    await seller.sdk.v1.checkout.sessions.expire_async(declined["session"])
    paid = await seller.paid()
    await seller.sdk.v1.refunds.create_async({"payment_intent": paid["payment_intent"]})
    await seller.advance(10)
    for heard in seller.hook.heard:
        snapshot = heard.event["data"]["object"]
        assert list(misshapen(snapshot["object"], snapshot)) == [], heard.type
        verified(heard)
    assert seller.hook.types.count("charge.updated") == 2


async def test_a_snapshot_never_changes(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    paid = await seller.paid()
    await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    event = await seller.sdk.v1.events.retrieve_async(seller.hook.heard[0].event["id"])
    assert event.data.object["amount_refunded"] == 0


async def test_only_what_is_wanted_is_sent(seller: Seller) -> None:
    await seller.listen("charge.refunded", "checkout.session.expired")
    paid = await seller.paid()
    await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    await seller.flush()
    assert seller.hook.types == ["charge.refunded"]
    assert seller.hook.heard[0].event["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}


@pytest.mark.parametrize("answer", [500, 400, 302, 0])
async def test_what_is_not_accepted_is_tried_again(seller: Seller, answer: int) -> None:
    await seller.listen("charge.succeeded")
    seller.hook.answers.extend([answer, answer])
    await seller.paid()
    await seller.flush()
    assert len(seller.hook.heard) == 1
    event_id = seller.hook.heard[0].event["id"]
    assert (await seller.sdk.v1.events.retrieve_async(event_id)).pending_webhooks == 1
    listed = await seller.sdk.v1.events.list_async({"delivery_success": False})
    assert [one.id for one in listed.data] == [event_id]
    await seller.advance(10)
    assert len(seller.hook.heard) == 2
    await seller.advance(300)
    assert len(seller.hook.heard) == 3
    await seller.advance(24 * 3600)
    assert len(seller.hook.heard) == 3
    assert (await seller.sdk.v1.events.retrieve_async(event_id)).pending_webhooks == 0
    first, *_, last = seller.hook.heard
    assert (first.body, first.signature == last.signature) == (last.body, False)
    assert (await seller.sdk.v1.events.list_async({"delivery_success": False})).data == []


async def test_after_the_last_try_it_is_given_up(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    seller.hook.answers.extend([500] * 10)
    await seller.paid()
    for _ in range(6):
        await seller.advance(3 * 3600)
    assert len(seller.hook.heard) == 4
    answer = await seller.web.get("/_control/deliveries")
    assert [one["status"] for one in answer.json()["deliveries"]] == ["failed"]


async def test_a_silent_endpoint_counts_as_failed(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    seller.hook.pause = 2.5
    await seller.paid()
    await seller.flush()
    answer = await seller.web.get("/_control/deliveries")
    assert answer.json()["deliveries"][0]["last_problem"] == "no answer within 2 s"


async def test_an_event_can_be_sent_again(seller: Seller) -> None:
    endpoint = await seller.listen("charge.succeeded")
    await seller.paid()
    await seller.flush()
    event_id = seller.hook.heard[0].event["id"]
    answer = await seller.post(f"/v1/events/{event_id}/retry", {"webhook_endpoint": endpoint})
    assert answer.status_code == 200
    await seller.flush()
    assert [one.event["id"] for one in seller.hook.heard] == [event_id, event_id]
    other = await seller.post(f"/v1/events/{event_id}/retry", {"webhook_endpoint": "we_none"})
    assert other.status_code == 400


async def test_a_disabled_or_deleted_endpoint_hears_no_more(seller: Seller) -> None:
    for end in ("disable", "delete"):
        endpoint = await seller.listen("charge.succeeded")
        seller.hook.forget()
        seller.hook.answers.append(500)
        await seller.paid()
        await seller.flush()
        if end == "disable":
            changed = await seller.sdk.v1.webhook_endpoints.update_async(endpoint, {"disabled": True})
            assert changed.status == "disabled"
        else:
            assert (await seller.sdk.v1.webhook_endpoints.delete_async(endpoint)).deleted
        await seller.advance(3600)
        await seller.paid()
        await seller.flush()
        assert len(seller.hook.heard) == 1


async def test_a_rolled_secret_signs_twice_for_a_while(seller: Seller) -> None:
    endpoint = await seller.listen("charge.succeeded")
    await seller.control(f"webhook_endpoints/{endpoint}/roll_secret", secret="whsec_new")
    await seller.paid()
    await seller.flush()
    assert seller.hook.heard[0].signature.count("v1=") == 2
    verified(seller.hook.heard[0], SECRET)
    verified(seller.hook.heard[0], "whsec_new")
    await seller.advance(24 * 3600 + 1)
    await seller.paid()
    await seller.flush()
    assert seller.hook.heard[1].signature.count("v1=") == 1
    assert f"v1={signature('whsec_new', seller.core.world.now, seller.hook.heard[1].body)}" in (
        seller.hook.heard[1].signature
    )


async def test_a_secret_is_told_once(seller: Seller) -> None:
    endpoints = seller.sdk.v1.webhook_endpoints
    made = await endpoints.create_async(
        {"url": seller.hook.url, "enabled_events": ["charge.succeeded"], "api_version": "2026-10-28.endive"}
    )
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    found = await seller.read("webhook_endpoint", f"/v1/webhook_endpoints/{made.id}")
    assert "secret" not in found
    assert "secret" not in (await seller.get("/v1/webhook_endpoints")).json()["data"][0]
    await seller.paid()
    await seller.flush()
    verified(seller.hook.heard[0], made.secret)


async def test_an_account_has_at_most_sixteen_endpoints(seller: Seller) -> None:
    endpoints = seller.sdk.v1.webhook_endpoints
    for number in range(16):
        await endpoints.create_async({"url": f"https://seller.example/{number}", "enabled_events": ["*"]})
    with pytest.raises(stripe.InvalidRequestError, match="at most 16"):
        await endpoints.create_async({"url": "https://seller.example/17", "enabled_events": ["*"]})


async def test_an_endpoint_gets_its_own_version(seller: Seller) -> None:
    await seller.control(
        "webhook_endpoints/ensure", url=seller.hook.url, secret=SECRET, api_version="2026-08-26.dahlia"
    )
    await seller.paid()
    await seller.flush()
    assert {one.event["api_version"] for one in seller.hook.heard} == {"2026-08-26.dahlia"}


async def test_events_of_other_software_arrive_too(seller: Seller) -> None:
    await seller.listen()
    foreign = {"id": "pi_3foreign", "object": "payment_intent", "amount": 1, "metadata": {}}
    await seller.control("events/forge", type="payment_intent.succeeded", object=foreign)
    await seller.flush()
    assert verified(seller.hook.heard[0]).data.object["id"] == "pi_3foreign"


async def test_many_are_sent_at_once(seller: Seller) -> None:
    await seller.listen("charge.succeeded")
    seller.hook.pause = 0.05
    sessions = [await seller.session() for _ in range(20)]
    began = time.monotonic()
    await asyncio.gather(*(seller.pay(session.id, wait=False) for session in sessions))
    await seller.flush()
    assert len(seller.hook.heard) == 20
    assert time.monotonic() - began < 20 * 0.05 + 2


async def test_a_restart_loses_nothing(postgres_url: str, worker_id: str, receiver: Receiver) -> None:
    receiver.forget()
    url = await new_database(postgres_url, f"stripe_restart_{worker_id}")
    settings = Settings(database_url=url, delivery=False)
    clock = ManualClock(time.time())
    async with Core.open(settings, clock=clock, random=Random(1)) as core:
        made = await core.call(
            "POST",
            "/v1/webhook_endpoints",
            {"url": receiver.url, "enabled_events": ["checkout.session.expired"]},
            key=KEY,
        )
        session = (await core.call("POST", "/v1/checkout/sessions", order(), key=KEY, idempotency_key="k")).json()
        await core.call("POST", f"/v1/checkout/sessions/{session['id']}/expire", key=KEY)
    async with Core.open(settings, clock=clock, random=Random(2)) as core:
        assert receiver.heard == []
        assert await core.world.queue.send_due() == 1
        verified(receiver.heard[0], made.json()["secret"])
        again = await core.call("POST", "/v1/checkout/sessions", order(), key=KEY, idempotency_key="k")
        assert again.json()["id"] == session["id"]
        assert await core.world.queue.send_due() == 0
