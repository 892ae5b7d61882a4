-- Imports of catalogue files: each with how far it came, so that it can go on after a crash.

CREATE TABLE import_runs (
    id uuid NOT NULL PRIMARY KEY,
    -- SHA-256 of the file, in hexadecimal.
    file_hash text NOT NULL,
    file_name text,
    file_bytes bigint NOT NULL,
    actor text NOT NULL,
    dry_run boolean NOT NULL,
    format text NOT NULL,
    currency text NOT NULL,
    -- Which reading of files this is: another one may come to other products in another order.
    reader bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    error text,
    -- Raised by whoever takes the run up: whoever had it before can write no more.
    fence bigint NOT NULL,
    resumed boolean NOT NULL,
    percent bigint NOT NULL,
    -- Products and refused rows, in the order of reading, that are dealt with.
    items bigint NOT NULL,
    rows_read bigint NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    unchanged bigint NOT NULL,
    refused bigint NOT NULL,
    warned bigint NOT NULL,
    started_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    finished_at bigint
);

CREATE INDEX import_runs_by_time ON import_runs (started_at, id);

-- What a run has to say of rows and products; the first thousand of each kind.
CREATE TABLE import_notes (
    run_id uuid NOT NULL REFERENCES import_runs (id),
    number bigint NOT NULL,
    -- error, warning, created, updated.
    kind text NOT NULL,
    line bigint NOT NULL,
    -- The column's name; of a product its handle.
    place text NOT NULL,
    -- Of a product its title.
    reason text NOT NULL,
    mend text NOT NULL,
    PRIMARY KEY (run_id, number)
);

-- Files that were uploaded, in pieces, for some time: to import what was only looked at, and to
-- go on after a crash.
CREATE TABLE import_files (
    file_hash text NOT NULL,
    part bigint NOT NULL,
    content bytea NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (file_hash, part)
);

-- Pictures that lie outside and are to be fetched.
CREATE TABLE picture_fetches (
    product_id uuid NOT NULL REFERENCES products (id),
    -- SHA-256 of the address, in hexadecimal.
    source_hash text NOT NULL,
    source_url text NOT NULL,
    -- The import that asked for it last.
    run_id uuid,
    state text NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    attempts bigint NOT NULL,
    -- Not before this time; whoever fetches it sets it ahead.
    due_at bigint NOT NULL,
    last_error text,
    updated_at bigint NOT NULL,
    PRIMARY KEY (product_id, source_hash)
);

CREATE INDEX picture_fetches_by_due ON picture_fetches (state, due_at);
CREATE INDEX picture_fetches_by_run ON picture_fetches (run_id, state);
