-- migrate:up

-- Both are trusted: the owner of the database may make them, no superuser is needed.
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- What a night says beyond its title. An empty text is not said. `revision` counts changes that a calendar must hear of.
ALTER TABLE event
  ADD COLUMN subtitle text NOT NULL DEFAULT '',
  ADD COLUMN last_entry_at timestamptz,
  ADD COLUMN cancelled_reason text NOT NULL DEFAULT '',
  ADD COLUMN moved_from_starts_at timestamptz,
  ADD COLUMN moved_from_venue text NOT NULL DEFAULT '',
  ADD COLUMN moved_words text NOT NULL DEFAULT '',
  ADD COLUMN policy_re_entry text NOT NULL DEFAULT '',
  ADD COLUMN policy_cloakroom text NOT NULL DEFAULT '',
  ADD COLUMN policy_photos text NOT NULL DEFAULT '',
  ADD COLUMN policy_refunds text NOT NULL DEFAULT '',
  ADD COLUMN policy_access text NOT NULL DEFAULT '',
  ADD COLUMN revision integer NOT NULL DEFAULT 0,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT clock(),
  ADD CONSTRAINT event_last_entry_is_during CHECK (last_entry_at >= doors_at AND last_entry_at <= ends_at),
  ADD CONSTRAINT event_reason_is_of_a_cancelled_night CHECK (cancelled_reason = '' OR status = 'cancelled'),
  ADD CONSTRAINT event_words_are_of_a_moved_night
    CHECK (moved_words = '' OR moved_from_starts_at IS NOT NULL OR moved_from_venue <> '');
CREATE INDEX event_ends_at ON event (ends_at) WHERE status <> 'draft';

ALTER TABLE venue
  ADD COLUMN description text NOT NULL DEFAULT '',
  ADD COLUMN capacity integer CHECK (capacity > 0),
  ADD COLUMN latitude double precision CHECK (latitude BETWEEN -90 AND 90),
  ADD COLUMN longitude double precision CHECK (longitude BETWEEN -180 AND 180),
  ADD COLUMN directions text NOT NULL DEFAULT '',
  ADD COLUMN accessibility text NOT NULL DEFAULT '',
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT clock(),
  ADD CONSTRAINT venue_has_both_coordinates CHECK (num_nonnulls(latitude, longitude) IN (0, 2));

ALTER TABLE artist
  ADD COLUMN biography text NOT NULL DEFAULT '',
  ADD COLUMN city text NOT NULL DEFAULT '',
  ADD COLUMN country text NOT NULL DEFAULT '' CHECK (country ~ '^([A-Z]{2})?$'),
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT clock();

CREATE TABLE artist_link (
  artist_id uuid NOT NULL REFERENCES artist (id),
  position smallint NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  url text NOT NULL CHECK (url ~ '^https://[^\s/]'),
  PRIMARY KEY (artist_id, position)
);

CREATE TABLE genre (
  slug text PRIMARY KEY CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text NOT NULL CHECK (name <> '')
);

CREATE TABLE artist_genre (
  artist_id uuid NOT NULL REFERENCES artist (id),
  genre text NOT NULL REFERENCES genre (slug),
  PRIMARY KEY (artist_id, genre)
);

CREATE TABLE event_genre (
  event_id uuid NOT NULL REFERENCES event (id),
  genre text NOT NULL REFERENCES genre (slug),
  PRIMARY KEY (event_id, genre)
);

ALTER TABLE line_up
  ADD COLUMN set_ends_at timestamptz,
  ADD COLUMN stage text NOT NULL DEFAULT '',
  ADD CONSTRAINT line_up_set_ends_after_it_starts CHECK (set_ends_at IS NULL OR (set_starts_at IS NOT NULL AND set_starts_at < set_ends_at));

-- Text as it is searched: no accents, no capitals, no punctuation.
CREATE FUNCTION folded(written text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT btrim(regexp_replace(lower(unaccent(written)), '[[:punct:][:space:]]+', ' ', 'g'))
$$;

-- A row per night with everything that it is found by; `find_events_anew` writes it.
CREATE TABLE event_search (
  event_id uuid PRIMARY KEY REFERENCES event (id) ON DELETE CASCADE,
  words tsvector NOT NULL,
  city text NOT NULL,
  venue text NOT NULL,
  artists text[] NOT NULL,
  genres text[] NOT NULL
);
CREATE INDEX event_search_words ON event_search USING gin (words);

-- Every word that a night was ever found by, to forgive a spelling with. One that no night has any more finds nothing.
CREATE TABLE search_word (word text PRIMARY KEY);
CREATE INDEX search_word_trigrams ON search_word USING gin (word gin_trgm_ops);

CREATE FUNCTION find_events_anew(p_events uuid[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE written integer;
BEGIN
  INSERT INTO event_search AS found (event_id, words, city, venue, artists, genres)
  SELECT event.id, to_tsvector('simple', told.text), replace(folded(venue.city), ' ', '-'), venue.slug,
    acts.slugs, kinds.slugs
  FROM event JOIN venue ON venue.id = event.venue_id
  CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(artist.name, ' ' ORDER BY line_up.position), '') AS names,
      coalesce(array_agg(artist.slug ORDER BY line_up.position), '{}') AS slugs
    FROM line_up JOIN artist ON artist.id = line_up.artist_id WHERE line_up.event_id = event.id) AS acts
  CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(genre.name, ' ' ORDER BY genre.slug), '') AS names,
      coalesce(array_agg(genre.slug ORDER BY genre.slug), '{}') AS slugs
    FROM event_genre JOIN genre ON genre.slug = event_genre.genre WHERE event_genre.event_id = event.id) AS kinds
  CROSS JOIN LATERAL (
    SELECT folded(concat_ws(' ', event.title, event.subtitle, acts.names, venue.name, venue.city, kinds.names)) AS text)
    AS told
  WHERE event.id = ANY(p_events)
  ON CONFLICT (event_id) DO UPDATE SET words = excluded.words, city = excluded.city,
    venue = excluded.venue, artists = excluded.artists, genres = excluded.genres
  WHERE found.* IS DISTINCT FROM excluded.*;
  GET DIAGNOSTICS written = ROW_COUNT;
  INSERT INTO search_word (word)
  SELECT DISTINCT lexeme FROM event_search CROSS JOIN LATERAL unnest(tsvector_to_array(words)) AS lexeme
  WHERE event_id = ANY(p_events) ORDER BY lexeme
  ON CONFLICT DO NOTHING;
  RETURN written;
END $$;

SELECT find_events_anew(array_agg(id)) FROM event;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
