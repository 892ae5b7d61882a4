-- The books of the payment provider for trials. They stand in for a provider outside: no
-- transaction touches them together with an order, and a step that was done stays done whatever
-- happens to whoever asked for it.

CREATE TABLE test_provider_payments (
    -- Names the payment: the order.
    payment uuid PRIMARY KEY,
    token text NOT NULL,
    -- held, declined, voided, captured
    state text NOT NULL,
    amount bigint NOT NULL,
    captured bigint NOT NULL,
    refunded bigint NOT NULL CHECK (refunded <= captured),
    -- How often it was asked about an authorisation whose outcome it keeps to itself for a while.
    asked bigint NOT NULL,
    created_at bigint NOT NULL
);

-- One row for each idempotency key, with what was answered.
CREATE TABLE test_provider_operations (
    key text PRIMARY KEY,
    payment uuid NOT NULL,
    operation text NOT NULL,
    amount bigint NOT NULL,
    answer text NOT NULL,
    created_at bigint NOT NULL
);
