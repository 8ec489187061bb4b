"""Every public address of the catalogue, for search engines."""

from datetime import datetime

import msgspec

from boxoffice.foundation.db import Connection, Query

ADDRESSES_MAX = 50_000
"""Source: the sitemap protocol, https://www.sitemaps.org/protocol.html: as many as one file may name."""


class Address(msgspec.Struct, frozen=True):
    """A page, `/kind/slug`, and when what it says changed last."""

    kind: str
    slug: str
    changed_at: datetime


ADDRESSES = Query(
    Address,
    """
SELECT 'events' AS kind, slug, updated_at AS changed_at FROM event WHERE status <> 'draft'
UNION ALL SELECT 'artists', slug, updated_at FROM artist
UNION ALL SELECT 'venues', slug, updated_at FROM venue
ORDER BY changed_at DESC, kind, slug LIMIT $1
""",
)


async def public_addresses(connection: Connection) -> list[Address]:
    """Pages of nights, artists and venues, what changed last first."""
    return await ADDRESSES.all(connection, ADDRESSES_MAX - 2)
