-- migrate:up

-- A round of scans is two calls, `open_book` and `write_book`, whatever it holds. Their statements are planned once for
-- a connection: planning anew for each round took longer than running them. So that a plan from when the doors opened
-- is still good when the night is full, each row is fetched by its whole key, one after the other (LATERAL, OFFSET 0),
-- and what a few rows make look cheap, all rows of the night, costs a thousandfold.

-- What these scans need, as JSON: their devices; the tickets that they show, by id, by code or by a code that the
-- ticket had before, or that a scan they name was of; those codes; and the scans that were asked before, those of the
-- tickets, and the undos that were told of before their scan. Locks the devices, then the tickets, each by id.
CREATE FUNCTION open_book(p_event uuid, p_opens_before interval, p_devices uuid[], p_tickets uuid[], p_codes text[],
  p_scan_devices uuid[], p_nonces text[])
RETURNS json LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
  SET cpu_index_tuple_cost = 1000 AS $$
DECLARE
  locked uuid[] := '{}'; more uuid[]; one uuid;
  devices json; tickets json; old_codes json; scans json;
BEGIN
  SELECT json_agg(row_to_json(line)) INTO devices FROM (
    SELECT device.id, list_id, gate, role, encode(token_hash, 'base64') AS token_hash,
      extract(epoch FROM clock_offset)::double precision AS clock_offset_seconds, revoked_at, re_entry,
      coalesce(opens_at, doors_at - p_opens_before) AS opens_at, event.paper AS takes_paper,
      (SELECT coalesce(json_object_agg(ticket_type_id, list_type.last_entry_at), '{}') FROM list_type
        WHERE list_type.event_id = p_event AND list_type.list_id = device.list_id AND takes) AS takes,
      ARRAY(SELECT number FROM event_key WHERE event_key.event_id = p_event AND retired_at IS NOT NULL) AS retired_keys,
      clock() AS now
    FROM device JOIN event ON event.id = device.event_id
    JOIN entry_list ON entry_list.event_id = device.event_id AND entry_list.id = list_id
    WHERE device.event_id = p_event AND device.id = ANY(p_devices) ORDER BY device.id FOR NO KEY UPDATE OF device
  ) AS line;
  LOOP  -- whoever held a ticket may have sent it on, or scanned it, in the meantime
    more := ARRAY(
      SELECT DISTINCT id FROM (
        SELECT unnest(p_tickets) AS id
        UNION ALL SELECT its.id FROM unnest(p_codes) AS asked (code) CROSS JOIN LATERAL (
          SELECT id FROM ticket WHERE event_id = p_event AND ticket.code = asked.code OFFSET 0) AS its
        UNION ALL SELECT its.ticket_id FROM unnest(p_codes) AS asked (code) CROSS JOIN LATERAL (
          SELECT ticket_id FROM ticket_transfer
          WHERE event_id = p_event AND old_code = asked.code AND ticket_transfer.status = 'accepted' OFFSET 0) AS its
        UNION ALL SELECT its.ticket_id FROM unnest(p_scan_devices, p_nonces) AS asked (device_id, nonce)
          CROSS JOIN LATERAL (SELECT ticket_id FROM scan
            WHERE event_id = p_event AND scan.device_id = asked.device_id AND scan.nonce = asked.nonce OFFSET 0) AS its
      ) AS shown WHERE id IS NOT NULL AND id <> ALL(locked) ORDER BY id);
    EXIT WHEN more = '{}';
    FOREACH one IN ARRAY more LOOP
      PERFORM 1 FROM ticket WHERE event_id = p_event AND id = one FOR NO KEY UPDATE;
    END LOOP;
    locked := locked || more;
  END LOOP;
  SELECT json_agg(row_to_json(line)) INTO tickets FROM (
    SELECT its.id, code, status, blocked_reason, revision, holder_email IS NOT NULL AS is_sent_on, holder,
      ticket_type_id, ticket_type.name AS ticket_type, admits, checks
    FROM unnest(locked) AS asked (id) CROSS JOIN LATERAL (
      SELECT * FROM ticket WHERE event_id = p_event AND ticket.id = asked.id OFFSET 0) AS its
    JOIN ticket_type ON ticket_type.event_id = p_event AND ticket_type.id = ticket_type_id
  ) AS line;
  SELECT json_object_agg(asked.code, its.ticket_id) INTO old_codes
  FROM (SELECT DISTINCT unnest(p_codes)) AS asked (code) CROSS JOIN LATERAL (
    SELECT ticket_id FROM ticket_transfer
    WHERE event_id = p_event AND old_code = asked.code AND ticket_transfer.status = 'accepted' OFFSET 0) AS its
  WHERE its.ticket_id = ANY(locked);
  WITH known AS MATERIALIZED (
    SELECT its.* FROM unnest(p_scan_devices, p_nonces) AS asked (device_id, nonce) CROSS JOIN LATERAL (
      SELECT * FROM scan
      WHERE event_id = p_event AND scan.device_id = asked.device_id AND scan.nonce = asked.nonce OFFSET 0) AS its
    UNION ALL SELECT its.* FROM unnest(locked) AS asked (ticket_id) CROSS JOIN LATERAL (
      SELECT * FROM scan WHERE event_id = p_event AND scan.ticket_id = asked.ticket_id OFFSET 0) AS its
    UNION ALL SELECT * FROM scan WHERE event_id = p_event AND kind = 'undo' AND ticket_id IS NULL)
  SELECT json_agg(row_to_json(line)) INTO scans FROM (
    SELECT known.device_id, nonce, known.list_id, re_entry, kind, ticket_id, read, scanned_at, corrected_at, online,
      answer, override, reason, used_at, used_gate, gate, undoes_device_id, undoes_nonce, objection, because
    FROM known JOIN device ON device.event_id = p_event AND device.id = known.device_id
    JOIN entry_list ON entry_list.event_id = p_event AND entry_list.id = known.list_id
  ) AS line;
  RETURN json_build_object('devices', coalesce(devices, '[]'), 'tickets', coalesce(tickets, '[]'),
    'old_codes', coalesce(old_codes, '{}'), 'scans', coalesce(scans, '[]'));
END $$;

-- Writes scans, who came in by them, and since when their tickets are used: JSON lists of rows as the tables name them.
CREATE FUNCTION write_book(p_event uuid, p_scans json, p_entries json, p_used json)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
  SET cpu_index_tuple_cost = 1000 AS $$
DECLARE first record;
BEGIN
  INSERT INTO scan (event_id, received_at, device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at,
    online, answer, override, reason, used_at, used_gate, undoes_device_id, undoes_nonce, objection, because)
  SELECT p_event, clock(), device_id, nonce, list_id, kind, ticket_id, read, scanned_at, corrected_at,
    online, answer, override, reason, used_at, used_gate, undoes_device_id, undoes_nonce, objection, because
  FROM json_populate_recordset(NULL::scan, p_scans);
  INSERT INTO entry (event_id, list_id, ticket_id, visit, device_id, nonce, entered_at, left_at)
  SELECT p_event, list_id, ticket_id, visit, device_id, nonce, entered_at, left_at
  FROM json_populate_recordset(NULL::entry, p_entries);
  FOR first IN SELECT id, used_at FROM json_populate_recordset(NULL::ticket, p_used) LOOP
    UPDATE ticket SET status = 'used', used_at = first.used_at
    WHERE event_id = p_event AND id = first.id AND status IN ('active', 'used')
      AND used_at IS DISTINCT FROM first.used_at;
  END LOOP;
END $$;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
