-- migrate:up

-- The sweep of expired holds ends them as `release.py` does: with the reason, and with the attempts that never were sent.

-- Places a batch of orders for one event, in arrival order, each whole or not at all, in one statement. Locks: expired
-- orders (skipping locked ones), then every stock of the event by id, then promos by id. Holding the stocks makes this
-- the only batch of the event, so keys and per-person counts need no locks of their own.
CREATE OR REPLACE FUNCTION place_orders(
  p_event uuid, p_minimum_minor bigint,
  o_id uuid[], o_code text[], o_email text[], o_key_hash bytea[], o_fingerprint bytea[], o_promo text[],
  l_order integer[], l_type uuid[], l_quantity integer[], l_seen_minor bigint[], l_names text[]
) RETURNS TABLE (number integer, outcome text, code text, status text, total_minor bigint, held_until timestamptz,
  detail_minor bigint, id uuid) LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz := clock();
  night event%ROWTYPE;
  swept uuid[];
  s_id uuid[]; s_cap integer[]; s_used integer[]; s_closed boolean[];
  r_id uuid[]; r_type uuid[]; r_price bigint[]; r_stock integer[]; r_room integer[];
  d_id uuid[]; d_code text[]; d_percent smallint[]; d_amount bigint[]; d_max integer[]; d_used integer[];
  kept integer[] := '{}'; kept_total bigint[] := '{}'; kept_quantity integer[] := '{}'; kept_promo uuid[] := '{}';
  w_order uuid[] := '{}'; w_number smallint[] := '{}'; w_line integer[] := '{}'; w_release integer[] := '{}';
  w_unit bigint[] := '{}';
  t_release integer[]; t_unit bigint[]; t_line integer[];
  first_line integer := 1; line integer; n integer; pick integer; best integer; d integer; unit bigint;
  order_total bigint; order_quantity integer; person integer;
  e_hash bytea[]; e_fingerprint bytea[]; e_id uuid[]; e_code text[]; e_status text[]; e_total bigint[];
  e_until timestamptz[]; same integer;
  p_email text[]; p_quantity integer[];
BEGIN
  SELECT * INTO night FROM event WHERE event.id = p_event;
  -- What reads orders is planned anew for each batch (EXECUTE): a plan kept from when the table was a page long reads
  -- every order of the event.
  EXECUTE $query$SELECT array_agg(gone.id) FROM (
    SELECT id FROM orders WHERE event_id = $1 AND status = 'held' AND held_until < $2
    LIMIT 500 FOR UPDATE SKIP LOCKED) AS gone$query$ INTO swept USING p_event, moment;
  IF swept IS NOT NULL THEN
    EXECUTE $query$UPDATE payment_attempt SET status = 'expired'
      WHERE event_id = $1 AND order_id = ANY($2) AND status = 'queued'$query$ USING p_event, swept;
  END IF;
  PERFORM 1 FROM stock WHERE stock.event_id = p_event ORDER BY stock.id FOR UPDATE;
  PERFORM 1 FROM promo WHERE promo.event_id = p_event AND promo.code = ANY(o_promo) ORDER BY promo.id FOR UPDATE;
  IF swept IS NOT NULL THEN
    PERFORM give_back(p_event, swept);
    UPDATE orders SET status = 'expired', ended_reason = 'hold_ended'
    WHERE orders.event_id = p_event AND orders.id = ANY(swept);
  END IF;

  SELECT array_agg(s.id), array_agg(s.cap), array_agg(s.used), array_agg(s.closed) INTO s_id, s_cap, s_used, s_closed
  FROM stock AS s WHERE s.event_id = p_event;
  SELECT array_agg(r.id ORDER BY r.position), array_agg(r.ticket_type_id ORDER BY r.position),
    array_agg(r.price_minor ORDER BY r.position), array_agg(array_position(s_id, r.stock_id) ORDER BY r.position),
    array_agg(array_position(s_id, t.room_stock_id) ORDER BY r.position)
  INTO r_id, r_type, r_price, r_stock, r_room
  FROM release AS r JOIN ticket_type AS t ON t.event_id = p_event AND t.id = r.ticket_type_id WHERE r.event_id = p_event;
  SELECT array_agg(p.id), array_agg(p.code), array_agg(p.percent), array_agg(p.amount_minor), array_agg(p.uses_max),
    array_agg(p.used) INTO d_id, d_code, d_percent, d_amount, d_max, d_used
  FROM promo AS p WHERE p.event_id = p_event AND p.code = ANY(o_promo);

  EXECUTE 'SELECT array_agg(key_hash), array_agg(fingerprint), array_agg(id), array_agg(code), array_agg(status),
    array_agg(total_minor), array_agg(held_until) FROM orders WHERE event_id = $1 AND key_hash = ANY($2)'
  INTO e_hash, e_fingerprint, e_id, e_code, e_status, e_total, e_until USING p_event, o_key_hash;
  IF night.quantity_max_per_person IS NOT NULL THEN
    EXECUTE $query$SELECT array_agg(email), array_agg(bought) FROM (
      SELECT email, sum(quantity)::integer AS bought FROM orders WHERE event_id = $1 AND email = ANY($2)
      AND status NOT IN ('expired', 'released', 'refunded') GROUP BY email) AS persons$query$
    INTO p_email, p_quantity USING p_event, o_email;
  END IF;

  FOR i IN 1 .. cardinality(o_id) LOOP
    number := i; code := NULL; status := NULL; total_minor := NULL; held_until := NULL; detail_minor := NULL; id := NULL;
    line := first_line;
    WHILE first_line <= cardinality(l_order) AND l_order[first_line] = i LOOP first_line := first_line + 1; END LOOP;

    same := array_position(e_hash, o_key_hash[i]);
    IF same IS NOT NULL THEN
      outcome := CASE WHEN e_fingerprint[same] <> o_fingerprint[i] THEN 'idempotency_conflict'
        WHEN e_status[same] IN ('expired', 'released') THEN 'order_ended' ELSE 'placed' END;
      IF outcome = 'placed' THEN
        code := e_code[same]; status := e_status[same]; total_minor := e_total[same]; held_until := e_until[same];
        id := e_id[same];
      END IF;
      RETURN NEXT; CONTINUE;
    END IF;

    IF night.status <> 'published' OR moment >= night.sale_ends_at OR moment < night.sale_starts_at THEN
      outcome := 'sale_closed'; RETURN NEXT; CONTINUE;
    END IF;
    d := NULL;
    IF o_promo[i] IS NOT NULL THEN
      d := array_position(d_code, o_promo[i]);
      IF d IS NULL OR d_used[d] >= d_max[d] THEN outcome := 'promo_not_valid'; RETURN NEXT; CONTINUE; END IF;
    END IF;

    outcome := 'placed'; order_total := 0; order_quantity := 0; t_release := '{}'; t_unit := '{}'; t_line := '{}';
    WHILE line < first_line LOOP
      n := l_quantity[line]; pick := NULL; best := NULL;
      FOR r IN 1 .. cardinality(r_id) LOOP
        CONTINUE WHEN r_type[r] <> l_type[line];
        best := r;
        IF s_used[r_stock[r]] + n <= s_cap[r_stock[r]]
          AND (r_room[r] IS NULL OR s_used[r_room[r]] + n <= s_cap[r_room[r]]) THEN
          pick := r; EXIT;
        END IF;
      END LOOP;
      IF pick IS NULL THEN
        outcome := CASE WHEN best IS NULL THEN 'unknown_ticket_type' ELSE 'sold_out' END; EXIT;
      END IF;
      unit := r_price[pick];
      IF d IS NOT NULL THEN
        unit := CASE WHEN d_percent[d] IS NULL THEN greatest(0, unit - d_amount[d])
          ELSE unit - unit * d_percent[d] / 100 END;
      END IF;
      IF unit > l_seen_minor[line] THEN outcome := 'price_changed'; detail_minor := unit; EXIT; END IF;
      s_used[r_stock[pick]] := s_used[r_stock[pick]] + n;
      IF r_room[pick] IS NOT NULL THEN s_used[r_room[pick]] := s_used[r_room[pick]] + n; END IF;
      t_release := t_release || pick; t_unit := t_unit || unit; t_line := t_line || line;
      order_total := order_total + unit * n; order_quantity := order_quantity + n; line := line + 1;
    END LOOP;
    IF outcome = 'placed' AND order_total BETWEEN 1 AND p_minimum_minor - 1 THEN outcome := 'below_minimum'; END IF;
    IF outcome = 'placed' AND night.quantity_max_per_person IS NOT NULL THEN
      person := array_position(p_email, o_email[i]);
      IF coalesce(p_quantity[person], 0) + order_quantity > night.quantity_max_per_person THEN
        outcome := 'person_limit';
      ELSIF person IS NULL THEN
        p_email := p_email || o_email[i]; p_quantity := p_quantity || order_quantity;
      ELSE
        p_quantity[person] := p_quantity[person] + order_quantity;
      END IF;
    END IF;
    IF outcome <> 'placed' THEN
      FOR k IN 1 .. cardinality(t_release) LOOP
        pick := t_release[k]; n := l_quantity[t_line[k]];
        s_used[r_stock[pick]] := s_used[r_stock[pick]] - n;
        IF r_room[pick] IS NOT NULL THEN s_used[r_room[pick]] := s_used[r_room[pick]] - n; END IF;
      END LOOP;
      RETURN NEXT; CONTINUE;
    END IF;

    IF d IS NOT NULL THEN d_used[d] := d_used[d] + 1; END IF;
    FOR k IN 1 .. cardinality(t_release) LOOP
      IF s_used[r_stock[t_release[k]]] >= s_cap[r_stock[t_release[k]]] THEN s_closed[r_stock[t_release[k]]] := true; END IF;
      w_order := w_order || o_id[i]; w_number := w_number || k::smallint; w_line := w_line || t_line[k];
      w_release := w_release || t_release[k]; w_unit := w_unit || t_unit[k];
    END LOOP;
    kept := kept || i; kept_total := kept_total || order_total; kept_quantity := kept_quantity || order_quantity;
    kept_promo := kept_promo || CASE WHEN d IS NULL THEN NULL ELSE d_id[d] END;
    code := o_code[i]; status := 'held'; total_minor := order_total; id := o_id[i];
    held_until := moment + night.hold_minutes * interval '1 minute';
    RETURN NEXT;
  END LOOP;
  IF cardinality(kept) = 0 THEN RETURN; END IF;

  UPDATE stock SET used = changed.used, closed = changed.closed
  FROM unnest(s_id, s_used, s_closed) AS changed (id, used, closed)
  WHERE stock.event_id = p_event AND stock.id = changed.id AND stock.used <> changed.used;
  UPDATE promo SET used = changed.used FROM unnest(d_id, d_used) AS changed (id, used)
  WHERE promo.event_id = p_event AND promo.id = changed.id AND promo.used <> changed.used;
  INSERT INTO orders (event_id, id, code, status, email, quantity, total_minor, currency, promo_id, key_hash,
    fingerprint, created_at, held_until)
  SELECT p_event, o_id[k.i], o_code[k.i], 'held', o_email[k.i], k.quantity, k.total, night.currency, k.promo,
    o_key_hash[k.i], o_fingerprint[k.i], moment, moment + night.hold_minutes * interval '1 minute'
  FROM unnest(kept, kept_total, kept_quantity, kept_promo) AS k (i, total, quantity, promo);
  INSERT INTO order_line (event_id, order_id, number, ticket_type_id, release_id, quantity, unit_minor, holder_names)
  SELECT p_event, w.o, w.n, l_type[w.l], r_id[w.r], l_quantity[w.l], w.u, l_names[w.l]::text[]
  FROM unnest(w_order, w_number, w_line, w_release, w_unit) AS w (o, n, l, r, u);
  INSERT INTO hold (event_id, order_id, stock_id, quantity)
  SELECT p_event, taken.o, s_id[taken.s], sum(taken.q) FROM (
    SELECT w.o, r_stock[w.r] AS s, l_quantity[w.l] AS q FROM unnest(w_order, w_line, w_release) AS w (o, l, r)
    UNION ALL
    SELECT w.o, r_room[w.r], l_quantity[w.l] FROM unnest(w_order, w_line, w_release) AS w (o, l, r)
    WHERE r_room[w.r] IS NOT NULL) AS taken
  GROUP BY taken.o, taken.s;
  INSERT INTO payment_attempt (event_id, order_id, number, idempotency_key, status, created_at)
  SELECT p_event, o_id[k.i], 1, 'order:' || o_id[k.i] || ':attempt:1', 'queued', moment
  FROM unnest(kept, kept_total) AS k (i, total) WHERE k.total > 0;
END $$;

-- What was swept before.
UPDATE payment_attempt SET status = 'expired' FROM orders
WHERE orders.event_id = payment_attempt.event_id AND orders.id = order_id AND orders.status = 'expired'
  AND payment_attempt.status = 'queued';
UPDATE orders SET ended_reason = 'hold_ended' WHERE status = 'expired' AND ended_reason IS NULL;

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
