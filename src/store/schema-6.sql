-- Version 6. Thousands of files share a directory, and each was written four times with it: that is kept once. What older
-- queries know as the table `file` is a view.
CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
) STRICT;

-- A file's identity is its place's path and its name. Columns of text that say nothing new are NULL: a label that ends in the
-- name, an object that is called like the file. `kind` tells log objects (1) from other files (0).
CREATE TABLE file_entry (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    label_place INTEGER NOT NULL,
    label_name TEXT,
    input INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    object TEXT,
    size INTEGER NOT NULL,
    version INTEGER NOT NULL,
    retry INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    records INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    observed INTEGER,
    pending BLOB,
    UNIQUE (place, name)
) STRICT;

-- What stands before the last slash, slash included: the rest is taken off from the end.
INSERT OR IGNORE INTO place (path) SELECT rtrim(identity, replace(identity, '/', '')) FROM file ORDER BY id;
INSERT OR IGNORE INTO place (path) SELECT rtrim(label, replace(label, '/', '')) FROM file ORDER BY id;
INSERT OR IGNORE INTO place (path) SELECT input FROM file ORDER BY id;
INSERT INTO file_entry
SELECT id, place, name, label_place, nullif(label_name, name), input, object IS NOT NULL, nullif(object, name), size, version,
       retry, bytes, records, signed, observed, pending
FROM (
    SELECT f.*, d.id AS place, substr(f.identity, length(d.path) + 1) AS name, l.id AS label_place,
           substr(f.label, length(l.path) + 1) AS label_name, i.id AS input
    FROM (SELECT id, identity, label, input AS input_path, object, size, version, retry, bytes, records, signed, observed,
                 pending FROM file) f
    JOIN place d ON d.path = rtrim(f.identity, replace(f.identity, '/', ''))
    JOIN place l ON l.path = rtrim(f.label, replace(f.label, '/', ''))
    JOIN place i ON i.path = f.input_path
);
DROP TABLE file;

CREATE VIEW file AS
SELECT e.id AS id, d.path || e.name AS identity, l.path || coalesce(e.label_name, e.name) AS label, i.path AS input,
       CASE e.kind WHEN 0 THEN NULL ELSE coalesce(e.object, e.name) END AS object, e.size AS size, e.version AS version,
       e.retry AS retry, e.bytes AS bytes, e.records AS records, e.signed AS signed, e.pending AS pending,
       e.observed AS observed
FROM file_entry e JOIN place d ON d.id = e.place JOIN place l ON l.id = e.label_place JOIN place i ON i.id = e.input;
