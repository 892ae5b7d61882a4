-- What staff find products by.

-- The title in lower case without accents. The program keeps it; what stands here until a product
-- is written again is the nearest that SQL knows.
ALTER TABLE products ADD COLUMN title_key text NOT NULL DEFAULT '';

UPDATE products SET title_key = lower(title);
