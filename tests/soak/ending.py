"""Everything heals and time passes; then nothing that was acknowledged is lost, and nothing is doubled."""

import asyncio
from collections import Counter

from boxoffice.foundation.db import Query
from boxoffice.reports.audit import audit
from tests.simulation.at_stripe import BALANCE, OPEN_SESSIONS
from tests.simulation.invariants import AT_STRIPE, ENDS, UNDONE
from tests.soak.place import Place
from tests.soak.record import Record

SPANS = (
    {"seconds": 30},
    {"minutes": 3},
    {"minutes": 15},
    {"minutes": 15},
    {"minutes": 45},
    {"hours": 2},
    {"hours": 4},
)
ORDERS = Query(
    lambda code, status, email, quantity: (str(code), str(status), str(email), int(quantity)),
    "SELECT code, status, email, quantity FROM orders",
)
TICKETS = Query(
    lambda order, code: (str(order), str(code)),
    "SELECT orders.code, ticket.code FROM ticket JOIN orders ON orders.id = order_id",
)
REFUNDS = Query(
    lambda order, amount: (str(order), int(amount)),
    """SELECT orders.code, sum(amount_minor)::bigint FROM refund JOIN orders ON orders.id = order_id
  WHERE refund.status = 'succeeded' GROUP BY orders.code""",
)
CHARGES = """
SELECT doc #>> '{metadata,order}' AS code, doc ->> 'payment_intent' AS intent FROM object
WHERE kind = 'charge' AND (doc ->> 'paid')::boolean AND NOT (doc ->> 'refunded')::boolean
"""
STATUSES = Query(lambda status, number: (str(status), int(number)), "SELECT status, count(*) FROM orders GROUP BY 1")


async def heal(place: Place) -> None:
    """No trouble any more: every network is whole, every program runs, the worker that is left sees clocks moved on."""
    house, shop = place.house, place.house.shop
    await shop.stripe.delete("/_control/faults")
    for proxy in (house.to_database, house.to_stripe, house.from_stripe, house.to_mail, *place.from_buyers):
        proxy.set("cut")
        proxy.set("open")
    await asyncio.to_thread(place.postgres.start)
    place.worker.kill()
    for span in SPANS:
        await shop.pass_time(**span)
        await shop.tick()


async def findings(place: Place, record: Record) -> list[str]:
    """Everything that is wrong, in words; empty when all is well."""
    shop, wrong = place.house.shop, list(record.wrong)
    async with shop.box.db.transaction(snapshot=True) as connection:
        for invariant, found in (await audit(connection)).items():
            wrong += [f"{invariant.name}: {one.subject}: {one.problem}" for one in found]
        wrong += [f"{row['kind']} is not done: {row['what']}" for row in await connection.fetch(UNDONE)]
        orders = await ORDERS.all(connection)
        tickets = await TICKETS.all(connection)
        refunded = dict(await REFUNDS.all(connection))
        ledger = await connection.fetchval(AT_STRIPE)
    stripe = shop.core.world.database
    ((balance,),) = await stripe.rows(BALANCE)
    if balance != ledger:
        wrong.append(f"Stripe holds {balance}, the ledger says {ledger}")
    wrong += [f"a session can still be paid: {row['id']}" for row in await stripe.rows(OPEN_SESSIONS)]
    charges = Counter(row["intent"] for row in await stripe.rows(CHARGES))
    wrong += [f"payment {intent} was charged {number} times" for intent, number in charges.items() if number > 1]
    statuses = {code: status for code, status, _, _ in orders}
    kept = sum(status in ("paid", "part_refunded") for status in statuses.values())
    if charges.total() != kept:
        wrong.append(f"{charges.total()} charges are kept at Stripe, {kept} orders are paid")
    wrong += [f"order {code} does not end: {status}" for code, status in statuses.items() if status not in ENDS]
    people = Counter(email for _, _, email, _ in orders)
    wrong += [f"one key made {number} orders: {email}" for email, number in people.items() if number > 1]
    return wrong + lost(record, statuses, set(tickets), refunded)


def lost(
    record: Record, statuses: dict[str, str], tickets: set[tuple[str, str]], refunded: dict[str, int]
) -> list[str]:
    """What was acknowledged and is not so."""
    wrong = [f"order {code} was acknowledged and is lost" for code in record.orders.values() if code not in statuses]
    for code, shown in record.paid.items():
        if statuses.get(code) not in ("paid", "part_refunded", "refunded"):
            wrong.append(f"order {code} was called paid and is {statuses.get(code)}")
        wrong += [f"ticket {one} of {code} was shown and is lost" for one in shown if (code, one) not in tickets]
    for code in record.charged:
        if statuses.get(code) not in ("paid", "part_refunded", "refunded"):
            wrong.append(f"order {code} was charged and is {statuses.get(code)}")
    for code, amount in record.refunds.items():
        if refunded.get(code) != amount:
            wrong.append(f"order {code}: {amount} were to go back, {refunded.get(code)} went")
    return wrong


async def ends(place: Place) -> dict[str, int]:
    """How many orders ended how."""
    async with place.house.shop.box.db.transaction() as connection:
        return dict(await STATUSES.all(connection))
