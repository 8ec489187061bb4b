"""Reading events: one, or a page of the list."""

from collections.abc import Sequence
from typing import Any

from stripe_simulator.store.database import Database
from stripe_simulator.store.objects import BOUNDS
from stripe_simulator.store.record import Json, decoded

NOT_TAKEN = "FROM delivery d WHERE d.event_id = e.id AND d.status IN ('pending', 'failed', 'dropped')"
PENDING = f"(SELECT count(*) {NOT_TAKEN})"
ONE = f"SELECT doc, {PENDING} AS pending FROM event e WHERE id = $1"  # noqa: S608
PLACE = "SELECT seq FROM event WHERE id = $1"
UNDELIVERED = f"EXISTS (SELECT {NOT_TAKEN})"


async def one(database: Database, event_id: str) -> Json | None:
    """The event with the number of endpoints that have not taken it yet."""
    rows = await database.rows(ONE, event_id)
    return _event(rows[0]) if rows else None


async def place_of(database: Database, event_id: str) -> int | None:
    """Where an event stands in the order of events."""
    rows = await database.rows(PLACE, event_id)
    return rows[0]["seq"] if rows else None


async def newest(
    database: Database,
    *,
    count: int,
    types: Sequence[str],
    created: dict[str, int],
    delivered: bool | None,
    before: int | None,
    after: int | None,
) -> list[Json]:
    """Up to `count` events, newest first. Types may end in `*`; `delivered` False keeps those still not taken."""
    values: list[Any] = []

    def placed(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    terms = ["true"]
    if types:
        patterns = [kind.replace("_", r"\_").replace("*", "%") for kind in types]
        terms.append(f"type LIKE ANY({placed(patterns)}::text[])")
    terms += [f"created {BOUNDS[bound]} {placed(moment)}" for bound, moment in created.items()]
    if delivered is not None:
        terms.append(f"NOT {UNDELIVERED}" if delivered else UNDELIVERED)
    if before is not None:
        terms.append(f"seq < {placed(before)}")
    if after is not None:
        terms.append(f"seq > {placed(after)}")
    direction = "DESC" if after is None else "ASC"
    rows = await database.rows(
        f"SELECT doc, {PENDING} AS pending FROM event e WHERE {' AND '.join(terms)} "  # noqa: S608
        f"ORDER BY seq {direction} LIMIT {placed(count)}",
        *values,
    )
    events = [_event(row) for row in rows]
    return events if after is None else events[::-1]


def _event(row: Any) -> Json:
    return {**decoded(row["doc"]), "pending_webhooks": row["pending"]}
