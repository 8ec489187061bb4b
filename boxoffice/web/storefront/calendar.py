"""`/events/{slug}.ics`, `/artists/{slug}.ics`, `/venues/{slug}.ics`: nights for calendars to keep or subscribe to.

An entry keeps its UID whatever changes, and its SEQUENCE grows with every change, so that a calendar moves or strikes
it (RFC 5545, sections 3.8.4.7 and 3.8.7.4). Times carry their zone with its rules. The framework's paths know no
extensions: the pages of `/events/{slug}` and its like answer for `.ics` too.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.types import Scope

from boxoffice.box import BoxOffice
from boxoffice.catalogue.artist import show_artist
from boxoffice.catalogue.night import NightRow, nights_of_artist, nights_of_venue, show_night
from boxoffice.catalogue.venue import show_venue
from boxoffice.edge.render import shared_page
from boxoffice.foundation.db import Connection
from boxoffice.foundation.written import write_day, write_time

EXTENSION = ".ics"
KEPT_A_WHILE = "public, max-age=300, stale-while-revalidate=3600"
ASK_AGAIN, A_YEAR = timedelta(hours=6), timedelta(days=366)
Nights = tuple[str, list[NightRow]]


async def event_calendar(scope: Scope, box: BoxOffice, slug: str) -> Response[bytes]:
    """One night as a calendar entry."""

    async def nights(connection: Connection) -> Nights:
        row = (await show_night(connection, slug)).row
        return row.title, [row]

    return await _calendar(scope, box, f"events/{slug}", nights)


async def artist_calendar(scope: Scope, box: BoxOffice, slug: str) -> Response[bytes]:
    """An artist's nights."""

    async def nights(connection: Connection) -> Nights:
        return (await show_artist(connection, slug)).name, await nights_of_artist(connection, slug)

    return await _calendar(scope, box, f"artists/{slug}", nights)


async def venue_calendar(scope: Scope, box: BoxOffice, slug: str) -> Response[bytes]:
    """A venue's nights."""

    async def nights(connection: Connection) -> Nights:
        return (await show_venue(connection, slug)).name, await nights_of_venue(connection, slug)

    return await _calendar(scope, box, f"venues/{slug}", nights)


async def _calendar(
    scope: Scope, box: BoxOffice, path: str, nights: Callable[[Connection], Awaitable[Nights]]
) -> Response[bytes]:
    async def make() -> bytes:
        async with box.db.transaction() as connection:
            name, rows = await nights(connection)
        return _written(name, rows, box.settings.base_url)

    written = await box.shared_pages.get(("calendar", path), make)
    return shared_page(scope, written, KEPT_A_WHILE, "text/calendar; charset=utf-8")


def _written(name: str, rows: list[NightRow], base_url: str) -> bytes:
    from icalendar import Calendar  # noqa: PLC0415 - the slowest library of all

    calendar = Calendar()
    calendar.add("prodid", "-//Box office//Programme//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT6H")
    for row in rows:
        calendar.add_component(_entry(row, base_url))
    if rows:
        # The zones' rules of these years, not of all since 1970.
        first, last = min(row.doors_at for row in rows), max(row.ends_at for row in rows)
        calendar.add_missing_timezones(first.date() - A_YEAR, last.date() + A_YEAR)
    return calendar.to_ical()


def _entry(row: NightRow, base_url: str) -> Any:
    from icalendar import Event  # noqa: PLC0415 - as above

    zone = ZoneInfo(row.time_zone)
    event = Event()
    event.add("uid", f"{row.id}@{urlsplit(base_url).hostname}")
    event.add("sequence", row.revision)
    event.add("dtstamp", row.updated_at.astimezone(UTC))
    event.add("last-modified", row.updated_at.astimezone(UTC))
    event.add("dtstart", _wall(row.doors_at, zone))
    event.add("dtend", _wall(row.ends_at, zone))
    event.add("summary", f"Cancelled: {row.title}" if row.status == "cancelled" else row.title)
    event.add("location", f"{row.venue_name}, {row.venue_address}, {row.venue_city}")
    event.add("description", "\n".join(_words(row)))
    event.add("url", f"{base_url}/events/{row.slug}")
    event.add("status", "CANCELLED" if row.status == "cancelled" else "CONFIRMED")
    if row.venue_latitude is not None and row.venue_longitude is not None:
        event.add("geo", (row.venue_latitude, row.venue_longitude))
    return event


def _words(row: NightRow) -> list[str]:
    lines = [row.subtitle, row.cancelled_reason]
    if row.moved_from_starts_at is not None:
        former = row.moved_from_starts_at
        lines.append(f"Moved from {write_day(former, row.time_zone)}, {write_time(former, row.time_zone)}.")
    if row.moved_from_venue:
        lines.append(f"Moved from {row.moved_from_venue}.")
    lines.append(f"Doors {write_time(row.doors_at, row.time_zone)}.")
    return [line for line in lines if line]


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone)
