"""Scanners: a link and a PIN make a phone one, for one night, one list and one gate, until it is revoked."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import msgspec

from boxoffice.catalogue.events import no_such_event
from boxoffice.door.entry_list import list_named
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.problems import FieldError, NotFound, Problem, Unprocessable
from boxoffice.foundation.signing import derived_key

PIN_LENGTH = 6
WRONG_PINS_MAX = 5
GATE_LENGTH_MAX = 40
ROLES = ("staff", "supervisor")


class WrongPin(Problem):
    """Not the link's PIN."""

    status, type, title = 403, "wrong_pin", "Wrong PIN"


class LinkLocked(Problem):
    """Too many wrong PINs."""

    status: ClassVar[int] = 403
    type, title = "link_locked", "Link locked"


class DeviceRevoked(Problem):
    """This scanner was taken out of service."""

    status, type, title = 403, "device_revoked", "Scanner revoked"


class UnknownDevice(Problem):
    """No scanner of this night, or not with this token."""

    status, type, title = 401, "unknown_device", "Unknown scanner"


class MadeLink(msgspec.Struct, frozen=True):
    """What a new scanner is paired with: the link's secret part and the PIN; neither can be read again."""

    device_id: UUID
    link: str
    pin: str


class Paired(msgspec.Struct, frozen=True):
    """A scanner in service; `token` goes with everything that it sends."""

    device_id: UUID
    token: str
    gate: str
    role: str
    list_name: str
    event_slug: str
    event_title: str
    now: datetime


class Device(msgspec.Struct, frozen=True):
    """A scanner as its organiser sees it. `seen_at`: when it last asked or told us something, `scans`: how many."""

    id: UUID
    gate: str
    role: str
    sells: bool
    list_name: str
    wrong_pins: int
    paired_at: datetime | None
    synced_at: datetime | None
    revoked_at: datetime | None
    seen_at: datetime | None
    scans: int

    @property
    def label(self) -> str:
        """What tells it from others at the same gate."""
        return device_label(self.id)

    @property
    def is_locked(self) -> bool:
        """Whether its link takes no PIN any more."""
        return self.wrong_pins >= WRONG_PINS_MAX


class Night(msgspec.Struct, frozen=True):
    """The night of a door; its tickets' codes begin with `short_code`."""

    id: UUID
    slug: str
    title: str
    short_code: str


class Link(msgspec.Struct, frozen=True):
    """A scanner's link as anyone may see it who has it."""

    revoked_at: datetime | None
    wrong_pins: int


class _Link(msgspec.Struct, frozen=True):
    event_id: UUID
    id: UUID
    pin_hash: bytes
    wrong_pins: int
    revoked_at: datetime | None
    gate: str
    role: str
    list_name: str
    event_slug: str
    event_title: str
    now: datetime


NIGHT = Query(Night, "SELECT id, slug, title, short_code FROM event WHERE slug = $1 AND status <> 'draft'")
LINK = Query(
    Link,
    """
SELECT revoked_at, wrong_pins FROM event JOIN device ON device.event_id = event.id
WHERE event.slug = $1 AND link_hash = $2
""",
)
ADD = Command("""
INSERT INTO device (event_id, id, list_id, gate, role, link_hash, pin_hash, sells, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock())
""")
LOCK_LINK = Query(
    _Link,
    """
SELECT device.event_id, device.id, pin_hash, wrong_pins, revoked_at, gate, role, entry_list.name AS list_name,
  event.slug AS event_slug, event.title AS event_title, clock() AS now
FROM event JOIN device ON device.event_id = event.id
JOIN entry_list ON entry_list.event_id = event.id AND entry_list.id = list_id
WHERE event.slug = $1 AND link_hash = $2 FOR UPDATE OF device
""",
)
COUNT_WRONG_PIN = Command("UPDATE device SET wrong_pins = wrong_pins + 1 WHERE event_id = $1 AND id = $2")
PAIR = Command("""
UPDATE device SET token_hash = $3, clock_offset = $4, wrong_pins = 0, paired_at = clock()
WHERE event_id = $1 AND id = $2
""")
DEVICES = Query(
    Device,
    """
SELECT device.id, gate, role, sells, entry_list.name AS list_name, wrong_pins, paired_at, synced_at, revoked_at,
  greatest(synced_at, told.last_at) AS seen_at, told.scans
FROM device JOIN entry_list ON entry_list.event_id = device.event_id AND entry_list.id = list_id
CROSS JOIN LATERAL (SELECT count(*)::integer AS scans, max(received_at) AS last_at FROM scan
  WHERE scan.event_id = $1 AND scan.device_id = device.id) AS told
WHERE device.event_id = $1 ORDER BY revoked_at IS NOT NULL, gate, device.created_at
""",
)
REVOKE = Command("UPDATE device SET revoked_at = clock() WHERE event_id = $1 AND id = $2 AND revoked_at IS NULL")
UNLOCK = Command("UPDATE device SET wrong_pins = 0 WHERE event_id = $1 AND id = $2")


async def night_of(connection: Connection, slug: str) -> Night:
    """The night at this address. Raises NotFound."""
    night = await NIGHT.first(connection, slug) if "\0" not in slug else None
    if night is None:
        raise no_such_event()
    return night


async def link_of(connection: Connection, slug: str, link: str) -> Link | Problem:
    """A scanner's link, which can be paired; else DeviceRevoked, LinkLocked. Raises NotFound."""
    found = await LINK.first(connection, slug, _hash(link)) if "\0" not in slug else None
    if found is None:
        raise _no_such_link()
    return _refusal(found) or found


async def make_link(
    connection: Connection,
    secret_key: str,
    event_id: UUID,
    gate: str,
    *,
    role: str = "staff",
    list_name: str = "",
    sells: bool = False,
) -> MadeLink:
    """A scanner to be paired at `gate`, on the list of this name or the night's first; `sells`: it may take money.
    Raises NotFound."""
    assert role in ROLES
    assert 0 < len(gate) <= GATE_LENGTH_MAX
    made = MadeLink(new_id(), secrets.token_urlsafe(16), f"{secrets.randbelow(10**PIN_LENGTH):0{PIN_LENGTH}}")
    list_id = await list_named(connection, event_id, list_name)
    pin_hash = _pin_hash(secret_key, made.device_id, made.pin)
    await ADD.run(connection, event_id, made.device_id, list_id, gate, role, _hash(made.link), pin_hash, sells)
    return made


async def pair(
    connection: Connection, secret_key: str, slug: str, link: str, pin: str, device_at: datetime | None
) -> Paired | Problem:
    """Puts whoever has the link and its PIN into service; whoever had it before is out.

    Problems are returned, so that a wrong PIN is counted: WrongPin, LinkLocked from the fifth on, DeviceRevoked,
    NotFound. `device_at` is what the device's clock says now.
    """
    found = await LOCK_LINK.first(connection, slug, _hash(link)) if "\0" not in slug else None
    if found is None:
        return _no_such_link()
    if refusal := _refusal(found):
        return refusal
    if not hmac.compare_digest(found.pin_hash, _pin_hash(secret_key, found.id, pin)):
        await COUNT_WRONG_PIN.run(connection, found.event_id, found.id)
        left = WRONG_PINS_MAX - found.wrong_pins - 1
        return WrongPin(f"This is not the link's PIN. {_tries(left)}") if left else _locked()
    token = secrets.token_urlsafe(32)
    await PAIR.run(connection, found.event_id, found.id, _hash(token), measured_offset(found.now, device_at))
    await _have_a_key(connection, secret_key, found.event_id)
    return Paired(
        found.id, token, found.gate, found.role, found.list_name, found.event_slug, found.event_title, found.now
    )


async def _have_a_key(connection: Connection, secret_key: str, event_id: UUID) -> None:
    """Else a scanner that loses its network before anybody has looked at a ticket could check none."""
    from boxoffice.tickets.code import add_key, keys_of_night  # noqa: PLC0415 - its cryptography is slow to load

    if not await keys_of_night(connection, event_id):
        await add_key(connection, secret_key, event_id)


def device_label(device_id: UUID) -> str:
    """Four letters and digits of its id, as the page of a night's door calls it."""
    return device_id.hex[-4:].upper()


def gate_named(text: str) -> str:
    """A gate's name as it is kept. Raises Unprocessable."""
    gate = text.strip()
    if not 0 < len(gate) <= GATE_LENGTH_MAX or not gate.isprintable():
        sentence = f"A gate's name is 1 to {GATE_LENGTH_MAX} plain characters."
        raise Unprocessable(sentence, (FieldError("gate", sentence),))
    return gate


def measured_offset(now: datetime, device_at: datetime | None) -> timedelta:
    """What to add to the device's clock to get ours: years, for a phone that believes that it is 1970."""
    return timedelta() if device_at is None else now - device_at


def token_hash(token: str) -> bytes:
    """32 bytes under which a device's token is known."""
    return _hash(token)


def unknown_device() -> UnknownDevice:
    """The answer to whoever is no scanner of the night, or not with this token."""
    return UnknownDevice("This scanner is not known here. Pair it again with its link and PIN.")


def device_revoked() -> DeviceRevoked:
    """The answer to a scanner that was taken out of service."""
    return DeviceRevoked("This scanner was taken out of service. Ask for a new link.")


async def devices(connection: Connection, event_id: UUID) -> list[Device]:
    """Every scanner of a night, by gate."""
    return await DEVICES.all(connection, event_id)


async def revoke(connection: Connection, event_id: UUID, device_id: UUID) -> bool:
    """Takes a scanner out of service at once; False when it was so already, or is none of this night."""
    return await REVOKE.run(connection, event_id, device_id) == 1


async def unlock(connection: Connection, event_id: UUID, device_id: UUID) -> bool:
    """Forgets wrong PINs; False for what is no scanner of this night."""
    return await UNLOCK.run(connection, event_id, device_id) == 1


def _no_such_link() -> NotFound:
    return NotFound("There is no such scanner link. Ask for a new one.")


def _refusal(link: Link | _Link) -> Problem | None:
    if link.revoked_at is not None:
        return device_revoked()
    if link.wrong_pins >= WRONG_PINS_MAX:
        return _locked()
    return None


def _locked() -> LinkLocked:
    return LinkLocked("Too many wrong PINs: this link is locked. Whoever runs the door can unlock it.")


def _tries(left: int) -> str:
    return f"{left} more {'try' if left == 1 else 'tries'}."


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _pin_hash(secret_key: str, device_id: UUID, pin: str) -> bytes:
    """Keyed, since a million PINs are soon tried by whoever reads the table."""
    message = device_id.bytes + pin.encode(errors="replace")
    return hmac.digest(derived_key(secret_key, "scanner PINs"), message, "sha256")
