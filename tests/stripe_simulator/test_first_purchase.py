"""The simulator with the real SDK: a session is made, paid, told about by a signed webhook, and refunded."""

import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
import stripe
from stripe import StripeClient

from local_postgres import LocalPostgres
from stripe_simulator.checkout.pay import Payment
from stripe_simulator.core import Core
from stripe_simulator.deliveries.post import Reply
from stripe_simulator.payments import cards
from stripe_simulator.serve import serving
from stripe_simulator.settings import Settings

KEY = "sk_test_first_purchase"
ORDER: dict[str, Any] = {
    "mode": "payment",
    "line_items": [
        {"quantity": 2, "price_data": {"currency": "eur", "unit_amount": 1850, "product_data": {"name": "Entry"}}}
    ],
    "success_url": "http://localhost:3000/orders/X/success?session_id={CHECKOUT_SESSION_ID}",
    "metadata": {"order": "X"},
    "payment_intent_data": {"metadata": {"order": "X"}},
}


@asynccontextmanager
async def fresh_database(postgres: LocalPostgres) -> AsyncGenerator[str, None]:
    name = f"simulator_{uuid4().hex[:12]}"
    postgres.create_database(name)
    yield postgres.url(name)
    postgres.psql(f'DROP DATABASE "{name}" WITH (FORCE)')


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
async def base_url(postgres: LocalPostgres) -> AsyncIterator[str]:
    """A simulator of this test's own, served on loopback."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with fresh_database(postgres) as database, serving(Settings(database_url=database, base_url=url), port):
        yield url


@pytest.fixture
async def client(base_url: str) -> AsyncIterator[StripeClient]:
    transport = stripe.HTTPXClient()
    yield StripeClient(KEY, base_addresses={"api": base_url}, http_client=transport)
    await transport.close_async()


async def pay(base_url: str, session: str, card: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=base_url) as http:
        answer = await http.post(f"/_control/checkout/sessions/{session}/pay", json={"card": card})
    return cast("dict[str, Any]", answer.json())


async def test_declined_then_paid_then_refunded(client: StripeClient, base_url: str) -> None:
    sessions = client.v1.checkout.sessions
    session = await sessions.create_async(cast("Any", ORDER))
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 3700)
    assert session.url is not None
    assert session.url.startswith(f"{base_url}/c/pay/cs_test_")

    await pay(base_url, session.id, "4000000000009995")
    declined = await sessions.retrieve_async(session.id)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    await pay(base_url, session.id, "4242424242424242")
    paid = await sessions.retrieve_async(session.id)
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert paid.payment_intent == declined.payment_intent

    intent = await client.v1.payment_intents.retrieve_async(str(paid.payment_intent))
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == ("succeeded", 3700, {"order": "X"})
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert (refund.amount, refund.status) == (3700, "succeeded")
    with pytest.raises(stripe.InvalidRequestError) as again:
        await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert again.value.code == "charge_already_refunded"


async def test_one_key_one_session(client: StripeClient) -> None:
    sessions = client.v1.checkout.sessions
    options = cast("Any", {"idempotency_key": "order:x:attempt:1"})
    first = await sessions.create_async(cast("Any", ORDER), options)
    again = await sessions.create_async(cast("Any", ORDER), options)
    assert first.id == again.id
    with pytest.raises(stripe.IdempotencyError):
        await sessions.create_async(cast("Any", ORDER | {"client_reference_id": "other"}), options)


async def test_an_expired_session_cannot_be_paid_nor_expired_again(client: StripeClient, base_url: str) -> None:
    sessions = client.v1.checkout.sessions
    session = await sessions.create_async(cast("Any", ORDER))
    assert (await sessions.expire_async(session.id)).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        await sessions.expire_async(session.id)
    await pay(base_url, session.id, "4242424242424242")
    assert (await sessions.retrieve_async(session.id)).payment_status == "unpaid"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"surprise": "x"}, "parameter_unknown"), ({"mode": "gift"}, None), ({"line_items": []}, None)],
)
async def test_what_cannot_be_meant_is_refused(client: StripeClient, change: dict[str, Any], code: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.checkout.sessions.create_async(cast("Any", ORDER | change))
    assert refused.value.http_status == 400
    assert refused.value.code == code or code is None


async def test_deliveries_are_signed_as_the_sdk_checks_them(postgres: LocalPostgres) -> None:
    seen: list[tuple[str, bytes]] = []

    async def post(_url: str, headers: dict[str, str], body: bytes, _seconds: float) -> Reply:
        seen.append((headers["Stripe-Signature"], body))
        return Reply(200)

    async with (
        fresh_database(postgres) as database,
        Core.open(Settings(database_url=database, delivery=False), post=post) as core,
    ):
        secret = await _buy(core)
        await core.world.queue.send_due()
    types: set[str] = set()
    for signature, body in seen:
        types.add(str(stripe.Webhook.construct_event(body, signature, secret).type))
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", signature, secret)
    assert {"checkout.session.completed", "payment_intent.succeeded"} <= types


async def _buy(core: Core) -> str:
    """Buys once with an endpoint that hears everything; returns the endpoint's secret."""
    endpoint = {"url": "http://127.0.0.1:3000/api/webhook", "enabled_events": ["*"]}
    made = await core.call("POST", "/v1/webhook_endpoints", endpoint, key=KEY)
    price = {"currency": "eur", "unit_amount": "1850", "product_data": {"name": "Entry"}}
    order = ORDER | {"line_items": [{"quantity": "1", "price_data": price}]}
    session = await core.call("POST", "/v1/checkout/sessions", order, key=KEY)
    await core.pay(session.json()["id"], Payment(means=cards.BY_NUMBER["4242424242424242"]), wait=False)
    return str(made.json()["secret"])
