"""Who came in, as a table that an organiser takes along."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from boxoffice.door.device import device_label
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.spreadsheet import as_csv

HEADING = (
    *("list", "entered at", "left at", "gate", "scanner"),
    *("ticket", "ticket type", "people", "holder", "visit", "order"),
)


class Entry(msgspec.Struct, frozen=True):
    """One visit of a ticket, by one list; `people` come in by one scan of it."""

    list_name: str
    entered_at: datetime
    left_at: datetime | None
    gate: str
    device_id: UUID
    ticket_code: str
    ticket_type: str
    people: int
    holder: str
    visit: int
    order_code: str


ENTRIES = Query(
    Entry,
    """
SELECT entry_list.name AS list_name, entered_at, left_at, gate, entry.device_id, ticket.code AS ticket_code,
  ticket_type.name AS ticket_type, admits AS people, holder, visit, orders.code AS order_code
FROM entry JOIN entry_list ON entry_list.event_id = $1 AND entry_list.id = entry.list_id
JOIN device ON device.event_id = $1 AND device.id = entry.device_id
JOIN ticket ON ticket.event_id = $1 AND ticket.id = entry.ticket_id
JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket.ticket_type_id
JOIN orders ON orders.event_id = $1 AND orders.id = ticket.order_id
WHERE entry.event_id = $1 ORDER BY entered_at, ticket.code
""",
)


async def entries_as_csv(connection: Connection, event_id: UUID, time_zone: str) -> bytes:
    """A line for each visit, first to last, with the venue's time. No address is in it."""
    zone = ZoneInfo(time_zone)

    def written(moment: datetime | None) -> str:
        return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds") if moment else ""

    rows = [
        (
            *(one.list_name, written(one.entered_at), written(one.left_at), one.gate, device_label(one.device_id)),
            *(one.ticket_code, one.ticket_type, one.people, one.holder, one.visit, one.order_code),
        )
        for one in await ENTRIES.all(connection, event_id)
    ]
    return as_csv(HEADING, rows)
