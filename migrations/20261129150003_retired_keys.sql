-- migrate:up

-- A key that others may have: doors take no code that is signed with it, and tickets are signed with the newest instead.
ALTER TABLE event_key ADD COLUMN retired_at timestamptz;

-- Passes have the codes that it signed, so wallets are told to fetch them anew.
CREATE FUNCTION retired_key_tells_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE event SET updated_at = clock() WHERE id = NEW.event_id;
  PERFORM tell_wallets(NEW.event_id, NULL, '{push_passes,patch_google_tickets}');
  RETURN NULL;
END $$;
CREATE TRIGGER event_key_wallets AFTER UPDATE OF retired_at ON event_key FOR EACH ROW
  WHEN (OLD.retired_at IS DISTINCT FROM NEW.retired_at) EXECUTE FUNCTION retired_key_tells_wallets();

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
