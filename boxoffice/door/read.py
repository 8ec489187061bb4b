"""What was read at a door: the text of a QR code, or a code that somebody typed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, read_code

if TYPE_CHECKING:
    from boxoffice.tickets.code import ReadPayload

READ_LENGTH_MAX = 200
"""So much of what was read is kept with the scan."""
TICKET_CODE_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """A ticket as somebody shows it: by id and revision when its signature was good, else by code."""

    event_code: str
    ticket_id: UUID | None = None
    revision: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    number: int
    public_key: bytes


KEYS = Query(_Key, "SELECT number, public_key FROM event_key WHERE event_id = $1")


class Reader:
    """Reads for one night; remembers its public keys, which are only ever added to."""

    def __init__(self, event_id: UUID, event_code: str) -> None:
        self.event_code = event_code
        self._event_id = event_id
        self._keys: dict[int, bytes] = {}

    async def read(self, connection: Connection, text: str) -> Shown | None:
        """What the text shows; None for what is no ticket, forged ones of this night included. Another night's is told
        by its code alone: its keys are none of ours."""
        from boxoffice.tickets.code import read_payload  # noqa: PLC0415 - cryptography is slow to load

        payload = read_payload(text.strip())
        if payload is None:
            code = _typed(text)
            return Shown(code[:EVENT_CODE_LENGTH], code=code) if code else None
        if payload.event_code != self.event_code:
            return Shown(payload.event_code)
        if not await self._genuine(connection, payload):
            return None
        return Shown(payload.event_code, payload.ticket_id, payload.revision)

    async def _genuine(self, connection: Connection, payload: "ReadPayload") -> bool:
        if payload.key_number not in self._keys:
            self._keys = {key.number: key.public_key for key in await KEYS.all(connection, self._event_id)}
        public_key = self._keys.get(payload.key_number)
        return public_key is not None and payload.genuine(public_key)


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


def shortened(text: str) -> str:
    """What is kept of a text that was read: no control characters, no more than 200."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)[
        :READ_LENGTH_MAX
    ]
