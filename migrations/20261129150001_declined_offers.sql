-- migrate:up

-- Whoever was offered a ticket may say no: it stays with its holder.
ALTER TABLE ticket_transfer DROP CONSTRAINT ticket_transfer_status_check, ADD CONSTRAINT ticket_transfer_status_check
  CHECK (status IN ('offered', 'accepted', 'declined', 'taken_back', 'expired', 'ended'));
CREATE OR REPLACE TRIGGER ticket_transfer_legal_move BEFORE UPDATE OF status ON ticket_transfer FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION legal_move(
    'offered>accepted,offered>declined,offered>taken_back,offered>expired,offered>ended');

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
