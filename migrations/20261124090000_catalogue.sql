-- migrate:up

-- A database that tests may move the clock of carries the mark 'test'; no other does.
CREATE TABLE database_mark (mark text PRIMARY KEY);

-- The only source of time in SQL. A transaction-local setting moves it, in a database marked as test alone.
CREATE FUNCTION clock() RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE moved text := current_setting('boxoffice.clock', true);
BEGIN
  IF moved IS NULL OR moved = '' THEN RETURN now(); END IF;
  IF EXISTS (SELECT 1 FROM public.database_mark WHERE mark = 'test') THEN RETURN moved::timestamptz; END IF;
  RETURN now();
END $$;

CREATE TABLE organisation (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text NOT NULL CHECK (name <> ''),
  created_at timestamptz NOT NULL
);

CREATE TABLE venue (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text NOT NULL CHECK (name <> ''),
  address text NOT NULL,
  city text NOT NULL CHECK (city <> ''),
  country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  time_zone text NOT NULL CHECK (time_zone <> '')
);

CREATE TABLE artist (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text NOT NULL CHECK (name <> '')
);

CREATE TABLE event (
  id uuid PRIMARY KEY,
  short_code text NOT NULL UNIQUE CHECK (short_code ~ '^[0-9A-HJKMNP-TV-Z]{4}$'),
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  organisation_id uuid NOT NULL REFERENCES organisation (id),
  venue_id uuid NOT NULL REFERENCES venue (id),
  title text NOT NULL CHECK (title <> ''),
  description text NOT NULL,
  status text NOT NULL CHECK (status IN ('draft', 'published', 'cancelled')),
  time_zone text NOT NULL CHECK (time_zone <> ''),
  currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
  doors_at timestamptz NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  -- NULL: on sale as soon as it is published
  sale_starts_at timestamptz,
  sale_ends_at timestamptz NOT NULL,
  age_minimum smallint NOT NULL CHECK (age_minimum BETWEEN 0 AND 99),
  hold_minutes smallint NOT NULL CHECK (hold_minutes BETWEEN 10 AND 15),
  quantity_max_per_person integer CHECK (quantity_max_per_person > 0),
  created_at timestamptz NOT NULL,
  CHECK (doors_at <= starts_at AND starts_at < ends_at),
  CHECK (sale_starts_at < sale_ends_at)
);
CREATE INDEX event_starts_at ON event (starts_at) WHERE status <> 'draft';
CREATE INDEX event_venue ON event (venue_id);
CREATE INDEX event_organisation ON event (organisation_id);

CREATE TABLE line_up (
  event_id uuid NOT NULL REFERENCES event (id),
  position smallint NOT NULL,
  artist_id uuid NOT NULL REFERENCES artist (id),
  set_starts_at timestamptz,
  PRIMARY KEY (event_id, position),
  UNIQUE (event_id, artist_id)
);
CREATE INDEX line_up_artist ON line_up (artist_id);

-- Capacity as the database guards it. `used` = held + sold; a closed stock (a release that sold out once) never
-- sells again. Narrow and half empty, so that an update stays on its page and touches one index.
CREATE TABLE stock (
  event_id uuid NOT NULL REFERENCES event (id),
  id uuid NOT NULL,
  cap integer NOT NULL,
  used integer NOT NULL DEFAULT 0,
  closed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (event_id, id),
  CONSTRAINT stock_never_oversold CHECK (used BETWEEN 0 AND cap),
  CONSTRAINT stock_closed_is_full CHECK (NOT closed OR used = cap)
) WITH (fillfactor = 10);

CREATE TABLE ticket_type (
  event_id uuid NOT NULL REFERENCES event (id),
  id uuid NOT NULL,
  position smallint NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  description text NOT NULL,
  room_stock_id uuid,
  PRIMARY KEY (event_id, id),
  UNIQUE (event_id, name),
  FOREIGN KEY (event_id, room_stock_id) REFERENCES stock (event_id, id)
);

CREATE TABLE release (
  event_id uuid NOT NULL,
  id uuid NOT NULL,
  ticket_type_id uuid NOT NULL,
  position smallint NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 99999999),
  stock_id uuid NOT NULL,
  PRIMARY KEY (event_id, id),
  UNIQUE (event_id, ticket_type_id, position),
  UNIQUE (event_id, stock_id),
  FOREIGN KEY (event_id, ticket_type_id) REFERENCES ticket_type (event_id, id),
  FOREIGN KEY (event_id, stock_id) REFERENCES stock (event_id, id)
);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
