"""An artist as their page shows them."""

from datetime import datetime

import msgspec

from boxoffice.catalogue.events import SLUG
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import NotFound


class Artist(msgspec.Struct, frozen=True):
    """One row of `artist` with the genres' slugs and names and the links' names and addresses, each pair in order."""

    slug: str
    name: str
    biography: str
    city: str
    country: str
    updated_at: datetime
    genre_slugs: list[str]
    genre_names: list[str]
    link_names: list[str]
    link_urls: list[str]


ARTIST = Query(
    Artist,
    """
SELECT artist.slug, artist.name, artist.biography, artist.city, artist.country, artist.updated_at,
  ARRAY(SELECT genre.slug FROM artist_genre JOIN genre ON genre.slug = genre WHERE artist_id = artist.id
    ORDER BY genre.name) AS genre_slugs,
  ARRAY(SELECT genre.name FROM artist_genre JOIN genre ON genre.slug = genre WHERE artist_id = artist.id
    ORDER BY genre.name) AS genre_names,
  ARRAY(SELECT name FROM artist_link WHERE artist_id = artist.id ORDER BY position) AS link_names,
  ARRAY(SELECT url FROM artist_link WHERE artist_id = artist.id ORDER BY position) AS link_urls
FROM artist WHERE artist.slug = $1
""",
)


async def show_artist(connection: Connection, slug: str) -> Artist:
    """The artist of a slug. Raises NotFound."""
    artist = await ARTIST.first(connection, slug) if SLUG.fullmatch(slug) else None
    if artist is None:
        raise NotFound("There is no artist at this address. Look through all nights.")
    return artist
