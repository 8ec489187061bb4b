"""What happened at the door: who is in, when they came, who did not, and where two doors let the same ticket in."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.door.room import ROOM_PLACES
from boxoffice.foundation.db import Connection, Query

SLOT = timedelta(minutes=15)
LAST_MINUTES = timedelta(minutes=10)
CURVE_MAX = timedelta(hours=48)
"""One wrong clock must not stretch the curve over years: it ends with the last hours."""
EXCEPTIONS_MAX = 200


class Figures(msgspec.Struct, frozen=True):
    """The night in people, each counted once. `came` have been in by any list, `inside` are so now; `good` hold what
    opens the door, and `missing` of them have not come. `room`: places of the room and of guest lists; None
    where no room has a capacity.
    """

    came: int
    inside: int
    last_minutes: int
    good: int
    missing: int
    room: int | None
    now: datetime

    @property
    def out(self) -> int:
        """Who was in and is not now."""
        return self.came - self.inside

    @property
    def per_minute(self) -> float:
        """How many came in a minute, over the last `LAST_MINUTES`."""
        return self.last_minutes / (LAST_MINUTES / timedelta(minutes=1))


class GateReport(msgspec.Struct, frozen=True):
    """A gate by one list. `came`: people whose first entry by that list this was, of two doors' the one that counts, so
    that all gates together are the list's; `again`: let in once more. `left` were let out; `refused` counts scans."""

    gate: str
    list_name: str
    came: int
    again: int
    left: int
    last_minutes: int
    refused: int


class TypeReport(msgspec.Struct, frozen=True):
    """The tickets of a type in people; `given_by`: who invited them, empty where they were bought."""

    name: str
    given_by: str
    good: int
    came: int

    @property
    def missing(self) -> int:
        """Who has not come."""
        return self.good - self.came


class ListReport(msgspec.Struct, frozen=True):
    """One list, in people: who came in by it, how often somebody did once more, inside, those whose tickets open it,
    and of them whoever did not come."""

    name: str
    came: int
    again: int
    inside: int
    good: int
    no_shows: int


class Slot(msgspec.Struct, frozen=True):
    """A quarter of an hour: how many people came in and went out during it, and were inside at its end.

    Whoever is in by two lists (the door, then a backstage) is one person.
    """

    starts_at: datetime
    entered: int
    left: int
    inside: int


class Conflict(msgspec.Struct, frozen=True):
    """An admission that another one, or a rule, speaks against. `instead_gate` and `instead_at`: the entry that counts.

    `problem` is `let_in_twice`, or what we would have answered: `refunded`, `cancelled`, `blocked`, ...
    """

    problem: str
    ticket_code: str | None
    holder: str | None
    device_id: UUID
    gate: str
    at: datetime
    instead_device_id: UUID | None
    instead_gate: str | None
    instead_at: datetime | None


class Exceptional(msgspec.Struct, frozen=True):
    """What a door did not do as usual. `what`: `override` or `undo`, with the reason that was typed, or the answer
    `blocked`, with the ticket's or `too_late`."""

    what: str
    at: datetime
    device_id: UUID
    gate: str
    ticket_code: str | None
    holder: str | None
    reason: str


class Refused(msgspec.Struct, frozen=True):
    """How often a door answered with anything but going in or out."""

    answer: str
    scans: int


class NightReport(msgspec.Struct, frozen=True):
    """Everything of one night."""

    figures: Figures
    lists: list[ListReport]
    gates: list[GateReport]
    types: list[TypeReport]
    curve: list[Slot]
    conflicts: list[Conflict]
    exceptions: list[Exceptional]
    refused: list[Refused]


LISTS = Query(
    ListReport,
    """
SELECT entry_list.name, counted.came, counted.again, counted.inside, tickets.good, tickets.no_shows
FROM entry_list
CROSS JOIN LATERAL (SELECT coalesce(sum(admits), 0)::integer AS came,
    coalesce(sum(admits * (visits - 1)), 0)::integer AS again,
    coalesce(sum(admits) FILTER (WHERE is_inside), 0)::integer AS inside
  FROM (SELECT ticket_id, count(*) AS visits, bool_or(left_at IS NULL) AS is_inside
    FROM entry WHERE entry.event_id = $1 AND entry.list_id = entry_list.id GROUP BY ticket_id) AS one
  JOIN ticket ON ticket.event_id = $1 AND ticket.id = one.ticket_id
  JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id) AS counted
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
# Who is in by two lists is one person: a ticket's stays by all lists, merged. A scan that was told of late may have an
# entry won after its exit; the stay is then what lies between the two.
_STAYS = """
WITH merged AS (
  SELECT ticket_id, range_agg(CASE WHEN left_at < entered_at THEN tstzrange(left_at, entered_at, '[]')
    ELSE tstzrange(entered_at, left_at, '[]') END) AS stays
  FROM entry WHERE event_id = $1 GROUP BY ticket_id),
stay AS (
  SELECT ticket_id, lower(one) AS entered_at, upper(one) AS left_at, admits
  FROM merged CROSS JOIN LATERAL unnest(stays) AS one
  JOIN ticket ON ticket.event_id = $1 AND ticket.id = ticket_id
  JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id)
"""
FIGURES = Query(
    Figures,
    f"""{_STAYS},
holder AS (
  SELECT admits, EXISTS (SELECT FROM entry WHERE entry.event_id = $1 AND entry.ticket_id = ticket.id) AS came
  FROM ticket JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id
  WHERE ticket.event_id = $1 AND status IN ('active', 'used') AND blocked_reason IS NULL)
SELECT
  (SELECT coalesce(sum(admits), 0)::integer FROM (SELECT DISTINCT ticket_id, admits FROM stay) AS person) AS came,
  (SELECT coalesce(sum(admits) FILTER (WHERE left_at IS NULL), 0)::integer FROM stay) AS inside,
  (SELECT coalesce(sum(admits), 0)::integer FROM stay WHERE entered_at > clock() - $2::interval) AS last_minutes,
  (SELECT coalesce(sum(admits), 0)::integer FROM holder) AS good,
  (SELECT coalesce(sum(admits), 0)::integer FROM holder WHERE NOT came) AS missing,
  {ROOM_PLACES} AS room,
  clock() AS now
""",  # noqa: S608 - both parts stand here
)
CURVE = Query(
    Slot,
    f"""{_STAYS},
move AS (
  SELECT entered_at AS at, admits AS entered, 0 AS "left" FROM stay
  UNION ALL SELECT left_at, 0, admits FROM stay WHERE left_at IS NOT NULL),
slot AS (
  SELECT generate_series(date_bin($2, greatest(min(at), least(max(at), clock()) - $3::interval), '2000-01-01'),
    date_bin($2, least(max(at), clock()), '2000-01-01'), $2) AS starts_at FROM move HAVING count(*) > 0)
SELECT starts_at, coalesce(sum(entered) FILTER (WHERE at >= starts_at), 0)::integer AS entered,
  coalesce(sum("left") FILTER (WHERE at >= starts_at), 0)::integer AS "left",
  coalesce(sum(entered - "left"), 0)::integer AS inside
FROM slot LEFT JOIN move ON at < starts_at + $2 GROUP BY 1 ORDER BY 1
""",  # noqa: S608 - both parts stand here
)
GATES = Query(
    GateReport,
    """
WITH place AS (SELECT DISTINCT gate, list_id FROM device WHERE event_id = $1),
entered AS (
  SELECT gate, device.list_id, sum(admits) FILTER (WHERE visit = 1) AS came,
    sum(admits) FILTER (WHERE visit > 1) AS again,
    sum(admits) FILTER (WHERE entered_at > clock() - $2::interval) AS last_minutes
  FROM entry JOIN device ON device.event_id = $1 AND device.id = device_id
  JOIN ticket ON ticket.event_id = $1 AND ticket.id = entry.ticket_id
  JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id
  WHERE entry.event_id = $1 GROUP BY 1, 2),
scanned AS (
  SELECT gate, device.list_id, sum(admits) FILTER (WHERE answer = 'left' AND NOT EXISTS (
      SELECT FROM scan AS undo WHERE undo.event_id = $1 AND undo.kind = 'undo'
        AND undo.undoes_device_id = scan.device_id AND undo.undoes_nonce = scan.nonce)) AS "left",
    count(*) FILTER (WHERE answer NOT IN ('admitted', 'left', 'undone', 'not_inside')) AS refused
  FROM scan JOIN device ON device.event_id = $1 AND device.id = scan.device_id
  LEFT JOIN ticket ON ticket.event_id = $1 AND ticket.id = scan.ticket_id
  LEFT JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id
  WHERE scan.event_id = $1 GROUP BY 1, 2)
SELECT gate, entry_list.name AS list_name, coalesce(came, 0)::integer AS came, coalesce(again, 0)::integer AS again,
  coalesce("left", 0)::integer AS "left", coalesce(last_minutes, 0)::integer AS last_minutes,
  coalesce(refused, 0)::integer AS refused
FROM place JOIN entry_list ON entry_list.event_id = $1 AND entry_list.id = place.list_id
LEFT JOIN entered USING (gate, list_id) LEFT JOIN scanned USING (gate, list_id) ORDER BY gate, list_name
""",
)
TYPES = Query(
    TypeReport,
    """
SELECT ticket_type.name, coalesce(given_by, '') AS given_by, counted.good, counted.came
FROM ticket_type LEFT JOIN guest_list ON guest_list.event_id = $1 AND guest_list.id = ticket_type.id
CROSS JOIN LATERAL (SELECT (count(*) * admits)::integer AS good,
    (count(*) FILTER (WHERE EXISTS (SELECT FROM entry WHERE entry.event_id = $1 AND entry.ticket_id = ticket.id))
      * admits)::integer AS came
  FROM ticket WHERE ticket.event_id = $1 AND ticket.ticket_type_id = ticket_type.id AND status IN ('active', 'used')
    AND blocked_reason IS NULL) AS counted
WHERE ticket_type.event_id = $1 ORDER BY ticket_type.position
""",
)
CONFLICTS = Query(
    Conflict,
    """
SELECT coalesce(objection, 'let_in_twice') AS problem, ticket.code AS ticket_code, holder, scan.device_id, device.gate,
  scan.corrected_at AS at, winner.device_id AS instead_device_id, winner.gate AS instead_gate,
  winner.entered_at AS instead_at
FROM scan JOIN device ON device.event_id = scan.event_id AND device.id = scan.device_id
LEFT JOIN ticket ON ticket.event_id = scan.event_id AND ticket.id = scan.ticket_id
LEFT JOIN entry AS own ON own.event_id = scan.event_id AND own.device_id = scan.device_id AND own.nonce = scan.nonce
LEFT JOIN LATERAL (SELECT device.id AS device_id, gate, entered_at FROM entry
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


EXCEPTIONS = Query(
    Exceptional,
    """
SELECT CASE WHEN override THEN 'override' WHEN kind = 'undo' THEN 'undo' ELSE answer END AS what, corrected_at AS at,
  scan.device_id, gate, ticket.code AS ticket_code, holder,
  CASE WHEN override OR kind = 'undo' THEN reason ELSE coalesce(because, blocked_reason, '') END AS reason
FROM scan JOIN device ON device.event_id = scan.event_id AND device.id = scan.device_id
LEFT JOIN ticket ON ticket.event_id = scan.event_id AND ticket.id = scan.ticket_id
WHERE scan.event_id = $1 AND (override OR kind = 'undo' OR answer = 'blocked')
ORDER BY corrected_at DESC, scan.device_id, nonce LIMIT $2
""",
)
REFUSED = Query(
    Refused,
    """
SELECT answer, count(*)::integer AS scans FROM scan
WHERE event_id = $1 AND answer NOT IN ('admitted', 'left', 'undone', 'not_inside') GROUP BY answer ORDER BY 2 DESC, 1
""",
)


async def night_report(connection: Connection, event_id: UUID) -> NightReport:
    """What is known by now; scanners without a network may tell more later. Read in one snapshot."""
    figures = await FIGURES.first(connection, event_id, LAST_MINUTES)
    assert figures is not None
    return NightReport(
        figures=figures,
        lists=await LISTS.all(connection, event_id),
        gates=await GATES.all(connection, event_id, LAST_MINUTES),
        types=await TYPES.all(connection, event_id),
        curve=await CURVE.all(connection, event_id, SLOT, CURVE_MAX),
        conflicts=await CONFLICTS.all(connection, event_id),
        exceptions=await EXCEPTIONS.all(connection, event_id, EXCEPTIONS_MAX),
        refused=await REFUSED.all(connection, event_id),
    )
