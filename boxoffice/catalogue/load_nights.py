"""Writes a nights file to the database: creates what is new, updates what changed, never touches what was sold.

Ids follow from slugs and names, so loading a file twice changes nothing.
"""

from typing import Any
from uuid import UUID

import msgspec

from boxoffice.catalogue.nights_file import NightsFile
from boxoffice.catalogue.nights_file_tables import MovedEntry
from boxoffice.catalogue.planned_night import Night, Release, TicketType
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, named_id, random_code
from boxoffice.foundation.problems import FieldError, Unprocessable

GUESTS = "Guest list"
"""What the one release of a guest list is called."""

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

# A night that has sold keeps its former date and venue when they change, whatever the file says about it: whoever holds
# a ticket must read it. Back at its former date, it has not moved.
PUT_EVENTS = Command("""
INSERT INTO event (id, short_code, slug, organisation_id, venue_id, title, subtitle, description, status,
  cancelled_reason, time_zone, currency, doors_at, starts_at, ends_at, last_entry_at, sale_starts_at, sale_ends_at,
  age_minimum, hold_minutes, quantity_max_per_person, policy_re_entry, policy_cloakroom, policy_photos, policy_refunds,
  policy_access, moved_from_starts_at, moved_from_venue, moved_words, transfers, transfer_until, code, paper,
  created_at, updated_at)
SELECT row.id, row.short_code, row.slug, organisation.id, venue.id, row.title, row.subtitle, row.description,
  CASE WHEN called_off.event_id IS NULL THEN row.status ELSE 'cancelled' END,
  coalesce(called_off.reason, row.cancelled_reason), row.time_zone, row.currency, row.doors_at, row.starts_at,
  row.ends_at,
  row.last_entry_at, row.sale_starts_at, row.sale_ends_at, row.age_minimum, row.hold_minutes,
  row.quantity_max_per_person, row.policy_re_entry, row.policy_cloakroom, row.policy_photos, row.policy_refunds,
  row.policy_access, moved.from_starts_at, coalesce(moved.from_venue, ''),
  CASE WHEN num_nonnulls(moved.from_starts_at, moved.from_venue) = 0 THEN ''
    WHEN row.is_moved THEN row.moved_words ELSE coalesce(was.moved_words, '') END,
  row.transfers, row.transfer_until, row.code, row.paper, clock(), clock()
FROM jsonb_to_recordset($1::text::jsonb) AS row (id uuid, short_code text, slug text, organisation text, venue text,
  title text, subtitle text, description text, status text, cancelled_reason text, time_zone text, currency text,
  doors_at timestamptz, starts_at timestamptz, ends_at timestamptz, last_entry_at timestamptz,
  sale_starts_at timestamptz, sale_ends_at timestamptz, age_minimum smallint, hold_minutes smallint,
  quantity_max_per_person integer, policy_re_entry text, policy_cloakroom text, policy_photos text,
  policy_refunds text, policy_access text, is_moved boolean, moved_from_starts_at timestamptz, moved_from_venue text,
  moved_words text, transfers boolean, transfer_until timestamptz, code text, paper boolean)
JOIN organisation ON organisation.slug = row.organisation
JOIN venue ON venue.slug = row.venue
LEFT JOIN event AS was ON was.slug = row.slug
LEFT JOIN cancellation AS called_off ON called_off.event_id = was.id
LEFT JOIN venue AS former ON former.id = was.venue_id
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM stock WHERE event_id = was.id AND used > 0) AS yes) AS sold
CROSS JOIN LATERAL (SELECT
  nullif(CASE WHEN row.is_moved THEN row.moved_from_starts_at
    WHEN sold.yes AND was.starts_at <> row.starts_at THEN was.starts_at
    ELSE was.moved_from_starts_at END, row.starts_at) AS from_starts_at,
  nullif(nullif(CASE WHEN row.is_moved THEN row.moved_from_venue
    WHEN sold.yes AND former.id <> venue.id THEN former.name
    ELSE was.moved_from_venue END, venue.name), '') AS from_venue) AS moved
ON CONFLICT (slug) DO UPDATE SET organisation_id = excluded.organisation_id, venue_id = excluded.venue_id,
  title = excluded.title, subtitle = excluded.subtitle, description = excluded.description, status = excluded.status,
  cancelled_reason = excluded.cancelled_reason, time_zone = excluded.time_zone, doors_at = excluded.doors_at,
  starts_at = excluded.starts_at, ends_at = excluded.ends_at, last_entry_at = excluded.last_entry_at,
  sale_starts_at = excluded.sale_starts_at, sale_ends_at = excluded.sale_ends_at, age_minimum = excluded.age_minimum,
  hold_minutes = excluded.hold_minutes, quantity_max_per_person = excluded.quantity_max_per_person,
  transfers = excluded.transfers, transfer_until = excluded.transfer_until, code = excluded.code,
  paper = excluded.paper,
  policy_re_entry = excluded.policy_re_entry, policy_cloakroom = excluded.policy_cloakroom,
  policy_photos = excluded.policy_photos, policy_refunds = excluded.policy_refunds,
  policy_access = excluded.policy_access, moved_from_starts_at = excluded.moved_from_starts_at,
  moved_from_venue = excluded.moved_from_venue, moved_words = excluded.moved_words,
  revision = event.revision + 1, updated_at = excluded.updated_at
WHERE to_jsonb(event) - '{id,short_code,created_at,updated_at,revision}'::text[]
  <> to_jsonb(excluded) - '{id,short_code,created_at,updated_at,revision}'::text[]
""")

CLEAR_GENRES = Command("DELETE FROM event_genre WHERE event_id = ANY($1::uuid[])")
PUT_EVENT_GENRES = Command("""
INSERT INTO event_genre (event_id, genre)
SELECT event_id, genre FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, genre text)
""")

CLEAR_LINE_UPS = Command("DELETE FROM line_up WHERE event_id = ANY($1::uuid[])")

PUT_LINE_UPS = Command("""
INSERT INTO line_up (event_id, position, artist_id, set_starts_at, set_ends_at, stage)
SELECT row.event_id, row.position, artist.id, row.set_starts_at, row.set_ends_at, row.stage
FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, position smallint, artist text,
  set_starts_at timestamptz, set_ends_at timestamptz, stage text)
JOIN artist ON artist.slug = row.artist
""")

LOCK_STOCKS = Query(int, "SELECT 1 FROM stock WHERE event_id = ANY($1::uuid[]) ORDER BY event_id, id FOR UPDATE")

ADD_STOCKS = Command("""
INSERT INTO stock (event_id, id, cap)
SELECT event_id, id, cap FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, cap integer)
ON CONFLICT (event_id, id) DO NOTHING
""")

# How many a ticket admits stays once one is held or sold: their holds on the room were counted by it.
PUT_TICKET_TYPES = Command("""
INSERT INTO ticket_type (event_id, id, position, name, description, room_stock_id, admits, last_entry_at, checks,
  for_guests)
SELECT event_id, id, position, name, description, room_stock_id, admits, last_entry_at,
  ARRAY(SELECT jsonb_array_elements_text(checks)), for_guests
FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, position smallint, name text,
  description text, room_stock_id uuid, admits smallint, last_entry_at timestamptz, checks jsonb, for_guests boolean)
ON CONFLICT (event_id, id) DO UPDATE SET position = excluded.position, description = excluded.description,
  room_stock_id = excluded.room_stock_id, last_entry_at = excluded.last_entry_at, checks = excluded.checks,
  admits = CASE WHEN EXISTS (SELECT FROM release JOIN stock ON stock.event_id = release.event_id
      AND stock.id = release.stock_id
    WHERE release.event_id = ticket_type.event_id AND release.ticket_type_id = ticket_type.id AND stock.used > 0)
    THEN ticket_type.admits ELSE excluded.admits END
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

# A code that the file no longer has can no longer be used; the orders that used it keep pointing at it.
WITHDRAW_PROMOS = Command("""
UPDATE promo SET code = NULL WHERE event_id = ANY($2::uuid[]) AND NOT EXISTS (
  SELECT FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid)
  WHERE row.event_id = promo.event_id AND row.id = promo.id)
""")

PUT_PROMOS = Command("""
INSERT INTO promo (event_id, id, code, percent, amount_minor, uses_max)
SELECT event_id, id, code, percent, amount_minor, uses_max FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, code text, percent smallint, amount_minor bigint, uses_max integer)
ON CONFLICT (event_id, id) DO UPDATE SET code = excluded.code, percent = excluded.percent,
  amount_minor = excluded.amount_minor,
  uses_max = CASE WHEN excluded.uses_max < promo.used THEN promo.used ELSE excluded.uses_max END
""")


# A list that the file no longer has stays: scanners are paired with it, and people came in by it.
PUT_ENTRY_LISTS = Command("""
INSERT INTO entry_list (event_id, id, name, re_entry, opens_at, last_entry_at)
SELECT event_id, id, name, re_entry, opens_at, last_entry_at FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, name text, re_entry boolean, opens_at timestamptz, last_entry_at timestamptz)
ON CONFLICT (event_id, id) DO UPDATE SET re_entry = excluded.re_entry, opens_at = excluded.opens_at,
  last_entry_at = excluded.last_entry_at
""")
CLEAR_ENTRY_LIST_TYPES = Command("""
DELETE FROM entry_list_type USING ticket_type,
  jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, ticket_types jsonb)
WHERE entry_list_type.event_id = row.event_id AND list_id = row.id
  AND ticket_type.event_id = row.event_id AND ticket_type.id = ticket_type_id
  AND NOT row.ticket_types ? ticket_type.name
""")
PUT_ENTRY_LIST_TYPES = Command("""
INSERT INTO entry_list_type (event_id, list_id, ticket_type_id)
SELECT row.event_id, row.id, ticket_type.id
FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, ticket_types jsonb)
JOIN ticket_type ON ticket_type.event_id = row.event_id AND row.ticket_types ? ticket_type.name
ON CONFLICT DO NOTHING
""")

# A guest list that the file no longer has stays too: there are names on it.
PUT_GUEST_LISTS = Command("""
INSERT INTO guest_list (event_id, id, given_by, plus_ones_max, closes_at)
SELECT event_id, id, given_by, plus_ones_max, closes_at FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, id uuid, given_by text, plus_ones_max smallint, closes_at timestamptz)
ON CONFLICT (event_id, id) DO UPDATE SET given_by = excluded.given_by, plus_ones_max = excluded.plus_ones_max,
  closes_at = excluded.closes_at
""")

# What was sold keeps its price, so the file alone says what is asked from now on.
CLEAR_DOOR_PRICES = Command("DELETE FROM door_price WHERE event_id = ANY($1::uuid[])")
PUT_DOOR_PRICES = Command("""
INSERT INTO door_price (event_id, ticket_type_id, from_at, price_minor, cash, card)
SELECT event_id, ticket_type_id, from_at, price_minor, cash, card FROM jsonb_to_recordset($1::text::jsonb)
  AS row (event_id uuid, ticket_type_id uuid, from_at timestamptz, price_minor bigint, cash boolean, card boolean)
""")


class KnownEvent(msgspec.Struct, frozen=True):
    """An event as the database has it; `told` is what is said of it in other tables."""

    slug: str
    id: UUID
    currency: str
    told: str


KNOWN_EVENTS = Query(
    KnownEvent,
    """
SELECT event.slug, event.id, event.currency, concat_ws('; ',
  (SELECT jsonb_agg(to_jsonb(line_up) ORDER BY position) FROM line_up WHERE line_up.event_id = event.id),
  (SELECT string_agg(genre, ',' ORDER BY genre) FROM event_genre WHERE event_genre.event_id = event.id),
  (SELECT jsonb_agg(to_jsonb(ticket_type) ORDER BY position) FROM ticket_type WHERE ticket_type.event_id = event.id),
  (SELECT jsonb_agg(last_entry_at ORDER BY ticket_type_id) FROM type_entry WHERE type_entry.event_id = event.id),
  (SELECT jsonb_agg(to_jsonb(release) ORDER BY id) FROM release WHERE release.event_id = event.id)) AS told
FROM event WHERE event.slug = ANY($1::text[])
""",
)

OTHER_KIND = Query(
    str,
    """
SELECT ticket_type.name FROM jsonb_to_recordset($1::text::jsonb) AS row (event_id uuid, id uuid, for_guests boolean)
JOIN ticket_type ON ticket_type.event_id = row.event_id AND ticket_type.id = row.id
WHERE ticket_type.for_guests <> row.for_guests ORDER BY ticket_type.name LIMIT 1
""",
)

TAKEN_CODES = Query(str, "SELECT short_code FROM event WHERE short_code = ANY($1::text[])")

TOUCH = Command("UPDATE event SET revision = revision + 1, updated_at = clock() WHERE id = ANY($1::uuid[])")

# A new name of an artist or a place concerns nights of other files too.
FIND_ANEW = Query(
    int,
    """
SELECT find_events_anew(ARRAY(
  SELECT id FROM event WHERE slug = ANY($1::text[])
  UNION SELECT event.id FROM event JOIN venue ON venue.id = event.venue_id WHERE venue.slug = ANY($2::text[])
  UNION SELECT event_id FROM line_up JOIN artist ON artist.id = line_up.artist_id WHERE artist.slug = ANY($3::text[])
  UNION SELECT event_id FROM event_genre WHERE genre = ANY($4::text[])))
""",
)


async def load_nights(connection: Connection, file: NightsFile) -> int:
    """Creates and updates everything in the file; returns the number of nights. Call it inside one transaction.

    Raises Unprocessable when a night would change its currency, or a ticket type become a guest list: sold tickets are
    of the old one. The guests whom the file names are `guests/add.py`'s business.
    """
    changed = await _put_people_and_places(connection, file)
    slugs = [night.entry.slug for night in file.nights]
    before = {known.slug: known for known in await KNOWN_EVENTS.all(connection, slugs)}
    for number, night in enumerate(file.nights):
        known = before.get(night.entry.slug)
        if known is not None and known.currency != night.entry.currency:
            sentence = "A night that exists cannot change its currency: give it a new slug."
            raise Unprocessable(sentence, (FieldError(f"night[{number}].currency", sentence),))
    codes = await _free_codes(connection, len(file.nights))
    events = [_event(night, code) for night, code in zip(file.nights, codes, strict=True)]
    await PUT_EVENTS.run(connection, _as_json(events))
    ids = {known.slug: known.id for known in await KNOWN_EVENTS.all(connection, slugs)}
    await CLEAR_GENRES.run(connection, list(ids.values()))
    genres = [{"event_id": ids[n.entry.slug], "genre": genre} for n in file.nights for genre in n.entry.genres]
    await PUT_EVENT_GENRES.run(connection, _as_json(genres))
    await CLEAR_LINE_UPS.run(connection, list(ids.values()))
    await PUT_LINE_UPS.run(connection, _as_json([row for night in file.nights for row in _line_up(ids, night)]))
    rows = _Rows()
    for night in file.nights:
        rows.add(ids[night.entry.slug], night)
    await LOCK_STOCKS.all(connection, list(ids.values()))
    await ADD_STOCKS.run(connection, _as_json(rows.stocks))
    if name := await OTHER_KIND.first(connection, _as_json(rows.ticket_types)):
        raise Unprocessable(f'"{name}" cannot turn from a ticket type into a guest list, or back: give it a new name.')
    await PUT_TICKET_TYPES.run(connection, _as_json(rows.ticket_types))
    await PUT_RELEASES.run(connection, _as_json(rows.releases))
    await PLAN_STOCKS.run(connection, _as_json(rows.stocks))
    promos = _as_json([row for night in file.nights for row in _promos(ids[night.entry.slug], night)])
    await WITHDRAW_PROMOS.run(connection, promos, list(ids.values()))
    await PUT_PROMOS.run(connection, promos)
    lists = _as_json([row for night in file.nights for row in _entry_lists(ids[night.entry.slug], night)])
    await PUT_ENTRY_LISTS.run(connection, lists)
    await CLEAR_ENTRY_LIST_TYPES.run(connection, lists)
    await PUT_ENTRY_LIST_TYPES.run(connection, lists)
    await PUT_GUEST_LISTS.run(connection, _as_json(rows.guest_lists))
    await CLEAR_DOOR_PRICES.run(connection, list(ids.values()))
    prices = [row for night in file.nights for row in _door_prices(ids[night.entry.slug], night)]
    await PUT_DOOR_PRICES.run(connection, _as_json(prices))
    after = await KNOWN_EVENTS.all(connection, slugs)
    await TOUCH.run(connection, [one.id for one in after if one.slug in before and before[one.slug].told != one.told])
    await FIND_ANEW.first(connection, slugs, changed.venues, changed.artists, changed.genres)
    return len(file.nights)


class _Changed(msgspec.Struct, frozen=True):
    """Slugs of what is new or called otherwise."""

    genres: list[str]
    venues: list[str]
    artists: list[str]


async def _put_people_and_places(connection: Connection, file: NightsFile) -> _Changed:
    await PUT_ORGANISATIONS.run(
        connection, _as_json([_named("organisation", e.slug, e.name) for e in file.organisations])
    )
    named = [{"slug": entry.slug, "name": entry.name} for entry in file.genres]
    changed_genres = await PUT_GENRES.all(connection, _as_json(named))
    venues = [{"id": named_id("venue", e.slug)} | msgspec.structs.asdict(e) for e in file.venues]
    changed_venues = await PUT_VENUES.all(connection, _as_json(venues))
    artists = [{"id": named_id("artist", e.slug)} | msgspec.structs.asdict(e) for e in file.artists]
    changed_artists = await PUT_ARTISTS.all(connection, _as_json(artists))
    slugs = [artist.slug for artist in file.artists]
    await CLEAR_ARTIST_GENRES.run(connection, slugs)
    genres = [{"artist": artist.slug, "genre": genre} for artist in file.artists for genre in artist.genres]
    await PUT_ARTIST_GENRES.run(connection, _as_json(genres))
    await CLEAR_ARTIST_LINKS.run(connection, slugs)
    links = [
        {"artist": artist.slug, "position": position, "name": link.name, "url": link.url}
        for artist in file.artists
        for position, link in enumerate(artist.link)
    ]
    await PUT_ARTIST_LINKS.run(connection, _as_json(links))
    return _Changed(changed_genres, changed_venues, changed_artists)


async def _free_codes(connection: Connection, number: int) -> list[str]:
    """Short codes that no night has: among thousands, random ones meet."""
    codes: set[str] = set()
    while len(codes) < number:
        drawn = {random_code(EVENT_CODE_LENGTH) for _ in range(number - len(codes))}
        codes |= drawn - set(await TAKEN_CODES.all(connection, list(drawn)))
    return list(codes)


def _named(kind: str, slug: str, name: str) -> dict[str, Any]:
    return {"id": named_id(kind, slug), "slug": slug, "name": name}


def _event(night: Night, short_code: str) -> dict[str, Any]:
    entry = night.entry
    moved = entry.moved or MovedEntry()
    return {
        "id": named_id("event", entry.slug),
        "short_code": short_code,
        "slug": entry.slug,
        "organisation": entry.organisation,
        "venue": entry.venue,
        "title": entry.title,
        "subtitle": entry.subtitle,
        "description": entry.description,
        "status": entry.status,
        "cancelled_reason": entry.cancelled_reason,
        "time_zone": night.time_zone,
        "currency": entry.currency,
        "doors_at": night.doors_at,
        "starts_at": night.starts_at,
        "ends_at": night.ends_at,
        "last_entry_at": night.last_entry_at,
        "sale_starts_at": night.sale_starts_at,
        "sale_ends_at": night.sale_ends_at,
        "age_minimum": entry.age_minimum,
        "transfers": entry.transfers,
        "transfer_until": night.transfer_until,
        "code": entry.code,
        "paper": entry.paper,
        "hold_minutes": entry.hold_minutes,
        "quantity_max_per_person": entry.quantity_max_per_person,
        "is_moved": entry.moved is not None,
        "moved_from_starts_at": night.moved_from_starts_at,
        "moved_from_venue": moved.from_venue,
        "moved_words": moved.words,
    } | {f"policy_{name}": words for name, words in msgspec.structs.asdict(entry.policies).items()}


def _line_up(ids: dict[str, UUID], night: Night) -> list[dict[str, Any]]:
    return [
        {
            "event_id": ids[night.entry.slug],
            "position": position,
            "artist": place.artist_slug,
            "set_starts_at": place.starts_at,
            "set_ends_at": place.ends_at,
            "stage": place.stage,
        }
        for position, place in enumerate(night.line_up)
    ]


def _promos(event_id: UUID, night: Night) -> list[dict[str, Any]]:
    return [
        {"event_id": event_id, "id": named_id("promo", str(event_id), promo.code)} | msgspec.structs.asdict(promo)
        for promo in night.promos
    ]


def _entry_lists(event_id: UUID, night: Night) -> list[dict[str, Any]]:
    return [
        {"event_id": event_id, "id": named_id("entry list", str(event_id), one.name)} | msgspec.structs.asdict(one)
        for one in night.entry_lists
    ]


def _door_prices(event_id: UUID, night: Night) -> list[dict[str, Any]]:
    return [
        {"event_id": event_id, "ticket_type_id": named_id("ticket type", str(event_id), price.ticket_type)}
        | msgspec.structs.asdict(price)
        for price in night.door_prices
    ]


class _Rows:
    """The stocks, ticket types and releases of several nights."""

    def __init__(self) -> None:
        self.stocks: list[dict[str, Any]] = []
        self.ticket_types: list[dict[str, Any]] = []
        self.releases: list[dict[str, Any]] = []
        self.guest_lists: list[dict[str, Any]] = []

    def add(self, event_id: UUID, night: Night) -> None:
        """One night: a stock for the room when it has a capacity, and one for each release."""
        room_id = None
        if night.entry.room_capacity is not None:
            room_id = named_id("room", str(event_id))
            self.stocks.append({"event_id": event_id, "id": room_id, "cap": night.entry.room_capacity})
        for position, ticket_type in enumerate(night.ticket_types):
            type_id = self._add_type(event_id, position, ticket_type, room_id)
            self._add_releases(event_id, type_id, ticket_type)
        for position, guest_list in enumerate(night.guest_lists, len(night.ticket_types)):
            places = Release(GUESTS, 0, guest_list.quota)
            ticket_type = TicketType(guest_list.name, "", (places,), 1, guest_list.last_entry_at, guest_list.checks)
            type_id = self._add_type(event_id, position, ticket_type, None, for_guests=True)
            self._add_releases(event_id, type_id, ticket_type)
            self.guest_lists.append(
                {
                    "event_id": event_id,
                    "id": type_id,
                    "given_by": guest_list.given_by,
                    "plus_ones_max": guest_list.plus_ones_max,
                    "closes_at": guest_list.closes_at,
                }
            )

    def _add_type(
        self,
        event_id: UUID,
        position: int,
        ticket_type: TicketType,
        room_id: UUID | None,
        *,
        for_guests: bool = False,
    ) -> UUID:
        type_id = named_id("ticket type", str(event_id), ticket_type.name)
        self.ticket_types.append(
            {
                "event_id": event_id,
                "id": type_id,
                "position": position,
                "name": ticket_type.name,
                "description": ticket_type.description,
                "room_stock_id": room_id,
                "admits": ticket_type.admits,
                "last_entry_at": ticket_type.last_entry_at,
                "checks": ticket_type.checks,
                "for_guests": for_guests,
            }
        )
        return type_id

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
