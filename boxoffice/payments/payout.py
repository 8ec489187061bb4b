"""Payouts: what Stripe sends to the bank account, as its events tell."""

from boxoffice.foundation.db import Connection
from boxoffice.foundation.jobs import enqueue
from boxoffice.payments.ledger import post_of_account
from boxoffice.payments.stripe_objects import Event

PAYOUT_EVENTS = ("payout.paid", "payout.failed")


async def note_payout(connection: Connection, event: Event) -> str:
    """Posts a payout when it arrives, and back when it fails, before or after; a person is told of a failure.

    Whichever of the two events comes first, the books end the same: both postings are made, each once.
    """
    payout = event.object
    amount = (abs(payout["amount"]), payout["currency"])
    if amount[0] == 0:
        return "nothing_to_do"
    there, back = ("bank", "stripe") if payout["amount"] > 0 else ("stripe", "bank")
    await post_of_account(connection, f"payout:{payout['id']}", amount, debit=there, credit=back)
    if event.type == "payout.paid":
        return "paid_out"
    await post_of_account(connection, f"payout_failed:{payout['id']}", amount, debit=back, credit=there)
    why = payout.get("failure_message") or payout.get("failure_code") or "no reason given"
    text = (
        f"Payout {payout['id']} of {amount[0]} {amount[1]} (minor units) failed: {why}. See Stripe, Balance, Payouts."
    )
    await enqueue(connection, "alarm", f"payout:{payout['id']}", {"text": text})
    return "payout_failed"
