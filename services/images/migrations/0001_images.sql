-- Pictures. Their bytes are files named after the id; a file without a row is no picture.
CREATE TABLE images (
    id uuid PRIMARY KEY,
    -- SHA-256 of what was uploaded: the same upload is the same picture.
    content_hash bytea NOT NULL UNIQUE,
    -- Pixels of the largest size.
    width bigint NOT NULL,
    height bigint NOT NULL,
    -- Of all sizes together.
    bytes bigint NOT NULL,
    created_at bigint NOT NULL
);
