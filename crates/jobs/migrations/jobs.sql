-- The queue of one service. It stands in the service's own database, so that a job is written
-- in the same transaction as the change it follows from. Times are microseconds since 1970.

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    -- JSON. Not jsonb, which in SQLite has numeric affinity: the text 7 would become the integer.
    payload text NOT NULL,
    -- ready: waits for due_at; running: is leased until due_at; done; dead: given up.
    state text NOT NULL,
    -- When the job may be taken next.
    due_at bigint NOT NULL,
    -- Of two jobs with the same key only the first is written, as long as its row is kept.
    unique_key text UNIQUE,
    -- How often the job was taken since it was written or retried by hand.
    attempts bigint NOT NULL,
    max_attempts bigint NOT NULL,
    -- Raised each time the job is taken: who holds an older number has lost the job.
    fence bigint NOT NULL,
    worker text,
    last_error text,
    request_id text,
    traceparent text,
    created_at bigint NOT NULL,
    -- Set when the job is done or dead.
    finished_at bigint
);

CREATE INDEX jobs_open ON jobs (due_at, id) WHERE finished_at IS NULL;
CREATE INDEX jobs_done ON jobs (finished_at) WHERE state = 'done';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';

-- When the last time slot began for which a schedule has written its job.
CREATE TABLE job_schedules (
    name text PRIMARY KEY,
    slot bigint NOT NULL
);

-- The workers that serve this queue, and when each was last seen alive.
CREATE TABLE job_workers (
    name text PRIMARY KEY,
    started_at bigint NOT NULL,
    seen_at bigint NOT NULL
);
