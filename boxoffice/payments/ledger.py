"""The ledger: every amount that moves, twice. A posting is named after its cause, so it is made once.

Accounts: `stripe` what Stripe holds for us, `sales` what is ours, `owed_to_buyers` what goes back.
"""

from uuid import UUID

from boxoffice.foundation.db import Command, Connection

POST = Command("""
INSERT INTO ledger_entry (event_id, posting, account, order_id, currency, debit_minor, credit_minor, posted_at)
SELECT $1, $2, entry.account, $3, $4, entry.debit, entry.credit, clock()
FROM (VALUES ($5, $7::bigint, 0::bigint), ($6, 0, $7)) AS entry (account, debit, credit)
ON CONFLICT (event_id, posting, account) DO NOTHING
""")


async def post(
    connection: Connection,
    posting: str,
    order: tuple[UUID, UUID],
    amount: tuple[int, str],
    *,
    debit: str,
    credit: str,
) -> None:
    """Moves `amount` (minor units, currency) from `credit` to `debit` for an order (event id, order id)."""
    event_id, order_id = order
    minor, currency = amount
    await POST.run(connection, event_id, posting, order_id, currency, debit, credit, minor)
