"""Writes a nights file's organisations, genres, venues and artists."""

import msgspec

from boxoffice.catalogue.nights_file import NightsFile
from boxoffice.catalogue.record_set import record_set
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import named_id

PUT_ORGANISATIONS = Command("""
INSERT INTO organisation (id, slug, name, created_at)
SELECT id, slug, name, clock() FROM jsonb_to_recordset($1::text::jsonb) AS row (id uuid, slug text, name text)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name
""")

# These three answer with the slugs of what is new or has changed.
PUT_GENRES = Query(
    str,
    """
INSERT INTO genre (slug, name) SELECT slug, name FROM jsonb_to_recordset($1::text::jsonb) AS row (slug text, name text)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name WHERE genre.name <> excluded.name RETURNING slug
""",
)

PUT_VENUES = Query(
    str,
    """
INSERT INTO venue (id, slug, name, address, city, country, time_zone, description, capacity, latitude, longitude,
  directions, accessibility, updated_at)
SELECT id, slug, name, address, city, country, time_zone, description, capacity, latitude, longitude, directions,
  accessibility, clock()
FROM jsonb_to_recordset($1::text::jsonb) AS row (id uuid, slug text, name text, address text, city text, country text,
  time_zone text, description text, capacity integer, latitude double precision, longitude double precision,
  directions text, accessibility text)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name, address = excluded.address, city = excluded.city,
  country = excluded.country, time_zone = excluded.time_zone, description = excluded.description,
  capacity = excluded.capacity, latitude = excluded.latitude, longitude = excluded.longitude,
  directions = excluded.directions, accessibility = excluded.accessibility, updated_at = excluded.updated_at
WHERE to_jsonb(venue) - '{id,updated_at}'::text[] <> to_jsonb(excluded) - '{id,updated_at}'::text[]
RETURNING slug
""",
)

PUT_ARTISTS = Query(
    str,
    """
INSERT INTO artist (id, slug, name, biography, city, country, updated_at)
SELECT id, slug, name, biography, city, country, clock() FROM jsonb_to_recordset($1::text::jsonb)
  AS row (id uuid, slug text, name text, biography text, city text, country text)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name, biography = excluded.biography, city = excluded.city,
  country = excluded.country, updated_at = excluded.updated_at
WHERE to_jsonb(artist) - '{id,updated_at}'::text[] <> to_jsonb(excluded) - '{id,updated_at}'::text[]
RETURNING slug
""",
)

CLEAR_ARTIST_GENRES = Command(
    "DELETE FROM artist_genre USING artist WHERE artist.id = artist_id AND artist.slug = ANY($1::text[])"
)
PUT_ARTIST_GENRES = Command("""
INSERT INTO artist_genre (artist_id, genre)
SELECT artist.id, row.genre FROM jsonb_to_recordset($1::text::jsonb) AS row (artist text, genre text)
JOIN artist ON artist.slug = row.artist
""")

CLEAR_ARTIST_LINKS = Command(
    "DELETE FROM artist_link USING artist WHERE artist.id = artist_id AND artist.slug = ANY($1::text[])"
)
PUT_ARTIST_LINKS = Command("""
INSERT INTO artist_link (artist_id, position, name, url)
SELECT artist.id, row.position, row.name, row.url
FROM jsonb_to_recordset($1::text::jsonb) AS row (artist text, position smallint, name text, url text)
JOIN artist ON artist.slug = row.artist
""")


class Changed(msgspec.Struct, frozen=True):
    """Slugs of what is new or called otherwise."""

    genres: list[str]
    venues: list[str]
    artists: list[str]


async def load_people_and_places(connection: Connection, file: NightsFile) -> Changed:
    """Creates and updates those of the file; others stay."""
    organisations = [
        {"id": named_id("organisation", entry.slug), "slug": entry.slug, "name": entry.name}
        for entry in file.organisations
    ]
    await PUT_ORGANISATIONS.run(connection, record_set(organisations))
    named = [{"slug": entry.slug, "name": entry.name} for entry in file.genres]
    changed_genres = await PUT_GENRES.all(connection, record_set(named))
    venues = [{"id": named_id("venue", e.slug)} | msgspec.structs.asdict(e) for e in file.venues]
    changed_venues = await PUT_VENUES.all(connection, record_set(venues))
    artists = [{"id": named_id("artist", e.slug)} | msgspec.structs.asdict(e) for e in file.artists]
    changed_artists = await PUT_ARTISTS.all(connection, record_set(artists))
    slugs = [artist.slug for artist in file.artists]
    await CLEAR_ARTIST_GENRES.run(connection, slugs)
    genres = [{"artist": artist.slug, "genre": genre} for artist in file.artists for genre in artist.genres]
    await PUT_ARTIST_GENRES.run(connection, record_set(genres))
    await CLEAR_ARTIST_LINKS.run(connection, slugs)
    links = [
        {"artist": artist.slug, "position": position, "name": link.name, "url": link.url}
        for artist in file.artists
        for position, link in enumerate(artist.link)
    ]
    await PUT_ARTIST_LINKS.run(connection, record_set(links))
    return Changed(changed_genres, changed_venues, changed_artists)
