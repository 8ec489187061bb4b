"""Disputes: opened by test cards and by the bank, answered, won and lost."""

import pytest
import stripe

from tests.stripe_simulator.seller import Seller

OPENED = [
    "charge.succeeded",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "payment_intent.succeeded",
    "payment_intent.created",
    "checkout.session.completed",
]


async def disputed(seller: Seller, card: str = "4000000000000259") -> tuple[dict[str, str], stripe.Dispute]:
    paid = await seller.paid(card)
    listed = await seller.sdk.v1.disputes.list_async({"payment_intent": paid["payment_intent"]})
    return paid, listed.data[0]


@pytest.mark.parametrize(
    ("card", "reason"), [("4000000000000259", "fraudulent"), ("4000000000002685", "product_not_received")]
)
async def test_a_dispute_comes_inside_the_payment(seller: Seller, card: str, reason: str) -> None:
    paid, found = await disputed(seller, card)
    assert await seller.events() == OPENED
    dispute = await seller.read("dispute", f"/v1/disputes/{found.id}")
    assert (dispute["status"], dispute["reason"], dispute["amount"]) == ("needs_response", reason, 3000)
    assert (dispute["charge"], dispute["payment_intent"]) == (paid["charge"], paid["payment_intent"])
    assert dispute["metadata"] == {}
    assert dispute["evidence_details"]["due_by"] == seller.core.world.now + 7 * 86_400
    assert dispute["balance_transactions"][0]["net"] == -3000 - 2000
    assert (await seller.read("charge", f"/v1/charges/{paid['charge']}"))["disputed"] is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})
    assert refused.value.code == "charge_disputed"


async def test_an_inquiry_moves_no_money(seller: Seller) -> None:
    paid, dispute = await disputed(seller, "4000000000001976")
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert "charge.dispute.funds_withdrawn" not in await seller.events()
    assert (await seller.sdk.v1.refunds.create_async({"charge": paid["charge"]})).status == "succeeded"


async def test_several_disputes(seller: Seller) -> None:
    paid = await seller.paid("4000000404000079")
    listed = await seller.sdk.v1.disputes.list_async({"charge": paid["charge"]})
    assert len(listed.data) == 2


@pytest.mark.parametrize(
    ("text", "status", "last"),
    [
        ("winning_evidence", "won", ["charge.dispute.funds_reinstated", "charge.dispute.closed"]),
        ("losing_evidence", "lost", ["charge.updated", "charge.dispute.closed"]),
    ],
)
async def test_test_evidence_decides(seller: Seller, text: str, status: str, last: list[str]) -> None:
    _, dispute = await disputed(seller)
    answered = await seller.sdk.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": text}})
    assert (answered.status, answered.evidence_details.submission_count) == ("under_review", 1)
    await seller.advance(2)
    assert (await seller.read("dispute", f"/v1/disputes/{dispute.id}"))["status"] == status
    events = [one for one in await seller.events() if one != "charge.updated" or status == "lost"]
    assert [one for one in events if one.startswith("charge.dispute")][-1] == "charge.dispute.closed"
    assert set(last) <= set(events)


async def test_evidence_can_be_staged(seller: Seller) -> None:
    _, dispute = await disputed(seller)
    update = seller.sdk.v1.disputes.update_async
    staged = await update(dispute.id, {"evidence": {"access_activity_log": "Gate 2, 23:14"}, "submit": False})
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert (await update(dispute.id, {"submit": True})).status == "under_review"


async def test_an_inquiry_can_become_a_chargeback(seller: Seller) -> None:
    _, dispute = await disputed(seller, "4000000000001976")
    await seller.sdk.v1.disputes.update_async(
        dispute.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
    )
    await seller.advance(2)
    escalated = await seller.read("dispute", f"/v1/disputes/{dispute.id}")
    assert (escalated["status"], escalated["is_charge_refundable"]) == ("needs_response", False)
    assert "charge.dispute.funds_withdrawn" in await seller.events()


async def test_a_loss_can_be_accepted_once(seller: Seller) -> None:
    _, dispute = await disputed(seller)
    assert (await seller.sdk.v1.disputes.close_async(dispute.id)).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="closed"):
        await seller.sdk.v1.disputes.close_async(dispute.id)


async def test_the_bank_may_change_its_mind(seller: Seller) -> None:
    paid = await seller.paid()
    opened = await seller.control("disputes", payment_intent=paid["payment_intent"], amount=1000)
    assert opened["amount"] == 1000
    await seller.control(f"disputes/{opened['id']}/close", outcome="lost")
    won = await seller.control(f"disputes/{opened['id']}/close", outcome="won")
    assert won["status"] == "won"
    assert len(won["balance_transactions"]) == 2
    answer = await seller.web.post(f"/_control/disputes/{opened['id']}/close", json={"outcome": "lost"})
    assert answer.status_code == 409


async def test_they_are_listed_by_charge_by_payment_and_by_time(seller: Seller) -> None:
    earlier, first = await disputed(seller, "createDispute")
    await seller.advance(100)
    later, second = await disputed(seller, "createDispute")
    then = first.created
    for filters, expected in (
        ({}, [second.id, first.id]),
        ({"charge": earlier["charge"]}, [first.id]),
        ({"payment_intent": later["payment_intent"]}, [second.id]),
        ({"created[lt]": then + 50}, [first.id]),
        ({"created[gte]": then + 50, "created[lte]": second.created}, [second.id]),
        ({"starting_after": second.id}, [first.id]),
        ({"limit": 1}, [second.id]),
    ):
        answer = (await seller.get("/v1/disputes", **filters)).json()
        assert [one["id"] for one in answer["data"]] == expected, filters
        assert answer["has_more"] == ("limit" in filters)
    assert (await seller.get("/v1/disputes", status="lost")).json()["error"]["code"] == "parameter_unknown"
