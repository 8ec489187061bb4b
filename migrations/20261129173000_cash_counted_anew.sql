-- migrate:up

-- A cash box that was counted wrongly is opened again, once for each count, which is kept here.
CREATE TABLE cash_up_undone (
  event_id uuid NOT NULL,
  device_id uuid NOT NULL,
  counted_minor bigint NOT NULL,
  expected_minor bigint NOT NULL,
  closed_at timestamptz NOT NULL,
  undone_at timestamptz NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  PRIMARY KEY (event_id, device_id, closed_at),
  FOREIGN KEY (event_id, device_id) REFERENCES cash_up
);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
