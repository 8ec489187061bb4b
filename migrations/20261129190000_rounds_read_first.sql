-- migrate:up

-- A round of scans reads without a lock and writes only what still holds: two calls that commit by themselves. `open_book`
-- and `write_book` stay for servers of before.

-- How many scans there are of these tickets, of those that are asked, and of undos that were told of before their scan.
-- Scans stay for good, so the same number means the same ones.
CREATE FUNCTION scans_known(p_event uuid, p_tickets uuid[], p_scan_devices uuid[], p_nonces text[])
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT count(*) FROM unnest(p_tickets) AS asked (id) CROSS JOIN LATERAL (
      SELECT FROM scan WHERE event_id = p_event AND ticket_id = asked.id OFFSET 0) AS its)
    + (SELECT count(*) FROM unnest(p_scan_devices, p_nonces) AS asked (device_id, nonce) CROSS JOIN LATERAL (
      SELECT FROM scan WHERE event_id = p_event AND device_id = asked.device_id AND nonce = asked.nonce OFFSET 0) AS its)
    + (SELECT count(*) FROM scan WHERE event_id = p_event AND kind = 'undo' AND ticket_id IS NULL);
END $$;

-- Locks devices, then the tickets that these scans show, each by id: those of an id, of a code, of a code that the ticket
-- had before, and of a scan that is named. Whoever held a ticket may have sent it on, or scanned it, in the meantime: what
-- is shown then is locked in another go.
CREATE FUNCTION lock_book(p_event uuid, p_devices uuid[], p_tickets uuid[], p_codes text[], p_scan_devices uuid[],
  p_nonces text[])
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
  SET cpu_index_tuple_cost = 1000 AS $$
DECLARE locked uuid[] := '{}'; shown uuid[];
BEGIN
  PERFORM 1 FROM device WHERE event_id = p_event AND id = ANY(p_devices) ORDER BY id FOR NO KEY UPDATE;
  LOOP
    shown := array_remove(ARRAY(
      SELECT unnest(p_tickets) AS id
      UNION SELECT its.id FROM unnest(p_codes) AS asked (code) CROSS JOIN LATERAL (
        SELECT id FROM ticket WHERE event_id = p_event AND ticket.code = asked.code OFFSET 0) AS its
      UNION SELECT its.ticket_id FROM unnest(p_codes) AS asked (code) CROSS JOIN LATERAL (
        SELECT ticket_id FROM ticket_transfer
        WHERE event_id = p_event AND old_code = asked.code AND ticket_transfer.status = 'accepted' OFFSET 0) AS its
      UNION SELECT its.ticket_id FROM unnest(p_scan_devices, p_nonces) AS asked (device_id, nonce) CROSS JOIN LATERAL (
        SELECT ticket_id FROM scan
        WHERE event_id = p_event AND scan.device_id = asked.device_id AND scan.nonce = asked.nonce OFFSET 0) AS its
      ORDER BY id), NULL);
    EXIT WHEN shown <@ locked;
    PERFORM 1 FROM unnest(shown) AS asked (id) CROSS JOIN LATERAL (
      SELECT FROM ticket WHERE event_id = p_event AND id = asked.id OFFSET 0 FOR NO KEY UPDATE) AS its;
    locked := locked || shown;
  END LOOP;
END $$;

-- What these scans need, as JSON and as of one moment: their devices, and the rules of their lists; the tickets that they
-- show, as above; the codes that those had before; the scans that were asked before, those of the tickets, and the undos
-- that were told of before their scan. `version` is what `keep_book` must find again: the transactions that last wrote each
-- device and ticket, and how many scans there are.
CREATE FUNCTION read_book(p_event uuid, p_opens_before interval, p_devices uuid[], p_tickets uuid[], p_codes text[],
  p_scan_devices uuid[], p_nonces text[])
RETURNS json LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
  SET cpu_index_tuple_cost = 1000 AS $$
DECLARE
  shown uuid[]; sent_on uuid[]; named uuid[]; list_ids uuid[]; number bigint; device_version text; ticket_version text;
  devices json; lists json; tickets json; old_codes json; scans json;
BEGIN
  shown := ARRAY(SELECT its.id FROM unnest(p_codes) AS asked (code) CROSS JOIN LATERAL (
    SELECT id FROM ticket WHERE event_id = p_event AND ticket.code = asked.code OFFSET 0) AS its);
  IF cardinality(shown) < cardinality(p_codes) THEN
    SELECT array_agg(its.ticket_id), json_object_agg(asked.code, its.ticket_id) INTO sent_on, old_codes
    FROM unnest(p_codes) AS asked (code) CROSS JOIN LATERAL (
      SELECT ticket_id FROM ticket_transfer
      WHERE event_id = p_event AND old_code = asked.code AND ticket_transfer.status = 'accepted' OFFSET 0) AS its;
  END IF;
  named := ARRAY(SELECT its.ticket_id FROM unnest(p_scan_devices, p_nonces) AS asked (device_id, nonce)
    CROSS JOIN LATERAL (SELECT ticket_id FROM scan
      WHERE event_id = p_event AND scan.device_id = asked.device_id AND scan.nonce = asked.nonce OFFSET 0) AS its);
  shown := ARRAY(SELECT DISTINCT id FROM unnest(shown || sent_on || named || p_tickets) AS id WHERE id IS NOT NULL);
  SELECT json_agg(row_to_json(line)), array_agg(DISTINCT list_id), string_agg(version, ' ' ORDER BY id)
  INTO devices, list_ids, device_version FROM (
    SELECT id, list_id, gate, role, encode(token_hash, 'base64') AS token_hash,
      extract(epoch FROM clock_offset)::double precision AS clock_offset_seconds, revoked_at, xmin::text AS version
    FROM device WHERE event_id = p_event AND id = ANY(p_devices)
  ) AS line;
  SELECT json_agg(row_to_json(line)) INTO lists FROM (
    SELECT its.id, re_entry, coalesce(opens_at, doors_at - p_opens_before) AS opens_at, paper AS takes_paper,
      (SELECT coalesce(json_object_agg(ticket_type_id, list_type.last_entry_at), '{}') FROM list_type
        WHERE list_type.event_id = p_event AND list_type.list_id = its.id AND takes) AS takes,
      ARRAY(SELECT event_key.number FROM event_key WHERE event_key.event_id = p_event AND retired_at IS NOT NULL)
        AS retired_keys
    FROM unnest(list_ids) AS asked (id) CROSS JOIN LATERAL (
      SELECT * FROM entry_list WHERE event_id = p_event AND entry_list.id = asked.id OFFSET 0) AS its
    JOIN event ON event.id = p_event
  ) AS line;
  SELECT json_agg(row_to_json(line)), string_agg(version, ' ' ORDER BY id) INTO tickets, ticket_version FROM (
    SELECT its.id, code, status, blocked_reason, revision, holder_email IS NOT NULL AS is_sent_on, holder,
      ticket_type_id, ticket_type.name AS ticket_type, admits, checks, its.version
    FROM unnest(shown) AS asked (id) CROSS JOIN LATERAL (
      SELECT *, xmin::text AS version FROM ticket WHERE event_id = p_event AND ticket.id = asked.id OFFSET 0) AS its
    JOIN ticket_type ON ticket_type.event_id = p_event AND ticket_type.id = ticket_type_id
  ) AS line;
  number := scans_known(p_event, shown, p_scan_devices, p_nonces);
  IF number > 0 THEN
    WITH known AS MATERIALIZED (
      SELECT its.* FROM unnest(p_scan_devices, p_nonces) AS asked (device_id, nonce) CROSS JOIN LATERAL (
        SELECT * FROM scan
        WHERE event_id = p_event AND scan.device_id = asked.device_id AND scan.nonce = asked.nonce OFFSET 0) AS its
      UNION ALL SELECT its.* FROM unnest(shown) AS asked (ticket_id) CROSS JOIN LATERAL (
        SELECT * FROM scan WHERE event_id = p_event AND scan.ticket_id = asked.ticket_id OFFSET 0) AS its
      UNION ALL SELECT * FROM scan WHERE event_id = p_event AND kind = 'undo' AND ticket_id IS NULL)
    SELECT json_agg(row_to_json(line)) INTO scans FROM (
      SELECT known.device_id, nonce, known.list_id, re_entry, kind, ticket_id, read, scanned_at, corrected_at, online,
        answer, override, reason, used_at, used_gate, gate, undoes_device_id, undoes_nonce, objection, because
      FROM known JOIN device ON device.event_id = p_event AND device.id = known.device_id
      JOIN entry_list ON entry_list.event_id = p_event AND entry_list.id = known.list_id
    ) AS line;
  END IF;
  RETURN json_build_object('devices', coalesce(devices, '[]'), 'lists', coalesce(lists, '[]'),
    'tickets', coalesce(tickets, '[]'), 'old_codes', coalesce(old_codes, '{}'), 'scans', coalesce(scans, '[]'),
    'now', clock(), 'version', concat_ws('/', device_version, ticket_version, number));
END $$;

-- Writes what follows from a book of that version, under lock: lists of rows as the tables name them. `scans` and `entries`
-- are new, `changed` and `gone` are entries that are there, `used` are tickets with the moment since when, or none.
-- Raises serialization_failure when the book has changed since.
CREATE FUNCTION keep_book(p_event uuid, p_devices uuid[], p_tickets uuid[], p_scan_devices uuid[], p_nonces text[],
  p_version text, p_new json)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
  SET cpu_index_tuple_cost = 1000 AS $$
DECLARE it entry; device_version text; ticket_version text;
BEGIN
  SELECT string_agg(xmin::text, ' ' ORDER BY id) INTO device_version FROM (
    SELECT id, xmin FROM device WHERE event_id = p_event AND id = ANY(p_devices) ORDER BY id FOR NO KEY UPDATE
  ) AS locked;
  SELECT string_agg(its.xmin::text, ' ' ORDER BY its.id) INTO ticket_version
  FROM (SELECT unnest(p_tickets) AS id ORDER BY id) AS asked CROSS JOIN LATERAL (
    SELECT id, xmin FROM ticket WHERE event_id = p_event AND ticket.id = asked.id OFFSET 0 FOR NO KEY UPDATE) AS its;
  IF p_version <> concat_ws('/', device_version, ticket_version,
    scans_known(p_event, p_tickets, p_scan_devices, p_nonces)) THEN
    RAISE serialization_failure USING MESSAGE = 'these tickets or scanners have changed';
  END IF;
  INSERT INTO scan (event_id, received_at, device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at,
    online, answer, override, reason, used_at, used_gate, undoes_device_id, undoes_nonce, objection, because)
  SELECT p_event, clock(), device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at,
    online, answer, override, reason, used_at, used_gate, undoes_device_id, undoes_nonce, objection, because
  FROM json_populate_recordset(NULL::scan, p_new->'scans');
  INSERT INTO entry (event_id, list_id, ticket_id, visit, device_id, nonce, entered_at, left_at)
  SELECT p_event, list_id, ticket_id, visit, device_id, nonce, entered_at, left_at
  FROM json_populate_recordset(NULL::entry, p_new->'entries');
  -- By their place in the table, which stays while they are locked: a join by key could read all tickets of the night.
  UPDATE ticket SET status = CASE WHEN first.used_at IS NULL THEN 'active' ELSE 'used' END, used_at = first.used_at
  FROM (
    SELECT its.ctid, asked.used_at FROM json_populate_recordset(NULL::ticket, p_new->'used') AS asked CROSS JOIN LATERAL (
      SELECT ctid FROM ticket WHERE event_id = p_event AND ticket.id = asked.id AND status IN ('active', 'used')
        AND ticket.used_at IS DISTINCT FROM asked.used_at OFFSET 0) AS its
  ) AS first WHERE ticket.ctid = first.ctid;
  IF p_new->'changed' IS NOT NULL THEN
    FOR it IN SELECT * FROM json_populate_recordset(NULL::entry, p_new->'changed') LOOP
      UPDATE entry SET device_id = it.device_id, nonce = it.nonce, entered_at = it.entered_at, left_at = it.left_at
      WHERE event_id = p_event AND list_id = it.list_id AND ticket_id = it.ticket_id AND visit = it.visit;
    END LOOP;
  END IF;
  IF p_new->'gone' IS NOT NULL THEN
    FOR it IN SELECT * FROM json_populate_recordset(NULL::entry, p_new->'gone') LOOP
      DELETE FROM entry
      WHERE event_id = p_event AND list_id = it.list_id AND ticket_id = it.ticket_id AND visit = it.visit;
    END LOOP;
  END IF;
END $$;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
