-- Version 3. What calls acted on, by the program that made them, and what else their requests show that bears on
-- permissions. What version 2 knew was of no one program; rows of events that it read do not say whether they name anything.
CREATE TABLE resource_3 (
    signer INTEGER NOT NULL,
    source INTEGER NOT NULL,
    name INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    by_role INTEGER NOT NULL,
    authorised INTEGER NOT NULL,
    level INTEGER NOT NULL,
    arns TEXT NOT NULL,
    shows TEXT NOT NULL,
    PRIMARY KEY (signer, source, name, agent, by_role, authorised)
) STRICT, WITHOUT ROWID;
INSERT INTO resource_3 (signer, source, name, agent, by_role, authorised, level, arns, shows)
    SELECT signer, source, name, 0, 0, succeeded, level, arns, '[]' FROM resource;
DROP TABLE resource;
ALTER TABLE resource_3 RENAME TO resource;
