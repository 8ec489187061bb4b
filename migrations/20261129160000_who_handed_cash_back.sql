-- migrate:up

-- Who of the organisation booked that the cash of a sale was handed back; a scanner's own sale names the scanner instead.
ALTER TABLE door_sale ADD COLUMN void_person_id uuid REFERENCES person,
  ADD CONSTRAINT handed_back_by_one
    CHECK (void_person_id IS NULL OR voided_at IS NOT NULL AND void_device_id IS NULL);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
