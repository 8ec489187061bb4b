"""Promo codes that are not valid are counted, so that nobody finds one by trying.

Only wrong ones count: a crowd with the right code behind a venue's one address is never slowed. And where too many were
wrong, codes are not looked at for a while; without one anybody buys on.
"""

import math
from uuid import UUID

from boxoffice.foundation.db import Database, Query
from boxoffice.foundation.problems import FieldError, TooOften
from boxoffice.foundation.rate_limit import Limit, count, wait_for
from boxoffice.orders.place import Request

WRONG_CODES = Limit("wrong promo codes of a night from one network", 20, 600)
"""What was tried at the same moment is counted too, and paid off at this pace."""


class CodesTriedTooOften(TooOften):
    """So many codes were wrong that no more are looked at for a while."""

    type, title = "codes_tried_too_often", "Too many codes"

    def __init__(self, retry_after_seconds: float) -> None:
        minutes = math.ceil(retry_after_seconds / 60)
        sentence = (
            f"Too many codes from your network were not valid. Try yours in {minutes} min, or buy without one now."
        )
        super().__init__(sentence, retry_after_seconds, (FieldError("promo_code", sentence),))


PLACED = Query(bool, "SELECT EXISTS (SELECT FROM orders WHERE event_id = $1 AND key_hash = $2)")


async def may_try_code(db: Database, event_id: UUID, client: str, request: Request) -> None:
    """Raises CodesTriedTooOften, unless the order is placed already: whoever asks again is told of it."""
    async with db.transaction() as connection:
        wait = await wait_for(connection, WRONG_CODES, _who(event_id, client))
        if wait and not await PLACED.first(connection, event_id, request.key_hash()):
            raise CodesTriedTooOften(wait)


async def code_was_wrong(db: Database, event_id: UUID, client: str) -> None:
    """Counts it."""
    async with db.transaction() as connection:
        await count(connection, WRONG_CODES, _who(event_id, client))


def _who(event_id: UUID, client: str) -> str:
    return f"{event_id} {client}"
