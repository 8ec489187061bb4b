-- migrate:up

-- A phone that wants to hear of changes to the passes in its wallet, as Apple's web service names it.
CREATE TABLE wallet_device (
  id text PRIMARY KEY CHECK (id ~ '^[0-9A-Za-z._-]{1,64}$'),
  push_token text NOT NULL CHECK (push_token ~ '^[0-9a-f]{8,200}$'),
  registered_at timestamptz NOT NULL
);
-- The passes on it. A pass is of one revision of a ticket: once that is reissued, it is void for good.
CREATE TABLE wallet_registration (
  event_id uuid NOT NULL,
  ticket_id uuid NOT NULL,
  revision integer NOT NULL CHECK (revision >= 0),
  device_id text NOT NULL REFERENCES wallet_device ON DELETE CASCADE,
  registered_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, ticket_id, revision, device_id),
  FOREIGN KEY (event_id, ticket_id) REFERENCES ticket
);
CREATE INDEX wallet_registration_of_device ON wallet_registration (device_id);
-- Passes that somebody was given a link to Google Wallet for, saved there or not.
CREATE TABLE google_pass (
  event_id uuid NOT NULL,
  ticket_id uuid NOT NULL,
  revision integer NOT NULL CHECK (revision >= 0),
  offered_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, ticket_id, revision),
  FOREIGN KEY (event_id, ticket_id) REFERENCES ticket
);

-- Whatever changes a ticket, a night or a place asks in the same transaction that wallets be told; where no wallet has a
-- pass of it, nothing is asked. p_ticket null: the passes of the whole night.
CREATE FUNCTION tell_wallets(p_event uuid, p_ticket uuid, p_names text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO job (id, name, subject, arguments, run_at, created_at)
  SELECT substr(encode(sha256(convert_to(name || ':' || subject, 'UTF8')), 'hex'), 1, 32)::uuid, name, subject,
    jsonb_build_object('event_id', p_event, 'ticket_id', coalesce(p_ticket::text, ''), 'after', '')::text,
    clock(), clock()
  FROM unnest(p_names) AS name
  -- the moment too, for a restored database counts transactions anew
  CROSS JOIN (SELECT concat_ws(':', p_event, p_ticket, pg_current_xact_id(), extract(epoch FROM clock()))) AS made (subject)
  WHERE CASE name
    WHEN 'push_passes' THEN EXISTS (SELECT FROM wallet_registration
      WHERE event_id = p_event AND (p_ticket IS NULL OR ticket_id = p_ticket))
    ELSE EXISTS (SELECT FROM google_pass WHERE event_id = p_event AND (p_ticket IS NULL OR ticket_id = p_ticket)) END
  ON CONFLICT (name, subject) DO NOTHING
$$;

-- Every scan comes by here, and most tickets are in no wallet: that is found out first, by plans that are kept.
CREATE FUNCTION ticket_tells_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.status, OLD.blocked_reason, OLD.revision, OLD.holder, OLD.used_at)
      IS DISTINCT FROM (NEW.status, NEW.blocked_reason, NEW.revision, NEW.holder, NEW.used_at)
    AND (EXISTS (SELECT FROM wallet_registration WHERE event_id = NEW.event_id AND ticket_id = NEW.id)
      OR EXISTS (SELECT FROM google_pass WHERE event_id = NEW.event_id AND ticket_id = NEW.id)) THEN
    PERFORM tell_wallets(NEW.event_id, NEW.id, '{push_passes,patch_google_tickets}');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_wallets AFTER UPDATE OF status, blocked_reason, revision, holder, used_at ON ticket
  FOR EACH ROW EXECUTE FUNCTION ticket_tells_wallets();

CREATE FUNCTION night_tells_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.title, OLD.status, OLD.venue_id, OLD.time_zone, OLD.doors_at, OLD.starts_at, OLD.ends_at, OLD.age_minimum)
      IS DISTINCT FROM (NEW.title, NEW.status, NEW.venue_id, NEW.time_zone, NEW.doors_at, NEW.starts_at, NEW.ends_at,
        NEW.age_minimum) THEN
    PERFORM tell_wallets(NEW.id, NULL, CASE WHEN OLD.status = NEW.status THEN '{push_passes,patch_google_night}'
      ELSE '{push_passes,patch_google_night,patch_google_tickets}'::text[] END);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER event_wallets AFTER UPDATE ON event FOR EACH ROW EXECUTE FUNCTION night_tells_wallets();

CREATE FUNCTION place_tells_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.name, OLD.address, OLD.city, OLD.latitude, OLD.longitude)
      IS DISTINCT FROM (NEW.name, NEW.address, NEW.city, NEW.latitude, NEW.longitude) THEN
    PERFORM tell_wallets(event.id, NULL, '{push_passes,patch_google_night}') FROM event
    WHERE venue_id = NEW.id AND ends_at > clock();
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER venue_wallets AFTER UPDATE ON venue FOR EACH ROW EXECUTE FUNCTION place_tells_wallets();

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
