"""Refunds: whole, in part, pending, failing, refused."""

import asyncio

import pytest
import stripe

from tests.stripe_simulator.seller import Seller


async def test_a_whole_refund(seller: Seller) -> None:
    paid = await seller.paid()
    made = await seller.sdk.v1.refunds.create_async(
        {"payment_intent": paid["payment_intent"], "reason": "requested_by_customer", "metadata": {"tickets": "a,b"}}
    )
    refund = await seller.read("refund", f"/v1/refunds/{made.id}")
    assert (refund["amount"], refund["status"], refund["charge"]) == (3000, "succeeded", paid["charge"])
    assert refund["metadata"] == {"tickets": "a,b"}
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (3000, True)
    transaction = await seller.read("balance_transaction", f"/v1/balance_transactions/{refund['balance_transaction']}")
    assert (transaction["amount"], transaction["fee"], transaction["type"]) == (-3000, 0, "refund")
    assert (await seller.events())[-2:] == ["refund.created", "charge.refunded"]
    await seller.advance(1)
    assert (await seller.events())[-2:] == ["refund.updated", "charge.refund.updated"]


async def test_parts_may_sum_to_the_whole_and_no_more(seller: Seller) -> None:
    paid = await seller.paid()
    create = seller.sdk.v1.refunds.create_async
    await create({"payment_intent": paid["payment_intent"], "amount": 1000})
    charge = await seller.sdk.v1.charges.retrieve_async(paid["charge"])
    assert (charge.amount_refunded, charge.refunded) == (1000, False)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await create({"payment_intent": paid["payment_intent"], "amount": 2001})
    assert refused.value.param == "amount"
    assert refused.value.user_message == ("Refund amount (€20.01) is greater than unrefunded amount on charge (€20.00)")
    assert (await create({"charge": paid["charge"]})).amount == 2000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await create({"charge": paid["charge"], "amount": 1})
    assert refused.value.code == "charge_already_refunded"
    listed = await seller.sdk.v1.refunds.list_async({"payment_intent": paid["payment_intent"]})
    assert [one.amount for one in listed.data] == [2000, 1000]


async def test_refunds_at_once_never_give_back_too_much(seller: Seller) -> None:
    paid = await seller.paid()
    form = {"charge": paid["charge"], "amount": "1000"}
    answers = await asyncio.gather(*(seller.post("/v1/refunds", form) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [400] * 5


@pytest.mark.parametrize("amount", [0, -5])
async def test_nothing_cannot_be_given_back(seller: Seller, amount: int) -> None:
    paid = await seller.paid()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.sdk.v1.refunds.create_async({"charge": paid["charge"], "amount": amount})
    assert refused.value.code == "parameter_invalid_integer"


async def test_an_unpaid_payment_cannot_be_refunded(seller: Seller) -> None:
    declined = await seller.paid("4000000000000002")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge") as refused:
        await seller.sdk.v1.refunds.create_async({"payment_intent": declined["payment_intent"]})
    assert refused.value.code is None
    held = await seller.paid(payment_intent_data={"capture_method": "manual"})
    with pytest.raises(stripe.InvalidRequestError, match="Cancel the PaymentIntent"):
        await seller.sdk.v1.refunds.create_async({"payment_intent": held["payment_intent"]})


async def test_something_must_be_named(seller: Seller) -> None:
    for params in ({}, {"charge": "ch_none"}, {"payment_intent": "pi_none"}):
        assert (await seller.post("/v1/refunds", params)).status_code == 400


async def test_a_refund_may_stay_pending_a_while(seller: Seller) -> None:
    paid = await seller.paid("4000000000007726")
    refund = await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    assert refund.status == "pending"
    await seller.advance(5)
    assert (await seller.read("refund", f"/v1/refunds/{refund.id}"))["status"] == "succeeded"
    assert "refund.updated" in await seller.events()


async def test_a_pending_refund_can_be_called_off(seller: Seller) -> None:
    paid = await seller.paid("4000000000007726")
    refund = await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    gone = await seller.sdk.v1.refunds.cancel_async(refund.id)
    assert gone.status == "canceled"
    assert (await seller.sdk.v1.charges.retrieve_async(paid["charge"])).amount_refunded == 0
    with pytest.raises(stripe.InvalidRequestError, match="Only a pending refund"):
        await seller.sdk.v1.refunds.cancel_async(refund.id)


async def test_a_refund_may_fail_later(seller: Seller) -> None:
    paid = await seller.paid("4000000000005126")
    refund = await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    assert refund.status == "succeeded"
    await seller.advance(5)
    failed = await seller.read("refund", f"/v1/refunds/{refund.id}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert failed["failure_balance_transaction"].startswith("txn_3")
    charge = await seller.read("charge", f"/v1/charges/{paid['charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    assert (await seller.events())[-2:] == ["refund.failed", "charge.refund.updated"]


async def test_a_refund_from_the_dashboard_has_no_metadata(seller: Seller) -> None:
    paid = await seller.paid()
    made = await seller.control("refunds", payment_intent=paid["payment_intent"], amount=500)
    refund = await seller.read("refund", f"/v1/refunds/{made['id']}")
    assert (refund["amount"], refund["metadata"]) == (500, {})
    event = (await seller.get("/v1/events", type="refund.created")).json()["data"][0]
    assert event["request"] == {"id": None, "idempotency_key": None}


async def test_metadata_can_change_later(seller: Seller) -> None:
    paid = await seller.paid()
    refund = await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    changed = await seller.sdk.v1.refunds.update_async(refund.id, {"metadata": {"seen": "yes"}})
    assert changed.metadata is not None
    assert changed.metadata["seen"] == "yes"


async def test_a_refunded_charge_keeps_its_fee(seller: Seller) -> None:
    paid = await seller.paid()
    await seller.advance(3)
    await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    balance = await seller.read("balance", "/v1/balance")
    assert balance["available"][0]["amount"] + balance["pending"][0]["amount"] == -70
