-- migrate:up

ALTER TABLE ticket_type
  -- A ticket of it is so many people: a table comes in by one scan.
  ADD COLUMN admits smallint NOT NULL DEFAULT 1 CHECK (admits BETWEEN 1 AND 50),
  -- After it nobody comes in with it for the first time; null: as long as the door is open.
  ADD COLUMN last_entry_at timestamptz,
  -- What the door is asked to look at when it lets somebody in.
  ADD COLUMN checks text[] NOT NULL DEFAULT '{}' CHECK (checks <@ ARRAY['age', 'name']),
  -- Places on a guest list: never for sale.
  ADD COLUMN for_guests boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT guests_come_one_by_one CHECK (NOT for_guests OR admits = 1);
ALTER TABLE entry_list ADD COLUMN last_entry_at timestamptz;
-- Why a ticket that is none of those that are held back is `blocked`.
ALTER TABLE scan ADD COLUMN because text CHECK (because IN ('too_late'));

-- Who may name guests for a night, and how many: its ticket type has the name, its release's stock is the quota.
CREATE TABLE guest_list (
  event_id uuid NOT NULL,
  id uuid NOT NULL,
  given_by text NOT NULL CHECK (given_by <> ''),
  plus_ones_max smallint NOT NULL CHECK (plus_ones_max BETWEEN 0 AND 9),
  -- Then no name is added or taken off any more.
  closes_at timestamptz NOT NULL,
  -- Links to fill it in are signed with this number: a higher one makes those before worth nothing.
  link_revision integer NOT NULL DEFAULT 0,
  PRIMARY KEY (event_id, id),
  FOREIGN KEY (event_id, id) REFERENCES ticket_type
);
-- A name on a list, by the order whose tickets it became: the guest's own, and one for each who comes along.
CREATE TABLE guest (
  event_id uuid NOT NULL,
  order_id uuid NOT NULL,
  list_id uuid NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  plus_ones smallint NOT NULL CHECK (plus_ones BETWEEN 0 AND 9),
  added_by text NOT NULL CHECK (added_by IN ('file', 'csv', 'link')),
  added_at timestamptz NOT NULL,
  PRIMARY KEY (event_id, order_id),
  FOREIGN KEY (event_id, order_id) REFERENCES orders,
  FOREIGN KEY (event_id, list_id) REFERENCES guest_list
);
CREATE INDEX guest_of_list ON guest (event_id, list_id);

-- What is for sale, and what could be had of it now. A ticket for several takes as many places of the room.
CREATE OR REPLACE VIEW ladder AS
SELECT release.event_id, release.ticket_type_id, release.id AS release_id, release.position, release.name,
  release.price_minor, release.stock_id, ticket_type.room_stock_id,
  least(stock.cap - stock.used, (room.cap - room.used) / ticket_type.admits) AS available
FROM release
JOIN ticket_type ON ticket_type.event_id = release.event_id AND ticket_type.id = release.ticket_type_id
JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
LEFT JOIN stock AS room ON room.event_id = release.event_id AND room.id = ticket_type.room_stock_id
WHERE NOT ticket_type.for_guests;

-- `place_orders` is long, and is changed here where it stands: it no longer sees what is not for sale, and takes a place
-- of the room for each person.
CREATE FUNCTION pg_temp.rewrite(p_function text, p_from text[], p_to text[]) RETURNS void LANGUAGE plpgsql AS $rewrite$
DECLARE
  written text := pg_get_functiondef(p_function::regproc);
BEGIN
  FOR i IN 1 .. cardinality(p_from) LOOP
    IF position(p_from[i] IN written) = 0 THEN RAISE EXCEPTION '% has no "%"', p_function, p_from[i]; END IF;
    written := replace(written, p_from[i], p_to[i]);
  END LOOP;
  EXECUTE written;
END $rewrite$;
SELECT pg_temp.rewrite('place_orders', ARRAY[
  'r_room integer[];',
  'array_agg(array_position(s_id, t.room_stock_id) ORDER BY r.position)',
  'INTO r_id, r_type, r_price, r_stock, r_room',
  't.id = r.ticket_type_id WHERE r.event_id = p_event;',
  's_used[r_room[r]] + n <=',
  's_used[r_room[pick]] + n;',
  's_used[r_room[pick]] - n;',
  'SELECT w.o, r_room[w.r], l_quantity[w.l] FROM'
], ARRAY[
  'r_room integer[]; r_admits integer[];',
  'array_agg(array_position(s_id, t.room_stock_id) ORDER BY r.position), array_agg(t.admits ORDER BY r.position)',
  'INTO r_id, r_type, r_price, r_stock, r_room, r_admits',
  't.id = r.ticket_type_id WHERE r.event_id = p_event AND NOT t.for_guests;',
  's_used[r_room[r]] + n * r_admits[r] <=',
  's_used[r_room[pick]] + n * r_admits[pick];',
  's_used[r_room[pick]] - n * r_admits[pick];',
  'SELECT w.o, r_room[w.r], l_quantity[w.l] * r_admits[w.r] FROM'
]);
SELECT pg_temp.rewrite('take_again', ARRAY[
  'order_line.ticket_type_id, room_stock_id',
  'SET used = used + line.quantity WHERE event_id = p_event AND id = line.room_stock_id;',
  'SELECT p_event, p_order, taken, line.quantity FROM unnest(ARRAY[choice.id, line.room_stock_id]) AS taken
      WHERE taken IS NOT NULL'
], ARRAY[
  'order_line.ticket_type_id, room_stock_id, admits',
  'SET used = used + line.quantity * line.admits WHERE event_id = p_event AND id = line.room_stock_id;',
  'SELECT p_event, p_order, taken.id, taken.units FROM (VALUES (choice.id, line.quantity),
        (line.room_stock_id, line.quantity * line.admits)) AS taken (id, units)
      WHERE taken.id IS NOT NULL'
]);
SELECT pg_temp.rewrite('give_back_tickets', ARRAY[
  'release.stock_id, ticket_type.room_stock_id FROM ticket',
  'PERFORM give_back_unit(p_event, p_order, back.room_stock_id);'
], ARRAY[
  'release.stock_id, ticket_type.room_stock_id, ticket_type.admits FROM ticket',
  'FOR place IN 1 .. back.admits LOOP
      PERFORM give_back_unit(p_event, p_order, back.room_stock_id);
    END LOOP;'
]);
DROP FUNCTION pg_temp.rewrite;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
