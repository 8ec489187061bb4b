"""What the tests of refunds and disputes look at."""

from typing import Any

from boxoffice.orders.decide_refund import Decided, Wish, decide_refund
from boxoffice.reports.audit import audit
from boxoffice.worker.tick import run_jobs
from tests.shop import STRIPE_KEY, Json, Shop

BOOKS = """
SELECT account, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_entry GROUP BY account
HAVING sum(debit_minor - credit_minor) <> 0
"""


async def bought(shop: Shop, quantity: int = 1, card: str = "4242424242424242", **changes: Any) -> Json:
    """A paid order with its tickets; its mail was sent."""
    order = await shop.ordered(quantity, **changes)
    await shop.pay(order, card)
    await shop.tick()
    return await seen(shop, order)


async def seen(shop: Shop, order: Json) -> Json:
    """The order as its API shows it now, with what opens it."""
    return await shop.look(order) | {"access_token": order["access_token"]}


async def refund(shop: Shop, order: Json, **wish: Any) -> Decided:
    """A person's decision, committed; nothing is sent yet."""
    return await shop.box.db.attempt(decide_refund, order["code"], Wish(**wish))


async def rows(shop: Shop, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds behind the scenes."""
    async with shop.box.db.transaction() as connection:
        return [tuple(row) for row in await connection.fetch(sql, *values)]


async def value(shop: Shop, sql: str, *values: object) -> Any:
    """Its only value."""
    ((one,),) = await rows(shop, sql, *values)
    return one


async def books(shop: Shop) -> dict[str, int]:
    """The balance of every account that has one; debit is positive."""
    return dict(await rows(shop, BOOKS))  # type: ignore[arg-type]


async def findings(shop: Shop) -> list[str]:
    """What the audit finds wrong now, of what must hold at every commit."""
    async with shop.box.db.transaction(snapshot=True) as connection:
        found = await audit(connection)
    now = {kind.name: some for kind, some in found.items() if not kind.soon}
    return [f"{name}: {one.subject}: {one.problem}" for name, some in now.items() for one in some]


async def used_units(shop: Shop) -> int:
    """Units held and sold, over all stocks."""
    return await value(shop, "SELECT sum(used)::integer FROM stock")


async def intent_of(shop: Shop, order: Json) -> str:
    """The payment intent that paid an order."""
    sql = "SELECT payment_intent_id FROM payment JOIN orders ON orders.id = order_id WHERE code = $1"
    return await value(shop, sql, order["code"])


async def refunds_at_stripe(shop: Shop, order: Json) -> list[Json]:
    """Every refund of an order's payment, as Stripe has them."""
    params = {"payment_intent": await intent_of(shop, order)}
    answer = await shop.stripe.get("/v1/refunds", params=params, auth=(STRIPE_KEY, ""))
    return answer.json()["data"]


async def statuses(shop: Shop, order: Json) -> list[str]:
    """Of its tickets, as people see them."""
    return [ticket["status"] for ticket in (await shop.look(order))["tickets"]]


async def mails(shop: Shop) -> list[str]:
    """What was mailed, oldest first: subject and text."""
    while await run_jobs(shop.box):
        pass
    return [f"{subject}\n{text}" for subject, text in await rows(shop, MAILBOX)]


MAILBOX = "SELECT subject, text FROM mailbox_message ORDER BY created_at, id"
