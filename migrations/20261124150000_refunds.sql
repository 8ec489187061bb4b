-- migrate:up

ALTER TABLE orders DROP CONSTRAINT orders_ended_reason_check, ADD CONSTRAINT orders_ended_reason_check
  CHECK (ended_reason IN ('given_up', 'hold_ended', 'payment_failed', 'payment_refused', 'event_cancelled'));

-- What Stripe keeps of a payment, in the currency that it settles in; known some time after the payment.
ALTER TABLE payment
  ADD charge_id text,
  ADD fee_minor bigint,
  ADD fee_currency text;

ALTER TABLE refund
  DROP CONSTRAINT refund_reason_check,
  ADD CONSTRAINT refund_reason_check CHECK (reason IN ('paid_twice', 'came_too_late', 'not_confirmed', 'requested',
    'goodwill', 'event_cancelled', 'outside')),
  -- dropped: never sent, for the same money went back by a refund made at Stripe
  DROP CONSTRAINT refund_status_check,
  ADD CONSTRAINT refund_status_check CHECK (status IN ('decided', 'pending', 'succeeded', 'failed', 'dropped')),
  -- a failed refund that a person asks for again is a new call under a key of its own
  ADD attempt smallint NOT NULL DEFAULT 1 CHECK (attempt > 0),
  ADD note text NOT NULL DEFAULT '',
  ADD override_used boolean NOT NULL DEFAULT false,
  ADD looked_at timestamptz;
DROP TRIGGER refund_legal_move ON refund;
CREATE TRIGGER refund_legal_move BEFORE UPDATE OF status ON refund FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION legal_move(
  'decided>pending,decided>succeeded,decided>failed,decided>dropped,pending>succeeded,pending>failed,succeeded>failed,failed>decided,failed>dropped');
CREATE INDEX refund_waiting ON refund (decided_at) WHERE status IN ('decided', 'pending');

-- Never more than was paid. The payment's row makes refunds of one payment wait for each other.
CREATE FUNCTION never_more_than_paid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  paid bigint;
BEGIN
  SELECT amount_minor INTO paid FROM payment
  WHERE event_id = NEW.event_id AND payment_intent_id = NEW.payment_intent_id FOR NO KEY UPDATE;
  IF paid < (SELECT sum(amount_minor) FROM refund WHERE event_id = NEW.event_id
      AND payment_intent_id = NEW.payment_intent_id AND status NOT IN ('failed', 'dropped')) THEN
    RAISE EXCEPTION 'more would be refunded than was paid with %', NEW.payment_intent_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refund_never_more_than_paid AFTER INSERT OR UPDATE OF status, amount_minor ON refund FOR EACH ROW
  WHEN (NEW.status NOT IN ('failed', 'dropped')) EXECUTE FUNCTION never_more_than_paid();

ALTER TABLE ticket
  ADD refund_id uuid,
  ADD FOREIGN KEY (event_id, refund_id) REFERENCES refund (event_id, id);

-- A bank that takes a payment back, or asks about it (an inquiry moves no money).
CREATE TABLE dispute (
  event_id uuid NOT NULL,
  id text NOT NULL,
  order_id uuid NOT NULL,
  payment_intent_id text NOT NULL,
  charge_id text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  currency text NOT NULL,
  reason text NOT NULL,
  status text NOT NULL CHECK (status IN ('warning_needs_response', 'warning_under_review', 'warning_closed',
    'needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'won', 'lost', 'prevented',
    'charge_refunded')),
  answer_by timestamptz,
  noted_at timestamptz NOT NULL,
  moved_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, id),
  FOREIGN KEY (event_id, payment_intent_id) REFERENCES payment (event_id, payment_intent_id)
);
CREATE INDEX dispute_order ON dispute (event_id, order_id);
CREATE INDEX dispute_at_stripe ON dispute (id);
CREATE TRIGGER dispute_legal_move BEFORE UPDATE OF status ON dispute FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION legal_move(
  'warning_needs_response>warning_under_review,warning_needs_response>warning_closed,warning_needs_response>needs_response,warning_needs_response>under_review,warning_needs_response>won,warning_needs_response>lost,warning_needs_response>prevented,warning_needs_response>charge_refunded,warning_under_review>warning_closed,warning_under_review>needs_response,warning_under_review>under_review,warning_under_review>won,warning_under_review>lost,warning_under_review>prevented,warning_under_review>charge_refunded,warning_closed>needs_response,warning_closed>under_review,warning_closed>won,warning_closed>lost,needs_response>under_review,needs_response>won,needs_response>lost,needs_response>prevented,needs_response>charge_refunded,under_review>won,under_review>lost,under_review>prevented,under_review>charge_refunded,lost>won,lost>appeal_needs_response,lost>appeal_under_review,appeal_needs_response>appeal_under_review,appeal_needs_response>won,appeal_needs_response>lost,appeal_under_review>won,appeal_under_review>lost');

-- What a bank or Stripe's own checks say of a payment before anybody disputes it.
CREATE TABLE fraud_sign (
  event_id uuid NOT NULL,
  id text NOT NULL,
  order_id uuid NOT NULL,
  payment_intent_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('early_fraud_warning', 'review')),
  words text NOT NULL,
  noted_at timestamptz NOT NULL,
  closed_at timestamptz,
  closed_reason text,
  PRIMARY KEY (event_id, id),
  FOREIGN KEY (event_id, payment_intent_id) REFERENCES payment (event_id, payment_intent_id)
);
CREATE INDEX fraud_sign_order ON fraud_sign (event_id, order_id);

ALTER TABLE ledger_entry
  DROP CONSTRAINT ledger_entry_account_check,
  ADD CONSTRAINT ledger_entry_account_check CHECK (account IN ('stripe', 'sales', 'owed_to_buyers', 'refunds', 'fees',
    'disputes'));

-- The part of the ledger that belongs to no night: what Stripe pays out to the bank.
CREATE TABLE account_entry (
  posting text NOT NULL,
  account text NOT NULL CHECK (account IN ('stripe', 'bank')),
  currency text NOT NULL,
  debit_minor bigint NOT NULL CHECK (debit_minor >= 0),
  credit_minor bigint NOT NULL CHECK (credit_minor >= 0),
  posted_at timestamptz NOT NULL,
  PRIMARY KEY (posting, account),
  CHECK ((debit_minor = 0) <> (credit_minor = 0))
);
CREATE FUNCTION account_posting_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM account_entry WHERE posting = NEW.posting
    GROUP BY currency HAVING sum(debit_minor) <> sum(credit_minor)) THEN
    RAISE EXCEPTION 'posting % does not balance', NEW.posting USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER account_entry_balances AFTER INSERT OR UPDATE ON account_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION account_posting_balances();

-- A night that is called off: while it is unfinished, orders are ended and refunded batch by batch.
CREATE TABLE cancellation (
  event_id uuid PRIMARY KEY REFERENCES event (id),
  reason text NOT NULL,
  asked_at timestamptz NOT NULL,
  finished_at timestamptz
);

-- Returns units of one stock to sale. The caller has locked every stock of the event. Units of a closed release move to
-- the release on sale; when all are closed, the last one opens again for exactly these units.
CREATE FUNCTION return_units(p_event uuid, p_stock uuid, p_units integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  heir uuid;
BEGIN
  IF NOT (SELECT closed FROM stock WHERE event_id = p_event AND id = p_stock) THEN
    UPDATE stock SET used = used - p_units WHERE event_id = p_event AND id = p_stock;
    RETURN;
  END IF;
  heir := release_heir(p_event, p_stock);
  UPDATE stock SET used = used - p_units, cap = cap - p_units, inherited = inherited - p_units
  WHERE event_id = p_event AND id = p_stock;
  UPDATE stock SET cap = cap + p_units, inherited = inherited + p_units, closed = false
  WHERE event_id = p_event AND id = heir;
END $$;

-- Gives back what orders use: their hold rows go and the units return to sale. The caller has locked the orders and
-- then every stock of the event.
CREATE OR REPLACE FUNCTION give_back(p_event uuid, p_orders uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  back record;
BEGIN
  FOR back IN
    WITH gone AS (DELETE FROM hold WHERE event_id = p_event AND order_id = ANY(p_orders) RETURNING stock_id, quantity)
    SELECT stock_id, sum(quantity)::integer AS n FROM gone GROUP BY stock_id ORDER BY stock_id
  LOOP
    PERFORM return_units(p_event, back.stock_id, back.n);
  END LOOP;
  UPDATE promo SET used = promo.used - freed.n
  FROM (SELECT promo_id, count(*)::integer AS n FROM orders
    WHERE event_id = p_event AND id = ANY(p_orders) AND promo_id IS NOT NULL GROUP BY promo_id) AS freed
  WHERE promo.event_id = p_event AND promo.id = freed.promo_id;
END $$;

-- Gives back the units of an order's void tickets: of the release that each was bought from, or, where late money took
-- another's, of that one; and of the room. The caller has locked the order and then every stock of the event. With the
-- last ticket goes all that the order still uses, its promo code too.
CREATE FUNCTION give_back_tickets(p_event uuid, p_order uuid, p_tickets uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  back record;
  taken uuid;
BEGIN
  IF NOT EXISTS (SELECT FROM ticket WHERE event_id = p_event AND order_id = p_order AND status IN ('active', 'used')) THEN
    IF EXISTS (SELECT FROM hold WHERE event_id = p_event AND order_id = p_order) THEN
      PERFORM give_back(p_event, ARRAY[p_order]);
    END IF;
    RETURN;
  END IF;
  FOR back IN
    SELECT ticket.ticket_type_id, release.stock_id, ticket_type.room_stock_id FROM ticket
    JOIN release ON release.event_id = p_event AND release.id = ticket.release_id
    JOIN ticket_type ON ticket_type.event_id = p_event AND ticket_type.id = ticket.ticket_type_id
    WHERE ticket.event_id = p_event AND ticket.order_id = p_order AND ticket.id = ANY(p_tickets) ORDER BY ticket.number
  LOOP
    SELECT hold.stock_id INTO taken FROM hold
    JOIN release ON release.event_id = p_event AND release.stock_id = hold.stock_id
    WHERE hold.event_id = p_event AND hold.order_id = p_order AND release.ticket_type_id = back.ticket_type_id
    ORDER BY hold.stock_id <> back.stock_id, release.position LIMIT 1;
    PERFORM give_back_unit(p_event, p_order, taken);
    PERFORM give_back_unit(p_event, p_order, back.room_stock_id);
  END LOOP;
END $$;
CREATE FUNCTION give_back_unit(p_event uuid, p_order uuid, p_stock uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM hold WHERE event_id = p_event AND order_id = p_order AND stock_id = p_stock AND quantity = 1;
  IF NOT FOUND THEN
    UPDATE hold SET quantity = quantity - 1 WHERE event_id = p_event AND order_id = p_order AND stock_id = p_stock;
  END IF;
  IF FOUND THEN PERFORM return_units(p_event, p_stock, 1); END IF;
END $$;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
