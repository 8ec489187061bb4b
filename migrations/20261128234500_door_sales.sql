-- migrate:up

-- Whether a scanner may take money.
ALTER TABLE device ADD COLUMN sells boolean NOT NULL DEFAULT false;

-- What a ticket type costs at the door from a moment on, until the next of its prices or the end of the night. It is sold
-- from the releases' own stock.
CREATE TABLE door_price (
  event_id uuid NOT NULL,
  ticket_type_id uuid NOT NULL,
  from_at timestamptz NOT NULL,
  price_minor bigint NOT NULL CHECK (price_minor BETWEEN 1 AND 99999999),
  cash boolean NOT NULL,
  card boolean NOT NULL,
  CONSTRAINT paid_in_some_way CHECK (cash OR card),
  PRIMARY KEY (event_id, ticket_type_id, from_at),
  FOREIGN KEY (event_id, ticket_type_id) REFERENCES ticket_type
);

-- A scanner's cash box: what was in it at first, and what was counted in the end. `expected_minor` is what should have
-- been in it then.
CREATE TABLE cash_up (
  event_id uuid NOT NULL,
  device_id uuid NOT NULL,
  float_minor bigint NOT NULL CHECK (float_minor BETWEEN 0 AND 99999999),
  opened_at timestamptz NOT NULL,
  counted_minor bigint CHECK (counted_minor BETWEEN 0 AND 9999999999),
  expected_minor bigint,
  closed_at timestamptz,
  CONSTRAINT closed_when_counted CHECK ((closed_at IS NULL) = (counted_minor IS NULL)
    AND (closed_at IS NULL) = (expected_minor IS NULL)),
  PRIMARY KEY (event_id, device_id),
  FOREIGN KEY (event_id, device_id) REFERENCES device
);

-- An order that was placed at the door, by the scanner's own number for it. Cash that went back did so by hand: out of the
-- cash box of `void_device_id`, or of the house's own when that is null.
CREATE TABLE door_sale (
  event_id uuid NOT NULL,
  order_id uuid NOT NULL,
  device_id uuid NOT NULL,
  nonce text NOT NULL CHECK (length(nonce) BETWEEN 8 AND 40),
  paid_by text NOT NULL CHECK (paid_by IN ('cash', 'card')),
  sold_at timestamptz NOT NULL,
  voided_at timestamptz,
  void_reason text CHECK (length(void_reason) BETWEEN 1 AND 200),
  void_device_id uuid,
  CONSTRAINT voided_for_a_reason CHECK ((voided_at IS NULL) = (void_reason IS NULL)),
  CONSTRAINT only_cash_goes_back_by_hand CHECK (voided_at IS NULL OR paid_by = 'cash'),
  PRIMARY KEY (event_id, order_id),
  CONSTRAINT one_sale_per_nonce UNIQUE (event_id, device_id, nonce),
  FOREIGN KEY (event_id, order_id) REFERENCES orders,
  -- Nothing is sold before the cash box was counted.
  FOREIGN KEY (event_id, device_id) REFERENCES cash_up,
  FOREIGN KEY (event_id, void_device_id) REFERENCES cash_up (event_id, device_id)
);

ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_account_check, ADD CONSTRAINT ledger_entry_account_check
  CHECK (account IN ('stripe', 'sales', 'owed_to_buyers', 'refunds', 'fees', 'disputes', 'cash'));

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
