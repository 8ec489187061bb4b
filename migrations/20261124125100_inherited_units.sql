-- migrate:up

-- What a release got from closed ones, or as a closed one passed on: cap = what the organiser planned + inherited, unless
-- more than that is held and sold.
ALTER TABLE stock ADD inherited integer NOT NULL DEFAULT 0;

-- The stock that gets what a closed release has to pass on: the first release of its ticket type that is not closed; when
-- all are, the last one.
CREATE FUNCTION release_heir(p_event uuid, p_stock uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT other.stock_id
  FROM release AS own
  JOIN release AS other ON other.event_id = p_event AND other.ticket_type_id = own.ticket_type_id
  JOIN stock ON stock.event_id = p_event AND stock.id = other.stock_id
  WHERE own.event_id = p_event AND own.stock_id = p_stock
  ORDER BY stock.closed, CASE WHEN stock.closed THEN -other.position ELSE other.position END LIMIT 1
$$;

-- Gives back what orders use: their hold rows go and the units return to sale. The caller has locked the orders and
-- then every stock of the event. Units of a closed release move to the release on sale; when all are closed, the last
-- one opens again for exactly these units.
CREATE OR REPLACE FUNCTION give_back(p_event uuid, p_orders uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  back record;
  heir uuid;
BEGIN
  FOR back IN
    WITH gone AS (DELETE FROM hold WHERE event_id = p_event AND order_id = ANY(p_orders) RETURNING stock_id, quantity),
      units AS (SELECT stock_id, sum(quantity)::integer AS n FROM gone GROUP BY stock_id)
    SELECT units.stock_id, units.n, stock.closed FROM units
    JOIN stock ON stock.event_id = p_event AND stock.id = units.stock_id ORDER BY units.stock_id
  LOOP
    IF NOT back.closed THEN
      UPDATE stock SET used = used - back.n WHERE event_id = p_event AND id = back.stock_id;
      CONTINUE;
    END IF;
    heir := release_heir(p_event, back.stock_id);
    UPDATE stock SET used = used - back.n, cap = cap - back.n, inherited = inherited - back.n
    WHERE event_id = p_event AND id = back.stock_id;
    UPDATE stock SET cap = cap + back.n, inherited = inherited + back.n, closed = false
    WHERE event_id = p_event AND id = heir;
  END LOOP;
  UPDATE promo SET used = promo.used - freed.n
  FROM (SELECT promo_id, count(*)::integer AS n FROM orders
    WHERE event_id = p_event AND id = ANY(p_orders) AND promo_id IS NOT NULL GROUP BY promo_id) AS freed
  WHERE promo.event_id = p_event AND promo.id = freed.promo_id;
END $$;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
