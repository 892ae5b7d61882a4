-- What a check that comes round with the clock found last, so that every worker can tell it.
CREATE TABLE job_findings (
    -- The check's name.
    name text PRIMARY KEY,
    -- How much is wrong.
    found bigint NOT NULL,
    checked_at bigint NOT NULL
);
