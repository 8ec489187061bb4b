"""A night that tests load, and how they change it."""

from datetime import UTC, datetime

from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.foundation.db import Database

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

NIGHT = """
[[organisation]]
slug = "tiefdruck"
name = "Tiefdruck"

[[venue]]
slug = "keller-drei"
name = "Keller Drei"
address = "Hafenweg 3"
city = "Hamburg"
country = "DE"
time_zone = "Europe/Berlin"

[[artist]]
slug = "lo-kontakt"
name = "Lo Kontakt"

[[night]]
slug = "tiefdruck-eins"
title = "Tiefdruck Eins"
organisation = "tiefdruck"
venue = "keller-drei"
currency = "eur"
doors_at = "in 30 days 22:00"
starts_at = "in 30 days 23:00"
ends_at = "in 31 days 06:00"
room_capacity = 60

[[night.line_up]]
artist = "lo-kontakt"
starts_at = "in 31 days 01:00"

[[night.ticket_type]]
name = "Entry"

[[night.ticket_type.release]]
name = "Early bird"
price = "12.00"
quantity = 10

[[night.ticket_type.release]]
name = "Regular"
price = "16.50"
quantity = 100
"""


async def load(db: Database, text: str = NIGHT, now: datetime | None = None) -> int:
    """Loads a nights file into the test's database; relative days count from `now` (default: today)."""
    return await db.attempt(load_nights, read_nights_file(text, now or datetime.now(UTC)))
