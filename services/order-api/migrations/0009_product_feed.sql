-- What happens to products and to the stock is told by webhooks too. Both are product-api's, whose
-- change feed is followed: here stands how far, so that what is read is told in the same transaction.

CREATE TABLE webhook_feed (
    id bigint PRIMARY KEY CHECK (id = 1),
    -- The last place of the feed that is dealt with.
    position bigint NOT NULL
);

-- A shop that tells nobody yet begins at the beginning, so that it misses nothing. One that does
-- begins where the feed ends: what happened before is no news.
INSERT INTO webhook_feed (id, position)
    SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM webhook_endpoints);

-- How much of a product's variants was left when it was last looked at, to tell what changed.
CREATE TABLE webhook_stock (
    product_id uuid PRIMARY KEY,
    -- By variant: what could be sold.
    available jsonb NOT NULL
);
