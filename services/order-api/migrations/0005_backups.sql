-- The backups of the shop's databases, as whoever takes them says: so that the shop can tell how
-- old the last one is. Nothing here makes a backup.

CREATE TABLE backups (
    id uuid PRIMARY KEY,
    -- What was committed before is in it.
    taken_at bigint NOT NULL UNIQUE,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    -- When it was restored somewhere and found whole; empty: never tried.
    verified_at bigint,
    recorded_at bigint NOT NULL
);

CREATE INDEX backups_verified ON backups (verified_at) WHERE verified_at IS NOT NULL;
