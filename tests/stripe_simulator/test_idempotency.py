"""Keyed requests run once."""

import asyncio

import httpx
import pytest
import stripe

from tests.stripe_simulator.seller import KEY, Seller, line, order


async def test_the_same_key_gives_the_same_answer(seller: Seller) -> None:
    create = seller.sdk.v1.checkout.sessions.create_async
    first = await create(order(), options={"idempotency_key": "order:1:attempt:1"})  # pyright: ignore[reportArgumentType]
    again = await create(order(), options={"idempotency_key": "order:1:attempt:1"})  # pyright: ignore[reportArgumentType]
    assert first.id == again.id
    assert len((await seller.sdk.v1.checkout.sessions.list_async()).data) == 1


async def test_replays_say_so(seller: Seller) -> None:
    form = {"name": "Ada", "metadata[x]": "1"}
    first = await seller.post("/v1/customers", form, **{"Idempotency-Key": "k1"})
    again = await seller.post("/v1/customers", form, **{"Idempotency-Key": "k1"})
    assert first.content == again.content
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"] == "k1"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert again.headers["request-id"] != first.headers["request-id"]


async def test_other_parameters_under_the_key_are_refused(seller: Seller) -> None:
    await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    with pytest.raises(stripe.IdempotencyError) as refused:
        await seller.sdk.v1.customers.create_async({"name": "Bob"}, {"idempotency_key": "k1"})
    assert refused.value.http_status == 400
    assert "k1" in str(refused.value.user_message)
    other_path = await seller.post("/v1/products", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    assert other_path.json()["error"]["type"] == "idempotency_error"


async def test_what_failed_before_it_ran_may_be_repeated(seller: Seller) -> None:
    key = {"Idempotency-Key": "k1"}
    assert (await seller.post("/v1/customers", {"nam": "Ada"}, **key)).status_code == 400
    assert (await seller.post("/v1/customers", {"name": "Ada"}, **key)).status_code == 200


async def test_a_decline_is_remembered(seller: Seller) -> None:
    form = {"amount": "500", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa_chargeDeclined"}
    first = await seller.post("/v1/payment_intents", form, **{"Idempotency-Key": "k1"})
    again = await seller.post("/v1/payment_intents", form, **{"Idempotency-Key": "k1"})
    assert first.status_code == again.status_code == 402
    assert first.json() == again.json()
    assert (await seller.events()).count("charge.failed") == 1


async def test_a_refusal_by_state_is_remembered(seller: Seller) -> None:
    paid = await seller.paid()
    form = {"payment_intent": paid["payment_intent"], "amount": "9999"}
    first = await seller.post("/v1/refunds", form, **{"Idempotency-Key": "k1"})
    again = await seller.post("/v1/refunds", form, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.headers.get("idempotent-replayed")) == (400, "true")


async def test_a_stored_failure_is_replayed(seller: Seller) -> None:
    await seller.control("faults", fault="stored_server_error", match="POST /v1/customers")
    first = await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    again = await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (500, 500)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await seller.get("/v1/customers")).json()["data"] == []


async def test_a_key_in_use_is_a_conflict(seller: Seller) -> None:
    """The seller's lock on the charge makes the first refund wait; the same key meanwhile is refused at once."""
    paid = await seller.paid()
    unit = seller.core.world.unit()
    await unit.lock("charge", paid["charge"])
    form, key = {"charge": paid["charge"]}, {"Idempotency-Key": "k1"}
    first = asyncio.create_task(seller.post("/v1/refunds", form, **key))
    await asyncio.sleep(0.1)
    async with httpx.AsyncClient(base_url=seller.base_url, auth=(KEY, "")) as other:
        second = await other.post("/v1/refunds", data=form, headers=key)
    await unit.rollback()
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    assert (await first).status_code == 200
    assert (await seller.post("/v1/refunds", form, **key)).json() == (await first).json()


async def test_keys_are_forgotten_after_a_day(seller: Seller) -> None:
    await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k1"})
    await seller.advance(25 * 3600)
    later = await seller.post("/v1/customers", {"name": "Bob"}, **{"Idempotency-Key": "k1"})
    assert (later.status_code, later.json()["name"]) == (200, "Bob")


async def test_a_key_has_a_length(seller: Seller) -> None:
    answer = await seller.post("/v1/customers", {"name": "Ada"}, **{"Idempotency-Key": "k" * 256})
    assert answer.status_code == 400


async def test_the_sdk_repeats_a_lost_answer_safely(seller: Seller) -> None:
    client = stripe.StripeClient(
        KEY,
        base_addresses={"api": seller.base_url},
        max_network_retries=2,
        http_client=(http := stripe.HTTPXClient(allow_sync_methods=True)),
    )
    await seller.control("faults", fault="lost_response", match="POST /v1/checkout/sessions")
    session = await client.v1.checkout.sessions.create_async(order(line_items=[line()]))  # pyright: ignore[reportArgumentType]
    listed = await client.v1.checkout.sessions.list_async()
    assert [one.id for one in listed.data] == [session.id]
    http.close()
    await http.close_async()
