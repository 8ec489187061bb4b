-- Every API object, one row each. `doc` is what the API answers, `hidden` what only the simulator knows.
CREATE TABLE object (
    kind text NOT NULL,
    id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    created bigint NOT NULL,
    payment_intent text,
    charge text,
    customer text,
    doc json NOT NULL,
    hidden json NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 70);
CREATE INDEX object_newest ON object (kind, seq DESC);
CREATE INDEX object_by_payment_intent ON object (payment_intent, kind) WHERE payment_intent IS NOT NULL;
CREATE INDEX object_by_charge ON object (charge, kind) WHERE charge IS NOT NULL;
CREATE INDEX object_by_customer ON object (customer, kind) WHERE customer IS NOT NULL;

CREATE TABLE event (
    id text PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    created bigint NOT NULL,
    doc json NOT NULL
);
CREATE INDEX event_newest ON event (seq DESC);

-- One event on its way to one endpoint. `due` is a moment of the simulator's clock.
CREATE TABLE delivery (
    id text PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    event_id text NOT NULL REFERENCES event (id),
    endpoint_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'canceled', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    due double precision NOT NULL,
    fault json,
    last_status integer,
    last_problem text,
    last_attempt double precision
) WITH (fillfactor = 70);
CREATE INDEX delivery_of_event ON delivery (event_id);
CREATE INDEX delivery_waiting ON delivery (due) WHERE status = 'pending';

-- What happens by itself when its moment comes: a session expires, a bank debit settles.
CREATE TABLE later (
    id text PRIMARY KEY,
    due double precision NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail json NOT NULL
);
CREATE INDEX later_due ON later (due);

CREATE TABLE idempotent_answer (
    key text PRIMARY KEY,
    fingerprint text NOT NULL,
    status integer NOT NULL,
    body text NOT NULL,
    request_id text NOT NULL,
    created double precision NOT NULL
);
CREATE INDEX idempotent_answer_age ON idempotent_answer (created);

CREATE TABLE kept_setting (
    name text PRIMARY KEY,
    value text NOT NULL
);
