-- Payments at Stripe: what is asked there, what it told us by itself, and on what both sides do
-- not agree. Card data is in none of it.

-- What Stripe knows an order's payment by. A row is written before Stripe is asked for the first
-- time, so that whoever comes later knows that something may be there.
CREATE TABLE stripe_payments (
    order_id uuid PRIMARY KEY REFERENCES orders (id),
    -- The PaymentIntent; empty while it is not known.
    intent_id text,
    -- With it the customer's browser confirms the payment, and can do nothing else.
    client_secret text,
    -- Where the customer confirms without our page.
    redirect_url text,
    -- Counts the keys under which Stripe was asked: it forgets them, and answers for ever the same
    -- under one that met an error of its own.
    generation bigint NOT NULL DEFAULT 0,
    -- When Stripe was first asked under the present key; empty: never.
    asked_at bigint,
    -- Given up: what is not asked yet must not be asked any more.
    closed boolean NOT NULL DEFAULT FALSE,
    created_at bigint NOT NULL
);

CREATE UNIQUE INDEX stripe_payments_intent ON stripe_payments (intent_id)
    WHERE intent_id IS NOT NULL;

-- The messages that were taken, so that each counts once. Forgotten after a month: Stripe sends
-- again for three days.
CREATE TABLE stripe_events (
    -- Stripe's own id of the event.
    id text PRIMARY KEY,
    kind text NOT NULL,
    created_at bigint NOT NULL
);

CREATE INDEX stripe_events_created ON stripe_events (created_at);

-- What people have to look at: disputes, refunds that failed later, and whatever the books of both
-- sides do not agree on and the shop may not mend by itself.
CREATE TABLE payment_findings (
    -- What it is and of what, as dispute:dp_123: each is there once.
    id text PRIMARY KEY,
    -- dispute, refund_failed, unknown_payment, captured, refunded
    kind text NOT NULL,
    -- The order that it belongs to, if there is one.
    order_id uuid,
    -- What Stripe calls it.
    object text NOT NULL,
    -- In minor units of the currency; how much is at stake.
    amount bigint NOT NULL,
    currency text NOT NULL,
    -- In words of Stripe, as needs_response; for staff.
    detail text NOT NULL,
    -- Until when somebody has to answer, if there is such a time.
    due_at bigint,
    -- Empty while it is open.
    closed_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX payment_findings_open ON payment_findings (created_at, id) WHERE closed_at IS NULL;
CREATE INDEX payment_findings_order ON payment_findings (order_id) WHERE order_id IS NOT NULL;
