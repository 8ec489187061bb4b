"""Bank debits: complete now, paid or failed days later."""

import pytest
import stripe

from tests.stripe_simulator.seller import Seller


async def test_a_debit_completes_unpaid_and_settles_later(seller: Seller) -> None:
    paid = await seller.paid("bank_debit")
    assert (paid["outcome"], paid["status"], paid["payment_status"]) == ("processing", "complete", "unpaid")
    assert await seller.events() == [
        "checkout.session.completed",
        "payment_intent.processing",
        "payment_intent.created",
    ]
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    assert (charge["status"], charge["paid"]) == ("pending", False)
    await seller.advance(3 * 86_400)
    session = await seller.read("checkout.session", f"/v1/checkout/sessions/{paid['session']}")
    assert session["payment_status"] == "paid"
    assert (await seller.events())[3:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    assert charge["balance_transaction"] is not None


async def test_a_debit_may_come_back(seller: Seller) -> None:
    paid = await seller.paid("bank_debit_fails")
    await seller.advance(3 * 86_400)
    session = await seller.read("checkout.session", f"/v1/checkout/sessions/{paid['session']}")
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    assert (await seller.events())[3:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]
    await seller.read("payment_intent", f"/v1/payment_intents/{paid['payment_intent']}")
    await seller.read("charge", f"/v1/charges/{paid['charge']}")


@pytest.mark.parametrize(("outcome", "payment_status"), [("succeeded", "paid"), ("failed", "unpaid")])
async def test_a_test_can_decide(seller: Seller, outcome: str, payment_status: str) -> None:
    paid = await seller.paid("bank_debit")
    settled = await seller.control(f"checkout/sessions/{paid['session']}/settle", outcome=outcome)
    assert settled["payment_status"] == payment_status
    again = await seller.web.post(f"/_control/checkout/sessions/{paid['session']}/settle", json={})
    assert again.status_code == 409
    before = await seller.events()
    await seller.advance(4 * 86_400)
    assert [one for one in await seller.events() if one not in before] == []


async def test_a_pending_debit_is_neither_paid_again_nor_canceled(seller: Seller) -> None:
    paid = await seller.paid("bank_debit")
    assert (await seller.pay(paid["session"]))["outcome"] == "complete"
    with pytest.raises(stripe.InvalidRequestError):
        await seller.sdk.v1.payment_intents.cancel_async(paid["payment_intent"])
    with pytest.raises(stripe.InvalidRequestError):
        await seller.sdk.v1.refunds.create_async({"payment_intent": paid["payment_intent"]})


async def test_the_page_offers_it(seller: Seller) -> None:
    session = await seller.session()
    page = await seller.web.get(f"/c/pay/{session.id}")
    assert "Bank debit" in page.text
    answer = await seller.submit(session.id, method="sepa_debit", debit="bank_debit", number="", expiry="", cvc="")
    assert answer.status_code == 303
    found = await seller.sdk.v1.checkout.sessions.retrieve_async(session.id)
    assert (found.status, found.payment_status) == ("complete", "unpaid")
