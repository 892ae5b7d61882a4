-- What staff need: to find orders, to write notes, to tell customers why; languages; discounts
-- that a customer may use once.

-- In which language the customer is written to: en or de.
ALTER TABLE orders ADD COLUMN locale text NOT NULL DEFAULT 'en';
-- Why it was cancelled (path::CancelReason); empty if it was not.
ALTER TABLE orders ADD COLUMN cancel_reason text;

UPDATE orders SET cancel_reason = CASE
        WHEN CAST(path AS text) LIKE '%payment_failed%' THEN 'payment_failed'
        WHEN CAST(path AS text) LIKE '%out_of_stock%' THEN 'out_of_stock'
        ELSE 'requested' END
    WHERE status = 'cancelled';

CREATE INDEX orders_status ON orders (status, placed_at, id);
CREATE INDEX orders_discount ON orders (discount_code, email_key) WHERE discount_code IS NOT NULL;

-- What an order is found by: its number, its mail address and the words of the recipient's name,
-- in small letters. Bytewise, so that the beginning of a word is a range of the key.
CREATE TABLE order_words (
    word text COLLATE "C" NOT NULL,
    order_id uuid NOT NULL,
    PRIMARY KEY (word, order_id)
);

INSERT INTO order_words (word, order_id) SELECT CAST(number AS text), id FROM orders;
INSERT INTO order_words (word, order_id) SELECT email_key, id FROM orders;
INSERT INTO order_words (word, order_id) SELECT LOWER(name), order_id FROM addresses;

-- message is what staff wrote for staff; this is what the customer is told.
ALTER TABLE order_events ADD COLUMN customer_message text NOT NULL DEFAULT '';
-- Names a note that came with an idempotency key.
ALTER TABLE order_events ADD COLUMN note_id uuid;
CREATE UNIQUE INDEX order_events_note ON order_events (note_id) WHERE note_id IS NOT NULL;

-- reason is for staff; this is what the customer is told.
ALTER TABLE refunds ADD COLUMN customer_message text NOT NULL DEFAULT '';

-- Whether each customer, told apart by the mail address, may use it only once.
ALTER TABLE discounts ADD COLUMN once_per_customer boolean NOT NULL DEFAULT FALSE;
