"""Scanning: every answer is written down with its scan, and asking again gives the same one.

Scans of a night that wait at the same moment are answered together. What they need is read without a lock, and what
follows is written under one if nothing of it has changed; else they are answered again with everything locked from the
start. The key of `entry` would refuse what got past that.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from boxoffice.door.book import ADMITTED, LEFT, UNDONE, Book, Device, Rules, Scan, Ticket, Wanted, lock_book, read_book
from boxoffice.door.device import device_revoked, night_of, unknown_device
from boxoffice.door.device import token_hash as hashed
from boxoffice.door.read import Reader, Shown, mistyped, shortened
from boxoffice.door.visits import Visit
from boxoffice.foundation.batcher import Batcher
from boxoffice.foundation.db import CLASHED, LOST, Connection, ConnectionBroke, Database, Query
from boxoffice.foundation.problems import Problem, Unprocessable

TOO_LATE = "too_late"
CROWDED = "Very many scans come in right now. This one was not written down; send it again in a few seconds."


class SupervisorsOnly(Problem):
    """Staff cannot let in what was refused, nor take back another scanner's scan."""

    status, type, title = 403, "supervisors_only", "Supervisors only"


class Asked(msgspec.Struct, frozen=True):
    """One scan as a device tells it. `scanned_at` and `sent_at` are by the device's clock.

    `answered`: what the device said alone, without us; None to be answered now. `override`: the reason why a supervisor
    lets in whatever we find. `is_found`: a person found the ticket by its name. `undoes`: the scan that is taken back,
    by device and nonce, for `reason`. `told_by`: whose `token` it is when the phone has become another scanner since.
    """

    device_id: UUID
    token: str
    nonce: str
    text: str
    scanned_at: datetime
    sent_at: datetime | None = None
    is_exit: bool = False
    answered: str | None = None
    override: str = ""
    is_found: bool = False
    undoes: tuple[UUID, str] | None = None
    reason: str = ""
    told_by: UUID | None = None

    @property
    def teller(self) -> UUID:
        """The scanner that has the token."""
        return self.told_by or self.device_id

    @property
    def key(self) -> tuple[UUID, str]:
        """What is the same when it is asked again."""
        return self.device_id, self.nonce


class Answer(msgspec.Struct, frozen=True):
    """What a door is told. `used_at` and `used_gate`: since when and by which gate the ticket is in.

    `objection`: what we would have said to a device that answered alone, when that is something else. `because`: why
    this code of a good ticket is void (`sent_on`, `reissued`, `retired_key`, `old_picture` of a rotating code,
    `no_paper`), why the ticket is `blocked` when it is not held back: `too_late`, or why it is `unknown`: `mistyped`,
    or an `order_code`.
    """

    nonce: str
    answer: str
    ticket: Ticket | None
    last_entry_at: datetime | None
    because: str | None
    used_at: datetime | None
    used_gate: str | None
    objection: str | None


ORDER_CODES = Query(str, "SELECT code FROM orders WHERE event_id = $1 AND code = ANY($2::text[])")


class Desks:
    """The desk of each night whose doors this process serves."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._desks: dict[str, Desk] = {}

    async def of(self, slug: str) -> "Desk":
        """The night's desk. Raises NotFound."""
        known = self._desks.get(slug)
        if known is not None:
            return known
        async with self._db.transaction() as connection:
            night = await night_of(connection, slug)
        return self._desks.setdefault(slug, Desk(self._db, night.id, night.short_code))


class Desk:
    """One night's doors in this process: scans wait here for each other."""

    def __init__(self, db: Database, event_id: UUID, event_code: str) -> None:
        self._db = db
        self._event_id = event_id
        self._reader = Reader(event_id, event_code)
        self._batcher: Batcher[Asked, Answer | Problem] = Batcher(self._flush, crowded=CROWDED, fails_whole=LOST)

    async def scan(self, asked: Asked) -> Answer | Problem:
        """The answer, which is written down; the same one for the same device and nonce.

        Problems: UnknownDevice, DeviceRevoked, SupervisorsOnly, Unprocessable. Raises DatabaseAway, Unavailable.
        """
        return await self._batcher.submit(asked)

    async def _flush(self, scans: list[Asked]) -> list[Answer | Problem]:
        try:
            async with self._db.statements() as connection:
                return await answer_scans(connection, self._event_id, self._reader, scans, locked=False)
        except (*CLASHED, ConnectionBroke):  # had it been written all the same, the nonces would tell
            return await self._db.attempt(answer_scans, self._event_id, self._reader, scans)


async def answer_scans(
    connection: Connection, event_id: UUID, reader: Reader, scans: Sequence[Asked], *, locked: bool = True
) -> list[Answer | Problem]:
    """Answers in arrival order and writes everything down. As part of a transaction all of it is `locked` first; else
    what is in CLASHED is raised where something has changed meanwhile."""
    read = [None if asked.undoes else await reader.read(connection, asked.text) for asked in scans]
    wanted = list(map(_wanted, scans, read))
    if locked:
        await lock_book(connection, event_id, wanted)
    book = await read_book(connection, event_id, reader.event_code, wanted)
    orders = await _order_codes(connection, event_id, book, read)
    answers: list[Answer | Problem] = []
    for asked, shown in zip(scans, read, strict=True):
        if problem := _stranger(book.devices, asked):
            answers.append(problem)
            continue
        device = book.devices[asked.device_id]
        answered = book.known.get(asked.key) or _answer(book, device, asked, shown)
        if isinstance(answered, Problem):
            answers.append(answered)
            continue
        told = _told(book, device, answered)
        if told.answer == "unknown":
            told = replace(told, because=_why_unknown(asked, shown, orders))
        answers.append(told)
    await book.keep(connection)
    return answers


async def _order_codes(
    connection: Connection, event_id: UUID, book: Book, read: Iterable[Shown | None]
) -> Sequence[str]:
    """Which of the codes that are no ticket's are an order's: both look alike."""
    codes = [one.code for one in read if one and one.code and book.ticket(None, one.code) is None]
    return await ORDER_CODES.all(connection, event_id, codes) if codes else ()


def _why_unknown(asked: Asked, shown: Shown | None, orders: Sequence[str]) -> str | None:
    if shown is None:
        return mistyped(asked.text)
    return "order_code" if shown.code in orders else None


def _stranger(devices: Mapping[UUID, Device], asked: Asked) -> Problem | None:
    device = devices.get(asked.teller)
    if device is None or device.token_hash is None or not hmac.compare_digest(device.token_hash, hashed(asked.token)):
        return unknown_device()
    if device.revoked_at is not None:
        return device_revoked()
    if asked.device_id not in devices:
        return Unprocessable("The scanner that made this scan is none of this night.")
    return None


def _wanted(asked: Asked, shown: Shown | None) -> Wanted:
    return Wanted(
        device_ids=(asked.device_id, asked.teller, *(asked.undoes[:1] if asked.undoes else ())),
        key=asked.key,
        undoes=asked.undoes,
        ticket_id=shown.ticket_id if shown else None,
        code=shown.code if shown else None,
    )


def _answer(book: Book, device: Device, asked: Asked, shown: Shown | None) -> Scan | Problem:
    if asked.undoes:
        return _undo(book, device, asked, asked.undoes)
    ticket = book.ticket(shown.ticket_id, shown.code) if shown else None
    if asked.override and device.role != "supervisor":
        return SupervisorsOnly("Only a supervisor's scanner can let in what was refused.")
    rules = book.rules(device)
    moment = _moment(book.now, device, asked)
    because = _outdated(shown, ticket) or _of_another_time(rules, asked, shown, ticket, moment)
    refusal = _refusal(book.event_code, rules, shown, ticket, because, moment)
    stays = book.visits(device.list_id, ticket.id) if ticket else []
    if refusal is None and not (stays or asked.is_exit) and _too_late(rules, ticket, moment):
        refusal, because = "blocked", TOO_LATE
    if asked.is_exit:
        answer = refusal if ticket is None and refusal else LEFT if _inside(stays) else "not_inside"
    elif asked.override and ticket is not None:
        answer, refusal, because = ADMITTED, None, None
    elif refusal is not None:
        answer = refusal
    else:
        answer = "already_used" if _used(stays, re_entry=rules.re_entry) else ADMITTED
    in_since = stays[-1].winner if answer == "already_used" else None
    scan = Scan(
        device_id=device.id,
        nonce=asked.nonce,
        list_id=device.list_id,
        re_entry=rules.re_entry,
        kind="exit" if asked.is_exit else "entry",
        ticket_id=ticket.id if ticket else None,
        read=shortened(asked.text),
        scanned_at=asked.scanned_at,
        corrected_at=book.next_moment(ticket),
        online=True,
        answer=answer,
        override=bool(asked.override),
        reason=asked.override,
        used_at=in_since.at if in_since else None,
        used_gate=book.gate(in_since) if in_since else None,
        gate=device.gate,
        because=because if refusal in ("cancelled", "blocked") and not asked.is_exit else None,
    )
    return book.write(scan if asked.answered is None else _alone(moment, asked, scan, refusal))


def _alone(moment: datetime, asked: Asked, ours: Scan, refusal: str | None) -> Scan:
    """A scan that the device answered without us: its answer stands, and ours stands beside it where a rule says other.

    That somebody else let the same ticket in is no objection: who was first is told by all scans together.
    """
    assert asked.answered is not None
    objection = refusal if refusal and refusal != asked.answered else None
    return replace(
        ours,
        corrected_at=moment,
        online=False,
        answer=asked.answered,
        objection=objection,
        used_at=None,
        used_gate=None,
    )


def _undo(book: Book, device: Device, asked: Asked, undoes: tuple[UUID, str]) -> Scan | Problem:
    """Takes back what was admitted or left. The scan may be told of later than this, by a device that was offline."""
    scan = book.known.get(undoes)
    if undoes[0] != device.id and device.role != "supervisor":
        return SupervisorsOnly("Only a supervisor's scanner can take back what another one did.")
    return book.write(
        Scan(
            device_id=device.id,
            nonce=asked.nonce,
            list_id=scan.list_id if scan else device.list_id,
            re_entry=scan.re_entry if scan else book.rules(device).re_entry,
            kind="undo",
            ticket_id=scan.ticket_id if scan else None,
            read="",
            scanned_at=asked.scanned_at,
            corrected_at=_moment(book.now, device, asked),
            online=asked.answered is None,
            answer=UNDONE,
            override=False,
            reason=asked.reason,
            used_at=None,
            used_gate=None,
            gate=device.gate,
            undoes_device_id=undoes[0],
            undoes_nonce=undoes[1],
        )
    )


def _outdated(shown: Shown | None, ticket: Ticket | None) -> str | None:
    """Why the code of a good ticket is void: what was read is what it had before."""
    if shown is None or ticket is None or ticket.status in ("refunded", "cancelled"):
        return None
    current = shown.code == ticket.code if shown.revision is None else shown.revision == ticket.revision
    return None if current else "sent_on" if ticket.is_sent_on else "reissued"


def _of_another_time(
    rules: Rules, asked: Asked, shown: Shown | None, ticket: Ticket | None, moment: datetime
) -> str | None:
    """Why a code that the ticket has is not taken: its key is retired, it is a picture of one that changes, or one that
    stays where none may."""
    if shown is None or ticket is None or ticket.status in ("refunded", "cancelled"):
        return None
    if shown.key_number in rules.retired_keys:
        return "retired_key"
    fresh = shown.is_fresh(moment)
    if fresh is None:
        return None if rules.takes_paper or asked.is_found else "no_paper"
    return None if fresh else "old_picture"


def _refusal(
    event_code: str,
    rules: Rules,
    shown: Shown | None,
    ticket: Ticket | None,
    because: str | None,
    moment: datetime,
) -> str | None:
    """Why this ticket opens nothing here and now, whoever came in before."""
    if shown is not None and shown.event_code != event_code:
        return "wrong_event"
    if shown is None or ticket is None:
        return "unknown"
    if ticket.status in ("refunded", "cancelled"):
        return ticket.status
    if because is not None:
        return "cancelled"
    if ticket.blocked_reason is not None:
        return "blocked"
    if ticket.ticket_type_id not in rules.takes:
        return "wrong_list"
    return "not_yet" if moment < rules.opens_at else None


def _too_late(rules: Rules, ticket: Ticket | None, moment: datetime) -> bool:
    """Whether nobody comes in with it any more who has not been in before."""
    last = rules.last_entry(ticket)
    return last is not None and moment >= last


def _inside(stays: Sequence[Visit]) -> bool:
    return bool(stays) and stays[-1].left_at is None


def _used(stays: Sequence[Visit], *, re_entry: bool) -> bool:
    return _inside(stays) or (bool(stays) and not re_entry)


def _moment(now: datetime, device: Device, asked: Asked) -> datetime:
    """When the ticket was shown, by our clock."""
    return now if asked.answered is None else _corrected(now, device, asked)


def _corrected(now: datetime, device: Device, asked: Asked) -> datetime:
    """The device's time by our clock, from the newest comparison of the two."""
    offset = timedelta(seconds=device.clock_offset_seconds) if asked.sent_at is None else now - asked.sent_at
    return asked.scanned_at + offset


def _told(book: Book, device: Device, scan: Scan) -> Answer:
    # Whoever shows a code that somebody else's replaced must not read that one off the scanner.
    ticket = book.ticket(scan.ticket_id, None) if scan.because in (None, TOO_LATE) else None
    return Answer(
        nonce=scan.nonce,
        answer=scan.answer,
        ticket=ticket,
        last_entry_at=book.rules(device).last_entry(ticket),
        because=scan.because,
        used_at=scan.used_at,
        used_gate=scan.used_gate,
        objection=scan.objection,
    )
