-- migrate:up

-- What a night's door reads: codes that stay, or codes that change every few seconds; with `paper` those on paper too.
ALTER TABLE event ADD COLUMN code text NOT NULL DEFAULT 'static' CHECK (code IN ('static', 'rotating')),
  ADD COLUMN paper boolean NOT NULL DEFAULT true,
  ADD CONSTRAINT event_without_paper_rotates CHECK (paper OR code = 'rotating');

-- What proves that a rotating code is of now. Scanners know it too, so it proves nothing else; null: none was made yet.
ALTER TABLE event_key ADD COLUMN fresh_secret bytea CHECK (length(fresh_secret) = 32);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
