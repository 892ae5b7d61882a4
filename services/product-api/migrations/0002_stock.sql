-- Stock: how many there are, how many are promised, and the ledger of every change.

CREATE TABLE stock_levels (
    variant_id uuid NOT NULL PRIMARY KEY REFERENCES variants (id),
    on_hand bigint NOT NULL,
    -- The sum of the lines of all reservations that are held.
    reserved bigint NOT NULL CHECK (reserved >= 0),
    updated_at bigint NOT NULL
);

-- Append-only. For each variant: on_hand is the sum of delta.
CREATE TABLE stock_movements (
    id uuid NOT NULL PRIMARY KEY,
    variant_id uuid NOT NULL REFERENCES variants (id),
    delta bigint NOT NULL,
    on_hand_before bigint NOT NULL,
    on_hand_after bigint NOT NULL,
    -- What for: set, adjustment, import, sale, release, restock.
    reason text NOT NULL,
    note text,
    -- Who, as account:<id>, api-key:<id>, service:<name>, import.
    actor text NOT NULL,
    -- What it belongs to, as an order's or a reservation's id.
    reference text,
    created_at bigint NOT NULL,
    CHECK (on_hand_after = on_hand_before + delta)
);

CREATE INDEX stock_movements_by_variant ON stock_movements (variant_id, created_at, id);

CREATE TABLE reservations (
    id uuid NOT NULL PRIMARY KEY,
    -- held: counts in reserved; claimed: taken out of on_hand; expired, released: counts nowhere.
    state text NOT NULL CHECK (state IN ('held', 'claimed', 'expired', 'released')),
    -- Of the lines: the same id with other lines is a mistake of the caller.
    lines_hash text NOT NULL,
    deadline bigint NOT NULL,
    -- The order that claimed it.
    reference text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX reservations_by_deadline ON reservations (state, deadline, id);

CREATE TABLE reservation_lines (
    reservation_id uuid NOT NULL REFERENCES reservations (id),
    variant_id uuid NOT NULL REFERENCES variants (id),
    quantity bigint NOT NULL CHECK (quantity > 0),
    -- Whether the line counts in the stock: decided when it is reserved.
    counted boolean NOT NULL,
    -- How many of a claimed line came back into the stock.
    restocked bigint NOT NULL,
    -- What it is and costs, as it was answered: a repeated call answers the same.
    quote jsonb NOT NULL,
    PRIMARY KEY (reservation_id, variant_id),
    CHECK (restocked >= 0 AND restocked <= quantity)
);

CREATE INDEX reservation_lines_by_variant ON reservation_lines (variant_id);

CREATE INDEX reservations_by_reference ON reservations (reference);

-- What came back, once for each id.
CREATE TABLE restocks (
    id uuid NOT NULL PRIMARY KEY,
    reservation_id uuid NOT NULL REFERENCES reservations (id),
    reason text NOT NULL,
    lines_hash text NOT NULL,
    created_at bigint NOT NULL
);
