-- migrate:up

-- Passes say for how many a ticket is and until when it lets them in: wallets hear when that changes.
CREATE FUNCTION ticket_type_tells_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.admits, OLD.last_entry_at) IS DISTINCT FROM (NEW.admits, NEW.last_entry_at) THEN
    UPDATE event SET updated_at = clock() WHERE id = NEW.event_id;
    PERFORM tell_wallets(NEW.event_id, NULL, '{push_passes,patch_google_tickets}');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_type_wallets AFTER UPDATE OF admits, last_entry_at ON ticket_type
  FOR EACH ROW EXECUTE FUNCTION ticket_type_tells_wallets();

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
