"""A scanner and an organiser for the demo: the door of one night is open now, whatever its date."""

import asyncio
from pathlib import Path

import msgspec

from boxoffice.accounts.organisation import ORGANISER, add_member
from boxoffice.box import BoxOffice
from boxoffice.cli.demo_entries import scan_for_the_demo
from boxoffice.door.device import Link, link_of, make_link, night_of
from boxoffice.door.entry_list import open_now
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound
from boxoffice.guests.guest_list import guests_on, lists_of, share_token
from boxoffice.settings import Settings

SLUG = "sub-zero"
GATE = "Main door"
ORGANISATION, ORGANISER_EMAIL = "nachtfrequenz", "boss@example.org"
CODES = Query(
    str,
    """
SELECT code FROM ticket WHERE event_id = $1 AND status = 'active'
  AND NOT EXISTS (SELECT FROM guest WHERE guest.event_id = $1 AND guest.order_id = ticket.order_id)
ORDER BY code LIMIT 2
""",
)


class DemoScanner(msgspec.Struct, frozen=True):
    """`path`: of the link; `codes`: tickets of people who have bought; `guest_list_path`: of its guest list's link, if
    it has one, and `guest` a name on it; `organiser_path`: where `ORGANISER_EMAIL` sees its door."""

    path: str
    pin: str
    codes: tuple[str, ...]
    guest_list_path: str
    guest: str
    organiser_path: str = f"/organiser/events/{SLUG}/door"


def scanner_of_demo(settings: Settings, kept: Path) -> DemoScanner:
    """Opens the list, and makes a link that is the same at the next start: `kept` remembers it, for this user alone.

    Raises NotFound when the demo nights are not there.
    """
    known = kept.read_text().split() if kept.exists() else []
    link, scanner = asyncio.run(_scanner(settings, known))
    kept.touch(mode=0o600)
    kept.write_text(f"{link}\n{scanner.pin}\n")
    return scanner


async def _scanner(settings: Settings, known: list[str]) -> tuple[str, DemoScanner]:
    box = BoxOffice.from_settings(settings)
    try:
        async with box.db.transaction() as connection:
            night = await night_of(connection, SLUG)
            if not await _works(connection, known):
                made = await make_link(connection, settings.secret_key, night.id, GATE, role="supervisor", sells=True)
                known = [made.link, made.pin]
            await open_now(connection, night.id)
            await add_member(connection, ORGANISER_EMAIL, ORGANISATION, ORGANISER)
        await scan_for_the_demo(box, SLUG)
        async with box.db.transaction() as connection:
            codes = tuple(await CODES.all(connection, night.id))
            lists = await lists_of(connection, SLUG)
            guests = await guests_on(connection, lists[0]) if lists else []
    finally:
        await box.close()
    token = share_token(settings.secret_key, lists[0]) if lists else ""
    path = f"/guests/{token}" if token else ""
    name = next((guest.name for guest in guests), "")
    return known[0], DemoScanner(f"/door/{SLUG}/{known[0]}", known[1], codes, path, name)


async def _works(connection: Connection, known: list[str]) -> bool:
    if len(known) != 2:  # noqa: PLR2004 - a link and its PIN
        return False
    try:
        return isinstance(await link_of(connection, SLUG, known[0]), Link)
    except NotFound:
        return False
