"""Balance transactions: what each movement of money adds to or takes from the account."""

from typing import Any

from stripe_simulator import money
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record
from stripe_simulator.store.unit import Unit

Json = dict[str, Any]

PENDING_SECONDS = 2 * 86_400


def charge_transaction(unit: Unit, charge: Json, amount: int, *, at_once: bool = False) -> Record:
    """The money of a captured charge, less the fee; available two days later."""
    fee = money.charge_fee(amount, charge["currency"])
    return _transaction(
        unit,
        charge,
        kind="charge",
        amount=amount,
        fee=fee,
        fee_details=[_fee(fee, charge["currency"], "Stripe processing fees")],
        available_on=unit.at + (0 if at_once else PENDING_SECONDS),
    )


def refund_transaction(unit: Unit, refund: Json) -> Record:
    """The money of a refund; the fee of the charge does not come back."""
    return _transaction(unit, refund, kind="refund", amount=-refund["amount"])


def refund_failure_transaction(unit: Unit, refund: Json) -> Record:
    """The money of a refund that failed, back with the seller."""
    return _transaction(unit, refund, kind="refund_failure", amount=refund["amount"])


def dispute_transaction(unit: Unit, dispute: Json, *, won: bool) -> Record:
    """The disputed money taken away with a fee, or given back."""
    sign = 1 if won else -1
    fee = 0 if won else money.dispute_fee(dispute["currency"])
    return _transaction(
        unit,
        dispute,
        kind="adjustment",
        amount=sign * dispute["amount"],
        fee=fee,
        fee_details=[_fee(fee, dispute["currency"], "Dispute fee")] if fee else [],
        reporting_category="dispute_reversal" if won else "dispute",
    )


def payout_transaction(unit: Unit, payout: Json, *, back: bool = False) -> Record:
    """The money that leaves for the bank account, or returns from it."""
    amount = payout["amount"] if back else -payout["amount"]
    return _transaction(unit, payout, kind="payout_failure" if back else "payout", amount=amount)


def _fee(amount: int, currency: str, description: str) -> Json:
    return shape("fee", amount=amount, application=None, currency=currency, description=description, type="stripe_fee")


def _transaction(
    unit: Unit,
    source: Json,
    *,
    kind: str,
    amount: int,
    fee: int = 0,
    fee_details: list[Json] | None = None,
    available_on: int | None = None,
    reporting_category: str | None = None,
) -> Record:
    payment = source.get("payment_intent")
    available_on = unit.at if available_on is None else available_on
    doc = shape(
        "balance_transaction",
        id=unit.ids.related("txn", payment) if payment else unit.ids.made("txn", unit.at),
        object="balance_transaction",
        amount=amount,
        available_on=available_on,
        balance_type="payments",
        created=unit.at,
        currency=source["currency"],
        description=source.get("description"),
        fee=fee,
        fee_details=fee_details or [],
        net=amount - fee,
        reporting_category=reporting_category or kind,
        source=source["id"],
        status="available" if available_on <= unit.at else "pending",
        type=kind,
    )
    return unit.make("balance_transaction", doc)
