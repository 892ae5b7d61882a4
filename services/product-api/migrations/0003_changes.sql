-- The change feed that every replica's read model follows.

CREATE TABLE changes (
    -- Without gaps and in the order of commits: the counter's row is locked until the commit.
    position bigint NOT NULL PRIMARY KEY,
    -- product, stock or category.
    kind text NOT NULL,
    -- The product's id for product and stock, the category's for category.
    entity uuid NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE change_counter (
    id bigint NOT NULL PRIMARY KEY,
    position bigint NOT NULL
);

INSERT INTO change_counter (id, position) VALUES (1, 0);
