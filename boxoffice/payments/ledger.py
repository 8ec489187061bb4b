"""The ledger: every amount that moves, twice. A posting is named after its cause, so it is made once.

Accounts of a night: `stripe` what Stripe holds for us, `sales` what was sold, `refunds` what of it was given up,
`owed_to_buyers` what goes back and has not gone, `fees` what Stripe keeps, `disputes` what banks took back, `cash` what
was paid by hand at the door. Payouts belong to no night: they move from `stripe` to `bank` in entries of the whole
account.
"""

from uuid import UUID

from boxoffice.foundation.db import Command, Connection

POST = Command("""
INSERT INTO ledger_entry (event_id, posting, account, order_id, currency, debit_minor, credit_minor, posted_at)
SELECT $1, $2, entry.account, $3, $4, entry.debit, entry.credit, clock()
FROM (VALUES ($5, $7::bigint, 0::bigint), ($6, 0, $7)) AS entry (account, debit, credit)
ON CONFLICT (event_id, posting, account) DO NOTHING
""")
POST_OF_ACCOUNT = Command("""
INSERT INTO account_entry (posting, account, currency, debit_minor, credit_minor, posted_at)
SELECT $1, entry.account, $2, entry.debit, entry.credit, clock()
FROM (VALUES ($3, $5::bigint, 0::bigint), ($4, 0, $5)) AS entry (account, debit, credit)
ON CONFLICT (posting, account) DO NOTHING
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


async def post_either_way(
    connection: Connection, posting: str, order: tuple[UUID, UUID], amount: tuple[int, str], cost: str
) -> None:
    """Moves a positive amount from `stripe` to the account of a cost, a negative one back; nothing when it is 0."""
    minor, currency = amount
    if minor > 0:
        await post(connection, posting, order, (minor, currency), debit=cost, credit="stripe")
    elif minor < 0:
        await post(connection, posting, order, (-minor, currency), debit="stripe", credit=cost)


async def post_of_account(
    connection: Connection, posting: str, amount: tuple[int, str], *, debit: str, credit: str
) -> None:
    """The same for what belongs to no night."""
    minor, currency = amount
    await POST_OF_ACCOUNT.run(connection, posting, currency, debit, credit, minor)
