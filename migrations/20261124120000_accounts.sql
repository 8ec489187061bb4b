-- migrate:up

-- Somebody who signed in at least once. Addresses are kept trimmed and in lower case.
CREATE TABLE person (
  id uuid PRIMARY KEY,
  email text NOT NULL UNIQUE CHECK (email !~ '[A-Z[:space:]]' AND email LIKE '_%@%_'),
  created_at timestamptz NOT NULL
);

-- A sign-in that was asked for: only hashes of what was mailed and of the asking browser's secret.
CREATE TABLE login_request (
  id uuid PRIMARY KEY,
  email text NOT NULL CHECK (email !~ '[A-Z[:space:]]' AND email LIKE '_%@%_'),
  code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
  link_hash bytea NOT NULL UNIQUE CHECK (length(link_hash) = 32),
  browser_hash bytea NOT NULL CHECK (length(browser_hash) = 32),
  tries smallint NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CHECK (created_at < expires_at)
);
CREATE INDEX login_request_browser ON login_request (browser_hash, email);
CREATE INDEX login_request_expires_at ON login_request (expires_at);

CREATE TABLE session (
  token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
  person_id uuid NOT NULL REFERENCES person (id),
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_expires_at ON session (expires_at);

-- Mails of a development machine, which has no mail server. The attachments are three arrays of one length.
CREATE TABLE mailbox_message (
  id uuid PRIMARY KEY,
  sender text NOT NULL,
  recipient text NOT NULL,
  subject text NOT NULL,
  text text NOT NULL,
  html text NOT NULL,
  attachment_names text[] NOT NULL,
  attachment_types text[] NOT NULL,
  attachment_contents bytea[] NOT NULL,
  created_at timestamptz NOT NULL,
  CHECK (cardinality(attachment_names) = cardinality(attachment_types)),
  CHECK (cardinality(attachment_names) = cardinality(attachment_contents))
);
CREATE INDEX mailbox_message_created_at ON mailbox_message (created_at);

-- How often something may be done: the key is a name and a hash, `full_at` the moment when the whole allowance is there
-- again (the theoretical arrival time of GCRA). A row whose moment has passed says nothing and may go.
CREATE TABLE rate_limit (
  key text PRIMARY KEY,
  full_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- migrate:down

DO $$ BEGIN RAISE 'The schema only goes forward: docs/decisions/0016'; END $$;
