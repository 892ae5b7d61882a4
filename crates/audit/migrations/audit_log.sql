-- Who changed what in this service, and when. It stands in the service's own database, so that an
-- entry is written in the same transaction as the change. Rows are only ever added. Times are
-- microseconds since 1970.

CREATE TABLE audit_log (
    -- UUIDv7: in the order of time.
    id uuid PRIMARY KEY,
    at bigint NOT NULL,
    -- As `account:0193…`, `api-key:0193…` or `system`.
    actor text NOT NULL,
    -- As `product.update`.
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    -- What the object was called then: it may be gone when somebody reads this.
    object_title text NOT NULL,
    -- JSON.
    change text NOT NULL
);

CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_actor ON audit_log (actor, at, id);
CREATE INDEX audit_log_object ON audit_log (object_id, at, id);
