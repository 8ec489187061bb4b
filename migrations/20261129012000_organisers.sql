-- migrate:up

-- Who may look at an organisation's nights and run their doors. Whoever was added by address signs in as everybody does:
-- a person may be a member before they have signed in for the first time.
CREATE TABLE membership (
  organisation_id uuid NOT NULL REFERENCES organisation,
  person_id uuid NOT NULL REFERENCES person,
  -- `door`: scanners and what happens at the door; `organiser`: that, and what names people or lets others name them.
  role text NOT NULL CHECK (role IN ('organiser', 'door')),
  added_at timestamptz NOT NULL,
  PRIMARY KEY (organisation_id, person_id)
);
CREATE INDEX membership_person ON membership (person_id);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
