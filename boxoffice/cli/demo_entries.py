"""What happened at the demo's door before you came: an hour and a half of scans at two gates, and some of it wrong."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from boxoffice.box import BoxOffice
from boxoffice.door.device import Paired, make_link, night_of, pair
from boxoffice.door.entry_list import open_now
from boxoffice.door.scan import Asked
from boxoffice.foundation.db import Connection, Query

OPEN_SINCE = timedelta(hours=2)
GATES = ("Front", "Courtyard")
LEFT_FOR_YOU, GUESTS_LEFT = 4, 3
"""Tickets that nobody has come with, so that there is something to scan, and the first guest with who comes along."""
ENOUGH = 3
MINUTES_AGO = (88, 83, 80, 71, 66, 64, 58, 52, 47, 46, 44, 38, 33, 31, 22, 14, 9, 6, 4, 2)

HAS_ENTRIES = Query(bool, "SELECT EXISTS (SELECT FROM entry WHERE event_id = $1) AS has_entries")
BOUGHT = Query(
    str,
    """
SELECT code FROM ticket WHERE event_id = $1 AND status = 'active'
  AND NOT EXISTS (SELECT FROM guest WHERE guest.event_id = $1 AND guest.order_id = ticket.order_id)
ORDER BY code DESC
""",
)
OF_GUESTS = Query(
    str,
    """
SELECT ticket.code FROM ticket JOIN guest ON guest.event_id = $1 AND guest.order_id = ticket.order_id
WHERE ticket.event_id = $1 AND status = 'active' ORDER BY guest.name, number
""",
)


async def scan_for_the_demo(box: BoxOffice, slug: str) -> None:
    """Tells of the scans, once. Raises NotFound when there is no such night."""
    async with box.db.transaction() as connection:
        night = await night_of(connection, slug)
        if await HAS_ENTRIES.first(connection, night.id):
            return
        scanners = [await _scanner(connection, box, night.id, slug, gate) for gate in GATES]
        await open_now(connection, night.id, OPEN_SINCE)
        bought, guests = await BOUGHT.all(connection, night.id), await OF_GUESTS.all(connection, night.id)
    desk = await box.desks.of(slug)
    for scan in _scans(scanners, bought[:-LEFT_FOR_YOU], guests[GUESTS_LEFT:], scanners[0].now):
        await desk.scan(scan)


async def _scanner(connection: Connection, box: BoxOffice, event_id: UUID, slug: str, gate: str) -> Paired:
    secret = box.settings.secret_key
    made = await make_link(connection, secret, event_id, gate, role="supervisor")
    paired = await pair(connection, secret, slug, made.link, made.pin, None)
    assert isinstance(paired, Paired)
    return paired


def _scans(scanners: list[Paired], bought: list[str], guests: list[str], now: datetime) -> list[Asked]:
    """In the order in which they are told; all of them by doors that had no network just then."""
    front, courtyard = scanners
    told: list[Asked] = []

    def tell(by: Paired, minutes_ago: float, text: str, answered: str = "admitted", **more: Any) -> None:
        number = f"demo-scan-{len(told):03}"
        moment = now - timedelta(minutes=minutes_ago)
        told.append(Asked(by.device_id, by.token, number, text, moment, now, answered=answered, **more))

    for place, (code, minutes_ago) in enumerate(zip([*bought, *guests], MINUTES_AGO, strict=False)):
        tell(courtyard if place % 3 == 1 else front, minutes_ago, code)
    if len(bought) < ENOUGH:
        return told
    first, second, third, *_ = bought
    tell(courtyard, 85, first)
    tell(front, 60, second, "already_used")
    tell(front, 41, "A flyer of another house", "unknown")
    tell(courtyard, 30, third, "left", is_exit=True)
    tell(front, 25, second, override="Came out to help a friend, known to us")
    tell(front, 24, "", "undone", undoes=(front.device_id, told[-1].nonce), reason="Was the wrong person")
    return told
