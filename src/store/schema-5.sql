-- Version 5. Queries of Athena, by what they are about, so that each runs once to its end; and the sessions that their
-- results show were handed out, with the first and last
-- day (since 1970) on which that was.
CREATE TABLE athena_query (
    name TEXT PRIMARY KEY,
    attempt INTEGER NOT NULL,
    execution TEXT,
    state TEXT NOT NULL,
    scanned INTEGER NOT NULL,
    result_rows INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE athena_minted (session TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Tokens by which Athena knows a query again begin with what no other store has.
CREATE TABLE athena_store (salt TEXT NOT NULL) STRICT;
INSERT INTO athena_store (salt) VALUES (hex(randomblob(16)));

-- What Athena counted of a day and what files show of it are the same records: the larger count stands.
DROP VIEW coverage;
CREATE VIEW coverage AS
SELECT account, region, day, max(records) AS records, max(management) AS management, max(data) AS data, max(other) AS other,
       max(objects) AS objects, max(damaged) AS damaged, max(digests) AS digests
FROM (
    SELECT origin, account, region, date(day * 86400, 'unixepoch') AS day, sum(records) AS records,
           sum(management) AS management, sum(data) AS data, sum(other) AS other, sum(objects) AS objects,
           sum(damaged) AS damaged, sum(digests) AS digests
    FROM file_coverage JOIN (
        SELECT id, CASE WHEN substr(identity, 1, 7) = 'athena/' THEN input ELSE '' END AS origin,
               row_number() OVER (PARTITION BY coalesce(object, identity) ORDER BY records DESC, identity) AS copy FROM file
    ) counted ON counted.id = file AND counted.copy = 1
    GROUP BY origin, account, region, day
)
GROUP BY account, region, day;

-- Nothing asks for files by their objects' names, and keeping that index took as long as keeping the files.
DROP INDEX file_object;
