"""Delayed payment methods: the session completes at once, the money comes or fails days later."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BankDebit:
    """A test bank account: whether the debit settles, and what stands on the page."""

    name: str
    label: str
    settles: bool
    last4: str
    failure_code: str | None = None


BANK_DEBITS: dict[str, BankDebit] = {
    debit.name: debit
    for debit in (
        BankDebit("bank_debit", "Settles some days later", True, "3201"),
        BankDebit("bank_debit_fails", "Comes back unpaid some days later", False, "3202", "insufficient_funds"),
    )
}
