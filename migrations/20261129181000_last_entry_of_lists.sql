-- migrate:up

-- Every entry list with every ticket type of its night: whether it takes it, and until when somebody comes in with it
-- by this list for the first time. A list that names no types takes all.
CREATE VIEW list_type AS
SELECT entry_list.event_id, entry_list.id AS list_id, ticket_type.id AS ticket_type_id,
  NOT EXISTS (SELECT FROM entry_list_type AS named
    WHERE named.event_id = entry_list.event_id AND named.list_id = entry_list.id)
  OR EXISTS (SELECT FROM entry_list_type AS named WHERE named.event_id = entry_list.event_id
    AND named.list_id = entry_list.id AND named.ticket_type_id = ticket_type.id) AS takes,
  least(entry_list.last_entry_at, ticket_type.last_entry_at) AS last_entry_at
FROM entry_list JOIN ticket_type ON ticket_type.event_id = entry_list.event_id;

-- Until when somebody comes in with a ticket type for the first time by any list at all: where each list that takes it
-- ends earlier than the type does, until the last of them ends. Most nights have no list that ends, and orders are placed
-- by the thousand: they ask no further.
CREATE VIEW type_entry AS
SELECT ticket_type.event_id, ticket_type.id AS ticket_type_id, least(ticket_type.last_entry_at,
  CASE WHEN EXISTS (SELECT FROM entry_list
    WHERE entry_list.event_id = ticket_type.event_id AND entry_list.last_entry_at IS NOT NULL)
  THEN (SELECT nullif(max(coalesce(list_type.last_entry_at, 'infinity')), 'infinity') FROM list_type
    WHERE list_type.event_id = ticket_type.event_id AND list_type.ticket_type_id = ticket_type.id AND takes) END)
  AS last_entry_at
FROM ticket_type;

CREATE OR REPLACE VIEW list_ticket AS
SELECT ticket.event_id, list_type.list_id, ticket.id AS ticket_id
FROM list_type JOIN ticket ON ticket.event_id = list_type.event_id AND ticket.ticket_type_id = list_type.ticket_type_id
WHERE takes;

CREATE OR REPLACE VIEW ladder AS
SELECT release.event_id, release.ticket_type_id, release.id AS release_id, release.position, release.name,
  release.price_minor, release.stock_id, ticket_type.room_stock_id,
  CASE WHEN type_entry.last_entry_at <= (SELECT clock()) THEN 0
    ELSE least(stock.cap - stock.used, (room.cap - room.used) / ticket_type.admits) END AS available,
  coalesce(type_entry.last_entry_at <= (SELECT clock()), false) AS entry_ended
FROM release
JOIN ticket_type ON ticket_type.event_id = release.event_id AND ticket_type.id = release.ticket_type_id
JOIN type_entry ON type_entry.event_id = release.event_id AND type_entry.ticket_type_id = release.ticket_type_id
JOIN stock ON stock.event_id = release.event_id AND stock.id = release.stock_id
LEFT JOIN stock AS room ON room.event_id = release.event_id AND room.id = ticket_type.room_stock_id
WHERE NOT ticket_type.for_guests;

-- `place_orders` is long, and is changed here where it stands.
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
  't.last_entry_at <= moment',
  't.id = r.ticket_type_id WHERE r.event_id = p_event'
], ARRAY[
  'e.last_entry_at <= moment',
  't.id = r.ticket_type_id
    JOIN type_entry AS e ON e.event_id = p_event AND e.ticket_type_id = t.id WHERE r.event_id = p_event'
]);
DROP FUNCTION pg_temp.rewrite;

-- Passes say until when they let somebody in, and wallets hear when that changes by a list.
CREATE FUNCTION list_tells_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  night uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.event_id ELSE NEW.event_id END;
  ended timestamptz;
BEGIN
  IF TG_TABLE_NAME = 'entry_list' AND TG_OP = 'UPDATE' THEN
    IF OLD.last_entry_at IS NOT DISTINCT FROM NEW.last_entry_at THEN RETURN NULL; END IF;
    ended := OLD.last_entry_at;
  END IF;
  IF ended IS NOT NULL OR EXISTS (SELECT FROM entry_list WHERE event_id = night AND last_entry_at IS NOT NULL) THEN
    UPDATE event SET updated_at = clock() WHERE id = night;
    PERFORM tell_wallets(night, NULL, '{push_passes,patch_google_tickets}');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER entry_list_wallets AFTER INSERT OR UPDATE OF last_entry_at ON entry_list
  FOR EACH ROW EXECUTE FUNCTION list_tells_wallets();
CREATE TRIGGER entry_list_type_wallets AFTER INSERT OR DELETE ON entry_list_type
  FOR EACH ROW EXECUTE FUNCTION list_tells_wallets();

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
