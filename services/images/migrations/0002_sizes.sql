-- What was uploaded, for staff; unknown for pictures of before.
ALTER TABLE images ADD COLUMN format text;
ALTER TABLE images ADD COLUMN file_name text;
ALTER TABLE images ADD COLUMN uploaded_bytes bigint;
-- When all sizes were there. Until then the largest stands in for the others.
ALTER TABLE images ADD COLUMN sized_at bigint;
UPDATE images SET sized_at = created_at;
CREATE INDEX images_by_time ON images (created_at, id);
