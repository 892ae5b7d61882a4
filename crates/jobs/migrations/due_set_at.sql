-- When due_at was written, by the clock of whoever wrote it: one that lies in a time to come ran ahead, and
-- by how much. Null where a version wrote the row that knew nothing of it.
ALTER TABLE jobs ADD COLUMN due_set_at bigint;
