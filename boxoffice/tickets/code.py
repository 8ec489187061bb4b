"""The QR code's text: what a door can check with nothing but the event's public key.

Base32 (RFC 4648, no padding) of 87 bytes: version 1, the event's short code as 3 bytes, key number, ticket id (16),
revision (2), and the Ed25519 signature (RFC 8032) of all that. 140 characters that a QR code keeps in its alphanumeric
mode and a scanner that types can type.
"""

import os
from base64 import b32decode, b32encode
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import ALPHABET, EVENT_CODE_LENGTH
from boxoffice.foundation.signing import derived_key

VERSION = 1
PAYLOAD_LENGTH = 140
_SIGNED_BYTES = 23
_NONCE_BYTES = 12


class _Key(msgspec.Struct, frozen=True):
    number: int
    sealed_seed: bytes
    short_code: str


class _NightKey(msgspec.Struct, frozen=True):
    event_id: UUID
    number: int
    sealed_seed: bytes


KEYS = Query(
    _Key,
    """
SELECT number, sealed_seed, short_code FROM event_key JOIN event ON event.id = event_id
WHERE event_id = $1 ORDER BY number DESC
""",
)
NEWEST_KEYS = Query(
    _NightKey,
    """
SELECT DISTINCT ON (event_id) event_id, number, sealed_seed FROM event_key ORDER BY event_id, number DESC
""",
)
ADD_KEY = Command("""
INSERT INTO event_key (event_id, number, public_key, sealed_seed, created_at)
SELECT $1, coalesce(max(number), 0) + 1, $2, $3, clock() FROM event_key WHERE event_id = $1
ON CONFLICT (event_id, number) DO NOTHING
""")


class ReadPayload(msgspec.Struct, frozen=True):
    """What a QR code says; `genuine` once the signature was checked against the event's key."""

    event_code: str
    key_number: int
    ticket_id: UUID
    revision: int
    signed: bytes
    signature: bytes

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

    The event's first ticket makes its key. A seed that SECRET_KEY no longer opens gets a successor.
    """
    while True:
        keys = await KEYS.all(connection, event_id)
        seed = _opened(secret_key, event_id, keys[0]) if keys else None
        if seed is not None:
            break
        await _add_key(connection, secret_key, event_id)
    signed = (
        bytes([VERSION])
        + _short_code_bytes(keys[0].short_code)
        + bytes([keys[0].number])
        + ticket_id.bytes
        + revision.to_bytes(2, "big")
    )
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed)
    return b32encode(signed + signature).decode().rstrip("=")


async def keys_sealed_with(connection: Connection, secret_key: str) -> tuple[int, int]:
    """How many nights' newest keys SECRET_KEY opens, and how many nights have one. Reads across nights."""
    keys = await NEWEST_KEYS.all(connection)
    fitting = [key for key in keys if _opened(secret_key, key.event_id, key) is not None]
    return len(fitting), len(keys)


def read_payload(text: str) -> ReadPayload | None:
    """A QR code's parts, unchecked; None when it is no ticket of ours."""
    if len(text) != PAYLOAD_LENGTH:
        return None
    try:
        raw = b32decode(text.upper() + "=" * (-PAYLOAD_LENGTH % 8))
    except ValueError:
        return None
    if raw[0] != VERSION or b32encode(raw).decode().rstrip("=") != text.upper():
        return None  # the last character has bits to spare, and one code has one text
    number = int.from_bytes(raw[1:4], "big")
    event_code = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(EVENT_CODE_LENGTH)))
    return ReadPayload(
        event_code=event_code,
        key_number=raw[4],
        ticket_id=UUID(bytes=raw[5:21]),
        revision=int.from_bytes(raw[21:23], "big"),
        signed=raw[:_SIGNED_BYTES],
        signature=raw[_SIGNED_BYTES:],
    )


async def _add_key(connection: Connection, secret_key: str, event_id: UUID) -> None:
    key = Ed25519PrivateKey.generate()
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _cipher(secret_key).encrypt(nonce, key.private_bytes_raw(), event_id.bytes)
    await ADD_KEY.run(connection, event_id, key.public_key().public_bytes_raw(), sealed)


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
