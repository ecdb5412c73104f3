-- The purchase that a serial or token belongs to, by its keyed digest.
CREATE TABLE issued (digest BYTEA PRIMARY KEY, reference TEXT COLLATE "C" NOT NULL);
