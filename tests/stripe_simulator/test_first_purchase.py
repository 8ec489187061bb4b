"""The simulator with the real SDK, as the box office uses it: made, declined, paid, told about, refunded."""

from typing import Any, cast

import pytest
import stripe

from tests.stripe_simulator.seller import SECRET, Seller, line, order

ORDER = order(line_items=[line(amount=1850, quantity=2)], payment_intent_data={"metadata": {"order": "X"}})


async def test_declined_then_paid_then_refunded(seller: Seller) -> None:
    sessions = seller.sdk.v1.checkout.sessions
    session = await sessions.create_async(cast("Any", ORDER))
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 3700)
    assert session.url is not None
    assert session.url.startswith(f"{seller.base_url}/c/pay/cs_test_")

    await seller.pay(session.id, "4000000000009995")
    declined = await sessions.retrieve_async(session.id)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    await seller.pay(session.id, "4242424242424242")
    paid = await sessions.retrieve_async(session.id)
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert paid.payment_intent == declined.payment_intent

    intent = await seller.sdk.v1.payment_intents.retrieve_async(str(paid.payment_intent))
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == ("succeeded", 3700, {"order": "X"})
    refund = await seller.sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert (refund.amount, refund.status) == (3700, "succeeded")
    with pytest.raises(stripe.InvalidRequestError) as again:
        await seller.sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert again.value.code == "charge_already_refunded"


async def test_one_key_one_session(seller: Seller) -> None:
    sessions = seller.sdk.v1.checkout.sessions
    options = cast("Any", {"idempotency_key": "order:x:attempt:1"})
    first = await sessions.create_async(cast("Any", ORDER), options)
    again = await sessions.create_async(cast("Any", ORDER), options)
    assert first.id == again.id
    with pytest.raises(stripe.IdempotencyError):
        await sessions.create_async(cast("Any", ORDER | {"client_reference_id": "other"}), options)


async def test_an_expired_session_cannot_be_paid_nor_expired_again(seller: Seller) -> None:
    sessions = seller.sdk.v1.checkout.sessions
    session = await sessions.create_async(cast("Any", ORDER))
    assert (await sessions.expire_async(session.id)).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        await sessions.expire_async(session.id)
    await seller.pay(session.id, "4242424242424242")
    assert (await sessions.retrieve_async(session.id)).payment_status == "unpaid"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"surprise": "x"}, "parameter_unknown"), ({"mode": "gift"}, None), ({"line_items": []}, None)],
)
async def test_what_cannot_be_meant_is_refused(seller: Seller, change: dict[str, Any], code: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.sdk.v1.checkout.sessions.create_async(cast("Any", ORDER | change))
    assert refused.value.http_status == 400
    assert refused.value.code == code or code is None


async def test_deliveries_are_signed_as_the_sdk_checks_them(seller: Seller) -> None:
    await seller.listen()
    await seller.paid()
    await seller.flush()
    for heard in seller.hook.heard:
        stripe.Webhook.construct_event(heard.body, heard.signature, SECRET)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(heard.body + b" ", heard.signature, SECRET)
    assert {"checkout.session.completed", "payment_intent.succeeded"} <= set(seller.hook.types)
