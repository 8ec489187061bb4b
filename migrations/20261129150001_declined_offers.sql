-- migrate:up

-- Whoever was offered a ticket may say no: it stays with its holder.
ALTER TABLE ticket_transfer DROP CONSTRAINT ticket_transfer_status_check, ADD CONSTRAINT ticket_transfer_status_check
  CHECK (status IN ('offered', 'accepted', 'declined', 'taken_back', 'expired', 'ended'));
CREATE OR REPLACE TRIGGER ticket_transfer_legal_move BEFORE UPDATE OF status ON ticket_transfer FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION legal_move(
    'offered>accepted,offered>declined,offered>taken_back,offered>expired,offered>ended');

-- migrate:down

UPDATE ticket_transfer SET status = 'ended' WHERE status = 'declined';
ALTER TABLE ticket_transfer DROP CONSTRAINT ticket_transfer_status_check, ADD CONSTRAINT ticket_transfer_status_check
  CHECK (status IN ('offered', 'accepted', 'taken_back', 'expired', 'ended'));
CREATE OR REPLACE TRIGGER ticket_transfer_legal_move BEFORE UPDATE OF status ON ticket_transfer FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION legal_move('offered>accepted,offered>taken_back,offered>expired,offered>ended');
