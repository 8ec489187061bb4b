"""`/v1/balance` and `/v1/balance_transactions`."""

from typing import Any

from stripe_simulator.api import listing
from stripe_simulator.api.call import Call
from stripe_simulator.store.objects import Where, money_by_availability

Json = dict[str, Any]

URL = "/v1/balance_transactions"
KIND = "balance_transaction"
DEFAULT_CURRENCY = "usd"


async def retrieve(call: Call) -> Json:
    """What is available now and what will be, by currency."""
    sums = await money_by_availability(call.world.database.pool, call.at)
    currencies = sorted({currency for currency, _ in sums} or {DEFAULT_CURRENCY})
    return {
        "object": "balance",
        "available": [_amount(currency, sums.get((currency, True), 0)) for currency in currencies],
        "livemode": False,
        "pending": [_amount(currency, sums.get((currency, False), 0)) for currency in currencies],
        "refund_and_dispute_prefunding": {"available": [], "pending": []},
    }


async def retrieve_transaction(call: Call) -> Json:
    return as_of(call.at, (await call.find(KIND, call.path["id"])).doc)


async def list_transactions(call: Call) -> Json:
    where = Where()
    for name in ("currency", "source", "type"):
        if name in call.params:
            where.fields[name] = call.params[name]
    page = await listing.page_of(call, KIND, URL, where)
    return {**page, "data": [as_of(call.at, doc) for doc in page["data"]]}


def as_of(at: int, doc: Json) -> Json:
    """A transaction becomes available when its day has come."""
    return {**doc, "status": "available" if doc["available_on"] <= at else "pending"}


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
