-- The purchase that a serial or token belongs to, by its keyed digest.
CREATE TABLE issued (digest BLOB PRIMARY KEY NOT NULL, reference TEXT NOT NULL) STRICT, WITHOUT ROWID;
