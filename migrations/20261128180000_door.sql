-- migrate:up

-- What people enter by: the door, a backstage. A night without a list of its own gets one, for every ticket type.
CREATE TABLE entry_list (
  event_id uuid NOT NULL REFERENCES event,
  id uuid NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  -- Nobody is admitted before it; null: an hour before the doors.
  opens_at timestamptz,
  re_entry boolean NOT NULL,
  PRIMARY KEY (event_id, id),
  UNIQUE (event_id, name)
);
-- The ticket types that a list takes; none: every one.
CREATE TABLE entry_list_type (
  event_id uuid NOT NULL,
  list_id uuid NOT NULL,
  ticket_type_id uuid NOT NULL,
  PRIMARY KEY (event_id, list_id, ticket_type_id),
  FOREIGN KEY (event_id, list_id) REFERENCES entry_list,
  FOREIGN KEY (event_id, ticket_type_id) REFERENCES ticket_type
);

-- A scanner: good for one night, one list and one gate, paired by a link and a PIN, worthless once revoked.
CREATE TABLE device (
  event_id uuid NOT NULL,
  id uuid NOT NULL,
  list_id uuid NOT NULL,
  gate text NOT NULL CHECK (gate <> ''),
  role text NOT NULL CHECK (role IN ('staff', 'supervisor')),
  link_hash bytea NOT NULL CHECK (length(link_hash) = 32),
  pin_hash bytea NOT NULL CHECK (length(pin_hash) = 32),
  wrong_pins smallint NOT NULL DEFAULT 0,
  token_hash bytea CHECK (length(token_hash) = 32),
  -- What is added to the device's clock to get ours, as it was measured last.
  clock_offset interval NOT NULL DEFAULT '0',
  created_at timestamptz NOT NULL,
  paired_at timestamptz,
  synced_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (event_id, id),
  UNIQUE (event_id, link_hash),
  FOREIGN KEY (event_id, list_id) REFERENCES entry_list
);

-- What a door was asked, and what it answered: never changed, whatever is found out later.
CREATE TABLE scan (
  event_id uuid NOT NULL,
  device_id uuid NOT NULL,
  nonce text NOT NULL CHECK (length(nonce) BETWEEN 8 AND 64),
  list_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('entry', 'exit', 'undo')),
  ticket_id uuid,
  -- What was read, shortened; empty for an undo.
  read text NOT NULL CHECK (length(read) <= 200),
  -- The scan that an undo takes back.
  undoes_device_id uuid,
  undoes_nonce text,
  -- The device's clock; the same by our clock; when we heard of it.
  scanned_at timestamptz NOT NULL,
  corrected_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  -- Answered by us, or by the device alone.
  online boolean NOT NULL,
  answer text NOT NULL CHECK (answer IN ('admitted', 'already_used', 'blocked', 'cancelled', 'refunded', 'unknown',
    'wrong_event', 'wrong_list', 'not_yet', 'left', 'not_inside', 'undone')),
  -- What we say of an answer that a device gave alone, when we would have given another.
  objection text,
  override boolean NOT NULL,
  reason text NOT NULL CHECK (length(reason) <= 200),
  -- Of `already_used`: when and where.
  used_at timestamptz,
  used_gate text,
  PRIMARY KEY (event_id, device_id, nonce),
  FOREIGN KEY (event_id, device_id) REFERENCES device,
  CHECK (override <= (reason <> '')),
  CHECK ((kind = 'undo') = (undoes_nonce IS NOT NULL)),
  CHECK (kind <> 'undo' OR reason <> '')
);
CREATE INDEX scan_of_ticket ON scan (event_id, ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX undo_before_its_scan ON scan (event_id) WHERE kind = 'undo' AND ticket_id IS NULL;

CREATE FUNCTION scans_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a scan is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER scan_stays BEFORE UPDATE OR DELETE ON scan FOR EACH ROW EXECUTE FUNCTION scans_stay();

-- Who is in: one row for each visit of a ticket, whose scan won. One ticket, one entry: this key is that promise.
CREATE TABLE entry (
  event_id uuid NOT NULL,
  list_id uuid NOT NULL,
  ticket_id uuid NOT NULL,
  visit smallint NOT NULL CHECK (visit > 0),
  device_id uuid NOT NULL,
  nonce text NOT NULL,
  entered_at timestamptz NOT NULL,
  left_at timestamptz,
  CONSTRAINT one_ticket_one_entry PRIMARY KEY (event_id, list_id, ticket_id, visit),
  FOREIGN KEY (event_id, list_id) REFERENCES entry_list,
  FOREIGN KEY (event_id, ticket_id) REFERENCES ticket,
  FOREIGN KEY (event_id, device_id, nonce) REFERENCES scan
);
CREATE INDEX entry_by_time ON entry (event_id, entered_at);

-- Since when a ticket is as it is: doors ask for what has changed.
ALTER TABLE ticket ADD COLUMN changed_at timestamptz NOT NULL DEFAULT clock();
CREATE FUNCTION ticket_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.changed_at := clock();
  RETURN NEW;
END $$;
CREATE TRIGGER ticket_changed BEFORE UPDATE ON ticket FOR EACH ROW EXECUTE FUNCTION ticket_has_changed();
CREATE INDEX ticket_by_change ON ticket (event_id, changed_at);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
