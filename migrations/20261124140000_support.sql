-- migrate:up

-- What an event is about: Stripe's ids and ours, so that a support person finds it by any of them.
ALTER TABLE stripe_event ADD about text[] NOT NULL DEFAULT '{}';
UPDATE stripe_event SET about = array_remove(ARRAY[object ->> 'id', object ->> 'payment_intent', object ->> 'charge',
  object -> 'metadata' ->> 'order_id', object -> 'metadata' ->> 'refund_id'], NULL)
FROM (SELECT id, convert_from(payload, 'UTF8')::jsonb -> 'data' -> 'object' AS object FROM stripe_event) AS known
WHERE known.id = stripe_event.id;
CREATE INDEX stripe_event_about ON stripe_event USING gin (about);

CREATE INDEX job_subject ON job (subject);
CREATE INDEX payment_attempt_session ON payment_attempt (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX refund_at_stripe ON refund (refund_id) WHERE refund_id IS NOT NULL;
CREATE INDEX ledger_entry_order ON ledger_entry (event_id, order_id);
CREATE INDEX payment_intent ON payment (payment_intent_id);

-- When an order came to each status after its first.
CREATE TABLE order_move (
  event_id uuid NOT NULL,
  order_id uuid NOT NULL,
  status text NOT NULL,
  moved_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, order_id, status, moved_at)
);
CREATE FUNCTION keep_order_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO order_move (event_id, order_id, status, moved_at) VALUES (NEW.event_id, NEW.id, NEW.status, clock())
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER orders_move_kept AFTER UPDATE OF status ON orders FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION keep_order_move();

-- Who was last at work, and when: `worker` or `cron`.
CREATE TABLE heartbeat (name text PRIMARY KEY, at timestamptz NOT NULL);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
