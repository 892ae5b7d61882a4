-- What requests were answered that came with an idempotency key, for a day: whoever sends one again
-- gets the same, and nothing happens a second time. Times are microseconds since 1970.

CREATE TABLE idempotency_answers (
    -- Follows from who asked, for what, and the key.
    id uuid PRIMARY KEY,
    -- SHA-256 of what was sent.
    request_hash text NOT NULL,
    status bigint NOT NULL,
    -- JSON: pairs of a name and a value.
    headers text NOT NULL,
    body bytea NOT NULL,
    created_at bigint NOT NULL
);

CREATE INDEX idempotency_answers_created ON idempotency_answers (created_at);
