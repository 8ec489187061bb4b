-- migrate:up

-- What lets nobody in any more is not sold any more: after a ticket type's last entry nothing is left of it, whatever its
-- stock says. `entry_ended` tells that from sold out.
CREATE OR REPLACE VIEW ladder AS
SELECT release.event_id, release.ticket_type_id, release.id AS release_id, release.position, release.name,
  release.price_minor, release.stock_id, ticket_type.room_stock_id,
  CASE WHEN ticket_type.last_entry_at <= (SELECT clock()) THEN 0
    ELSE least(stock.cap - stock.used, (room.cap - room.used) / ticket_type.admits) END AS available,
  coalesce(ticket_type.last_entry_at <= (SELECT clock()), false) AS entry_ended
FROM release
JOIN ticket_type ON ticket_type.event_id = release.event_id AND ticket_type.id = release.ticket_type_id
JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
LEFT JOIN stock AS room ON room.event_id = release.event_id AND room.id = ticket_type.room_stock_id
WHERE NOT ticket_type.for_guests;

-- `place_orders` is long, and is changed here where it stands: an order of such a type is refused as `entry_ended`.
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
  'r_admits integer[];',
  'array_agg(t.admits ORDER BY r.position)',
  'INTO r_id, r_type, r_price, r_stock, r_room, r_admits',
  'best := r;',
  'WHEN best IS NULL THEN ''unknown_ticket_type'' ELSE'
], ARRAY[
  'r_admits integer[]; r_ended boolean[];',
  'array_agg(t.admits ORDER BY r.position), array_agg(coalesce(t.last_entry_at <= moment, false) ORDER BY r.position)',
  'INTO r_id, r_type, r_price, r_stock, r_room, r_admits, r_ended',
  'best := r;
        CONTINUE WHEN r_ended[r];',
  'WHEN best IS NULL THEN ''unknown_ticket_type'' WHEN r_ended[best] THEN ''entry_ended'' ELSE'
]);
DROP FUNCTION pg_temp.rewrite;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
