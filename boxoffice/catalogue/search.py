"""The programme: nights to come or past, by what they are called, where, when, who plays and what.

Words are looked for as PostgreSQL's text search finds them, each as a beginning. Only when nothing has all of them, the
spelling is forgiven: then the trigrams of `pg_trgm` say what comes closest.
"""

import calendar
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from boxoffice.catalogue.events import SLUG
from boxoffice.catalogue.night import Sale, is_few
from boxoffice.foundation.db import Connection, Query
from boxoffice.foundation.problems import FieldError

WORDS_LENGTH_MAX = 100
PAGE_LENGTH = 48
WORDS_MAX = 8
CLOSE, VAGUE = 0.4, 0.3
"""How alike (`word_similarity` of pg_trgm, 0 to 1) a word must be to be found, and to be suggested at all."""
CLOSENESS_SPREAD = 0.1
SUGGESTED_MAX = 3

When: TypeAlias = Literal["", "tonight", "weekend", "days"]


class Wanted(msgspec.Struct, frozen=True):
    """What a visitor looks for; an empty text is no condition. `first_day` and `last_day` count with `when` "days" and
    are days on the venue's calendar. `after` is the slug of the last night of the page before."""

    words: str = ""
    city: str = ""
    genre: str = ""
    artist: str = ""
    venue: str = ""
    when: When = ""
    first_day: date = date.min
    last_day: date = date.max
    written_date: str = ""
    after: str = ""
    past: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether there is no condition."""
        return self == Wanted(after=self.after, past=self.past)

    def query(self, **changes: str) -> dict[str, str]:
        """The parameters of a clean address, in one order and without empty ones."""
        named = {
            "q": self.words,
            "city": self.city,
            "date": self.written_date,
            "artist": self.artist,
            "venue": self.venue,
            "genre": self.genre,
            "after": self.after,
        }
        return {name: text for name, text in (named | changes).items() if text}


class NightCard(msgspec.Struct, frozen=True):
    """A night in the programme. `price_from_minor` is None when nothing is left; `left` and `cap` count all
    types that still let somebody in; `entry_ended`: none does."""

    slug: str
    title: str
    subtitle: str
    status: str
    doors_at: datetime
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue_slug: str
    venue_name: str
    venue_city: str
    currency: str
    sale_starts_at: datetime | None
    sale_ends_at: datetime
    moved_from_starts_at: datetime | None
    moved_from_venue: str
    artists: list[str]
    price_from_minor: int | None
    left: int
    cap: int
    entry_ended: bool
    now: datetime

    @property
    def sale(self) -> Sale:
        """Whether tickets can be bought, or why not."""
        if self.status == "cancelled":
            return "cancelled"
        if self.now >= self.sale_ends_at or self.entry_ended:
            return "ended"
        if self.sale_starts_at is not None and self.now < self.sale_starts_at:
            return "not_yet"
        return "open" if self.left > 0 else "sold_out"

    @property
    def few_left(self) -> bool:
        """Whether one should not wait."""
        return self.sale == "open" and is_few(self.left, self.cap)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.now >= self.ends_at

    @property
    def has_moved(self) -> bool:
        """Whether it was to be on another day or in another place before."""
        return self.moved_from_starts_at is not None or self.moved_from_venue != ""


class Near(msgspec.Struct, frozen=True):
    """A word of a night that is like a typed one, and how much: 0 to 1."""

    typed: str
    word: str
    closeness: float


class Found(msgspec.Struct, frozen=True):
    """Nights of one page. `exact` is False when the spelling was forgiven; `suggested` is what comes closest when
    nothing was found; `next_after` leads to the next page."""

    nights: list[NightCard]
    exact: bool = True
    suggested: tuple[NightCard, ...] = ()
    next_after: str = ""


class Choice(msgspec.Struct, frozen=True):
    """A value that a filter can take, and how many nights to come it has."""

    kind: str
    value: str
    name: str
    nights: int


# A day at the venue ends at six in the morning, and a night belongs to the day on which its doors open: one that ends
# at noon the next day is not "tomorrow", a festival is on every one of its days.
_WANTED = """
FROM event JOIN event_search AS told ON told.event_id = event.id
CROSS JOIN LATERAL (SELECT (((SELECT clock()) - interval '6 hours') AT TIME ZONE event.time_zone)::date AS day) AS today
WHERE event.status <> 'draft' AND event.ends_at {time} (SELECT clock())
  AND event.starts_at < CASE $5::text WHEN '' THEN 'infinity'
    WHEN 'days' THEN ($7::date + 2)::timestamp AT TIME ZONE 'UTC' ELSE (SELECT clock()) + interval '9 days' END
  AND ($1 = '' OR told.city = (SELECT replace(folded($1), ' ', '-'))) AND ($2 = '' OR $2 = ANY(told.genres))
  AND ($3 = '' OR $3 = ANY(told.artists)) AND ($4 = '' OR told.venue = $4)
  AND CASE WHEN $5 = '' THEN true ELSE
    (event.doors_at AT TIME ZONE event.time_zone)::date <= CASE $5 WHEN 'tonight' THEN today.day
      WHEN 'weekend' THEN today.day + 7 - extract(isodow FROM today.day)::integer ELSE $7::date END
    AND (greatest(event.doors_at, event.ends_at - interval '12 hours') AT TIME ZONE event.time_zone)::date
      >= CASE $5 WHEN 'tonight' THEN today.day
      WHEN 'weekend' THEN today.day + 5 - extract(isodow FROM today.day)::integer ELSE $6::date END END
"""
_TO_COME = _WANTED.format(time=">")
_PAST = _WANTED.format(time="<=")
_AFTER = """
AND (event.starts_at, event.slug) {than} (coalesce((SELECT starts_at FROM event WHERE slug = $8), '{start}'), $8)
"""
_PAGE_TO_COME = _AFTER.format(than=">", start="-infinity") + "ORDER BY event.starts_at, event.slug LIMIT $9"
_PAGE_PAST = _AFTER.format(than="<", start="infinity") + "ORDER BY event.starts_at DESC, event.slug DESC LIMIT $9"
_HAS_WORDS = "AND told.words @@ $10::text::tsquery\n"
_CARD = """
SELECT event.slug, event.title, event.subtitle, event.status, event.doors_at, event.starts_at, event.ends_at,
  event.time_zone, venue.slug AS venue_slug, venue.name AS venue_name, venue.city AS venue_city, event.currency,
  event.sale_starts_at, event.sale_ends_at, event.moved_from_starts_at, event.moved_from_venue,
  ARRAY(SELECT artist.name FROM line_up JOIN artist ON artist.id = line_up.artist_id
    WHERE line_up.event_id = event.id ORDER BY line_up.position) AS artists,
  (SELECT min(price_minor) FROM release_on_sale(event.id, 1) WHERE available > 0) AS price_from_minor,
  shelf.left, shelf.cap, shelf.entry_ended, clock() AS now
FROM found JOIN event ON event.id = found.id JOIN venue ON venue.id = event.venue_id
CROSS JOIN LATERAL (
  SELECT least(coalesce(sum(stock.cap - stock.used) FILTER (WHERE NOT ladder.entry_ended), 0),
      min(room.cap - room.used))::integer AS left,
    least(coalesce(sum(stock.cap) FILTER (WHERE NOT ladder.entry_ended), 0), min(room.cap))::integer AS cap,
    coalesce(bool_and(ladder.entry_ended), false) AS entry_ended
  FROM ladder
  JOIN stock ON stock.event_id = event.id AND stock.id = ladder.stock_id
  LEFT JOIN stock AS room ON room.event_id = event.id AND room.id = ladder.room_stock_id
  WHERE ladder.event_id = event.id) AS shelf
"""
_BY_TIME = "ORDER BY event.starts_at, event.slug"
_LATEST_FIRST = "ORDER BY event.starts_at DESC, event.slug DESC"

TO_COME = Query(NightCard, f"WITH found AS MATERIALIZED (SELECT event.id {_TO_COME}{_PAGE_TO_COME}) {_CARD} {_BY_TIME}")
PAST = Query(NightCard, f"WITH found AS MATERIALIZED (SELECT event.id {_PAST}{_PAGE_PAST}) {_CARD} {_LATEST_FIRST}")
WITH_WORDS_TO_COME = Query(
    NightCard, f"WITH found AS MATERIALIZED (SELECT event.id {_TO_COME}{_HAS_WORDS}{_PAGE_TO_COME}) {_CARD} {_BY_TIME}"
)
WITH_WORDS_PAST = Query(
    NightCard, f"WITH found AS MATERIALIZED (SELECT event.id {_PAST}{_HAS_WORDS}{_PAGE_PAST}) {_CARD} {_LATEST_FIRST}"
)

# Every typed word as the beginning of a word of the night's.
BEGINNINGS = Query(
    str,
    """
SELECT coalesce(replace(nullif(plainto_tsquery('simple', folded($1))::text, '') || ':*', ' & ', ':* & '), '')
""",
)

# For this transaction alone. A plan that suits any question is three times as slow here as one made for this question,
# and PostgreSQL would take to it after the fifth time that a connection asks.
PLAN_FOR_THIS = Query(
    str,
    """
SELECT concat(set_config('plan_cache_mode', 'force_custom_plan', true),
  set_config('pg_trgm.word_similarity_threshold', $1, true))
""",
)
NEAR = Query(
    Near,
    """
WITH typed AS MATERIALIZED (SELECT word, folded(word) AS plain FROM unnest($1::text[]) AS word)
SELECT typed.word AS typed, near.word, near.closeness
FROM typed CROSS JOIN LATERAL (
  SELECT search_word.word, word_similarity(typed.plain, search_word.word) AS closeness
  FROM search_word WHERE search_word.word %> typed.plain
  ORDER BY closeness DESC, similarity(typed.plain, search_word.word) DESC, search_word.word LIMIT 5) AS near
""",
)

CHOICES = Query(
    Choice,
    """
WITH told AS MATERIALIZED (
  SELECT event_search.city, event_search.genres, venue.city AS city_name,
    to_char(event.doors_at AT TIME ZONE event.time_zone, 'YYYY-MM') AS month
  FROM event JOIN event_search ON event_search.event_id = event.id JOIN venue ON venue.id = event.venue_id
  WHERE event.status <> 'draft' AND event.ends_at > (SELECT clock()))
SELECT 'city' AS kind, city AS value, min(city_name) AS name, count(*) AS nights FROM told GROUP BY city
UNION ALL
SELECT 'genre', genre.slug, genre.name, count(*) FROM told CROSS JOIN LATERAL unnest(told.genres) AS has
  JOIN genre ON genre.slug = has GROUP BY genre.slug
UNION ALL
SELECT 'month', month, month, count(*) FROM told GROUP BY month
ORDER BY kind, name
""",
)


async def find_nights(connection: Connection, wanted: Wanted, limit: int = PAGE_LENGTH) -> Found:
    """One page of the nights that fit, soonest first (past ones: latest first)."""
    await PLAN_FOR_THIS.first(connection, str(VAGUE))
    if not wanted.words:
        return await _page(connection, wanted, limit, None)
    words = searchable_words(wanted.words)
    beginnings = await BEGINNINGS.first(connection, " ".join(words)) if words else None
    if not beginnings:
        return Found([])
    found = await _page(connection, wanted, limit, beginnings)
    if found.nights:
        return found
    likely, sure = await _forgiven(connection, words)
    if not likely:
        return Found([])
    near = await _page(connection, wanted, limit, likely)
    if sure:
        return replace(near, exact=False)
    return Found([], suggested=tuple(near.nights[:SUGGESTED_MAX]))


async def _page(connection: Connection, wanted: Wanted, limit: int, tsquery: str | None) -> Found:
    conditions = (wanted.city, wanted.genre, wanted.artist, wanted.venue, wanted.when)
    parameters = (*conditions, wanted.first_day, wanted.last_day, wanted.after, limit + 1)
    if tsquery is None:
        nights = await (PAST if wanted.past else TO_COME).all(connection, *parameters)
    else:
        query = WITH_WORDS_PAST if wanted.past else WITH_WORDS_TO_COME
        nights = await query.all(connection, *parameters, tsquery)
    return Found(nights[:limit], next_after=nights[limit - 1].slug if len(nights) > limit else "")


async def _forgiven(connection: Connection, words: tuple[str, ...]) -> tuple[str, bool]:
    """The text search query of what was probably meant, "" when that is anyone's guess; and whether every word is
    close enough to be taken for it."""
    by_typed: dict[str, list[Near]] = {}
    for near in await NEAR.all(connection, list(words)):
        by_typed.setdefault(near.typed, []).append(near)
    best = [nears[0].closeness for nears in by_typed.values()]
    parts: list[str] = []
    for nears in by_typed.values():
        alike = [near.word for near in nears if near.closeness >= nears[0].closeness - CLOSENESS_SPREAD]
        parts.append("({})".format(" | ".join("'{}':*".format(word.replace("'", "''")) for word in alike)))
    return " & ".join(parts), len(by_typed) == len(words) and min(best, default=0) >= CLOSE


async def choices(connection: Connection) -> dict[str, list[Choice]]:
    """What the filters "city", "genre" and "month" can be set to."""
    by_kind: dict[str, list[Choice]] = {"city": [], "genre": [], "month": []}
    for choice in await CHOICES.all(connection):
        by_kind[choice.kind].append(choice)
    return by_kind


def searchable_words(text: str) -> tuple[str, ...]:
    """The words of what was typed: letters, digits and their marks; everything else parts them. Each
    once, and not more than anyone types."""
    kept = "".join(one if unicodedata.category(one)[0] in "LNM" else " " for one in text.lower())
    words = (word for word in kept.split() if any(one.isalnum() for one in word))
    return tuple(dict.fromkeys(words))[:WORDS_MAX]


def read_wanted(parameters: Mapping[str, str], *, past: bool = False) -> tuple[Wanted, tuple[FieldError, ...]]:
    """What the parameters of an address ask for (q, city, date, artist, venue, genre, after), and what is wrong with
    them: a wrong one is left out. `date` is "tonight", "weekend", "2026-12" or "2026-12-04". Others are ignored."""
    errors: list[FieldError] = []
    words = " ".join(parameters.get("q", "").replace("\0", " ").split())
    if len(words) > WORDS_LENGTH_MAX:
        errors.append(FieldError("q", f"At most {WORDS_LENGTH_MAX} characters: the rest is left out."))
        words = words[:WORDS_LENGTH_MAX].rstrip()
    wanted = Wanted(words=words, past=past)
    slugs: dict[str, str] = {}
    for name in ("artist", "venue", "genre", "after"):
        text = parameters.get(name, "").strip()
        if text and not SLUG.fullmatch(text):
            errors.append(FieldError(name, f"There is no such {name}."))
        elif text:
            slugs[name] = text
    city = "-".join(searchable_words(parameters.get("city", "")[:WORDS_LENGTH_MAX]))
    wanted = replace(wanted, city=city, **slugs)  # pyright: ignore[reportArgumentType] - names of this very loop
    written = parameters.get("date", "").strip()
    try:
        return _dated(wanted, written), tuple(errors)
    except ValueError:
        errors.append(FieldError("date", "Write tonight, weekend, a month like 2026-12 or a day like 2026-12-04."))
        return wanted, tuple(errors)


def _dated(wanted: Wanted, written: str) -> Wanted:
    if not written:
        return wanted
    if written in ("tonight", "weekend"):
        return replace(wanted, when=written, written_date=written)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", written, re.ASCII):
        first = date.fromisoformat(f"{written}-01")
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    elif re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written, re.ASCII):
        first = last = date.fromisoformat(written)
    else:
        raise ValueError(written)
    return replace(wanted, when="days", first_day=first, last_day=last, written_date=written)
