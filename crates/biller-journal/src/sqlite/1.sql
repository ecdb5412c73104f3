CREATE TABLE purchases (
    reference    TEXT PRIMARY KEY NOT NULL,
    provider     TEXT NOT NULL,
    customer     TEXT NOT NULL,
    content      TEXT NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT,
    attempt      TEXT,
    key          TEXT,
    submitted_at INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    due_at       INTEGER,
    lease_until  INTEGER NOT NULL DEFAULT 0,
    fence        INTEGER NOT NULL DEFAULT 0,
    tries        INTEGER NOT NULL DEFAULT 0,
    receipt_rank INTEGER NOT NULL DEFAULT 0,
    receipt      BLOB
) STRICT;
CREATE INDEX purchases_due ON purchases (provider, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX purchases_open ON purchases (provider, key) WHERE state IN ('sending', 'pending', 'unknown', 'needs_person');
CREATE INDEX purchases_unresolved ON purchases (submitted_at) WHERE state NOT IN ('succeeded', 'failed');
CREATE INDEX purchases_customer ON purchases (provider, customer);
CREATE INDEX purchases_day ON purchases (provider, submitted_at);
CREATE TABLE events (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    reference  TEXT,
    provider   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    from_state TEXT,
    to_state   TEXT,
    cause      TEXT NOT NULL,
    evidence   TEXT NOT NULL
) STRICT;
CREATE INDEX events_reference ON events (reference, number);
CREATE TABLE hints (
    id        INTEGER PRIMARY KEY,
    reference TEXT NOT NULL,
    at        INTEGER NOT NULL,
    digest    BLOB NOT NULL,
    sealed    BLOB NOT NULL,
    followed  INTEGER NOT NULL,
    UNIQUE (reference, digest)
) STRICT;
CREATE TABLE cursors (name TEXT PRIMARY KEY NOT NULL, number INTEGER NOT NULL) STRICT;
CREATE TABLE pauses (provider TEXT PRIMARY KEY NOT NULL, note TEXT NOT NULL) STRICT;
