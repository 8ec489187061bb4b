-- migrate:up

-- A code that was withdrawn is NULL: nobody can type it, and orders keep pointing at what it took off.
ALTER TABLE promo ALTER COLUMN code DROP NOT NULL;

-- migrate:down

UPDATE promo SET code = upper(id::text) WHERE code IS NULL;
ALTER TABLE promo ALTER COLUMN code SET NOT NULL;
