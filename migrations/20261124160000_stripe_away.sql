-- migrate:up

-- `failures` since it was asked for, or asked for again; `unreported` claims in a row whose worker never said how it
-- ended; `turn_at` its turn at Stripe; `retried_at` when a person had it tried again.
ALTER TABLE job ADD failures smallint NOT NULL DEFAULT 0,
  ADD unreported smallint NOT NULL DEFAULT 0,
  ADD turn_at timestamptz,
  ADD retried_at timestamptz;
CREATE INDEX job_parked ON job (parked_at) WHERE parked_at IS NOT NULL AND done_at IS NULL;

-- A line that Stripe found too fast pauses, longer each time in a row.
ALTER TABLE pace ADD paused_until timestamptz, ADD pauses smallint NOT NULL DEFAULT 0;

-- Whether calls to a service are worth making, for all processes: after failures in a row none are made until
-- `open_until`, then one, which decides.
CREATE TABLE breaker (
  name text PRIMARY KEY,
  failures integer NOT NULL DEFAULT 0,
  failed_at timestamptz,
  problem text,
  opened_at timestamptz,
  open_until timestamptz,
  closed_at timestamptz
) WITH (fillfactor = 50);

CREATE INDEX payment_received_at ON payment (received_at);
CREATE INDEX refund_decided_at ON refund (decided_at);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
