"""Issuing the tickets of a paid order."""

from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, new_id, random_code, with_check

TICKET_CODE_LENGTH = 7


class _Line(msgspec.Struct, frozen=True):
    number: int
    ticket_type_id: UUID
    release_id: UUID
    quantity: int
    holder_names: list[str]


LINES = Query(
    _Line,
    """
SELECT number, ticket_type_id, release_id, quantity, holder_names FROM order_line
WHERE event_id = $1 AND order_id = $2 ORDER BY number
""",
)

ISSUE = Command("""
INSERT INTO ticket (event_id, id, order_id, number, line_number, code, ticket_type_id, release_id, holder, status,
  issued_at)
SELECT $1, row.id, $2, row.number, row.line_number, row.code, row.ticket_type_id, row.release_id, row.holder, 'active',
  clock()
FROM unnest($3::uuid[], $4::smallint[], $5::smallint[], $6::text[], $7::uuid[], $8::uuid[], $9::text[])
  AS row (id, number, line_number, code, ticket_type_id, release_id, holder)
""")


async def issue(connection: Connection, event_id: UUID, order_id: UUID, order_code: str) -> None:
    """One ticket for each unit of each line. The caller has locked the order; it cannot be issued twice."""
    units = [(line, unit) for line in await LINES.all(connection, event_id, order_id) for unit in range(line.quantity)]
    short_code = order_code[:EVENT_CODE_LENGTH]
    await ISSUE.run(
        connection,
        event_id,
        order_id,
        [new_id() for _ in units],
        list(range(1, len(units) + 1)),
        [line.number for line, _ in units],
        [with_check(short_code + random_code(TICKET_CODE_LENGTH)) for _ in units],
        [line.ticket_type_id for line, _ in units],
        [line.release_id for line, _ in units],
        [line.holder_names[unit] if unit < len(line.holder_names) else "" for line, unit in units],
    )
