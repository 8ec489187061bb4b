"""The door's book for one round of scans: their devices and tickets; everything scanned of them before; what is new.

It is read as of one moment, and what follows is written only if all of it still holds then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from boxoffice.door.entry_list import OPENS_BEFORE_DOORS
from boxoffice.door.visits import Passage, Visit, visits
from boxoffice.foundation.db import Connection, Query

ADMITTED, LEFT, UNDONE = "admitted", "left", "undone"
MOVES = (ADMITTED, LEFT)
A_MOMENT = timedelta(microseconds=1)

Key = tuple[UUID, str]
"""A scan: its device and nonce."""


class Rules(msgspec.Struct, frozen=True):
    """An entry list's rules. `takes`: the ticket types that open something here, and until when they let
    somebody in for the first time."""

    id: UUID
    re_entry: bool
    opens_at: datetime
    takes_paper: bool
    takes: dict[UUID, datetime | None]
    retired_keys: list[int]

    def last_entry(self, ticket: "Ticket | None") -> datetime | None:
        """Until when the ticket lets somebody in here for the first time."""
        return self.takes.get(ticket.ticket_type_id) if ticket else None


class Device(msgspec.Struct, frozen=True):
    """A scanner. `clock_offset_seconds`: what is added to its clock to get ours."""

    id: UUID
    list_id: UUID
    gate: str
    role: str
    token_hash: bytes | None
    clock_offset_seconds: float
    revoked_at: datetime | None


class Ticket(msgspec.Struct, frozen=True):
    """A ticket, as far as a door needs it."""

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


class Wanted(msgspec.Struct, frozen=True):
    """What a scan needs of the book: its devices, itself, the scan that it takes back, and the ticket that it shows."""

    device_ids: tuple[UUID, ...]
    key: Key
    undoes: Key | None
    ticket_id: UUID | None
    code: str | None


class _Read(msgspec.Struct, frozen=True):
    devices: list[Device]
    lists: list[Rules]
    tickets: list[Ticket]
    old_codes: dict[str, UUID]
    scans: list[Scan]
    now: datetime
    version: str


class _Entry(msgspec.Struct, frozen=True):
    list_id: UUID
    ticket_id: UUID
    visit: int
    device_id: UUID
    nonce: str
    entered_at: datetime
    left_at: datetime | None


class _Used(msgspec.Struct, frozen=True):
    id: UUID
    used_at: datetime | None


class _New(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is written. `changed` and `gone` are entries that were there; a ticket is `used` since never when nobody is
    in by it any more."""

    scans: list[Scan]
    entries: list[_Entry]
    used: list[_Used]
    changed: list[_Entry] = []
    gone: list[_Entry] = []


class _Asked(msgspec.Struct, frozen=True):
    """What rounds are asked by, as the database takes it: scans by their devices and nonces."""

    device_ids: list[UUID]
    ticket_ids: list[UUID]
    codes: list[str]
    scan_devices: list[UUID]
    nonces: list[str]


LOCK = Query(str, "SELECT lock_book($1, $2, $3, $4, $5, $6)")
READ = Query(msgspec.json.Decoder(_Read).decode, "SELECT read_book($1, $2, $3, $4, $5, $6, $7)")
KEEP = Query(str, "SELECT keep_book($1, $2, $3, $4, $5, $6, $7)")


async def lock_book(connection: Connection, event_id: UUID, wanted: Sequence[Wanted]) -> None:
    """Locks these scans' devices and then their tickets, each by id: what is read after it holds until the end of the
    transaction."""
    await LOCK.all(connection, event_id, *astuple(_asked(wanted)))


async def read_book(connection: Connection, event_id: UUID, event_code: str, wanted: Sequence[Wanted]) -> "Book":
    """What these scans need, as of one moment."""
    asked = _asked(wanted)
    read = await READ.all(connection, event_id, OPENS_BEFORE_DOORS, *astuple(asked))
    return Book(event_id, event_code, asked, read[0])


def _asked(wanted: Sequence[Wanted]) -> _Asked:
    keys = [one.key for one in wanted] + [one.undoes for one in wanted if one.undoes]
    return _Asked(
        list({device_id for one in wanted for device_id in one.device_ids}),
        list({one.ticket_id for one in wanted if one.ticket_id}),
        list({one.code for one in wanted if one.code}),
        [device_id for device_id, _ in keys],
        [nonce for _, nonce in keys],
    )


@dataclass(slots=True)
class _Moves:
    """Everything that moved one ticket on one list, and who was in before this round."""

    re_entry: bool
    passages: dict[Key, Passage] = field(default_factory=dict[Key, Passage])
    before: list[Visit] = field(default_factory=list[Visit])


class Book:
    """As of `now`: `devices` by id; `known`: every scan that was asked about or belongs to one of the tickets."""

    def __init__(self, event_id: UUID, event_code: str, asked: _Asked, read: _Read) -> None:
        self.event_code = event_code
        self.now = read.now
        self.devices = {device.id: device for device in read.devices}
        self._rules = {rules.id: rules for rules in read.lists}
        self.known: dict[Key, Scan] = {}
        self._event_id = event_id
        self._asked = asked
        self._version = read.version
        self._tickets = {ticket.id: ticket for ticket in read.tickets}
        self._by_code = {code: self._tickets[ticket_id] for code, ticket_id in read.old_codes.items()}
        self._by_code |= {ticket.code: ticket for ticket in read.tickets}
        self._moves: dict[tuple[UUID, UUID], _Moves] = {}
        self._undone: set[Key] = set()
        self._written: list[Scan] = []
        for scan in read.scans:
            self._note(scan)
        for moves in self._moves.values():
            moves.before = self._visits(moves)

    def ticket(self, ticket_id: UUID | None, code: str | None) -> Ticket | None:
        """The ticket of an id, else of a code."""
        if ticket_id is not None:
            return self._tickets.get(ticket_id)
        return self._by_code.get(code) if code else None

    def rules(self, device: Device) -> Rules:
        """Those of the list that it lets in by."""
        return self._rules[device.list_id]

    def visits(self, list_id: UUID, ticket_id: UUID) -> list[Visit]:
        """A ticket's visits as far as this round has come."""
        moves = self._moves.get((list_id, ticket_id))
        return self._visits(moves) if moves else []

    def gate(self, passage: Passage) -> str:
        """Where somebody passed."""
        return self.known[passage.device_id, passage.nonce].gate

    def next_moment(self, ticket: Ticket | None) -> datetime:
        """Now, or a moment after the ticket's last passage that we answered: a transaction's time is when it began, not
        when it got the lock."""
        times = [
            passage.at + A_MOMENT
            for (_, ticket_id), moves in self._moves.items()
            if ticket is not None and ticket_id == ticket.id
            for passage in moves.passages.values()
            if passage.online
        ]
        return max([self.now, *times])

    def write(self, scan: Scan) -> Scan:
        """Adds a scan to what `keep` writes."""
        self._note(scan)
        self._written.append(scan)
        return scan

    async def keep(self, connection: Connection) -> None:
        """Writes the new scans and what follows from them: who is in, and which tickets are used; all of it in one
        statement, or nothing.

        Raises asyncpg.SerializationError when what was read has changed since, which it cannot while it is locked.
        """
        if not self._written:
            return
        new, changed, gone = self._changes()
        moved = {entry.ticket_id for entry in (*new, *changed, *gone)}
        entered = self._entered(moved)
        used = [_Used(ticket_id, entered.get(ticket_id)) for ticket_id in moved]
        await KEEP.all(
            connection,
            self._event_id,
            self._asked.device_ids,
            list(self._tickets),
            self._asked.scan_devices,
            self._asked.nonces,
            self._version,
            msgspec.json.encode(_New(self._written, new, used, changed, gone)).decode(),
        )

    def _entered(self, ticket_ids: set[UUID]) -> dict[UUID, datetime]:
        """Since when these tickets are in, those that are."""
        entered: dict[UUID, datetime] = {}
        for (_, ticket_id), moves in self._moves.items():
            if ticket_id in ticket_ids:
                for visit in self._visits(moves):
                    entered[ticket_id] = min(visit.winner.at, entered.get(ticket_id, visit.winner.at))
        return entered

    def _changes(self) -> tuple[list[_Entry], list[_Entry], list[_Entry]]:
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


def _entry(list_id: UUID, ticket_id: UUID, number: int, visit: Visit) -> _Entry:
    winner = visit.winner
    return _Entry(list_id, ticket_id, number, winner.device_id, winner.nonce, winner.at, visit.left_at)
