-- migrate:up

-- Whether holders may send tickets of this night on, and until when; null: until the doors.
ALTER TABLE event ADD COLUMN transfers boolean NOT NULL DEFAULT true, ADD COLUMN transfer_until timestamptz;

-- Who holds a ticket that was sent on; null: the buyer of its order, who never sent it. Its code was given out anew then.
ALTER TABLE ticket ADD COLUMN holder_email text CHECK (holder_email <> ''), ADD COLUMN reissued_at timestamptz,
  ADD CONSTRAINT ticket_sent_on_is_reissued CHECK (holder_email IS NULL OR (reissued_at IS NOT NULL AND revision > 0));
CREATE INDEX ticket_of_holder ON ticket (holder_email) WHERE holder_email IS NOT NULL;

-- A ticket sent from one holder to another: offered, then accepted, taken back, expired with the night's deadline, or
-- ended because the ticket was.
CREATE TABLE ticket_transfer (
  event_id uuid NOT NULL,
  id uuid NOT NULL,
  ticket_id uuid NOT NULL,
  -- The ticket as its sender held it.
  old_revision integer NOT NULL,
  old_code text NOT NULL,
  from_email text NOT NULL,
  from_name text NOT NULL,
  to_email text NOT NULL,
  to_name text NOT NULL CHECK (to_name <> ''),
  status text NOT NULL CHECK (status IN ('offered', 'accepted', 'taken_back', 'expired', 'ended')),
  offered_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (event_id, id),
  FOREIGN KEY (event_id, ticket_id) REFERENCES ticket,
  CHECK ((status = 'offered') = (ended_at IS NULL)),
  CHECK (from_email <> to_email)
);
CREATE UNIQUE INDEX one_offer_of_a_ticket ON ticket_transfer (event_id, ticket_id) WHERE status = 'offered';
CREATE UNIQUE INDEX one_next_holder ON ticket_transfer (event_id, ticket_id, old_revision) WHERE status = 'accepted';
CREATE UNIQUE INDEX transfer_of_old_code ON ticket_transfer (event_id, old_code) WHERE status = 'accepted';
CREATE INDEX transfer_to ON ticket_transfer (to_email) WHERE status = 'offered';
CREATE INDEX transfer_from ON ticket_transfer (from_email) WHERE status = 'accepted';

CREATE TRIGGER ticket_transfer_legal_move BEFORE UPDATE OF status ON ticket_transfer FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION legal_move('offered>accepted,offered>taken_back,offered>expired,offered>ended');

-- What the buyer of an order knows of a ticket of it that somebody else holds now: its code then, and whom it went to.
CREATE VIEW sent_on AS
SELECT ticket.event_id, ticket.id AS ticket_id, sent.old_code, sent.from_name, sent.to_name, sent.sent_at
FROM ticket JOIN orders ON orders.event_id = ticket.event_id AND orders.id = ticket.order_id
CROSS JOIN LATERAL (SELECT old_code, from_name, to_name, ended_at AS sent_at FROM ticket_transfer AS transfer
  WHERE transfer.event_id = ticket.event_id AND transfer.ticket_id = ticket.id AND transfer.status = 'accepted'
    AND transfer.from_email = orders.email ORDER BY old_revision DESC LIMIT 1) AS sent
WHERE ticket.holder_email <> orders.email;

-- Why a scan was answered `cancelled`: the ticket was sent on to somebody else, or its code given out anew.
ALTER TABLE scan ADD COLUMN IF NOT EXISTS because text;
ALTER TABLE scan DROP CONSTRAINT IF EXISTS scan_because_check, ADD CONSTRAINT scan_because_check CHECK (because <> '');

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
