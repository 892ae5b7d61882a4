-- Orders, what was paid for them and what became of them.

-- Numbers for people: each process takes a block at a time, so they may have gaps.
CREATE TABLE counters (
    name text PRIMARY KEY,
    value bigint NOT NULL
);

INSERT INTO counters (name, value) VALUES ('order_number', 1000);

-- What a request to order asked for, fixed before anything else happens. The id is derived from
-- the caller and the idempotency key, and is the reservation's id too.
CREATE TABLE idempotency_records (
    id uuid PRIMARY KEY,
    -- SHA-256 of the request.
    request_hash text NOT NULL,
    cart_key text NOT NULL,
    -- The cart's lines and discount code at that moment.
    snapshot jsonb NOT NULL,
    -- The answer: the order that came of it.
    order_id uuid,
    created_at bigint NOT NULL
);

CREATE INDEX idempotency_records_created ON idempotency_records (created_at);

CREATE TABLE orders (
    id uuid PRIMARY KEY,
    number bigint NOT NULL UNIQUE,
    reservation_id uuid NOT NULL UNIQUE,
    cart_key text NOT NULL,
    -- The account or API key that ordered; empty for guests.
    owner_id uuid,
    email text NOT NULL,
    -- The address in lower case.
    email_key text NOT NULL,
    -- Opens the order without signing in.
    access_token text NOT NULL,
    currency text NOT NULL,
    shipping_method text NOT NULL,
    discount_code text,
    subtotal bigint NOT NULL,
    discount bigint NOT NULL,
    shipping bigint NOT NULL,
    shipping_tax bigint NOT NULL,
    tax bigint NOT NULL,
    tax_included boolean NOT NULL,
    tax_basis_points bigint NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    -- Where the order stands (path::State); what follows is read from it at each change, for
    -- lists and for the audit.
    path jsonb NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    payment_status text NOT NULL,
    fulfillment_status text NOT NULL,
    captured bigint NOT NULL,
    refunded bigint NOT NULL CHECK (refunded >= 0 AND refunded <= captured),
    -- The job that last was to take the order further; empty when nothing is to be done.
    job_id uuid,
    placed_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX orders_placed ON orders (placed_at, id);
CREATE INDEX orders_owner ON orders (owner_id, placed_at, id);
CREATE INDEX orders_email ON orders (email_key, placed_at, id);
CREATE INDEX orders_open ON orders (job_id) WHERE job_id IS NOT NULL;

CREATE TABLE order_lines (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    -- From 0; names the line in path::State.
    position bigint NOT NULL,
    variant_id uuid NOT NULL,
    product_id uuid NOT NULL,
    product_handle text NOT NULL,
    title text NOT NULL,
    variant_title text NOT NULL,
    sku text,
    image jsonb,
    quantity bigint NOT NULL CHECK (quantity > 0),
    unit_price bigint NOT NULL,
    subtotal bigint NOT NULL,
    discount bigint NOT NULL,
    tax bigint NOT NULL,
    total bigint NOT NULL,
    UNIQUE (order_id, position)
);

CREATE TABLE addresses (
    order_id uuid PRIMARY KEY REFERENCES orders (id),
    name text NOT NULL,
    line1 text NOT NULL,
    line2 text NOT NULL,
    city text NOT NULL,
    region text NOT NULL,
    postal_code text NOT NULL,
    country text NOT NULL
);

CREATE TABLE payments (
    order_id uuid PRIMARY KEY REFERENCES orders (id),
    method text NOT NULL,
    -- What the provider's form gave; means nothing to anybody else.
    token text,
    created_at bigint NOT NULL
);

-- Append-only: every balance follows from it.
CREATE TABLE payments_ledger (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    -- authorised, captured, voided, refunded
    entry text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL,
    refund_id uuid,
    -- The entry, with the refund's id where there may be several: each is written once.
    once text NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (order_id, once)
);

CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL,
    actor text NOT NULL,
    created_at bigint NOT NULL
);

CREATE INDEX refunds_order ON refunds (order_id);

CREATE TABLE shipments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    carrier text,
    tracking_number text,
    actor text NOT NULL,
    created_at bigint NOT NULL
);

CREATE INDEX shipments_order ON shipments (order_id);

CREATE TABLE shipment_lines (
    shipment_id uuid NOT NULL REFERENCES shipments (id),
    order_line_id uuid NOT NULL REFERENCES order_lines (id),
    quantity bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (shipment_id, order_line_id)
);

-- The timeline.
CREATE TABLE order_events (
    order_id uuid NOT NULL REFERENCES orders (id),
    -- From 0, without gaps.
    position bigint NOT NULL,
    kind text NOT NULL,
    message text NOT NULL,
    -- Who did it, as account:… or system; for staff.
    actor text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (order_id, position)
);
