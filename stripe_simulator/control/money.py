"""Refunds from the Dashboard, disputes from the bank."""

from typing import Any, Literal

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from stripe_simulator.control.problem import ControlProblem
from stripe_simulator.core import Core
from stripe_simulator.payments.cards import RefundOutcome
from stripe_simulator.payments.dispute import (
    CLOSED_STATUSES,
    close_dispute,
    escalate,
    open_dispute,
    prevent,
    warn_of_fraud,
)
from stripe_simulator.payments.payout import arrive, fail, pay_out
from stripe_simulator.payments.refund import refund_charge
from stripe_simulator.payments.review import close_review, open_review
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]


class RefundRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A refund that the seller's own software does not know of: no metadata."""

    payment_intent: str | None = None
    charge: str | None = None
    amount: int | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    outcome: RefundOutcome | None = None


class DisputeRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The bank disputes a payment."""

    payment_intent: str | None = None
    charge: str | None = None
    amount: int | None = None
    reason: str = "fraudulent"
    inquiry: bool = False


class CloseRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who wins; `escalated` turns an inquiry into a chargeback."""

    outcome: Literal["won", "lost", "warning_closed", "escalated", "prevented"]


class SignRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A payment that a bank or a rule is uneasy about."""

    payment_intent: str | None = None
    charge: str | None = None


class ReviewClosed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How a review ends."""

    reason: Literal["approved", "refunded", "refunded_as_fraud", "disputed", "acknowledged"] = "approved"


class PayoutRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Money that goes to the bank account."""

    amount: int
    currency: str


class PayoutEnded(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether the bank keeps it; `failed` may follow `paid`."""

    outcome: Literal["paid", "failed"]


@post("/refunds", status_code=200)
async def refund(core: NamedDependency[Core], data: JSONBody[RefundRequest]) -> Json:
    """Give money back as the Dashboard does."""

    async def verb(unit: Unit) -> Json:
        charge = await _charge(unit, data.charge, data.payment_intent)
        given = {"amount": data.amount, "reason": data.reason}
        made = await refund_charge(unit, core.world.settings, charge, given, outcome=data.outcome)
        return made.doc

    return await core.act(verb)


@post("/disputes", status_code=200)
async def dispute(core: NamedDependency[Core], data: JSONBody[DisputeRequest]) -> Json:
    """Open a dispute or an inquiry."""

    async def verb(unit: Unit) -> Json:
        charge = await _charge(unit, data.charge, data.payment_intent)
        opened = open_dispute(unit, charge, reason=data.reason, inquiry=data.inquiry, amount=data.amount)
        return opened.doc

    return await core.act(verb)


@post("/disputes/{dispute_id:str}/close", status_code=200)
async def close(core: NamedDependency[Core], dispute_id: FromPath[str], data: JSONBody[CloseRequest]) -> Json:
    """The bank decides. A lost dispute may still be won months later."""

    async def verb(unit: Unit) -> Json:
        record = await unit.lock("dispute", dispute_id)
        if record is None:
            raise ControlProblem(f"No such dispute: {dispute_id}", 404)
        if record.doc["status"] in CLOSED_STATUSES - {"lost"}:
            raise ControlProblem(f"The dispute is {record.doc['status']} already.", 409)
        if data.outcome == "escalated":
            escalate(unit, record)
        elif data.outcome == "prevented":
            if not record.doc["status"].startswith("warning"):
                raise ControlProblem("Only what has not taken the money yet can be prevented.", 409)
            charge = await _charge(unit, record.doc["charge"], None)
            prevent(unit, record, charge)
            if charge.doc["amount_refunded"] < charge.doc["amount"]:
                await refund_charge(unit, core.world.settings, charge, {"reason": "fraudulent"})
        else:
            close_dispute(unit, record, data.outcome)
        return record.doc

    return await core.act(verb)


@post("/early_fraud_warnings", status_code=200)
async def early_fraud_warning(core: NamedDependency[Core], data: JSONBody[SignRequest]) -> Json:
    """The bank reports fraud before any dispute."""

    async def verb(unit: Unit) -> Json:
        return warn_of_fraud(unit, await _charge(unit, data.charge, data.payment_intent))

    return await core.act(verb)


@post("/reviews", status_code=200)
async def review(core: NamedDependency[Core], data: JSONBody[SignRequest]) -> Json:
    """A rule asks a person to look at a payment."""

    async def verb(unit: Unit) -> Json:
        return open_review(unit, await _charge(unit, data.charge, data.payment_intent)).doc

    return await core.act(verb)


@post("/reviews/{review_id:str}/close", status_code=200)
async def end_review(core: NamedDependency[Core], review_id: FromPath[str], data: JSONBody[ReviewClosed]) -> Json:
    """Somebody judged it."""

    async def verb(unit: Unit) -> Json:
        record = await unit.lock("review", review_id)
        if record is None or not record.doc["open"]:
            raise ControlProblem(f"No open review: {review_id}", 404)
        close_review(unit, record, data.reason)
        return record.doc

    return await core.act(verb)


@post("/payouts", status_code=200)
async def payout(core: NamedDependency[Core], data: JSONBody[PayoutRequest]) -> Json:
    """Money leaves for the bank account."""

    async def verb(unit: Unit) -> Json:
        return pay_out(unit, data.amount, data.currency).doc

    return await core.act(verb)


@post("/payouts/{payout_id:str}/end", status_code=200)
async def end_payout(core: NamedDependency[Core], payout_id: FromPath[str], data: JSONBody[PayoutEnded]) -> Json:
    """It arrives or comes back."""

    async def verb(unit: Unit) -> Json:
        record = await unit.lock("payout", payout_id)
        if record is None or record.doc["status"] == "failed":
            raise ControlProblem(f"No payout that could still end: {payout_id}", 404)
        (arrive if data.outcome == "paid" else fail)(unit, record)
        return record.doc

    return await core.act(verb)


async def _charge(unit: Unit, charge_id: str | None, intent_id: str | None) -> Record:
    if charge_id is None and intent_id is not None:
        intent = await unit.find("payment_intent", intent_id)
        charge_id = intent.doc["latest_charge"] if intent else None
    charge = await unit.lock("charge", charge_id) if charge_id else None
    if charge is None:
        raise ControlProblem("There is no such charge.", 404)
    return charge


HANDLERS = [refund, dispute, close, early_fraud_warning, review, end_review, payout, end_payout]
