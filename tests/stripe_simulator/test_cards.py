"""Every published test card does what is published about it."""

import pytest

from stripe_simulator.payments import cards
from tests.stripe_simulator.seller import Seller

DECLINES = [
    ("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
    ("4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ("4000000000009987", "card_declined", "lost_card", "Your card was declined."),
    ("4000000000009979", "card_declined", "stolen_card", "Your card was declined."),
    ("4000000000006975", "card_declined", "card_velocity_exceeded", "Your card was declined."),
    ("4000000000000069", "expired_card", None, "Your card has expired."),
    ("4000000000000127", "incorrect_cvc", None, "Your card's security code is incorrect."),
    (
        "4000000000000119",
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    ("4000000000000341", "card_declined", "generic_decline", "Your card was declined."),
]
PAYING = [
    ("4242424242424242", "visa", "credit"),
    ("4000056655665556", "visa", "debit"),
    ("5555555555554444", "mastercard", "credit"),
    ("378282246310005", "amex", "credit"),
    ("6011111111111117", "discover", "credit"),
    ("3566002020360505", "jcb", "credit"),
    ("6200000000000005", "unionpay", "credit"),
    ("4000000000003055", "visa", "credit"),
    ("4000000000000077", "visa", "credit"),
]
CARD_OK = ["charge.succeeded", "payment_intent.succeeded", "payment_intent.created", "checkout.session.completed"]


@pytest.mark.parametrize(("number", "brand", "funding"), PAYING)
async def test_cards_that_pay(seller: Seller, number: str, brand: str, funding: str) -> None:
    paid = await seller.paid(number)
    assert (paid["outcome"], paid["status"], paid["payment_status"]) == ("succeeded", "complete", "paid")
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    card = charge["payment_method_details"]["card"]
    assert (card["brand"], card["funding"], card["last4"]) == (brand, funding, number[-4:])
    assert (charge["status"], charge["paid"], charge["captured"], charge["refunded"]) == (
        "succeeded",
        True,
        True,
        False,
    )
    assert charge["balance_transaction"] is None
    assert charge["outcome"]["type"] == "authorized"
    intent = await seller.read("payment_intent", f"/v1/payment_intents/{paid['payment_intent']}")
    assert (intent["status"], intent["amount_received"], intent["latest_charge"]) == ("succeeded", 3000, charge["id"])
    session = await seller.read("checkout.session", f"/v1/checkout/sessions/{paid['session']}")
    assert session["url"] is None
    assert session["customer_details"]["email"] == "ada@example.com"
    assert await seller.events() == CARD_OK


async def test_the_fee_is_known_a_little_later(seller: Seller) -> None:
    paid = await seller.paid()
    await seller.advance(3)
    assert await seller.events() == [*CARD_OK, "charge.updated"]
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    transaction = await seller.read("balance_transaction", f"/v1/balance_transactions/{charge['balance_transaction']}")
    assert (transaction["amount"], transaction["fee"], transaction["net"]) == (3000, 70, 2930)
    assert (transaction["type"], transaction["source"]) == ("charge", charge["id"])


@pytest.mark.parametrize(("number", "code", "decline_code", "message"), DECLINES)
async def test_cards_that_decline(
    seller: Seller, number: str, code: str, decline_code: str | None, message: str
) -> None:
    paid = await seller.paid(number)
    assert (paid["outcome"], paid["status"], paid["message"]) == ("declined", "open", message)
    intent = await seller.read("payment_intent", f"/v1/payment_intents/{paid['payment_intent']}")
    assert intent["status"] == "requires_payment_method"
    error = intent["last_payment_error"]
    assert (error["code"], error.get("decline_code"), error["type"]) == (code, decline_code, "card_error")
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    assert (charge["status"], charge["failure_code"], charge["paid"]) == ("failed", code, False)
    assert charge["outcome"]["network_status"] == "declined_by_network"
    assert charge["outcome"]["reason"] == (decline_code or code)
    assert await seller.events() == ["charge.failed", "payment_intent.payment_failed", "payment_intent.created"]


async def test_the_same_payment_is_tried_again(seller: Seller) -> None:
    session = await seller.session()
    declined = await seller.pay(session.id, "4000000000000002")
    paid = await seller.pay(session.id)
    assert paid["payment_intent"] == declined["payment_intent"]
    assert paid["charge"] != declined["charge"]
    events = await seller.events()
    assert events.count("payment_intent.created") == 1
    assert events[-3:] == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
    charges = await seller.sdk.v1.charges.list_async({"payment_intent": paid["payment_intent"]})
    assert [one.status for one in charges.data] == ["succeeded", "failed"]


async def test_objects_of_one_payment_share_their_characters(seller: Seller) -> None:
    paid = await seller.paid()
    listed = (await seller.get("/v1/events")).json()["data"]
    for event in listed:
        shared = event["id"][len("evt_") :][:16] == paid["payment_intent"][len("pi_") :][:16]
        assert shared == (event["type"] != "checkout.session.completed")
        assert event["id"].startswith("evt_3" if shared else "evt_1")


async def test_a_blocked_card_names_the_risk(seller: Seller) -> None:
    paid = await seller.paid("4100000000000019")
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    assert charge["outcome"]["type"] == "blocked"
    assert charge["outcome"]["reason"] == "highest_risk_level"
    assert (await seller.events())[:2] == ["charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize(
    ("number", "path", "value"),
    [
        ("4000000000004954", ("outcome", "risk_level"), "highest"),
        ("4000000000009235", ("outcome", "risk_level"), "elevated"),
        ("4000000000000101", ("payment_method_details", "card", "checks", "cvc_check"), "fail"),
        ("4000000000000036", ("payment_method_details", "card", "checks", "address_postal_code_check"), "fail"),
    ],
)
async def test_cards_that_pay_with_a_mark(seller: Seller, number: str, path: tuple[str, ...], value: str) -> None:
    paid = await seller.paid(number)
    assert paid["outcome"] == "succeeded"
    found = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    for step in path:
        found = found[step]
    assert found == value


async def test_a_fraud_warning_comes_with_the_payment(seller: Seller) -> None:
    await seller.paid("4000000000005423")
    assert "radar.early_fraud_warning.created" in await seller.events()


async def test_money_of_the_bypass_card_is_available_at_once(seller: Seller) -> None:
    await seller.paid("4000000000000077")
    await seller.advance(3)
    balance = await seller.read("balance", "/v1/balance")
    assert [(one["currency"], one["amount"]) for one in balance["available"]] == [("eur", 2930)]
    assert balance["pending"][0]["amount"] == 0


async def test_money_becomes_available_after_two_days(seller: Seller) -> None:
    await seller.paid()
    await seller.advance(3)
    assert (await seller.read("balance", "/v1/balance"))["pending"][0]["amount"] == 2930
    await seller.advance(2 * 86_400)
    balance = await seller.read("balance", "/v1/balance")
    assert (balance["available"][0]["amount"], balance["pending"][0]["amount"]) == (2930, 0)


async def test_any_other_number_is_declined_and_not_kept(seller: Seller) -> None:
    number = "4929000000006"
    paid = await seller.paid(number)
    assert paid["outcome"] == "declined"
    rows = await seller.core.world.database.rows(
        "SELECT 1 FROM object WHERE doc::text LIKE $1 OR hidden::text LIKE $1", f"%{number}%"
    )
    assert rows == []


async def test_no_number_is_ever_stored(seller: Seller) -> None:
    session = await seller.session()
    await seller.submit(session.id, number="4000 0000 0000 9995")
    await seller.submit(session.id)
    stored = await seller.core.world.database.rows(
        "SELECT doc::text || hidden::text AS text FROM object UNION ALL SELECT doc::text FROM event"
    )
    for row in stored:
        assert not any(card.number in row["text"] for card in cards.CARDS)


@pytest.mark.parametrize("card", [one for one in cards.CARDS if one.challenge == "never"], ids=lambda one: one.name)
async def test_names_and_tokens_do_the_same(seller: Seller, card: cards.TestCard) -> None:
    form = {"amount": "1000", "currency": "usd", "confirm": "true", "payment_method": f"pm_card_{card.name}"}
    answer = await seller.post("/v1/payment_intents", form)
    assert answer.status_code == (402 if card.decline else 200)
    token = await seller.post("/v1/payment_methods", {"type": "card", "card[token]": f"tok_{card.name}"})
    assert token.json()["card"]["last4"] == card.last4


def test_published_numbers_are_well_formed() -> None:
    assert all(cards.is_luhn_valid(card.number) for card in cards.CARDS)
    assert not cards.is_luhn_valid("4242424242424241")
