"""The QR code's text: what a door can check with nothing but the event's public key.

Base32 (RFC 4648, no padding) of 87 bytes: version 1, the event's short code as 3 bytes, key number, ticket id (16),
revision (2), and the Ed25519 signature (RFC 8032) of all that. 140 characters that a QR code keeps in its alphanumeric
mode and a scanner that types can type.

A rotating code is the same with version 2 and 8 bytes more, 152 characters: the low 2 bytes of the number of its step
since 1970, and 6 bytes of an HMAC-SHA256 of the whole number (8 bytes) with the ticket's own secret. That one is an
HMAC of ticket id and revision with the key's `fresh_secret`, which scanners have: so they can tell the time of a code,
and still cannot make the signature of one.
"""

import hmac
import os
from base64 import b32decode, b32encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import ALPHABET, EVENT_CODE_LENGTH
from boxoffice.foundation.problems import NotFound, Problem
from boxoffice.foundation.signing import derived_key

VERSION, ROTATING_VERSION = 1, 2
PAYLOAD_LENGTH, ROTATING_LENGTH = 140, 152
STEP = timedelta(seconds=15)
"""So long a rotating code is shown."""
TOLERANCE = timedelta(seconds=60)
"""By so much the clocks of phones may be off after they were compared with ours."""
_STEP_BYTES, _PROOF_BYTES = 2, 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNED_BYTES, _FIXED_BYTES = 23, 87
_NONCE_BYTES = 12


class NewestKey(Problem):
    """The key that tickets are signed with from now on cannot be retired."""

    status, type, title = 409, "newest_key", "The newest key"


class _Key(msgspec.Struct, frozen=True):
    """`is_tickets`: it was there when the ticket was given out."""

    number: int
    sealed_seed: bytes
    fresh_secret: bytes | None
    short_code: str
    is_tickets: bool
    is_retired: bool


class EventKey(msgspec.Struct, frozen=True):
    """A key of a night: 32 bytes of an Ed25519 public key, and since when tickets are signed with it; `retired_at`:
    since when no door takes what it signed."""

    number: int
    public_key: bytes
    created_at: datetime
    retired_at: datetime | None


class _NightKey(msgspec.Struct, frozen=True):
    event_id: UUID
    number: int
    sealed_seed: bytes


KEYS = Query(
    _Key,
    """
SELECT number, sealed_seed, fresh_secret, short_code, event_key.created_at <= (SELECT coalesce(reissued_at, issued_at)
  FROM ticket
  WHERE ticket.event_id = $1 AND ticket.id = $2) IS TRUE AS is_tickets, retired_at IS NOT NULL AS is_retired
FROM event_key JOIN event ON event.id = event_id WHERE event_id = $1 ORDER BY number
""",
)
PUBLIC_KEYS = Query(
    EventKey, "SELECT number, public_key, created_at, retired_at FROM event_key WHERE event_id = $1 ORDER BY number"
)
# The number of the newest only ever rises, so this can leave no night without a key.
RETIRE = Command("""
UPDATE event_key SET retired_at = coalesce(retired_at, clock())
WHERE event_id = $1 AND number = $2 AND number < (SELECT max(number) FROM event_key WHERE event_id = $1)
""")
NEWEST_KEYS = Query(
    _NightKey,
    """
SELECT DISTINCT ON (event_id) event_id, number, sealed_seed FROM event_key ORDER BY event_id, number DESC
""",
)
ADD_KEY = Command("""
INSERT INTO event_key (event_id, number, public_key, sealed_seed, fresh_secret, created_at)
SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, clock() FROM event_key WHERE event_id = $1
ON CONFLICT (event_id, number) DO NOTHING
""")


ADD_FRESH_SECRET = Command("""
UPDATE event_key SET fresh_secret = $3 WHERE event_id = $1 AND number = $2 AND fresh_secret IS NULL
""")


class RotatingCode(msgspec.Struct, frozen=True):
    """What a ticket's codes are made of: what is the same in each of them, and the secret that tells their time."""

    fixed: bytes
    secret: bytes

    def text_at(self, moment: datetime) -> str:
        """The text that is shown at this moment."""
        step = step_of(moment)
        return b32encode(self.fixed + _low_bytes(step) + _proof(self.secret, step)).decode()


class ReadPayload(msgspec.Struct, frozen=True):
    """What a QR code says; `genuine` once the signature was checked against the event's key. `step` and `proof`: of a
    rotating code, empty in others."""

    event_code: str
    key_number: int
    ticket_id: UUID
    revision: int
    signed: bytes
    signature: bytes
    step: bytes
    proof: bytes

    @property
    def rotates(self) -> bool:
        """Whether it is good for a moment only."""
        return bool(self.proof)

    def is_fresh(self, fresh_secret: bytes | None, moment: datetime) -> bool:
        """Whether a rotating code was made at this moment, give or take what clocks may be off."""
        if fresh_secret is None:
            return False
        secret = ticket_secret(fresh_secret, self.ticket_id, self.revision)
        steps = range(step_of(moment - TOLERANCE - STEP) + 1, step_of(moment + TOLERANCE) + 1)
        return any(
            self.step == _low_bytes(step) and hmac.compare_digest(self.proof, _proof(secret, step)) for step in steps
        )

    def genuine(self, public_key: bytes) -> bool:
        """Whether the event's key `key_number` signed it; `public_key` is its 32 bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, self.signed)
        except InvalidSignature:
            return False
        return True


async def ticket_payload(
    connection: Connection, secret_key: str, event_id: UUID, ticket_id: UUID, revision: int
) -> str:
    """The text for a ticket's QR code, always the same until the ticket is reissued.

    It is signed with the night's newest key of when the ticket was given out, so that a new key changes no code that is
    on paper already; once that key is retired, with the newest of all. The first ticket makes the first key. A seed
    that SECRET_KEY no longer opens gets a successor.
    """
    key, seed = await _key_of_ticket(connection, secret_key, event_id, ticket_id)
    signed = _signed_bytes(VERSION, key, ticket_id, revision)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed)
    return b32encode(signed + signature).decode().rstrip("=")


async def rotating_code(
    connection: Connection, secret_key: str, event_id: UUID, ticket_id: UUID, revision: int
) -> RotatingCode:
    """What makes a ticket's rotating codes, on its holder's phone too; until the ticket is reissued."""
    key, seed = await _key_of_ticket(connection, secret_key, event_id, ticket_id)
    if key.fresh_secret is None:  # a key of before there were rotating codes
        await ADD_FRESH_SECRET.run(connection, event_id, key.number, os.urandom(32))
        return await rotating_code(connection, secret_key, event_id, ticket_id, revision)
    signed = _signed_bytes(ROTATING_VERSION, key, ticket_id, revision)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed)
    return RotatingCode(signed + signature, ticket_secret(key.fresh_secret, ticket_id, revision))


def ticket_secret(fresh_secret: bytes, ticket_id: UUID, revision: int) -> bytes:
    """32 bytes with which one ticket's codes tell their time."""
    return hmac.digest(fresh_secret, ticket_id.bytes + revision.to_bytes(2, "big"), "sha256")


def step_of(moment: datetime) -> int:
    """The number of a moment's step since 1970."""
    return (moment - _EPOCH) // STEP


def _low_bytes(step: int) -> bytes:
    return step.to_bytes(8, "big", signed=True)[-_STEP_BYTES:]


def _proof(secret: bytes, step: int) -> bytes:
    return hmac.digest(secret, step.to_bytes(8, "big", signed=True), "sha256")[:_PROOF_BYTES]


async def _key_of_ticket(
    connection: Connection, secret_key: str, event_id: UUID, ticket_id: UUID
) -> tuple[_Key, bytes]:
    while True:
        for key in _by_preference(await KEYS.all(connection, event_id, ticket_id)):
            seed = _opened(secret_key, event_id, key)
            if seed is not None:
                return key, seed
        await add_key(connection, secret_key, event_id)


def _by_preference(keys: Sequence[_Key]) -> list[_Key]:
    """The newest that the ticket knew, or the first of all; then the newest ones. None that is retired."""
    own = [key for key in keys if key.is_tickets][-1:] or list(keys[:1])
    return [key for key in (*own, *reversed(keys)) if not key.is_retired]


def _signed_bytes(version: int, key: _Key, ticket_id: UUID, revision: int) -> bytes:
    number = bytes([key.number])
    return bytes([version]) + _short_code_bytes(key.short_code) + number + ticket_id.bytes + revision.to_bytes(2, "big")


async def keys_of_night(connection: Connection, event_id: UUID) -> list[EventKey]:
    """Every key that tickets of the night were ever signed with, oldest first. A code of each of them is genuine,
    unless it is retired."""
    return await PUBLIC_KEYS.all(connection, event_id)


async def keys_sealed_with(connection: Connection, secret_key: str) -> tuple[int, int]:
    """How many nights' newest keys SECRET_KEY opens, and how many nights have one. Reads across nights."""
    keys = await NEWEST_KEYS.all(connection)
    fitting = [key for key in keys if _opened(secret_key, key.event_id, key) is not None]
    return len(fitting), len(keys)


def read_payload(text: str) -> ReadPayload | None:
    """A QR code's parts, unchecked; None when it is no ticket of ours."""
    version = {PAYLOAD_LENGTH: VERSION, ROTATING_LENGTH: ROTATING_VERSION}.get(len(text))
    if version is None:
        return None
    try:
        raw = b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None
    if raw[0] != version or b32encode(raw).decode().rstrip("=") != text.upper():
        return None  # the last character has bits to spare, and one code has one text
    number = int.from_bytes(raw[1:4], "big")
    event_code = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(EVENT_CODE_LENGTH)))
    return ReadPayload(
        event_code=event_code,
        key_number=raw[4],
        ticket_id=UUID(bytes=raw[5:21]),
        revision=int.from_bytes(raw[21:23], "big"),
        signed=raw[:_SIGNED_BYTES],
        signature=raw[_SIGNED_BYTES:_FIXED_BYTES],
        step=raw[_FIXED_BYTES : _FIXED_BYTES + _STEP_BYTES],
        proof=raw[_FIXED_BYTES + _STEP_BYTES :],
    )


async def add_key(connection: Connection, secret_key: str, event_id: UUID) -> None:
    """A new key for tickets that are given out from now on."""
    key = Ed25519PrivateKey.generate()
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _cipher(secret_key).encrypt(nonce, key.private_bytes_raw(), event_id.bytes)
    await ADD_KEY.run(connection, event_id, key.public_key().public_bytes_raw(), sealed, os.urandom(32))


async def retire_key(connection: Connection, event_id: UUID, number: int) -> None:
    """From this commit on no door takes what that key signed, and its tickets show codes of the newest one.

    Retiring twice is once. Raises NotFound, and NewestKey when tickets would have none to be signed with.
    """
    if await RETIRE.run(connection, event_id, number):
        return
    if number not in [key.number for key in await keys_of_night(connection, event_id)]:
        raise NotFound(f"The night has no key {number}.")
    raise NewestKey(
        f"Key {number} is the newest, with which tickets are signed from now on: add a new one first (--rotate), "
        "then retire this."
    )


def _opened(secret_key: str, event_id: UUID, key: _Key | _NightKey) -> bytes | None:
    nonce, sealed = key.sealed_seed[:_NONCE_BYTES], key.sealed_seed[_NONCE_BYTES:]
    try:
        return _cipher(secret_key).decrypt(nonce, sealed, event_id.bytes)
    except InvalidTag:
        return None


def _cipher(secret_key: str) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(derived_key(secret_key, "event keys"))


def _short_code_bytes(short_code: str) -> bytes:
    number = 0
    for character in short_code:
        number = number * 32 + ALPHABET.index(character)
    return number.to_bytes(3, "big")
