-- What a change did to a product, for those who are told of it: created or archived. Empty: anything
-- else, and all that a version before this one writes.
ALTER TABLE changes ADD COLUMN what text;
