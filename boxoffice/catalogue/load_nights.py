"""Writes a nights file to the database: creates what is new, updates what changed, never touches what was sold.

Ids follow from slugs and names, so loading a file twice changes nothing.
"""

from typing import Any
from uuid import UUID

import msgspec

from boxoffice.catalogue.load_door import load_door
from boxoffice.catalogue.load_people_and_places import load_people_and_places
from boxoffice.catalogue.load_tickets import load_tickets
from boxoffice.catalogue.nights_file import NightsFile
from boxoffice.catalogue.nights_file_tables import MovedEntry
from boxoffice.catalogue.planned_night import Night
from boxoffice.catalogue.record_set import record_set
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import EVENT_CODE_LENGTH, named_id, random_code
from boxoffice.foundation.problems import FieldError, Unprocessable

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
    changed = await load_people_and_places(connection, file)
    slugs = [night.entry.slug for night in file.nights]
    before = {known.slug: known for known in await KNOWN_EVENTS.all(connection, slugs)}
    for number, night in enumerate(file.nights):
        known = before.get(night.entry.slug)
        if known is not None and known.currency != night.entry.currency:
            sentence = "A night that exists cannot change its currency: give it a new slug."
            raise Unprocessable(sentence, (FieldError(f"night[{number}].currency", sentence),))
    codes = await _free_codes(connection, len(file.nights))
    events = [_event(night, code) for night, code in zip(file.nights, codes, strict=True)]
    await PUT_EVENTS.run(connection, record_set(events))
    ids = {known.slug: known.id for known in await KNOWN_EVENTS.all(connection, slugs)}
    await CLEAR_GENRES.run(connection, list(ids.values()))
    genres = [{"event_id": ids[n.entry.slug], "genre": genre} for n in file.nights for genre in n.entry.genres]
    await PUT_EVENT_GENRES.run(connection, record_set(genres))
    await CLEAR_LINE_UPS.run(connection, list(ids.values()))
    await PUT_LINE_UPS.run(connection, record_set([row for night in file.nights for row in _line_up(ids, night)]))
    nights = [(ids[night.entry.slug], night) for night in file.nights]
    await load_tickets(connection, nights)
    await load_door(connection, nights)
    after = await KNOWN_EVENTS.all(connection, slugs)
    await TOUCH.run(connection, [one.id for one in after if one.slug in before and before[one.slug].told != one.told])
    await FIND_ANEW.first(connection, slugs, changed.venues, changed.artists, changed.genres)
    return len(file.nights)


async def _free_codes(connection: Connection, number: int) -> list[str]:
    """Short codes that no night has: among thousands, random ones meet."""
    codes: set[str] = set()
    while len(codes) < number:
        drawn = {random_code(EVENT_CODE_LENGTH) for _ in range(number - len(codes))}
        codes |= drawn - set(await TAKEN_CODES.all(connection, list(drawn)))
    return list(codes)


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
