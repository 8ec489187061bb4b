"""What was read at a door: the text of a QR code, or a code that somebody typed."""

import re
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, read_code

if TYPE_CHECKING:
    from boxoffice.tickets.code import ReadPayload

READ_LENGTH_MAX = 200
"""So much of what was read is kept with the scan."""
TICKET_CODE_LENGTH = 12
TYPED = re.compile(r"[0-9A-Za-z*~$= -]+")


class Shown(msgspec.Struct, frozen=True):
    """A ticket as somebody shows it: by the id and revision of a `payload` whose signature was good, else by code.
    `fresh_secret`: what a rotating code's freshness is told by."""

    event_code: str
    code: str | None = None
    payload: "ReadPayload | None" = None
    fresh_secret: bytes | None = None

    @property
    def ticket_id(self) -> UUID | None:
        """The ticket that was signed."""
        return self.payload.ticket_id if self.payload else None

    @property
    def revision(self) -> int | None:
        """Which of the ticket's codes was signed."""
        return self.payload.revision if self.payload else None

    @property
    def key_number(self) -> int | None:
        """The key that signed it."""
        return self.payload.key_number if self.payload else None

    def is_fresh(self, moment: datetime) -> bool | None:
        """Whether a rotating code is of that moment; None for codes that stay."""
        if self.payload is None or not self.payload.rotates:
            return None
        return self.payload.is_fresh(self.fresh_secret, moment)


class _Key(msgspec.Struct, frozen=True):
    number: int
    public_key: bytes
    fresh_secret: bytes | None


KEYS = Query(_Key, "SELECT number, public_key, fresh_secret FROM event_key WHERE event_id = $1")


class Reader:
    """Reads for one night; remembers its keys, which are only ever added to: whether one is retired is asked with each
    scan."""

    def __init__(self, event_id: UUID, event_code: str) -> None:
        self.event_code = event_code
        self._event_id = event_id
        self._keys: dict[int, _Key] = {}

    async def read(self, connection: Connection, text: str) -> Shown | None:
        """What the text shows; None for what is no ticket, forged ones of this night included. Another
        night's is told by its code alone: its keys are none of ours."""
        from boxoffice.tickets.code import read_payload  # noqa: PLC0415 - cryptography is slow to load

        payload = read_payload(text.strip())
        if payload is None:
            code = _typed(text)
            return Shown(code[:EVENT_CODE_LENGTH], code) if code else None
        if payload.event_code != self.event_code:
            return Shown(payload.event_code)
        key = await self._key(connection, payload)
        if key is None or not payload.genuine(key.public_key):
            return None
        return Shown(payload.event_code, payload=payload, fresh_secret=key.fresh_secret)

    async def _key(self, connection: Connection, payload: "ReadPayload") -> _Key | None:
        known = self._keys.get(payload.key_number)
        if known is None or (payload.rotates and known.fresh_secret is None):
            self._keys = {key.number: key for key in await KEYS.all(connection, self._event_id)}
        return self._keys.get(payload.key_number)


def event_code_of(text: str) -> str | None:
    """The night that a code claims to be of."""
    from boxoffice.tickets.code import read_payload  # noqa: PLC0415 - cryptography is slow to load

    payload = read_payload(text.strip())
    if payload is not None:
        return payload.event_code
    code = _typed(text)
    return code[:EVENT_CODE_LENGTH] if code else None


def _typed(text: str) -> str | None:
    code = read_code(text) if len(text) <= 2 * TICKET_CODE_LENGTH else None
    return code if code is not None and len(code) == TICKET_CODE_LENGTH else None


def mistyped(text: str) -> str | None:
    """`mistyped` for what can only be a wrongly typed code: of such letters, and too short, too long or with a check
    character that does not fit. None for what is a whole code, or nothing that somebody typed."""
    if len(text) > 2 * TICKET_CODE_LENGTH or not TYPED.fullmatch(text):
        return None
    return None if _typed(text) else "mistyped"


def shortened(text: str) -> str:
    """What is kept of a text that was read: no control characters, no more than 200."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)[
        :READ_LENGTH_MAX
    ]
