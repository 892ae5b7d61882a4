-- The catalogue: what is for sale.

CREATE TABLE categories (
    id uuid NOT NULL PRIMARY KEY,
    handle text NOT NULL UNIQUE,
    title text NOT NULL,
    description text NOT NULL,
    position bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE TABLE products (
    id uuid NOT NULL PRIMARY KEY,
    handle text NOT NULL UNIQUE,
    title text NOT NULL,
    -- Sanitised HTML; cleaned before it is written, shown as it is.
    description text NOT NULL,
    vendor text NOT NULL,
    category_id uuid REFERENCES categories (id),
    tags jsonb NOT NULL,
    -- [{"name", "values"}] in the order that they are shown.
    options jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
    -- Counts the changes of the product, its variants and its images.
    version bigint NOT NULL,
    -- Hash of what the last import or demo said of it: the same again changes nothing.
    source_hash text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX products_by_category ON products (category_id);
CREATE INDEX products_by_status ON products (status, created_at, id);

CREATE TABLE variants (
    id uuid NOT NULL PRIMARY KEY,
    product_id uuid NOT NULL REFERENCES products (id),
    position bigint NOT NULL,
    -- Real ones are missing or repeat: it identifies nothing.
    sku text,
    title text NOT NULL,
    -- [{"name", "value"}] in the order of the product's options.
    options jsonb NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    compare_at_price bigint,
    currency text NOT NULL,
    track_inventory boolean NOT NULL,
    inventory_policy text NOT NULL CHECK (inventory_policy IN ('deny', 'continue')),
    requires_shipping boolean NOT NULL,
    taxable boolean NOT NULL,
    weight_grams bigint,
    barcode text,
    -- What the last import or demo said of its stock: the same again changes nothing, so that
    -- what was sold since does not come back.
    source_on_hand bigint,
    -- A variant that is taken off stays: its stock's ledger and old reservations name it.
    archived boolean NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX variants_by_product ON variants (product_id, position);

CREATE TABLE product_images (
    id uuid NOT NULL PRIMARY KEY,
    product_id uuid NOT NULL REFERENCES products (id),
    -- From 0: the first stands for the product.
    position bigint NOT NULL,
    alt text NOT NULL,
    -- The picture in the image service once it is there.
    image_id uuid,
    width bigint,
    height bigint,
    -- Where an import said that the picture lies; fetched later.
    source_url text
);

CREATE INDEX product_images_by_product ON product_images (product_id, position);
