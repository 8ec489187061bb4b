"""Keyed requests: run once, answered the same ever after."""

import hashlib
from typing import Any

import msgspec

from stripe_simulator.errors import InvalidParameter, KeyInUse, KeyReused
from stripe_simulator.store.database import Database
from stripe_simulator.store.unit import StoredAnswer

LONGEST_KEY = 255
KEPT_SECONDS = 24 * 3600

STORED = "SELECT key, fingerprint, status, body, request_id, created FROM idempotent_answer WHERE key = $1"
FORGET = "DELETE FROM idempotent_answer WHERE created < $1"


class Idempotency:
    """Answers are kept a day; a request still under way is known in memory, because one process serves an account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: set[str] = set()

    async def begin(self, key: str, fingerprint: str, now: float) -> StoredAnswer | None:
        """The answer to replay, or None after which the caller runs the request and calls `end`.

        Raises InvalidParameter, KeyInUse or KeyReused.
        """
        if len(key) > LONGEST_KEY:
            raise InvalidParameter(f"Idempotency keys can have up to {LONGEST_KEY} characters.")
        if key in self._running:
            raise KeyInUse(key)
        self._running.add(key)
        try:
            stored = await self._stored(key, now)
        except BaseException:
            self._running.discard(key)
            raise
        if stored is None:
            return None
        self._running.discard(key)
        if stored.fingerprint != fingerprint:
            raise KeyReused(key)
        return stored

    def end(self, key: str) -> None:
        """The request is over, whatever came of it."""
        self._running.discard(key)

    async def forget_old(self, now: float) -> None:
        """Drop answers older than a day."""
        await self._database.run(FORGET, now - KEPT_SECONDS)

    async def _stored(self, key: str, now: float) -> StoredAnswer | None:
        for row in await self._database.rows(STORED, key):
            if row["created"] >= now - KEPT_SECONDS:
                return StoredAnswer(**dict(row))
            await self.forget_old(now)
        return None


def fingerprint_of(method: str, path: str, params: dict[str, Any]) -> str:
    """The same for two requests exactly when they ask the same."""
    body = msgspec.json.encode([method, path, params], order="sorted")
    return hashlib.sha256(body).hexdigest()
