-- migrate:up

-- Every release with what could be had of it now: the room can hold less than the release.
CREATE VIEW ladder AS
SELECT release.event_id, release.ticket_type_id, release.id AS release_id, release.position, release.name,
  release.price_minor, release.stock_id, ticket_type.room_stock_id,
  least(stock.cap - stock.used, room.cap - room.used) AS available
FROM release
JOIN ticket_type ON ticket_type.event_id = release.event_id AND ticket_type.id = release.ticket_type_id
JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
LEFT JOIN stock AS room ON room.event_id = release.event_id AND room.id = ticket_type.room_stock_id;

-- The release that so many tickets of a type would be sold from: the first that has them all; the last one of those types
-- that have not so many. `place_orders` does the same with its own running counts, and `Offer.rung_for` for pages.
CREATE FUNCTION release_on_sale(p_event uuid, p_quantity integer) RETURNS SETOF ladder LANGUAGE sql STABLE AS $$
  SELECT DISTINCT ON (ticket_type_id) * FROM ladder WHERE event_id = p_event
  ORDER BY ticket_type_id, available < p_quantity,
    CASE WHEN available < p_quantity THEN -position ELSE position END
$$;

-- Takes the units of an ended order again, for money that came late: all of them or nothing. The caller has locked the
-- order. The release that it bought comes first, then the ladder's others; the price stays the one that was paid.
CREATE OR REPLACE FUNCTION take_again(p_event uuid, p_order uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  line record;
  choice record;
BEGIN
  PERFORM 1 FROM stock WHERE event_id = p_event ORDER BY id FOR UPDATE;
  BEGIN
    FOR line IN
      SELECT order_line.number, order_line.quantity, order_line.release_id, order_line.ticket_type_id, room_stock_id
      FROM order_line JOIN ticket_type ON ticket_type.event_id = p_event AND ticket_type.id = ticket_type_id
      WHERE order_line.event_id = p_event AND order_id = p_order ORDER BY order_line.number
    LOOP
      SELECT ladder.stock_id AS id INTO choice FROM ladder
      WHERE event_id = p_event AND ticket_type_id = line.ticket_type_id AND available >= line.quantity
      ORDER BY release_id <> line.release_id, position LIMIT 1;
      IF NOT FOUND THEN RAISE EXCEPTION 'no units' USING ERRCODE = 'BO001'; END IF;
      UPDATE stock SET used = used + line.quantity, closed = used + line.quantity = cap
      WHERE event_id = p_event AND id = choice.id;
      UPDATE stock SET used = used + line.quantity WHERE event_id = p_event AND id = line.room_stock_id;
      INSERT INTO hold (event_id, order_id, stock_id, quantity)
      SELECT p_event, p_order, taken, line.quantity FROM unnest(ARRAY[choice.id, line.room_stock_id]) AS taken
      WHERE taken IS NOT NULL
      ON CONFLICT (event_id, order_id, stock_id) DO UPDATE SET quantity = hold.quantity + excluded.quantity;
    END LOOP;
    UPDATE promo SET used = promo.used + 1 FROM orders
    WHERE orders.event_id = p_event AND orders.id = p_order AND promo.event_id = p_event AND promo.id = orders.promo_id
      AND (promo.uses_max IS NULL OR promo.used < promo.uses_max);
    IF NOT FOUND AND EXISTS (SELECT 1 FROM orders WHERE event_id = p_event AND id = p_order AND promo_id IS NOT NULL) THEN
      RAISE EXCEPTION 'no units' USING ERRCODE = 'BO001';
    END IF;
    RETURN true;
  EXCEPTION WHEN SQLSTATE 'BO001' THEN
    RETURN false;
  END;
END $$;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
