"""Sessions: a secret in the browser's cookie, its hash in the database."""

import hashlib
import secrets
from uuid import UUID

import msgspec

from boxoffice.foundation.db import Command, Connection, Query


class Person(msgspec.Struct, frozen=True):
    """Somebody who signed in at least once; the e-mail is in the form of `read_email`."""

    id: UUID
    email: str


OPEN = Command(
    """
INSERT INTO session (token_hash, person_id, created_at, seen_at, expires_at)
VALUES ($1, $2, clock(), clock(), clock() + interval '30 days')
"""
)

# One round trip a page: being seen is written at most once an hour, and moves the end by what that hour was.
PERSON_OF = Query(
    Person,
    """
WITH seen AS (
  UPDATE session SET seen_at = clock(),
    expires_at = least(clock() + interval '30 days', created_at + interval '90 days')
  WHERE token_hash = $1 AND expires_at > clock() AND seen_at <= clock() - interval '1 hour')
SELECT person.id, person.email FROM session JOIN person ON person.id = session.person_id
WHERE session.token_hash = $1 AND session.expires_at > clock()
""",
)

CLOSE = Command("DELETE FROM session WHERE token_hash = $1")
DELETE_ENDED = Command("DELETE FROM session WHERE expires_at <= clock()")


async def open_session(connection: Connection, person_id: UUID) -> str:
    """The new session's token, for the cookie: it ends 30 days after it was last used, 90 after it was opened."""
    token = secrets.token_urlsafe(32)
    await OPEN.run(connection, hash_secret(token), person_id)
    return token


async def person_of(connection: Connection, token: str) -> Person | None:
    """Whose session this is; None when the token is unknown, closed or has ended."""
    return await PERSON_OF.first(connection, hash_secret(token))


async def close_session(connection: Connection, token: str) -> bool:
    """Signs out here; whether there was a session."""
    return await CLOSE.run(connection, hash_secret(token)) == 1


async def delete_ended(connection: Connection) -> int:
    """Deletes sessions that have ended; how many."""
    return await DELETE_ENDED.run(connection)


def hash_secret(secret: str) -> bytes:
    """What the database keeps of a long random secret, here and in sign-in requests."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()
