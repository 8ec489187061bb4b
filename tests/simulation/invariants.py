"""What must hold after every commit, and once everything has healed: the audit's queries and Stripe's own books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from boxoffice.reports.audit import INVARIANTS

if TYPE_CHECKING:
    from tests.simulation.world import Chances, World

ENDS = {"paid", "part_refunded", "refunded", "expired", "released"}
# The time to send a ticket on is not changed here, so what came of every offer can be held against it.
OFFERS_KEEP_THEIR_TIME = """
SELECT 'offers keep their time' AS name, transfer.id::text AS subject,
  format('%s, offered at %s and ended at %s, until %s', transfer.status, offered_at, ended_at, until) AS problem
FROM ticket_transfer AS transfer JOIN event ON event.id = event_id
CROSS JOIN LATERAL (SELECT coalesce(transfer_until, doors_at) AS until) AS deadline
WHERE offered_at >= until OR transfer.status = 'accepted' AND ended_at >= until
  OR transfer.status = 'expired' AND ended_at < until
"""
AT_EVERY_COMMIT = "\nUNION ALL\n".join(
    [
        *(
            f"SELECT '{one.name}' AS name, subject, problem FROM ({one.query.sql}) AS found"
            for one in INVARIANTS
            if not one.soon
        ),
        OFFERS_KEEP_THEIR_TIME,
    ]
)
IN_THE_END = "\nUNION ALL\n".join(
    f"SELECT '{one.name}' AS name, subject, problem FROM ({one.query.sql}) AS found" for one in INVARIANTS
)
UNDONE = """
SELECT 'job' AS kind, name || ' of ' || subject || ': ' || coalesce(problem, '') AS what FROM job WHERE done_at IS NULL
UNION ALL SELECT 'event', type || ': ' || coalesce(problem, '') FROM stripe_event WHERE handled_at IS NULL
UNION ALL SELECT 'attempt', status FROM payment_attempt WHERE status IN ('queued', 'sending', 'open')
UNION ALL SELECT 'refund', status FROM refund WHERE status IN ('decided', 'pending')
"""
WAITS = """
SELECT status FROM orders WHERE status IN ('settling', 'in_review')
UNION ALL SELECT name FROM job WHERE done_at IS NULL
"""
# Who has sent every ticket on before the mail went out was told so, and has no ticket that it could bring.
MAILS = """
SELECT code, job.id FROM orders LEFT JOIN job ON name = 'mail_tickets' AND subject = orders.id::text
WHERE status = 'paid' AND email <> '' AND NOT EXISTS (SELECT FROM dispute WHERE dispute.order_id = orders.id)
  AND EXISTS (SELECT FROM ticket WHERE ticket.order_id = orders.id AND status IN ('active', 'used')
    AND holder_email IS NULL)
"""
# A dispute blocks every ticket of the payment that the order kept, and nothing else does.
BLOCKED = """
SELECT code, status, blocked_reason FROM ticket WHERE status IN ('active', 'used')
  AND (blocked_reason IS NOT DISTINCT FROM 'disputed') <> EXISTS (SELECT FROM dispute
    JOIN payment USING (event_id, payment_intent_id) WHERE dispute.order_id = ticket.order_id AND purpose = 'kept'
    AND dispute.status IN ('needs_response', 'under_review'))
"""
CALLED_OFF = """
SELECT orders.code, orders.status FROM orders JOIN event ON event.id = event_id WHERE event.status = 'cancelled'
  AND EXISTS (SELECT FROM ticket WHERE ticket.order_id = orders.id AND ticket.status IN ('active', 'used'))
"""
DISPUTES = "SELECT id, status FROM dispute"
REFUNDS = "SELECT refund_id, status, amount_minor FROM refund WHERE refund_id IS NOT NULL"
KEPT = ("database_mark", "schema_migrations")
AT_STRIPE = "SELECT coalesce(sum(debit_minor - credit_minor), 0)::bigint FROM ledger_entry WHERE account = 'stripe'"


async def connected(database_url: str) -> asyncpg.Connection:
    """A connection without timers: on this loop they would strike when the time is moved. It keeps statements of every
    length, for the invariants are one long one and planning it takes far longer than asking it."""
    return await asyncpg.connect(database_url, max_cached_statement_lifetime=0, max_cacheable_statement_size=0)


@dataclass
class Observer:
    """Looks at the database from outside; `locks` answers who waits for whom."""

    connections: tuple[asyncpg.Connection, asyncpg.Connection]
    clock: str = ""

    @classmethod
    async def open(cls, database_url: str) -> "Observer":
        """Two connections: one may be asked while the other waits."""
        return cls((await connected(database_url), await connected(database_url)))

    @property
    def locks(self) -> asyncpg.Connection:
        return self.connections[1]

    async def rows(self, sql: str) -> Sequence[Any]:
        """Rows, as they are committed."""
        return await self.connections[0].fetch(sql)

    async def broken(self, moment: str, sql: str) -> list[str]:
        """Invariants that do not hold now."""
        if moment != self.clock:
            self.clock = moment
            await self.connections[0].execute(f"SET boxoffice.clock = '{moment}'")
        return [f"{row['name']}: {row['subject']}: {row['problem']}" for row in await self.rows(sql)]

    async def freeze(self, tables: Sequence[str]) -> None:
        """Keeps the night as it is, for every seed to begin with. Nothing but the simulation shall touch a page."""
        every = await self._tables()
        await self.connections[0].execute(
            ";".join(
                ["CREATE SCHEMA frozen"]
                + [f"CREATE TABLE frozen.{table} AS SELECT * FROM {table}" for table in tables]
                + [f"ALTER TABLE {name} SET (autovacuum_enabled = false)" for name in every]
            )
        )

    async def reset(self, catalogue: Sequence[str]) -> None:
        """The night before its sale."""
        self.clock = ""
        every = [name for name in await self._tables() if name not in KEPT]
        await self.connections[0].execute(
            ";".join(
                [f"TRUNCATE {', '.join(every)}"]
                + [f"INSERT INTO {table} SELECT * FROM frozen.{table}" for table in catalogue]
            )
        )

    async def keep(self) -> None:
        """Keeps everything as it is now, for `restore`."""
        tables = [name for name in await self._tables() if name not in KEPT]
        await self.connections[0].execute(
            ";".join(
                ["DROP SCHEMA IF EXISTS kept CASCADE", "CREATE SCHEMA kept"]
                + [f"CREATE TABLE kept.{table} AS SELECT * FROM {table}" for table in tables]
            )
        )

    async def restore(self) -> None:
        """Everything as it was kept; references need no checking on the way."""
        tables = [name for name in await self._tables() if name not in KEPT]
        await self.connections[0].execute(
            ";".join(
                ["BEGIN", "SET LOCAL session_replication_role = replica"]
                + [f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept.{table}" for table in tables]
                + ["COMMIT"]
            )
        )

    async def stock(self, chances: "Chances", start: datetime) -> None:
        """Few tickets, and perhaps a code that is good once, and a time to send tickets on that ends."""
        caps = {"Early bird": chances.early, "Regular": chances.regular, "Friends": chances.friends}
        for name, cap in caps.items():
            await self.connections[0].execute(
                "UPDATE stock SET cap = $2 FROM release WHERE release.stock_id = stock.id AND release.name = $1",
                name,
                cap,
            )
        await self.connections[0].execute(
            "UPDATE stock SET cap = $1 FROM ticket_type WHERE room_stock_id = stock.id", chances.room
        )
        await self.connections[0].execute(
            "UPDATE stock SET cap = $1 FROM release JOIN guest_list ON guest_list.id = ticket_type_id"
            " WHERE stock_id = stock.id",
            chances.quota,
        )
        if chances.transfer_hours:
            await self.connections[0].execute(
                "UPDATE event SET transfer_until = $1", start + timedelta(hours=chances.transfer_hours)
            )
        if chances.promo:
            await self.connections[0].execute(
                "INSERT INTO promo (event_id, id, code, percent, uses_max) SELECT id, id, 'ONCE', 25, 1 FROM event"
            )

    async def _tables(self) -> list[str]:
        rows = await self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return [row["tablename"] for row in rows]


async def check(world: "World") -> list[str]:
    """What is broken at this moment."""
    found = list(world.strange)
    if world.dirty:
        world.dirty = False
        found += await world.observer.broken(world.moment(), AT_EVERY_COMMIT)
    return found


async def check_the_end(world: "World") -> list[str]:
    """What has not healed."""
    found = await check(world) + await world.observer.broken(world.moment(), IN_THE_END)
    orders = await world.observer.rows("SELECT code, status, email, total_minor FROM orders")
    statuses = {row["code"]: row["status"] for row in orders}
    found += [f"order {code} does not end: {status}" for code, status in statuses.items() if status not in ENDS]
    found += [f"{row['kind']} is not done: {row['what']}" for row in await world.observer.rows(UNDONE)]
    found += [f"a session can still be paid: {session}" for session in await world.stripe.open_sessions()]
    balance = await world.stripe.balance()
    ((ledger,),) = await world.observer.rows(AT_STRIPE)
    if balance != ledger:
        found.append(f"Stripe holds {balance}, the ledger says {ledger}")
    for code, told in world.promised.items():
        if code not in statuses:
            found.append(f"order {code} was acknowledged and is not there")
        elif told == "paid" and statuses[code] not in ("paid", "part_refunded", "refunded"):
            found.append(f"order {code} was called paid and is {statuses[code]}")
    found += await _differences(world)
    owed = await world.observer.rows(MAILS)
    return found + [f"order {row['code']} is paid and no mail went out" for row in owed if row["id"] not in world.mails]


async def _differences(world: "World") -> list[str]:
    """Disputes and refunds that we and Stripe see differently, and tickets that do not follow from them."""
    found = [
        f"ticket {row['code']} is {row['status']}, and blocked wrongly" for row in await world.observer.rows(BLOCKED)
    ]
    called_off = await world.observer.rows(CALLED_OFF)
    found += [f"order {row['code']} ({row['status']}) has tickets for a cancelled night" for row in called_off]
    here = {row["id"]: row["status"] for row in await world.observer.rows(DISPUTES)}
    there = await world.stripe.disputes()
    if here != there:
        found.append(f"disputes here {here}, at Stripe {there}")
    refunds = {row["refund_id"]: (row["status"], row["amount_minor"]) for row in await world.observer.rows(REFUNDS)}
    for refund, (status, amount) in (await world.stripe.refunds()).items():
        known = refunds.get(refund)
        # One that failed may have given way to another, been asked for again, or never been heard of.
        if known != (status, amount) and not (status == "failed" and (known is None or known[0] == "dropped")):
            found.append(f"refund {refund} is {status}, {amount} at Stripe, {known} here")
    return found
