-- migrate:up

-- A code that was withdrawn is NULL: nobody can type it, and orders keep pointing at what it took off.
ALTER TABLE promo ALTER COLUMN code DROP NOT NULL;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
