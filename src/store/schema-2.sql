-- Version 2. Which files are known is asked in every run, and should not cost reading all of what is known of them.
CREATE INDEX file_known ON file (identity, size, version) WHERE retry = 0;

-- Whether role sessions that were passed over have all been compared with the sessions that keys handed out.
CREATE TABLE progress (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO progress (name, value) VALUES ('settled', 0);
