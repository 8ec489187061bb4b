"""Issuing the tickets of paid orders."""

from collections.abc import Mapping
from itertools import groupby
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, new_id, random_code, with_check

TICKET_CODE_LENGTH = 7


class _Line(msgspec.Struct, frozen=True):
    order_id: UUID
    number: int
    ticket_type_id: UUID
    release_id: UUID
    quantity: int
    holder_names: list[str]


LINES = Query(
    _Line,
    """
SELECT order_id, number, ticket_type_id, release_id, quantity, holder_names FROM order_line
WHERE event_id = $1 AND order_id = ANY($2::uuid[]) ORDER BY order_id, number
""",
)

ISSUE = Command("""
INSERT INTO ticket (event_id, id, order_id, number, line_number, code, ticket_type_id, release_id, holder, status,
  issued_at)
SELECT $1, row.id, row.order_id, row.number, row.line_number, row.code, row.ticket_type_id, row.release_id, row.holder,
  'active', clock()
FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::smallint[], $6::text[], $7::uuid[], $8::uuid[], $9::text[])
  AS row (id, order_id, number, line_number, code, ticket_type_id, release_id, holder)
""")


async def issue(connection: Connection, event_id: UUID, order_codes: Mapping[UUID, str]) -> None:
    """One ticket for each unit of each line of the orders, whose codes these are by their ids. The caller has locked
    them; none can be issued twice."""
    lines = await LINES.all(connection, event_id, list(order_codes))
    tickets = [
        (number, line, unit)
        for _, of_order in groupby(lines, key=lambda line: line.order_id)
        for number, (line, unit) in enumerate(((line, unit) for line in of_order for unit in range(line.quantity)), 1)
    ]
    await ISSUE.run(
        connection,
        event_id,
        [new_id() for _ in tickets],
        [line.order_id for _, line, _ in tickets],
        [number for number, _, _ in tickets],
        [line.number for _, line, _ in tickets],
        [_code(order_codes[line.order_id]) for _, line, _ in tickets],
        [line.ticket_type_id for _, line, _ in tickets],
        [line.release_id for _, line, _ in tickets],
        [line.holder_names[unit] if unit < len(line.holder_names) else "" for _, line, unit in tickets],
    )


def _code(order_code: str) -> str:
    return with_check(order_code[:EVENT_CODE_LENGTH] + random_code(TICKET_CODE_LENGTH))
