"""Writes a nights file to the database: creates what is new, updates what changed, never touches what was sold.

Ids follow from slugs and names, so loading a file twice changes nothing.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from boxoffice.catalogue.nights_file import Night, NightsFile, TicketType
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, named_id, random_code
from boxoffice.foundation.problems import Unprocessable

PUT_ORGANISATIONS = Command("""
INSERT INTO organisation (id, slug, name, created_at)
SELECT id, slug, name, clock() FROM jsonb_to_recordset($1::text::jsonb) AS row (id uuid, slug text, name text)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name
""")

PUT_VENUES = Command("""
INSERT INTO venue (id, slug, name, address, city, country, time_zone)
SELECT id, slug, name, address, city, country, time_zone FROM jsonb_to_recordset($1::text::jsonb)
  AS row (id uuid, slug text, name text, address text, city text, country text, time_zone text)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name, address = excluded.address, city = excluded.city,
  country = excluded.country, time_zone = excluded.time_zone
""")

PUT_ARTISTS = Command("""
INSERT INTO artist (id, slug, name)
SELECT id, slug, name FROM jsonb_to_recordset($1::text::jsonb) AS row (id uuid, slug text, name text)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name
""")

PUT_EVENTS = Command("""
INSERT INTO event (id, short_code, slug, organisation_id, venue_id, title, description, status, time_zone, currency,
  doors_at, starts_at, ends_at, sale_starts_at, sale_ends_at, age_minimum, hold_minutes, quantity_max_per_person,
  created_at)
SELECT row.id, row.short_code, row.slug, organisation.id, venue.id, row.title, row.description, row.status,
  row.time_zone, row.currency, row.doors_at, row.starts_at, row.ends_at, row.sale_starts_at, row.sale_ends_at,
  row.age_minimum, row.hold_minutes, row.quantity_max_per_person, clock()
FROM jsonb_to_recordset($1::text::jsonb) AS row (id uuid, short_code text, slug text, organisation text, venue text,
  title text, description text, status text, time_zone text, currency text, doors_at timestamptz,
  starts_at timestamptz, ends_at timestamptz, sale_starts_at timestamptz, sale_ends_at timestamptz,
  age_minimum smallint, hold_minutes smallint, quantity_max_per_person integer)
JOIN organisation ON organisation.slug = row.organisation
JOIN venue ON venue.slug = row.venue
ON CONFLICT (slug) DO UPDATE SET organisation_id = excluded.organisation_id, venue_id = excluded.venue_id,
  title = excluded.title, description = excluded.description, status = excluded.status,
  time_zone = excluded.time_zone, doors_at = excluded.doors_at, starts_at = excluded.starts_at,
  ends_at = excluded.ends_at, sale_starts_at = excluded.sale_starts_at, sale_ends_at = excluded.sale_ends_at,
  age_minimum = excluded.age_minimum, hold_minutes = excluded.hold_minutes,
  quantity_max_per_person = excluded.quantity_max_per_person
WHERE event.currency = excluded.currency
""")

CLEAR_LINE_UPS = Command("DELETE FROM line_up WHERE event_id = ANY($1::uuid[])")

PUT_LINE_UPS = Command("""
INSERT INTO line_up (event_id, position, artist_id, set_starts_at)
SELECT row.event_id, row.position, artist.id, row.set_starts_at
FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, position smallint, artist text, set_starts_at timestamptz)
JOIN artist ON artist.slug = row.artist
""")

LOCK_STOCKS = Query(int, "SELECT 1 FROM stock WHERE event_id = ANY($1::uuid[]) ORDER BY event_id, id FOR UPDATE")

ADD_STOCKS = Command("""
INSERT INTO stock (event_id, id, cap)
SELECT event_id, id, cap FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, cap integer)
ON CONFLICT (event_id, id) DO NOTHING
""")

PUT_TICKET_TYPES = Command("""
INSERT INTO ticket_type (event_id, id, position, name, description, room_stock_id)
SELECT event_id, id, position, name, description, room_stock_id FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, position smallint, name text, description text, room_stock_id uuid)
ON CONFLICT (event_id, id) DO UPDATE SET position = excluded.position, description = excluded.description,
  room_stock_id = excluded.room_stock_id
""")

PUT_RELEASES = Command("""
INSERT INTO release (event_id, id, ticket_type_id, position, name, price_minor, stock_id)
SELECT event_id, id, ticket_type_id, position, name, price_minor, stock_id FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, ticket_type_id uuid, position smallint, name text, price_minor bigint,
  stock_id uuid)
ON CONFLICT (event_id, id) DO UPDATE SET name = excluded.name, price_minor = excluded.price_minor
""")

# A capacity is what the file says and what was inherited, never below what is held and sold: then nothing more is sold.
# What a closed release should sell more or fewer is its heir's, as units are that come back to it.
PLAN_STOCKS = Command("""
WITH planned AS (
  SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, cap integer)),
closed AS (
  SELECT event_id, id, release_heir(event_id, id) AS heir, planned.cap + stock.inherited - stock.cap AS n
  FROM planned JOIN stock USING (event_id, id) WHERE stock.closed),
moved AS (
  SELECT event_id, id, sum(n)::integer AS n FROM (
    SELECT event_id, id, -n AS n FROM closed WHERE heir <> id
    UNION ALL SELECT event_id, heir, n FROM closed WHERE heir <> id) AS each_move
  GROUP BY event_id, id),
wanted AS (
  SELECT event_id, id, stock.inherited + coalesce(moved.n, 0) AS inherited,
    coalesce(planned.cap, stock.cap - stock.inherited) + stock.inherited + coalesce(moved.n, 0) AS cap
  FROM stock LEFT JOIN planned USING (event_id, id) LEFT JOIN moved USING (event_id, id)
  WHERE planned.id IS NOT NULL OR moved.id IS NOT NULL)
UPDATE stock SET inherited = wanted.inherited, cap = greatest(wanted.cap, stock.used),
  closed = stock.closed AND wanted.cap <= stock.used
FROM wanted WHERE stock.event_id = wanted.event_id AND stock.id = wanted.id
  AND (stock.inherited, stock.cap) <> (wanted.inherited, greatest(wanted.cap, stock.used))
""")


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event that the database already has."""

    slug: str
    id: UUID


KNOWN_EVENTS = Query(KnownEvent, "SELECT slug, id FROM event WHERE slug = ANY($1::text[])")


async def load_nights(connection: Connection, file: NightsFile) -> int:
    """Creates and updates everything in the file; returns the number of nights. Call it inside one transaction.

    Raises Unprocessable when a night would change its currency: sold tickets are in the old one.
    """
    await PUT_ORGANISATIONS.run(
        connection, _as_json([_named("organisation", e.slug, e.name) for e in file.organisations])
    )
    await PUT_VENUES.run(
        connection,
        _as_json(
            [
                _named("venue", e.slug, e.name)
                | {"address": e.address, "city": e.city, "country": e.country, "time_zone": e.time_zone}
                for e in file.venues
            ]
        ),
    )
    await PUT_ARTISTS.run(connection, _as_json([_named("artist", e.slug, e.name) for e in file.artists]))
    written = await PUT_EVENTS.run(connection, _as_json([_event(night) for night in file.nights]))
    if written != len(file.nights):
        raise Unprocessable("A night that exists cannot change its currency: give it a new slug.")
    slugs = [night.entry.slug for night in file.nights]
    ids = {known.slug: known.id for known in await KNOWN_EVENTS.all(connection, slugs)}
    await CLEAR_LINE_UPS.run(connection, list(ids.values()))
    await PUT_LINE_UPS.run(connection, _as_json([row for night in file.nights for row in _line_up(ids, night)]))
    rows = _Rows()
    for night in file.nights:
        rows.add(ids[night.entry.slug], night)
    await LOCK_STOCKS.all(connection, list(ids.values()))
    await ADD_STOCKS.run(connection, _as_json(rows.stocks))
    await PUT_TICKET_TYPES.run(connection, _as_json(rows.ticket_types))
    await PUT_RELEASES.run(connection, _as_json(rows.releases))
    await PLAN_STOCKS.run(connection, _as_json(rows.stocks))
    return len(file.nights)


def _named(kind: str, slug: str, name: str) -> dict[str, Any]:
    return {"id": named_id(kind, slug), "slug": slug, "name": name}


def _event(night: Night) -> dict[str, Any]:
    entry = night.entry
    return {
        "id": named_id("event", entry.slug),
        "short_code": random_code(EVENT_CODE_LENGTH),
        "slug": entry.slug,
        "organisation": entry.organisation,
        "venue": entry.venue,
        "title": entry.title,
        "description": entry.description,
        "status": entry.status,
        "time_zone": night.time_zone,
        "currency": entry.currency,
        "doors_at": night.doors_at,
        "starts_at": night.starts_at,
        "ends_at": night.ends_at,
        "sale_starts_at": night.sale_starts_at,
        "sale_ends_at": night.sale_ends_at,
        "age_minimum": entry.age_minimum,
        "hold_minutes": entry.hold_minutes,
        "quantity_max_per_person": entry.quantity_max_per_person,
    }


def _line_up(ids: dict[str, UUID], night: Night) -> list[dict[str, Any]]:
    return [
        {
            "event_id": ids[night.entry.slug],
            "position": position,
            "artist": place.artist_slug,
            "set_starts_at": place.starts_at,
        }
        for position, place in enumerate(night.line_up)
    ]


class _Rows:
    """The stocks, ticket types and releases of several nights."""

    def __init__(self) -> None:
        self.stocks: list[dict[str, Any]] = []
        self.ticket_types: list[dict[str, Any]] = []
        self.releases: list[dict[str, Any]] = []

    def add(self, event_id: UUID, night: Night) -> None:
        """One night: a stock for the room when it has a capacity, and one for each release."""
        room_id = None
        if night.entry.room_capacity is not None:
            room_id = named_id("room", str(event_id))
            self.stocks.append({"event_id": event_id, "id": room_id, "cap": night.entry.room_capacity})
        for position, ticket_type in enumerate(night.ticket_types):
            type_id = named_id("ticket type", str(event_id), ticket_type.name)
            self.ticket_types.append(
                {
                    "event_id": event_id,
                    "id": type_id,
                    "position": position,
                    "name": ticket_type.name,
                    "description": ticket_type.description,
                    "room_stock_id": room_id,
                }
            )
            self._add_releases(event_id, type_id, ticket_type)

    def _add_releases(self, event_id: UUID, type_id: UUID, ticket_type: TicketType) -> None:
        for position, release in enumerate(ticket_type.releases):
            stock_id = named_id("release stock", str(type_id), str(position))
            self.stocks.append({"event_id": event_id, "id": stock_id, "cap": release.quantity})
            self.releases.append(
                {
                    "event_id": event_id,
                    "id": named_id("release", str(type_id), str(position)),
                    "ticket_type_id": type_id,
                    "position": position,
                    "name": release.name,
                    "price_minor": release.price_minor,
                    "stock_id": stock_id,
                }
            )


def _as_json(rows: list[dict[str, Any]]) -> str:
    """Rows for `jsonb_to_recordset`; times as RFC 3339."""
    return msgspec.json.encode(rows).decode()
