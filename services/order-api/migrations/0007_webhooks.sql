-- Outgoing webhooks: who is told what happens, what happened, and what became of telling it.

CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    description text NOT NULL,
    -- The names of event types with a space before and after each; empty: all.
    types text NOT NULL,
    enabled boolean NOT NULL,
    -- staff, gone or failing; empty while it is enabled.
    disabled_reason text,
    -- Since when attempts fail without one between them that did not.
    failing_since bigint,
    -- How many trials were sent: the sequence of their events.
    tests bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    -- From then on nobody sees it; its deliveries are taken away bit by bit.
    deleted_at bigint
);

CREATE TABLE webhook_secrets (
    id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id),
    -- What is signed with, so it cannot be a hash; shown once.
    secret text NOT NULL,
    created_at bigint NOT NULL,
    -- Until then it signs beside the one that took its place; empty: the one in force.
    ends_at bigint
);

CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id);

CREATE TABLE webhook_events (
    id uuid PRIMARY KEY,
    -- As order.paid.
    type text NOT NULL,
    -- The order, or of a trial the endpoint.
    subject_id uuid NOT NULL,
    -- From 1 for each subject, in the order of commits.
    sequence bigint NOT NULL,
    -- What is sent, byte for byte the same at each attempt, so that it is not jsonb.
    body text NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (subject_id, sequence)
);

CREATE INDEX webhook_events_created ON webhook_events (created_at);

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id),
    event_id uuid NOT NULL REFERENCES webhook_events (id),
    -- pending, delivered, failed or cancelled
    state text NOT NULL,
    -- The job that sends it; another one has nothing to do any more.
    job_id uuid NOT NULL,
    -- Of all time, and since it was sent for the first time or again.
    attempts bigint NOT NULL,
    tries bigint NOT NULL,
    last_status bigint,
    next_at bigint,
    created_at bigint NOT NULL,
    finished_at bigint,
    UNIQUE (event_id, endpoint_id)
);

CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_state ON webhook_deliveries (endpoint_id, state, created_at, id);
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries (id),
    -- From 1.
    number bigint NOT NULL,
    at bigint NOT NULL,
    milliseconds bigint NOT NULL,
    -- Empty if there was no answer.
    status bigint,
    error text,
    -- How the answer's body begins.
    answer text NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

-- How many events about the order were written.
ALTER TABLE orders ADD COLUMN webhook_sequence bigint NOT NULL DEFAULT 0;
