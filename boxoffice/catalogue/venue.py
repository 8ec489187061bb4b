"""A venue as its page shows it."""

from datetime import datetime

import msgspec

from boxoffice.catalogue.events import SLUG
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound


class Venue(msgspec.Struct, frozen=True):
    """One row of `venue`; an empty text is not said. Coordinates are degrees of WGS 84."""

    slug: str
    name: str
    address: str
    city: str
    country: str
    time_zone: str
    description: str
    capacity: int | None
    latitude: float | None
    longitude: float | None
    directions: str
    accessibility: str
    updated_at: datetime
    now: datetime


VENUE = Query(
    Venue,
    """
SELECT slug, name, address, city, country, time_zone, description, capacity, latitude, longitude, directions,
  accessibility, updated_at, clock() AS now
FROM venue WHERE slug = $1
""",
)


async def show_venue(connection: Connection, slug: str) -> Venue:
    """The venue of a slug. Raises NotFound."""
    venue = await VENUE.first(connection, slug) if SLUG.fullmatch(slug) else None
    if venue is None:
        raise NotFound("There is no venue at this address. Look through all nights.")
    return venue
