-- Carts and what can be taken off their prices. Times are microseconds since 1970, money is in
-- minor units of the shop's currency.

CREATE TABLE carts (
    -- The SHA-256 of the cart's id: who reads this table still cannot open a cart.
    key text PRIMARY KEY,
    -- As it was given, if it was good then.
    discount_code text,
    -- The order that the cart became; empty again when that order failed.
    order_id uuid,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX carts_updated ON carts (updated_at);

CREATE TABLE cart_lines (
    cart_key text NOT NULL REFERENCES carts (key) ON DELETE CASCADE,
    variant_id uuid NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    -- What the variant was when it was put in, for the day when it is no longer there.
    seen jsonb NOT NULL,
    added_at bigint NOT NULL,
    PRIMARY KEY (cart_key, variant_id)
);

CREATE TABLE discounts (
    -- In capitals.
    code text PRIMARY KEY,
    -- percent: value is in hundredths of a percent; amount: in minor units.
    kind text NOT NULL,
    value bigint NOT NULL CHECK (value >= 0),
    -- Only for goods that cost at least this much.
    min_subtotal bigint NOT NULL DEFAULT 0,
    -- How many orders may use it, and how many did that were not given up.
    usage_limit bigint,
    used bigint NOT NULL DEFAULT 0,
    starts_at bigint,
    ends_at bigint,
    active boolean NOT NULL DEFAULT TRUE,
    created_at bigint NOT NULL
);
