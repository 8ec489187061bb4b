"""PaymentIntents that a seller drives through the API."""

import pytest
import stripe

from tests.stripe_simulator.seller import Seller


async def held(seller: Seller) -> stripe.PaymentIntent:
    return await seller.sdk.v1.payment_intents.create_async(
        {
            "amount": 1000,
            "currency": "eur",
            "capture_method": "manual",
            "confirm": True,
            "payment_method": "pm_card_visa",
        }
    )


async def test_create_then_confirm(seller: Seller) -> None:
    intents = seller.sdk.v1.payment_intents
    made = await intents.create_async({"amount": 1000, "currency": "eur", "metadata": {"a": "1"}})
    assert made.status == "requires_payment_method"
    assert (made.client_secret or "").startswith(f"{made.id}_secret_")
    changed = await intents.update_async(made.id, {"amount": 1200, "description": "Two tickets"})
    assert (changed.amount, changed.description) == (1200, "Two tickets")
    paid = await intents.confirm_async(made.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.amount_received) == ("succeeded", 1200)
    await seller.read("payment_intent", f"/v1/payment_intents/{made.id}")
    assert await seller.events() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    listed = await intents.list_async()
    assert [one.id for one in listed.data] == [made.id]


async def test_a_decline_carries_the_payment(seller: Seller) -> None:
    with pytest.raises(stripe.CardError) as declined:
        await seller.sdk.v1.payment_intents.create_async(
            {"amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_chargeDeclined"}
        )
    error = declined.value.error
    assert declined.value.http_status == 402
    assert error is not None
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert error.payment_intent is not None
    assert error.payment_intent.status == "requires_payment_method"
    assert (error.charge or "").startswith("ch_3")


async def test_a_wrong_state_carries_the_payment(seller: Seller) -> None:
    intents = seller.sdk.v1.payment_intents
    paid = await intents.create_async(
        {"amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    )
    for call in (
        intents.confirm_async(paid.id),
        intents.cancel_async(paid.id),
        intents.capture_async(paid.id),
        intents.update_async(paid.id, {"amount": 600}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await call
        assert refused.value.code == "payment_intent_unexpected_state"
        assert refused.value.error is not None
        assert refused.value.error.payment_intent is not None
        assert refused.value.error.payment_intent.id == paid.id


async def test_an_open_payment_can_be_canceled(seller: Seller) -> None:
    intents = seller.sdk.v1.payment_intents
    made = await intents.create_async({"amount": 500, "currency": "eur"})
    gone = await intents.cancel_async(made.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    assert await seller.events() == ["payment_intent.created", "payment_intent.canceled"]


async def test_a_hold_is_captured_in_part(seller: Seller) -> None:
    intent = await held(seller)
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1000)
    captured = await seller.sdk.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 700})
    assert (captured.status, captured.amount_received) == ("succeeded", 700)
    charge = await seller.read("charge", f"/v1/charges/{captured.latest_charge}")
    assert (charge["amount_captured"], charge["amount_refunded"], charge["captured"]) == (700, 300, True)
    assert (await seller.events())[-2:] == ["charge.captured", "payment_intent.succeeded"]
    refund = await seller.sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.amount == 700


async def test_more_than_held_cannot_be_captured(seller: Seller) -> None:
    intent = await held(seller)
    with pytest.raises(stripe.InvalidRequestError, match="between 1 and 1000"):
        await seller.sdk.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1001})


async def test_a_hold_can_be_let_go(seller: Seller) -> None:
    intent = await held(seller)
    await seller.sdk.v1.payment_intents.cancel_async(intent.id)
    charge = await seller.read("charge", f"/v1/charges/{intent.latest_charge}")
    assert (charge["refunded"], charge["captured"]) == (True, False)


async def test_a_hold_ends_after_a_week(seller: Seller) -> None:
    intent = await held(seller)
    await seller.advance(7 * 86_400)
    assert (await seller.events())[-2:] == ["charge.expired", "payment_intent.canceled"]
    gone = await seller.sdk.v1.payment_intents.retrieve_async(intent.id)
    assert (gone.status, gone.cancellation_reason) == ("canceled", "automatic")


async def test_a_session_can_hold_instead_of_take(seller: Seller) -> None:
    paid = await seller.paid(payment_intent_data={"capture_method": "manual"})
    assert (paid["outcome"], paid["status"], paid["payment_status"]) == ("requires_capture", "complete", "unpaid")
    events = await seller.events()
    assert "payment_intent.amount_capturable_updated" in events
    assert events[-1] == "checkout.session.completed"
    await seller.sdk.v1.payment_intents.capture_async(paid["payment_intent"])
    session = await seller.read("checkout.session", f"/v1/checkout/sessions/{paid['session']}")
    assert session["payment_status"] == "paid"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"payment_method": "pm_none"}, "resource_missing"),
        ({"customer": "cus_none"}, "resource_missing"),
        ({"capture_method": "later"}, None),
    ],
)
async def test_wrong_requests(seller: Seller, changes: dict[str, object], code: str | None) -> None:
    form = {"amount": 500, "currency": "eur"} | changes
    answer = await seller.post("/v1/payment_intents", form)
    assert answer.status_code == 400
    assert answer.json()["error"].get("code") == code


async def test_card_numbers_are_not_taken_by_the_api(seller: Seller) -> None:
    form = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2034"}
    answer = await seller.post("/v1/payment_methods", form)
    assert answer.status_code == 402
    assert "4242424242424242" not in answer.text


async def test_payment_methods_belong_to_customers(seller: Seller) -> None:
    methods = seller.sdk.v1.payment_methods
    customer = await seller.sdk.v1.customers.create_async({"name": "Ada"})
    method = await methods.create_async({"type": "card", "card": {"token": "tok_mastercard"}})
    assert (await methods.attach_async(method.id, {"customer": customer.id})).customer == customer.id
    assert [one.id for one in (await methods.list_async({"customer": customer.id})).data] == [method.id]
    await seller.read("payment_method", f"/v1/payment_methods/{method.id}")
    assert (await methods.detach_async(method.id)).customer is None
    named = await methods.attach_async("pm_card_visa", {"customer": customer.id})
    assert (named.id.startswith("pm_1"), named.customer) == (True, customer.id)


async def test_a_bank_debit_by_iban(seller: Seller) -> None:
    form = {
        "amount": "900",
        "currency": "eur",
        "confirm": "true",
        "payment_method_data[type]": "sepa_debit",
        "payment_method_data[sepa_debit][iban]": "AT611904300234573201",
        "payment_method_data[billing_details][email]": "ada@example.com",
    }
    intent = (await seller.post("/v1/payment_intents", form)).json()
    assert intent["status"] == "processing"
    await seller.advance(3 * 86_400)
    assert (await seller.read("payment_intent", f"/v1/payment_intents/{intent['id']}"))["status"] == "succeeded"
