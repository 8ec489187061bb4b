"""The door's book for one round of scans: their tickets, locked; everything scanned of them before; what is new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from boxoffice.door.visits import Passage, Visit, visits
from boxoffice.foundation.db import Command, Connection, Query

ADMITTED, LEFT, UNDONE = "admitted", "left", "undone"
MOVES = (ADMITTED, LEFT)
A_MOMENT = timedelta(microseconds=1)

Key = tuple[UUID, str]
"""A scan: its device and nonce."""


class Ticket(msgspec.Struct, frozen=True):
    """A locked ticket, as far as a door needs it."""

    id: UUID
    code: str
    status: str
    blocked_reason: str | None
    revision: int
    is_sent_on: bool
    holder: str
    ticket_type_id: UUID
    ticket_type: str
    admits: int
    checks: list[str]


class Scan(msgspec.Struct, frozen=True):
    """A scan with its answer, as it is written down; its ticket is one of the book's."""

    device_id: UUID
    nonce: str
    list_id: UUID
    re_entry: bool
    kind: str
    ticket_id: UUID | None
    read: str
    scanned_at: datetime
    corrected_at: datetime
    online: bool
    answer: str
    override: bool
    reason: str
    used_at: datetime | None
    used_gate: str | None
    gate: str
    undoes_device_id: UUID | None = None
    undoes_nonce: str | None = None
    objection: str | None = None
    because: str | None = None

    @property
    def key(self) -> Key:
        """Its device and nonce."""
        return self.device_id, self.nonce

    @property
    def undoes(self) -> Key | None:
        """The scan that this one takes back."""
        return (self.undoes_device_id, self.undoes_nonce) if self.undoes_device_id and self.undoes_nonce else None


class _OldCode(msgspec.Struct, frozen=True):
    code: str
    ticket_id: UUID


class Wanted(msgspec.Struct, frozen=True):
    """What a scan needs of the book."""

    key: Key
    undoes: Key | None
    ticket_id: UUID | None
    code: str | None


LOCK_TICKETS = Query(
    Ticket,
    """
SELECT ticket.id, code, status, blocked_reason, revision, holder_email IS NOT NULL AS is_sent_on, holder,
  ticket_type_id, ticket_type.name AS ticket_type, admits, checks
FROM ticket JOIN ticket_type ON ticket_type.event_id = ticket.event_id AND ticket_type.id = ticket_type_id
WHERE ticket.event_id = $1 AND (ticket.id = ANY($2::uuid[]) OR code = ANY($3::text[]))
ORDER BY ticket.id FOR NO KEY UPDATE OF ticket
""",
)
# Whoever sends a ticket on keeps its code's letters: the door says what became of them.
OLD_CODES = Query(
    _OldCode,
    """
SELECT old_code AS code, ticket_id FROM ticket_transfer
WHERE event_id = $1 AND old_code = ANY($2::text[]) AND status = 'accepted' ORDER BY ticket_id
""",
)
# What was asked before, what is known of the tickets, and the few undos that were told of before their scan, whose
# ticket nobody knew then. LIMIT, OFFSET and MATERIALIZED keep a plan that was made when the doors opened from reading
# all scans of the night when it is late.
SCANS = Query(
    Scan,
    """
WITH known AS MATERIALIZED (
  SELECT before.* FROM unnest($2::uuid[], $3::text[]) AS asked (device_id, nonce) CROSS JOIN LATERAL (
    SELECT * FROM scan WHERE event_id = $1 AND device_id = asked.device_id AND nonce = asked.nonce LIMIT 1) AS before
  UNION ALL SELECT before.* FROM unnest($4::uuid[]) AS asked (ticket_id) CROSS JOIN LATERAL (
    SELECT * FROM scan WHERE event_id = $1 AND ticket_id = asked.ticket_id OFFSET 0) AS before
  UNION ALL SELECT * FROM scan WHERE event_id = $1 AND kind = 'undo' AND ticket_id IS NULL)
SELECT known.device_id, known.nonce, known.list_id, re_entry, kind, ticket_id, read, scanned_at, corrected_at, online,
  answer, override, reason, used_at, used_gate, gate, undoes_device_id, undoes_nonce, objection, because
FROM known JOIN device ON device.event_id = $1 AND device.id = known.device_id
JOIN entry_list ON entry_list.event_id = $1 AND entry_list.id = known.list_id
""",
)
# Scans, who came in by them, and their tickets, at one go: most rounds write nothing else.
WRITE = Command("""
WITH written AS (
  INSERT INTO scan (event_id, received_at, device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at,
    online, answer, override, reason, used_at, used_gate, undoes_device_id, undoes_nonce, objection, because)
  SELECT $1, clock(), * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::text[],
    $8::timestamptz[], $9::timestamptz[], $10::boolean[], $11::text[], $12::boolean[], $13::text[], $14::timestamptz[],
    $15::text[], $16::uuid[], $17::text[], $18::text[], $19::text[])
), entered AS (
  INSERT INTO entry (event_id, list_id, ticket_id, visit, device_id, nonce, entered_at, left_at)
  SELECT $1, * FROM unnest($20::uuid[], $21::uuid[], $22::smallint[], $23::uuid[], $24::text[], $25::timestamptz[],
    $26::timestamptz[])
)
UPDATE ticket SET status = 'used', used_at = first.at FROM unnest($27::uuid[], $28::timestamptz[]) AS first (id, at)
WHERE event_id = $1 AND ticket.id = first.id AND status IN ('active', 'used') AND used_at IS DISTINCT FROM first.at
""")
REPLACE = Command("""
UPDATE entry SET device_id = new.device_id, nonce = new.nonce, entered_at = new.entered_at, left_at = new.left_at
FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::uuid[], $6::text[], $7::timestamptz[], $8::timestamptz[])
  AS new (list_id, ticket_id, visit, device_id, nonce, entered_at, left_at)
WHERE event_id = $1 AND entry.list_id = new.list_id AND entry.ticket_id = new.ticket_id AND entry.visit = new.visit
""")
REMOVE = Command("""
DELETE FROM entry USING unnest($2::uuid[], $3::uuid[], $4::smallint[]) AS gone (list_id, ticket_id, visit)
WHERE event_id = $1 AND entry.list_id = gone.list_id AND entry.ticket_id = gone.ticket_id AND entry.visit = gone.visit
""")
NOT_USED = Command("""
UPDATE ticket SET status = 'active', used_at = NULL WHERE event_id = $1 AND id = ANY($2::uuid[]) AND status = 'used'
""")


async def open_book(connection: Connection, event_id: UUID, event_code: str, wanted: Sequence[Wanted]) -> "Book":
    """Reads what these scans need, and locks their tickets. The caller has locked their devices."""
    ids = {one.ticket_id for one in wanted if one.ticket_id}
    codes = [one.code for one in wanted if one.code]
    tickets = await LOCK_TICKETS.all(connection, event_id, list(ids), codes) if ids or codes else []
    unknown = set(codes) - {ticket.code for ticket in tickets}
    old = await OLD_CODES.all(connection, event_id, list(unknown)) if unknown else []
    if missing := {one.ticket_id for one in old} - {ticket.id for ticket in tickets}:
        tickets += await LOCK_TICKETS.all(connection, event_id, list(missing), [])
    keys = [one.key for one in wanted] + [one.undoes for one in wanted if one.undoes]
    scans = await SCANS.all(connection, event_id, *_columns(keys), [ticket.id for ticket in tickets]) if keys else []
    if missing := {scan.ticket_id for scan in scans if scan.ticket_id} - {ticket.id for ticket in tickets}:
        tickets += await LOCK_TICKETS.all(connection, event_id, list(missing), [])
        scans += await SCANS.all(connection, event_id, [], [], list(missing))
    return Book(event_id, event_code, tickets, scans, {one.code: one.ticket_id for one in old})


def _columns(keys: Iterable[Key]) -> tuple[list[UUID], list[str]]:
    listed = list(keys)
    return [key[0] for key in listed], [key[1] for key in listed]


@dataclass(slots=True)
class _Moves:
    """Everything that moved one ticket on one list, and who was in before this round."""

    re_entry: bool
    passages: dict[Key, Passage] = field(default_factory=dict[Key, Passage])
    before: list[Visit] = field(default_factory=list[Visit])


class Book:
    """`known`: every scan that was asked about or belongs to one of the tickets."""

    def __init__(
        self,
        event_id: UUID,
        event_code: str,
        tickets: Sequence[Ticket],
        scans: Sequence[Scan],
        old_codes: Mapping[str, UUID],
    ) -> None:
        self.event_code = event_code
        self.known: dict[Key, Scan] = {}
        self._event_id = event_id
        self._tickets = {ticket.id: ticket for ticket in tickets}
        self._by_code = {ticket.code: ticket for ticket in tickets}
        self._by_code |= {code: self._tickets[ticket_id] for code, ticket_id in old_codes.items()}
        self._moves: dict[tuple[UUID, UUID], _Moves] = {}
        self._undone: set[Key] = set()
        self._written: list[Scan] = []
        for scan in scans:
            self._note(scan)
        for moves in self._moves.values():
            moves.before = self._visits(moves)

    def ticket(self, ticket_id: UUID | None, code: str | None) -> Ticket | None:
        """The ticket of an id, else of a code."""
        if ticket_id is not None:
            return self._tickets.get(ticket_id)
        return self._by_code.get(code) if code else None

    def visits(self, list_id: UUID, ticket_id: UUID) -> list[Visit]:
        """A ticket's visits as far as this round has come."""
        moves = self._moves.get((list_id, ticket_id))
        return self._visits(moves) if moves else []

    def gate(self, passage: Passage) -> str:
        """Where somebody passed."""
        return self.known[passage.device_id, passage.nonce].gate

    def next_moment(self, now: datetime, ticket: Ticket | None) -> datetime:
        """Now, or a moment after the ticket's last passage that we answered: a transaction's time is when it began, not
        when it got the lock."""
        times = [
            passage.at + A_MOMENT
            for (_, ticket_id), moves in self._moves.items()
            if ticket is not None and ticket_id == ticket.id
            for passage in moves.passages.values()
            if passage.online
        ]
        return max([now, *times])

    def write(self, scan: Scan) -> Scan:
        """Adds a scan to what `keep` writes."""
        self._note(scan)
        self._written.append(scan)
        return scan

    async def keep(self, connection: Connection) -> None:
        """Writes the new scans and what follows from them: who is in, and which tickets are used."""
        if not self._written:
            return
        new, changed, gone = self._changes()
        moved = {row[1] for row in (*new, *changed, *gone)}
        entered = self._entered(moved)
        await WRITE.run(
            connection,
            self._event_id,
            *_transposed([_values(scan) for scan in self._written], 18),
            *_transposed(new, 7),
            list(entered),
            list(entered.values()),
        )
        if gone:
            await REMOVE.run(connection, self._event_id, *_transposed([row[:3] for row in gone], 3))
        if changed:
            await REPLACE.run(connection, self._event_id, *_transposed(changed, 7))
        if out := moved - entered.keys():
            await NOT_USED.run(connection, self._event_id, list(out))

    def _entered(self, ticket_ids: set[object]) -> dict[UUID, datetime]:
        """Since when these tickets are in, those that are."""
        entered: dict[UUID, datetime] = {}
        for (_, ticket_id), moves in self._moves.items():
            if ticket_id in ticket_ids:
                for visit in self._visits(moves):
                    entered[ticket_id] = min(visit.winner.at, entered.get(ticket_id, visit.winner.at))
        return entered

    def _changes(self) -> tuple[list["_Entry"], list["_Entry"], list["_Entry"]]:
        new: list[_Entry] = []
        changed: list[_Entry] = []
        gone: list[_Entry] = []
        for (list_id, ticket_id), moves in self._moves.items():
            before = [_entry(list_id, ticket_id, number, visit) for number, visit in enumerate(moves.before, 1)]
            after = [_entry(list_id, ticket_id, number, visit) for number, visit in enumerate(self._visits(moves), 1)]
            new += after[len(before) :]
            gone += before[len(after) :]
            changed += [new for old, new in zip(before, after, strict=False) if old != new]
        return new, changed, gone

    def _visits(self, moves: _Moves) -> list[Visit]:
        standing = [passage for key, passage in moves.passages.items() if key not in self._undone]
        return visits(standing, re_entry=moves.re_entry)

    def _note(self, scan: Scan) -> None:
        self.known[scan.key] = scan
        if scan.undoes is not None:
            self._undone.add(scan.undoes)
        elif scan.ticket_id is not None and scan.answer in MOVES:
            moves = self._moves.setdefault((scan.list_id, scan.ticket_id), _Moves(scan.re_entry))
            moves.passages[scan.key] = Passage(
                scan.device_id, scan.nonce, scan.answer == LEFT, scan.corrected_at, scan.online, scan.override
            )


_Entry = tuple[object, ...]
"""List, ticket, visit, device, nonce, entered, left."""


def _entry(list_id: UUID, ticket_id: UUID, number: int, visit: Visit) -> _Entry:
    winner = visit.winner
    return list_id, ticket_id, number, winner.device_id, winner.nonce, winner.at, visit.left_at


def _values(scan: Scan) -> tuple[object, ...]:
    return (
        *(scan.device_id, scan.nonce, scan.list_id, scan.kind, scan.ticket_id, scan.read, scan.scanned_at),
        *(scan.corrected_at, scan.online, scan.answer, scan.override, scan.reason, scan.used_at, scan.used_gate),
        *(scan.undoes_device_id, scan.undoes_nonce, scan.objection, scan.because),
    )


def _transposed(rows: Sequence[tuple[object, ...]], columns: int) -> list[list[object]]:
    """Rows as PostgreSQL's `unnest` takes them."""
    return [[row[place] for row in rows] for place in range(columns)]
