CREATE TABLE purchases (
    reference    TEXT COLLATE "C" PRIMARY KEY,
    provider     TEXT NOT NULL,
    customer     TEXT NOT NULL,
    content      TEXT NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT,
    attempt      TEXT,
    key          TEXT,
    submitted_at BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    due_at       BIGINT,
    lease_until  BIGINT NOT NULL DEFAULT 0,
    fence        BIGINT NOT NULL DEFAULT 0,
    tries        BIGINT NOT NULL DEFAULT 0,
    receipt_rank BIGINT NOT NULL DEFAULT 0,
    receipt      BYTEA
);
CREATE INDEX purchases_due ON purchases (provider, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX purchases_open ON purchases (provider, key) WHERE state IN ('sending', 'pending', 'unknown', 'needs_person');
CREATE INDEX purchases_unresolved ON purchases (submitted_at) WHERE state NOT IN ('succeeded', 'failed');
CREATE INDEX purchases_customer ON purchases (provider, customer);
CREATE INDEX purchases_day ON purchases (provider, submitted_at);
-- The id is given when an event is written, the number when one is first read: only what is committed gets a number.
CREATE TABLE events (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number     BIGINT,
    reference  TEXT COLLATE "C",
    provider   TEXT NOT NULL,
    at         BIGINT NOT NULL,
    from_state TEXT,
    to_state   TEXT,
    cause      TEXT NOT NULL,
    evidence   TEXT NOT NULL
);
CREATE UNIQUE INDEX events_number ON events (number) WHERE number IS NOT NULL;
CREATE INDEX events_unnumbered ON events (id) WHERE number IS NULL;
CREATE INDEX events_reference ON events (reference, id);
CREATE TABLE hints (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    digest    BYTEA NOT NULL,
    sealed    BYTEA NOT NULL,
    followed  BOOLEAN NOT NULL DEFAULT false,
    UNIQUE (reference, digest)
);
CREATE TABLE cursors (name TEXT PRIMARY KEY, number BIGINT NOT NULL);
CREATE TABLE pauses (provider TEXT PRIMARY KEY, note TEXT NOT NULL);
