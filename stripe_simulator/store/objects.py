"""Reading API objects: one by id, or a page of a list."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from stripe_simulator.store.record import Record, decoded

ONE = "SELECT kind, doc, hidden FROM object WHERE kind = $1 AND id = $2"
ONE_LOCKED = ONE + " FOR UPDATE"
WITH_PAYMENT = "SELECT kind, doc, hidden FROM object WHERE kind = $1 AND payment_intent = $2 ORDER BY seq"
OF_KIND = "SELECT kind, doc, hidden FROM object WHERE kind = $1 ORDER BY seq"
PLACE = "SELECT seq FROM object WHERE kind = $1 AND id = $2"


class Reader(Protocol):
    """A pool or a connection."""

    async def fetch(self, query: str, *args: Any) -> Sequence[Any]: ...


async def one(reader: Reader, kind: str, object_id: str) -> Record | None:
    """The object as it is now, or None."""
    rows = await reader.fetch(ONE, kind, object_id)
    return as_record(rows[0]) if rows else None


async def locked(reader: Reader, kind: str, object_id: str) -> Record | None:
    """The object, kept from every other writer until the transaction ends."""
    rows = await reader.fetch(ONE_LOCKED, kind, object_id)
    return as_record(rows[0]) if rows else None


async def of_payment(reader: Reader, kind: str, payment_intent: str) -> list[Record]:
    """Every object of this kind that belongs to a PaymentIntent, oldest first."""
    return [as_record(row) for row in await reader.fetch(WITH_PAYMENT, kind, payment_intent)]


async def of_kind(reader: Reader, kind: str) -> list[Record]:
    """Every object of this kind, oldest first."""
    return [as_record(row) for row in await reader.fetch(OF_KIND, kind)]


def as_record(row: Any) -> Record:
    """A row of `object`."""
    return Record(row["kind"], decoded(row["doc"]), decoded(row["hidden"]))


@dataclass(slots=True)
class Where:
    """The conditions of a list: column or document field, and the value it must equal; bounds of `created`."""

    columns: dict[str, str] = field(default_factory=dict[str, str])
    fields: dict[str, str] = field(default_factory=dict[str, str])
    created: dict[str, int] = field(default_factory=dict[str, int])


COLUMNS = frozenset({"payment_intent", "charge", "customer"})
BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


async def place_of(reader: Reader, kind: str, object_id: str) -> int | None:
    """Where an object stands in the order of its kind: the cursor of a list."""
    rows = await reader.fetch(PLACE, kind, object_id)
    return rows[0]["seq"] if rows else None


async def newest(
    reader: Reader, kind: str, where: Where, *, count: int, before: int | None = None, after: int | None = None
) -> list[Record]:
    """Up to `count` objects, newest first: those older than place `before`, or those just newer than `after`."""
    values: list[Any] = [kind]
    terms = ["kind = $1", *_terms(where, values)]
    if before is not None:
        values.append(before)
        terms.append(f"seq < ${len(values)}")
    if after is not None:
        values.append(after)
        terms.append(f"seq > ${len(values)}")
    values.append(count)
    direction = "DESC" if after is None else "ASC"
    statement = (
        f"SELECT kind, doc, hidden FROM object WHERE {' AND '.join(terms)} "  # noqa: S608 (names are constants)
        f"ORDER BY seq {direction} LIMIT ${len(values)}"
    )
    records = [as_record(row) for row in await reader.fetch(statement, *values)]
    return records if after is None else records[::-1]


def _terms(where: Where, values: list[Any]) -> list[str]:
    terms: list[str] = []
    for name, value in where.columns.items():
        assert name in COLUMNS
        values.append(value)
        terms.append(f"{name} = ${len(values)}")
    for name, value in where.fields.items():
        values.append(name.split("."))
        values.append(value)
        terms.append(f"doc #>> ${len(values) - 1}::text[] = ${len(values)}")
    for bound, moment in where.created.items():
        values.append(moment)
        terms.append(f"created {BOUNDS[bound]} ${len(values)}")
    return terms


MONEY = """
SELECT doc ->> 'currency' AS currency, (doc ->> 'available_on')::bigint <= $1 AS available,
 sum((doc ->> 'net')::bigint)::bigint AS net
FROM object WHERE kind = 'balance_transaction' GROUP BY 1, 2
"""


async def money_by_availability(reader: Reader, at: int) -> dict[tuple[str, bool], int]:
    """The balance at a moment: the net of every transaction by currency and whether it is available yet."""
    return {(row["currency"], row["available"]): row["net"] for row in await reader.fetch(MONEY, at)}
