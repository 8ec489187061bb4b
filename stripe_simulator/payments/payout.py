"""Payouts: what Stripe sends to the seller's bank account, and what comes back from there."""

from stripe_simulator.payments.balance import payout_transaction
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

ARRIVES_AFTER = 2 * 86_400


def pay_out(unit: Unit, amount: int, currency: str) -> Record:
    """An automatic payout leaves."""
    doc = shape(
        "payout",
        id=unit.ids.made("po", unit.at),
        object="payout",
        amount=amount,
        arrival_date=unit.at + ARRIVES_AFTER,
        automatic=True,
        created=unit.at,
        currency=currency,
        description="STRIPE PAYOUT",
        destination="ba_simulated",
        livemode=False,
        metadata={},
        method="standard",
        reconciliation_status="in_progress",
        source_type="card",
        status="pending",
        type="bank_account",
    )
    doc["balance_transaction"] = payout_transaction(unit, doc).id
    payout = unit.make("payout", doc)
    unit.emit("payout.created", doc)
    return payout


def arrive(unit: Unit, payout: Record) -> None:
    """The bank has it."""
    payout.doc.update(status="paid", reconciliation_status="completed")
    unit.put(payout)
    unit.emit("payout.paid", payout.doc)


def fail(unit: Unit, payout: Record) -> None:
    """The bank sends it back, even after it was called paid: it is in the balance again."""
    doc = payout.doc
    doc.update(status="failed", failure_code="account_closed", failure_message="The bank account has been closed.")
    doc["failure_balance_transaction"] = payout_transaction(unit, doc, back=True).id
    unit.put(payout)
    unit.emit("payout.failed", doc)
