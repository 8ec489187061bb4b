"""What happened at the door: who is in, when they came, who did not, and where two doors let the same ticket in."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query

SLOT = timedelta(minutes=15)


class ListReport(msgspec.Struct, frozen=True):
    """One list, in people: visits begun, inside, those whose tickets open it, and of them whoever did not come."""

    name: str
    entered: int
    inside: int
    good: int
    no_shows: int


class Slot(msgspec.Struct, frozen=True):
    """A quarter of an hour, and how many people came in during it by all lists."""

    starts_at: datetime
    entered: int
    left: int


class Conflict(msgspec.Struct, frozen=True):
    """An admission that another one, or a rule, speaks against. `instead_gate` and `instead_at`: the entry that counts.

    `problem` is `let_in_twice`, or what we would have answered: `refunded`, `cancelled`, `blocked`, ...
    """

    problem: str
    ticket_code: str | None
    holder: str | None
    gate: str
    at: datetime
    instead_gate: str | None
    instead_at: datetime | None


class NightReport(msgspec.Struct, frozen=True):
    """Everything of one night."""

    lists: list[ListReport]
    curve: list[Slot]
    conflicts: list[Conflict]


LISTS = Query(
    ListReport,
    """
SELECT entry_list.name, counted.entered, counted.inside, tickets.good, tickets.no_shows
FROM entry_list
CROSS JOIN LATERAL (SELECT coalesce(sum(admits), 0)::integer AS entered,
    coalesce(sum(admits) FILTER (WHERE left_at IS NULL), 0)::integer AS inside
  FROM entry JOIN ticket ON ticket.event_id = entry.event_id AND ticket.id = entry.ticket_id
  JOIN ticket_type ON ticket_type.event_id = entry.event_id AND ticket_type.id = ticket_type_id
  WHERE entry.event_id = $1 AND entry.list_id = entry_list.id) AS counted
CROSS JOIN LATERAL (SELECT coalesce(sum(admits), 0)::integer AS good,
    coalesce(sum(admits) FILTER (WHERE came.ticket_id IS NULL), 0)::integer AS no_shows
  FROM list_ticket JOIN ticket ON ticket.event_id = $1 AND ticket.id = list_ticket.ticket_id
  JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id
  LEFT JOIN entry AS came ON came.event_id = $1 AND came.list_id = entry_list.id AND came.ticket_id = ticket.id
    AND came.visit = 1
  WHERE list_ticket.event_id = $1 AND list_ticket.list_id = entry_list.id AND status IN ('active', 'used')
    AND blocked_reason IS NULL) AS tickets
WHERE entry_list.event_id = $1 ORDER BY entry_list.name
""",
)
CURVE = Query(
    Slot,
    """
SELECT date_bin($2, at, '2000-01-01') AS starts_at, coalesce(sum(admits) FILTER (WHERE entered), 0)::integer AS entered,
  coalesce(sum(admits) FILTER (WHERE NOT entered), 0)::integer AS left
FROM (SELECT ticket_id, entered_at AS at, true AS entered FROM entry WHERE event_id = $1
  UNION ALL SELECT ticket_id, left_at, false FROM entry WHERE event_id = $1 AND left_at IS NOT NULL) AS moves
JOIN ticket ON ticket.event_id = $1 AND ticket.id = ticket_id
JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id
GROUP BY 1 ORDER BY 1
""",
)
CONFLICTS = Query(
    Conflict,
    """
SELECT coalesce(objection, 'let_in_twice') AS problem, ticket.code AS ticket_code, holder, device.gate,
  scan.corrected_at AS at, winner.gate AS instead_gate, winner.entered_at AS instead_at
FROM scan JOIN device ON device.event_id = scan.event_id AND device.id = scan.device_id
LEFT JOIN ticket ON ticket.event_id = scan.event_id AND ticket.id = scan.ticket_id
LEFT JOIN entry AS own ON own.event_id = scan.event_id AND own.device_id = scan.device_id AND own.nonce = scan.nonce
LEFT JOIN LATERAL (SELECT gate, entered_at FROM entry
  JOIN device ON device.event_id = entry.event_id AND device.id = entry.device_id
  WHERE entry.event_id = scan.event_id AND entry.list_id = scan.list_id AND entry.ticket_id = scan.ticket_id
    AND own.nonce IS NULL
  ORDER BY entered_at > scan.corrected_at, abs(extract(epoch FROM entered_at - scan.corrected_at)) LIMIT 1)
  AS winner ON true
WHERE scan.event_id = $1 AND scan.kind = 'entry' AND scan.answer = 'admitted'
  AND (objection IS NOT NULL OR own.nonce IS NULL)
  AND NOT EXISTS (SELECT FROM scan AS undo WHERE undo.event_id = $1 AND undo.kind = 'undo'
    AND undo.undoes_device_id = scan.device_id AND undo.undoes_nonce = scan.nonce)
ORDER BY scan.corrected_at
""",
)


async def night_report(connection: Connection, event_id: UUID) -> NightReport:
    """What is known by now; scanners without a network may tell more later. Read in one snapshot."""
    return NightReport(
        lists=await LISTS.all(connection, event_id),
        curve=await CURVE.all(connection, event_id, SLOT),
        conflicts=await CONFLICTS.all(connection, event_id),
    )
