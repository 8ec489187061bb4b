"""What a scanner keeps to work without a network: keys, tickets, and what has changed since it last asked."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.door.device import device_revoked, measured_offset, token_hash, unknown_device
from boxoffice.door.entry_list import OPENS_BEFORE_DOORS
from boxoffice.door.room import ROOM_PLACES
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.problems import Problem

OVERLAP = timedelta(minutes=1)
"""A transaction's time is when it began: one that took so long to commit is still seen."""


class Scanner(msgspec.Struct, frozen=True):
    """A scanner in service, by its token."""

    event_id: UUID
    id: UUID
    list_id: UUID
    gate: str
    role: str
    sells: bool
    list_name: str
    re_entry: bool
    takes_paper: bool
    opens_at: datetime
    revoked_at: datetime | None
    event_code: str
    event_title: str
    age_minimum: int
    time_zone: str
    ends_at: datetime
    now: datetime


class DoorKey(msgspec.Struct, frozen=True):
    """`key`: 32 bytes of an Ed25519 public key in base64, that tickets of this key number are signed for. `fresh`: 32
    bytes of the secret that tells the time of rotating codes; null where there are none."""

    number: int
    key: str
    fresh: str | None


class DoorTicket(msgspec.Struct, frozen=True):
    """A ticket as a scanner needs it: what it would be answered now. `status` is `good`, `used`, `left` (used, and
    out again), `blocked`, `cancelled`, `refunded` or `wrong_list`. `inside`: how many of its visits are not over.
    `old_codes` are those of who sent it on."""

    id: UUID
    code: str
    revision: int
    status: str
    ticket_type: str
    holder: str
    order_code: str
    used_at: datetime | None
    gate: str | None
    inside: int
    old_codes: list[str]


class DoorType(msgspec.Struct, frozen=True):
    """What a door does with the tickets of a type: how many people one lets in, what is looked at then (`age`, `name`),
    when the last of them come in for the first time, and who invited them (empty: nobody, they were bought)."""

    name: str
    admits: int
    checks: list[str]
    last_entry_at: datetime | None
    given_by: str


class AlsoLetIn(msgspec.Struct, frozen=True):
    """A scan of this scanner's that let somebody in whom another one had let in: by its nonce, where, and when."""

    nonce: str
    gate: str
    at: datetime


class Counts(msgspec.Struct, frozen=True):
    """People. `entered` have been in by this list, each counted once; `last_minutes` came in the last ten, whoever came
    back too; `good` those whose tickets open the door by this list, used or not. `in_room`: who is in by any list;
    `room`: how many the room takes, guest lists with it, null where it has no capacity."""

    entered: int
    inside: int
    good: int
    last_minutes: int
    in_room: int
    room: int | None


class DoorList(msgspec.Struct, frozen=True):
    """Everything, or what has changed. `cursor` is given back as `since` the next time. What `retired_keys` signed is
    no longer taken; they stand apart, so that a scanner of before there were any takes it neither."""

    scanner: Scanner
    cursor: datetime
    keys: list[DoorKey]
    retired_keys: list[DoorKey]
    ticket_types: list[DoorType]
    tickets: list[DoorTicket]
    counts: Counts
    also_let_in: list[AlsoLetIn]


SCANNER = Query(
    Scanner,
    """
SELECT device.event_id, device.id, list_id, gate, role, sells, entry_list.name AS list_name, re_entry,
  paper AS takes_paper, coalesce(opens_at, doors_at - $3::interval) AS opens_at, revoked_at, short_code AS event_code,
  title AS event_title, age_minimum, time_zone, ends_at, clock() AS now
FROM event JOIN device ON device.event_id = event.id
JOIN entry_list ON entry_list.event_id = event.id AND entry_list.id = list_id
WHERE event.slug = $1 AND token_hash = $2
""",
)
SYNCED = Command("""
UPDATE device SET synced_at = clock(), clock_offset = coalesce($3, clock_offset) WHERE event_id = $1 AND id = $2
""")
KEYS = Query(
    DoorKey,
    """
SELECT number, encode(public_key, 'base64') AS key,
  CASE WHEN event.code = 'rotating' THEN encode(fresh_secret, 'base64') END AS fresh
FROM event_key JOIN event ON event.id = event_id WHERE event_id = $1 AND (retired_at IS NOT NULL) = $2 ORDER BY number
""",
)
TYPES = Query(
    DoorType,
    """
SELECT ticket_type.name, admits, checks, list_type.last_entry_at, coalesce(given_by, '') AS given_by
FROM ticket_type JOIN list_type ON list_type.event_id = ticket_type.event_id AND list_type.list_id = $2
  AND list_type.ticket_type_id = ticket_type.id
LEFT JOIN guest_list ON guest_list.event_id = ticket_type.event_id AND guest_list.id = ticket_type.id
WHERE ticket_type.event_id = $1 ORDER BY position
""",
)
# A ticket changes when it is used for the first time; later visits are told by the entries themselves.
TICKETS = Query(
    DoorTicket,
    """
SELECT ticket.id, ticket.code, ticket.revision, CASE
    WHEN ticket.status IN ('refunded', 'cancelled') THEN ticket.status
    WHEN blocked_reason IS NOT NULL THEN 'blocked'
    WHEN NOT takes THEN 'wrong_list'
    WHEN visit.entered_at IS NULL THEN 'good' WHEN visit.left_at IS NOT NULL THEN 'left' ELSE 'used' END
    AS status,
  ticket_type.name AS ticket_type, holder, orders.code AS order_code, visit.entered_at AS used_at, visit.gate,
  coalesce(visit.inside, 0) AS inside,
  CASE WHEN holder_email IS NULL THEN '{}' ELSE ARRAY(SELECT old_code FROM ticket_transfer AS transfer
    WHERE transfer.event_id = $1 AND transfer.ticket_id = ticket.id AND transfer.status = 'accepted') END AS old_codes
FROM ticket
JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket.ticket_type_id
JOIN list_type ON list_type.event_id = $1 AND list_type.list_id = $2 AND list_type.ticket_type_id = ticket_type.id
JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
LEFT JOIN LATERAL (SELECT entered_at, left_at, gate,
    (count(*) FILTER (WHERE left_at IS NULL) OVER ())::integer AS inside FROM entry
  JOIN device ON device.event_id = entry.event_id AND device.id = entry.device_id
  WHERE entry.event_id = $1 AND entry.list_id = $2 AND entry.ticket_id = ticket.id ORDER BY visit DESC LIMIT 1)
  AS visit ON true
WHERE ticket.event_id = $1 AND ($3::timestamptz IS NULL OR ticket.changed_at > $3 OR ticket.id IN (
  SELECT ticket_id FROM scan WHERE scan.event_id = $1 AND scan.received_at > $3 AND ticket_id IS NOT NULL))
ORDER BY ticket.id
""",
)
# The scans that no entry stands for, with the entry of their ticket that was nearest in time. They are few: OFFSET
# keeps a plan from reading all scans of the night for them.
ALSO_LET_IN = Query(
    AlsoLetIn,
    """
SELECT scan.nonce, winner.gate, winner.entered_at AS at
FROM scan CROSS JOIN LATERAL (SELECT gate, entered_at FROM entry
  JOIN device ON device.event_id = entry.event_id AND device.id = entry.device_id
  WHERE entry.event_id = $1 AND entry.list_id = scan.list_id AND entry.ticket_id = scan.ticket_id
  ORDER BY entered_at > scan.corrected_at, abs(extract(epoch FROM entered_at - scan.corrected_at)) LIMIT 1) AS winner
WHERE scan.event_id = $1 AND scan.device_id = $2 AND scan.kind = 'entry' AND scan.answer = 'admitted'
  AND NOT EXISTS (SELECT FROM entry AS own WHERE own.event_id = $1 AND own.list_id = scan.list_id
    AND own.ticket_id = scan.ticket_id AND own.device_id = scan.device_id AND own.nonce = scan.nonce)
  AND NOT EXISTS (SELECT FROM scan AS undo WHERE undo.event_id = $1 AND undo.kind = 'undo'
    AND (undo.ticket_id = scan.ticket_id OR undo.ticket_id IS NULL)
    AND undo.undoes_device_id = scan.device_id AND undo.undoes_nonce = scan.nonce OFFSET 0)
ORDER BY scan.corrected_at
""",
)
COUNTS = Query(
    Counts,
    f"""
SELECT coalesce(sum(admits), 0)::integer AS entered,
  coalesce(sum(admits) FILTER (WHERE is_inside), 0)::integer AS inside,
  (SELECT coalesce(sum(admits), 0)::integer FROM list_ticket
    JOIN ticket ON ticket.event_id = list_ticket.event_id AND ticket.id = list_ticket.ticket_id
    JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket_type_id
    WHERE list_ticket.event_id = $1 AND list_ticket.list_id = $2 AND status IN ('active', 'used')
      AND blocked_reason IS NULL) AS good,
  coalesce(sum(admits * lately), 0)::integer AS last_minutes,
  (SELECT coalesce(sum(admits), 0)::integer FROM ticket
    JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket_type_id
    WHERE ticket.event_id = $1 AND ticket.id IN (
      SELECT ticket_id FROM entry WHERE event_id = $1 AND left_at IS NULL)) AS in_room,
  {ROOM_PLACES} AS room
FROM (SELECT ticket_id, bool_or(left_at IS NULL) AS is_inside,
    count(*) FILTER (WHERE entered_at > clock() - interval '10 minutes') AS lately
  FROM entry WHERE event_id = $1 AND list_id = $2 GROUP BY ticket_id) AS one
JOIN ticket ON ticket.event_id = $1 AND ticket.id = one.ticket_id
JOIN ticket_type ON ticket_type.event_id = $1 AND ticket_type.id = ticket_type_id
""",  # noqa: S608 - both parts stand here
)


async def door_list(
    connection: Connection, slug: str, token: str, since: datetime | None, device_at: datetime | None
) -> DoorList | Problem:
    """What this scanner may know: no mail address, no price. `since`: the last answer's cursor, None for everything.

    Problems: UnknownDevice, DeviceRevoked. Writes that it synced, and how far off its clock is.
    """
    found = await SCANNER.first(connection, slug, token_hash(token), OPENS_BEFORE_DOORS) if "\0" not in slug else None
    if found is None:
        return unknown_device()
    if found.revoked_at is not None:
        return device_revoked()
    offset = None if device_at is None else measured_offset(found.now, device_at)
    await SYNCED.run(connection, found.event_id, found.id, offset)
    after = None if since is None else since - OVERLAP
    return DoorList(
        scanner=found,
        cursor=found.now,
        keys=await KEYS.all(connection, found.event_id, False),
        retired_keys=await KEYS.all(connection, found.event_id, True),
        ticket_types=await TYPES.all(connection, found.event_id, found.list_id),
        tickets=await TICKETS.all(connection, found.event_id, found.list_id, after),
        counts=await counts(connection, found.event_id, found.list_id),
        also_let_in=await ALSO_LET_IN.all(connection, found.event_id, found.id),
    )


async def counts(connection: Connection, event_id: UUID, list_id: UUID) -> Counts:
    """How many people are in."""
    counted = await COUNTS.first(connection, event_id, list_id)
    assert counted is not None
    return counted
