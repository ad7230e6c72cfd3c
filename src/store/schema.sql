-- The evidence store, version 1. docs/store.md says what each table means and how to ask it things.
-- Times are microseconds since 1970-01-01T00:00:00Z, NULL where a record's cannot be read; days are days since then.

CREATE TABLE string (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO string (id, text) VALUES (0, '');

-- One kind of call from one place. Columns but the last are strings.
CREATE TABLE usage_row (
    id INTEGER PRIMARY KEY,
    signer INTEGER NOT NULL,
    source INTEGER NOT NULL,
    name INTEGER NOT NULL,
    region INTEGER NOT NULL,
    ip INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    error INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    vpc_endpoint INTEGER NOT NULL,
    invoked_by INTEGER NOT NULL,
    assumed_role INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    UNIQUE (signer, source, name, region, ip, agent, error, recipient, vpc_endpoint, invoked_by, assumed_role, flags)
) STRICT;

-- Every event that counts, once. signer is 0 for events that access keys signed themselves.
CREATE TABLE event (
    id BLOB NOT NULL,
    signer INTEGER NOT NULL,
    by_role INTEGER NOT NULL,
    time INTEGER,
    usage_row INTEGER NOT NULL,
    conflict INTEGER NOT NULL,
    PRIMARY KEY (id, signer, by_role)
) STRICT, WITHOUT ROWID;

-- Events that replace an earlier one (addendum reason UPDATED_DATA).
CREATE TABLE addendum (
    id BLOB NOT NULL,
    signer INTEGER NOT NULL,
    by_role INTEGER NOT NULL,
    original BLOB NOT NULL,
    time INTEGER,
    usage_row INTEGER NOT NULL,
    PRIMARY KEY (id, signer, by_role)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity (
    signer INTEGER PRIMARY KEY,
    last INTEGER,
    undated INTEGER NOT NULL
) STRICT;

-- What calls acted on; arns is a JSON list. level: 0 as recorded, 1 and 2 coarser, 3 everything.
CREATE TABLE resource (
    signer INTEGER NOT NULL,
    source INTEGER NOT NULL,
    name INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    level INTEGER NOT NULL,
    arns TEXT NOT NULL,
    PRIMARY KEY (signer, source, name, succeeded)
) STRICT, WITHOUT ROWID;

CREATE TABLE session_origin (session TEXT PRIMARY KEY, parent TEXT NOT NULL, step TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE session_received (shared_id TEXT PRIMARY KEY, session TEXT NOT NULL, step TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE session_shared (shared_id TEXT PRIMARY KEY, caller TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE session_holder (
    session TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    user TEXT NOT NULL,
    console INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_owner (
    access_key_id TEXT NOT NULL,
    account TEXT NOT NULL,
    user TEXT NOT NULL,
    PRIMARY KEY (access_key_id, account, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE keyless_call (
    account TEXT NOT NULL,
    user TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (account, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE neighbour (ip TEXT NOT NULL, machine TEXT NOT NULL, PRIMARY KEY (ip, machine)) STRICT, WITHOUT ROWID;

-- Everything that was read to its end. pending holds hashes of role sessions that were passed over.
CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    input TEXT NOT NULL,
    object TEXT,
    size INTEGER NOT NULL,
    version INTEGER NOT NULL,
    retry INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    records INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    pending BLOB
) STRICT;
CREATE INDEX file_object ON file (object) WHERE object IS NOT NULL;
CREATE TABLE file_coverage (
    file INTEGER NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    day INTEGER NOT NULL,
    records INTEGER NOT NULL,
    management INTEGER NOT NULL,
    data INTEGER NOT NULL,
    other INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    damaged INTEGER NOT NULL,
    digests INTEGER NOT NULL,
    PRIMARY KEY (file, account, region, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE file_data_source (
    file INTEGER NOT NULL,
    account TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (file, account, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE file_skip (
    file INTEGER NOT NULL,
    source TEXT NOT NULL,
    position INTEGER,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX file_skip_file ON file_skip (file);
-- IAM exports and the like, as they were read.
CREATE TABLE document (
    file INTEGER NOT NULL,
    nth INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (file, nth)
) STRICT, WITHOUT ROWID;

-- For people: what each signer did, by day.
CREATE VIEW usage AS
SELECT k.text AS signer, s.text AS event_source, n.text AS event_name, g.text AS aws_region, i.text AS source_ip,
       a.text AS user_agent, x.text AS error_code, c.text AS recipient_account,
       date(e.time / 1000000, 'unixepoch') AS day, count(*) AS events,
       datetime(min(e.time) / 1000000, 'unixepoch') AS first_seen, datetime(max(e.time) / 1000000, 'unixepoch') AS last_seen
FROM event e
JOIN usage_row r ON r.id = e.usage_row
JOIN string k ON k.id = r.signer JOIN string s ON s.id = r.source JOIN string n ON n.id = r.name
JOIN string g ON g.id = r.region JOIN string i ON i.id = r.ip JOIN string a ON a.id = r.agent
JOIN string x ON x.id = r.error JOIN string c ON c.id = r.recipient
WHERE r.flags & 4 = 0
GROUP BY r.id, day;

-- For people: what was read of each account's region's day. Copies of one log object count once.
CREATE VIEW coverage AS
SELECT account, region, date(day * 86400, 'unixepoch') AS day, sum(records) AS records, sum(management) AS management,
       sum(data) AS data, sum(other) AS other, sum(objects) AS objects, sum(damaged) AS damaged, sum(digests) AS digests
FROM file_coverage JOIN (
    SELECT id, row_number() OVER (PARTITION BY coalesce(object, identity) ORDER BY records DESC, identity) AS copy FROM file
) counted ON counted.id = file AND counted.copy = 1
GROUP BY account, region, day;
