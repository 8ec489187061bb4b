"""3-D Secure: the buyer must prove who they are, on the page and through the API."""

import pytest
import stripe

from tests.stripe_simulator.seller import Seller


@pytest.mark.parametrize(
    "number", ["4000000000003220", "4000002760003184", "4000002500003155", "4000003800000446", "4000000000003063"]
)
async def test_a_proved_payment_goes_on(seller: Seller, number: str) -> None:
    session = await seller.session()
    asked = await seller.pay(session.id, number, three_d_secure="leave")
    assert (asked["outcome"], asked["status"], asked["payment_intent_status"]) == (
        "requires_action",
        "open",
        "requires_action",
    )
    intent = await seller.read("payment_intent", f"/v1/payment_intents/{asked['payment_intent']}")
    assert intent["next_action"]["type"] == "use_stripe_sdk"
    assert await seller.events() == ["payment_intent.requires_action", "payment_intent.created"]
    proved = await seller.control(f"checkout/sessions/{session.id}/authenticate?outcome=complete")
    assert (proved["outcome"], proved["payment_status"]) == ("succeeded", "paid")
    charge = await seller.read("charge", f"/v1/charges/{proved['charge']}")
    assert charge["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    assert (await seller.events())[2:] == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


async def test_a_failed_proof_leaves_no_charge(seller: Seller) -> None:
    session = await seller.session()
    failed = await seller.pay(session.id, "4000000000003220", three_d_secure="fail")
    assert (failed["outcome"], failed["status"], failed["charge"]) == ("declined", "open", None)
    intent = await seller.read("payment_intent", f"/v1/payment_intents/{failed['payment_intent']}")
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert (await seller.events())[-1] == "payment_intent.payment_failed"
    assert (await seller.pay(session.id))["payment_intent"] == failed["payment_intent"]


@pytest.mark.parametrize(
    ("number", "decline_code"), [("4000008260003178", "insufficient_funds"), ("4000008400001629", "generic_decline")]
)
async def test_proof_does_not_help_an_empty_account(seller: Seller, number: str, decline_code: str) -> None:
    paid = await seller.paid(number)
    assert paid["outcome"] == "declined"
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    assert charge["outcome"]["reason"] == decline_code


async def test_a_lookup_that_fails_declines_without_a_question(seller: Seller) -> None:
    paid = await seller.paid("4000008400001280")
    assert paid["outcome"] == "declined"
    assert "payment_intent.requires_action" not in await seller.events()


async def test_time_may_run_out_at_the_bank(seller: Seller) -> None:
    session = await seller.session(expires_at=seller.core.world.now + 1800)
    await seller.pay(session.id, "4000000000003220", three_d_secure="leave")
    await seller.advance(1800)
    late = await seller.control(f"checkout/sessions/{session.id}/authenticate?outcome=complete")
    assert (late["outcome"], late["payment_status"]) == ("expired", "unpaid")
    assert "charge.succeeded" not in await seller.events()


async def test_another_card_may_be_taken_instead(seller: Seller) -> None:
    session = await seller.session()
    await seller.pay(session.id, "4000000000003220", three_d_secure="leave")
    assert (await seller.pay(session.id))["outcome"] == "succeeded"


async def test_a_card_that_needs_proof_is_declined_when_nobody_is_there(seller: Seller) -> None:
    with pytest.raises(stripe.CardError) as declined:
        await seller.sdk.v1.payment_intents.create_async(
            {
                "amount": 500,
                "currency": "eur",
                "confirm": True,
                "off_session": True,
                "payment_method": "pm_card_authenticationRequired",
            }
        )
    assert declined.value.code == "authentication_required"


async def challenged(seller: Seller) -> stripe.PaymentIntent:
    return await seller.sdk.v1.payment_intents.create_async(
        {
            "amount": 500,
            "currency": "eur",
            "confirm": True,
            "payment_method": "pm_card_threeDSecure2Required",
            "return_url": "https://seller.example/back?order=1",
        }
    )


@pytest.mark.parametrize(("outcome", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")])
async def test_the_page_of_an_api_payment_leads_back(seller: Seller, outcome: str, status: str) -> None:
    intent = await challenged(seller)
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    url = intent.next_action.redirect_to_url.url or ""
    assert "Complete" in (await seller.web.get(url)).text
    answer = await seller.web.post(url, data={"outcome": outcome})
    assert answer.status_code == 303
    told = "failed" if outcome == "fail" else "succeeded"
    assert answer.headers["location"].startswith("https://seller.example/back?order=1&payment_intent=pi_3")
    assert answer.headers["location"].endswith(f"redirect_status={told}")
    assert (await seller.sdk.v1.payment_intents.retrieve_async(intent.id)).status == status
    assert (await seller.web.get(url)).status_code == 303
