-- migrate:up

-- Refuses a change of status that is not among the moves named where the trigger is made: 'held>paying,held>paid,...'.
CREATE FUNCTION legal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status || '>' || NEW.status = ANY(string_to_array(TG_ARGV[0], ',')) THEN RETURN NEW; END IF;
  RAISE EXCEPTION '% does not move from % to %', TG_TABLE_NAME, OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;

ALTER TABLE orders
  ADD paid_at timestamptz,
  -- complete but unpaid: until then the units wait for the bank
  ADD settle_until timestamptz,
  ADD review_reason text,
  ADD ended_reason text CHECK (ended_reason IN ('given_up', 'hold_ended', 'payment_failed', 'payment_refused')),
  -- the one extension of a hold whose payment was under way when it ended
  ADD extended boolean NOT NULL DEFAULT false;
CREATE INDEX orders_pending ON orders (held_until) WHERE status IN ('held', 'paying', 'settling', 'in_review');
CREATE TRIGGER orders_legal_move BEFORE UPDATE OF status ON orders FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION legal_move(
  'held>paying,held>paid,held>expired,held>released,paying>settling,paying>paid,paying>in_review,paying>expired,paying>released,settling>paid,settling>in_review,settling>released,expired>paid,expired>in_review,expired>refunded,released>paid,released>in_review,released>refunded,in_review>paid,in_review>refunded,paid>part_refunded,paid>refunded,part_refunded>refunded');

ALTER TABLE payment_attempt
  -- exactly what is sent, byte for byte, however often it is repeated
  ALTER parameters TYPE text,
  ADD turn_at timestamptz,
  ADD sent_at timestamptz,
  ADD next_try_at timestamptz,
  ADD tries smallint NOT NULL DEFAULT 0,
  ADD session_url text,
  ADD session_expires_at timestamptz,
  ADD looked_at timestamptz,
  ADD problem text,
  ADD CONSTRAINT sent_with_parameters CHECK (status IN ('queued', 'expired') OR parameters IS NOT NULL);
CREATE INDEX payment_attempt_pending ON payment_attempt (created_at) WHERE status IN ('queued', 'sending');
CREATE INDEX payment_attempt_open ON payment_attempt (session_expires_at) WHERE status = 'open';
CREATE TRIGGER payment_attempt_legal_move BEFORE UPDATE OF status ON payment_attempt FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION legal_move(
  'queued>sending,queued>expired,sending>open,sending>complete,sending>expired,sending>refused,open>complete,open>expired,refused>complete');

-- Money that reached us. `kept` pays for the order; `returned` goes back in full (a second payment, or one that came too
-- late); `in_review` waits for a person, at most a day.
CREATE TABLE payment (
  event_id uuid NOT NULL,
  payment_intent_id text NOT NULL,
  order_id uuid NOT NULL,
  attempt_number smallint NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('kept', 'returned', 'in_review')),
  received_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, payment_intent_id),
  FOREIGN KEY (event_id, order_id, attempt_number) REFERENCES payment_attempt (event_id, order_id, number)
);
CREATE UNIQUE INDEX payment_kept_once ON payment (event_id, order_id) WHERE purpose = 'kept';
CREATE INDEX payment_order ON payment (event_id, order_id);

CREATE TABLE refund (
  event_id uuid NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  payment_intent_id text NOT NULL,
  -- the stable name of the decision: the same decision twice is one refund
  decision text NOT NULL,
  reason text NOT NULL CHECK (reason IN ('paid_twice', 'came_too_late', 'not_confirmed')),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text NOT NULL,
  status text NOT NULL CHECK (status IN ('decided', 'pending', 'succeeded', 'failed')),
  refund_id text,
  problem text,
  decided_at timestamptz NOT NULL,
  settled_at timestamptz,
  PRIMARY KEY (event_id, id),
  UNIQUE (event_id, decision),
  UNIQUE (event_id, refund_id),
  FOREIGN KEY (event_id, order_id) REFERENCES orders (event_id, id),
  FOREIGN KEY (event_id, payment_intent_id) REFERENCES payment (event_id, payment_intent_id)
);
CREATE INDEX refund_payment ON refund (event_id, payment_intent_id);
CREATE INDEX refund_order ON refund (event_id, order_id);
CREATE TRIGGER refund_legal_move BEFORE UPDATE OF status ON refund FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION legal_move(
  'decided>pending,decided>succeeded,decided>failed,pending>succeeded,pending>failed,succeeded>failed');

-- The keys that sign an event's tickets. The seed is sealed with SECRET_KEY; the public half goes to the doors.
CREATE TABLE event_key (
  event_id uuid NOT NULL REFERENCES event (id),
  number smallint NOT NULL CHECK (number BETWEEN 1 AND 255),
  public_key bytea NOT NULL CHECK (length(public_key) = 32),
  sealed_seed bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, number)
);

CREATE TABLE ticket (
  event_id uuid NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  number smallint NOT NULL CHECK (number > 0),
  line_number smallint NOT NULL,
  code text NOT NULL,
  ticket_type_id uuid NOT NULL,
  release_id uuid NOT NULL,
  holder text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'used', 'cancelled', 'refunded')),
  blocked_reason text,
  revision integer NOT NULL DEFAULT 0,
  issued_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (event_id, id),
  UNIQUE (event_id, order_id, number),
  UNIQUE (event_id, code),
  FOREIGN KEY (event_id, order_id, line_number) REFERENCES order_line (event_id, order_id, number),
  FOREIGN KEY (event_id, release_id) REFERENCES release (event_id, id),
  FOREIGN KEY (event_id, ticket_type_id) REFERENCES ticket_type (event_id, id)
);
CREATE TRIGGER ticket_legal_move BEFORE UPDATE OF status ON ticket FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION legal_move(
  'active>used,active>cancelled,active>refunded,used>active,used>cancelled,used>refunded,cancelled>refunded');

-- Double entry: the entries of one posting balance when its transaction commits. A posting is named after its cause, so
-- it is made once.
CREATE TABLE ledger_entry (
  event_id uuid NOT NULL,
  posting text NOT NULL,
  account text NOT NULL CHECK (account IN ('stripe', 'sales', 'owed_to_buyers')),
  order_id uuid NOT NULL,
  currency text NOT NULL,
  debit_minor bigint NOT NULL CHECK (debit_minor >= 0),
  credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
  posted_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, posting, account),
  CHECK ((debit_minor = 0) <> (credit_minor = 0)),
  FOREIGN KEY (event_id, order_id) REFERENCES orders (event_id, id)
);
CREATE FUNCTION posting_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM ledger_entry WHERE event_id = NEW.event_id AND posting = NEW.posting
    GROUP BY currency HAVING sum(debit_minor) <> sum(credit_minor)) THEN
    RAISE EXCEPTION 'posting % does not balance', NEW.posting USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_balances AFTER INSERT OR UPDATE ON ledger_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION posting_balances();

-- Stripe's events as they came. `handled_at` is set in the transaction that did the work, never before.
CREATE TABLE stripe_event (
  id text PRIMARY KEY,
  type text NOT NULL,
  payload bytea NOT NULL,
  received_at timestamptz NOT NULL,
  handled_at timestamptz,
  outcome text,
  tries smallint NOT NULL DEFAULT 0,
  next_try_at timestamptz NOT NULL,
  problem text
);
CREATE INDEX stripe_event_unhandled ON stripe_event (next_try_at) WHERE handled_at IS NULL;

-- How far the list of Stripe's events has been read.
CREATE TABLE event_list_mark (name text PRIMARY KEY, read_until timestamptz NOT NULL);

-- Work to do after a commit, written in the same transaction.
CREATE TABLE job (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  -- the same work asked for twice is one job, for ever
  subject text NOT NULL,
  arguments text NOT NULL,
  tries smallint NOT NULL DEFAULT 0,
  run_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  done_at timestamptz,
  parked_at timestamptz,
  problem text,
  UNIQUE (name, subject)
);
CREATE INDEX job_due ON job (run_at) WHERE done_at IS NULL AND parked_at IS NULL;

-- When the next call may be made, for calls that are paced across processes.
CREATE TABLE pace (name text PRIMARY KEY, next_at timestamptz NOT NULL);

-- Takes the units of an ended order again, for money that came late: all of them or nothing. The caller has locked the
-- order. The release that it bought comes first, then the ladder's others; the price stays the one that was paid.
CREATE FUNCTION take_again(p_event uuid, p_order uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line record;
  choice record;
BEGIN
  PERFORM 1 FROM stock WHERE event_id = p_event ORDER BY id FOR UPDATE;
  BEGIN
    FOR line IN
      SELECT order_line.number, order_line.quantity, order_line.release_id, order_line.ticket_type_id, room_stock_id
      FROM order_line JOIN ticket_type ON ticket_type.event_id = p_event AND ticket_type.id = ticket_type_id
      WHERE order_line.event_id = p_event AND order_id = p_order ORDER BY order_line.number
    LOOP
      SELECT stock.id INTO choice
      FROM release JOIN stock ON stock.event_id = p_event AND stock.id = release.stock_id
      LEFT JOIN stock AS room ON room.event_id = p_event AND room.id = line.room_stock_id
      WHERE release.event_id = p_event AND release.ticket_type_id = line.ticket_type_id
        AND stock.used + line.quantity <= stock.cap AND (room.id IS NULL OR room.used + line.quantity <= room.cap)
      ORDER BY release.id <> line.release_id, release.position LIMIT 1;
      IF NOT FOUND THEN RAISE EXCEPTION 'no units' USING ERRCODE = 'BO001'; END IF;
      UPDATE stock SET used = used + line.quantity, closed = used + line.quantity = cap
      WHERE event_id = p_event AND id = choice.id;
      UPDATE stock SET used = used + line.quantity WHERE event_id = p_event AND id = line.room_stock_id;
      INSERT INTO hold (event_id, order_id, stock_id, quantity)
      SELECT p_event, p_order, taken, line.quantity FROM unnest(ARRAY[choice.id, line.room_stock_id]) AS taken
      WHERE taken IS NOT NULL
      ON CONFLICT (event_id, order_id, stock_id) DO UPDATE SET quantity = hold.quantity + excluded.quantity;
    END LOOP;
    UPDATE promo SET used = promo.used + 1 FROM orders
    WHERE orders.event_id = p_event AND orders.id = p_order AND promo.event_id = p_event AND promo.id = orders.promo_id
      AND (promo.uses_max IS NULL OR promo.used < promo.uses_max);
    IF NOT FOUND AND EXISTS (SELECT 1 FROM orders WHERE event_id = p_event AND id = p_order AND promo_id IS NOT NULL) THEN
      RAISE EXCEPTION 'no units' USING ERRCODE = 'BO001';
    END IF;
    RETURN true;
  EXCEPTION WHEN SQLSTATE 'BO001' THEN
    RETURN false;
  END;
END $$;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
