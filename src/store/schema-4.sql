-- Version 4. When each thing was observed, in microseconds since 1970; NULL of what earlier versions read.
ALTER TABLE file ADD COLUMN observed INTEGER;
