"""What Stripe keeps of a payment: known once the charge is settled, some seconds after it was paid."""

from uuid import UUID

from boxoffice.foundation.db import Command, Connection
from boxoffice.orders.payment import lock_payment
from boxoffice.orders.till import Till
from boxoffice.payments.ledger import post_either_way
from boxoffice.payments.stripe import StripeProblem
from boxoffice.payments.stripe_objects import Fee

KEEP = Command("""
UPDATE payment SET charge_id = $3, fee_minor = $4, fee_currency = $5
WHERE event_id = $1 AND payment_intent_id = $2 AND fee_minor IS NULL
""")


class NotSettledYet(StripeProblem):
    """Stripe does not know the fee yet: the job asks again."""


async def read_fee(till: Till, event_id: UUID, intent: str) -> None:
    """Asks Stripe and posts the fee, once, in the currency that it settles in. Raises NotSettledYet, StripeProblem."""
    fee = await till.stripe_or_closed().fee_of_payment(intent)
    if fee is None:
        raise NotSettledYet(intent)
    await till.db.attempt(_keep, event_id, intent, fee)


async def _keep(connection: Connection, event_id: UUID, intent: str, fee: Fee) -> None:
    payment = await lock_payment(connection, event_id, intent)
    assert payment is not None
    if await KEEP.run(connection, event_id, intent, fee.charge_id, fee.minor, fee.currency):
        order = (event_id, payment.order_id)
        await post_either_way(connection, f"fee:{intent}", order, (fee.minor, fee.currency), "fees")
