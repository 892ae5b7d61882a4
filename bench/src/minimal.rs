//! What a checkout asks of PostgreSQL, and nothing else: the statements of the shop in the order
//! of the shop, over the same driver, without HTTP, JSON, rules or prices.
//!
//! It is the ceiling for a shop that sends this SQL. Whether it still is the same SQL is shown by
//! the report: it counts the statements of both.

use std::sync::Arc;

use anyhow::Result;
use sqlx::{PgPool, Postgres, Transaction, postgres::PgPoolOptions};
use uuid::Uuid;

use crate::load::Work;

/// As many connections as there are clients, each with the schemas of both services.
pub async fn pool(url: &str, clients: usize) -> Result<PgPool> {
    let clients = u32::try_from(clients)?;
    Ok(PgPoolOptions::new()
        .min_connections(clients)
        .max_connections(clients)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SET search_path = order_api, product_api")
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .connect(url)
        .await?)
}

/// Somebody who orders three things, again and again.
pub struct Checkout {
    pool: PgPool,
    variants: Arc<Vec<Uuid>>,
    next: usize,
    number: i64,
}

const OFFER: &str = "SELECT v.id, v.product_id, p.handle, p.title AS product_title, p.status, \
    v.title, v.sku, v.price, v.compare_at_price, v.currency, v.track_inventory, \
    v.inventory_policy, v.archived, s.on_hand, s.reserved, i.alt, i.image_id, i.width, i.height \
    FROM variants v JOIN products p ON p.id = v.product_id \
    JOIN stock_levels s ON s.variant_id = v.id \
    LEFT JOIN product_images i ON i.product_id = p.id AND i.position = 0 WHERE v.id IN ";
const LINES: &str = "SELECT variant_id, quantity, seen FROM cart_lines WHERE cart_key = $1 \
    ORDER BY added_at, variant_id";
/// As long as what the shop keeps of an offer.
const QUOTE: &str = "{\"sku\": \"SKU-1234\", \"image\": null, \"price\": {\"amount\": 12345, \
    \"currency\": \"EUR\"}, \"for_sale\": true, \"available\": 99999999, \"product_id\": \
    \"01a1fe14-b50c-77ec-bfcc-bfd73ce54e21\", \"variant_id\": \
    \"01a1fe14-b50c-77ec-bfcc-bfd73ce54e22\", \"product_title\": \"copper lamp 1234\", \
    \"variant_title\": \"\", \"product_handle\": \"p-1234\", \"compare_at_price\": null, \
    \"inventory_policy\": \"deny\"}";
const NOW: i64 = 1_800_000_000_000_000;

fn list(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    format!("({})", places.join(", "))
}

macro_rules! run {
    ($sql:expr, $on:expr $(, $value:expr)*) => {
        sqlx::query(sqlx::AssertSqlSafe($sql))$(.bind($value))*.execute($on).await?
    };
}

macro_rules! rows {
    ($sql:expr, $on:expr $(, $value:expr)*) => {
        sqlx::query(sqlx::AssertSqlSafe($sql))$(.bind($value))*.fetch_all($on).await?
    };
}

type Tx = Transaction<'static, Postgres>;

impl Checkout {
    pub fn new(pool: PgPool, variants: Arc<Vec<Uuid>>) -> Result<Self> {
        let number = i64::from_be_bytes(Uuid::new_v4().into_bytes()[..8].try_into()?).abs();
        Ok(Self {
            pool,
            variants,
            next: usize::try_from(number % 997)?,
            number,
        })
    }

    async fn cart(&mut self) -> Result<(String, Vec<Uuid>)> {
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut tx: Tx = self.pool.begin().await?;
        run!(
            "INSERT INTO carts (key, created_at, updated_at) VALUES ($1, $2, $2)",
            &mut *tx,
            &key,
            NOW
        );
        tx.commit().await?;
        let mut chosen = Vec::new();
        for quantity in 1..=3_i64 {
            self.next = (self.next + 7919) % self.variants.len();
            chosen.push(self.variants[self.next]);
            self.line(&key, &chosen, quantity).await?;
        }
        Ok((key, chosen))
    }

    async fn line(&self, key: &str, chosen: &[Uuid], quantity: i64) -> Result<()> {
        let mut read = self.pool.acquire().await?;
        rows!(
            "SELECT discount_code, order_id FROM carts WHERE key = $1",
            &mut *read,
            key
        );
        rows!(LINES, &mut *read, key);
        self.offers(&mut read, chosen).await?;
        drop(read);
        let mut tx: Tx = self.pool.begin().await?;
        rows!(
            "UPDATE carts SET updated_at = $2 WHERE key = $1 RETURNING discount_code, order_id",
            &mut *tx,
            key,
            NOW
        );
        rows!(
            "SELECT COUNT(*) FROM cart_lines WHERE cart_key = $1 AND variant_id <> $2",
            &mut *tx,
            key,
            chosen.last()
        );
        run!(
            "INSERT INTO cart_lines (cart_key, variant_id, quantity, seen, added_at) \
             VALUES ($1, $2, $3, $4::jsonb, $5) ON CONFLICT (cart_key, variant_id) \
             DO UPDATE SET quantity = excluded.quantity, seen = excluded.seen",
            &mut *tx,
            key,
            chosen.last(),
            quantity,
            QUOTE,
            NOW
        );
        rows!(LINES, &mut *tx, key);
        tx.commit().await?;
        Ok(())
    }

    async fn offers(&self, on: &mut sqlx::PgConnection, chosen: &[Uuid]) -> Result<()> {
        let sql = format!("{OFFER}{}", list(1, chosen.len()));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in chosen {
            query = query.bind(*id);
        }
        query.fetch_all(on).await?;
        Ok(())
    }

    async fn fix(&self, attempt: Uuid, key: &str) -> Result<()> {
        const FIND: &str =
            "SELECT request_hash, snapshot, order_id FROM idempotency_records WHERE id = $1";
        let mut tx: Tx = self.pool.begin().await?;
        rows!(FIND, &mut *tx, attempt);
        rows!(
            "UPDATE carts SET updated_at = $2 WHERE key = $1 RETURNING discount_code, order_id",
            &mut *tx,
            key,
            NOW
        );
        rows!(FIND, &mut *tx, attempt);
        rows!(LINES, &mut *tx, key);
        run!(
            "INSERT INTO idempotency_records (id, request_hash, cart_key, snapshot, created_at) \
             VALUES ($1, $2, $3, $4::jsonb, $5) ON CONFLICT (id) DO NOTHING",
            &mut *tx,
            attempt,
            key,
            key,
            QUOTE,
            NOW
        );
        tx.commit().await?;
        Ok(())
    }

    async fn reserve(&self, id: Uuid, key: &str, chosen: &[Uuid]) -> Result<()> {
        const FIND: &str = "SELECT id, state, lines_hash, deadline, reference FROM reservations \
             WHERE id IN ($1)";
        let mut tx: Tx = self.pool.begin().await?;
        rows!(FIND, &mut *tx, id);
        self.offers(&mut tx, chosen).await?;
        rows!(
            "SELECT variant_id, on_hand, reserved FROM stock_levels \
             WHERE variant_id IN ($1, $2, $3) ORDER BY variant_id FOR UPDATE",
            &mut *tx,
            chosen[0],
            chosen[1],
            chosen[2]
        );
        for variant in chosen {
            run!(
                "UPDATE stock_levels SET reserved = reserved + $1, updated_at = $2 \
                 WHERE variant_id = $3",
                &mut *tx,
                1_i64,
                NOW,
                *variant
            );
        }
        run!(
            "INSERT INTO reservations (id, state, lines_hash, deadline, created_at, updated_at) \
             VALUES ($1, 'held', $2, $3, $4, $4) ON CONFLICT (id) DO NOTHING",
            &mut *tx,
            id,
            key,
            NOW,
            NOW
        );
        for variant in chosen {
            run!(
                "INSERT INTO reservation_lines \
                 (reservation_id, variant_id, quantity, counted, restocked, quote) \
                 VALUES ($1, $2, $3, $4, 0, $5::jsonb) \
                 ON CONFLICT (reservation_id, variant_id) DO UPDATE \
                 SET counted = excluded.counted, restocked = 0, quote = excluded.quote",
                &mut *tx,
                id,
                *variant,
                1_i64,
                true,
                QUOTE
            );
        }
        let last: i64 = sqlx::query_scalar(
            "UPDATE change_counter SET position = position + $1 WHERE id = 1 RETURNING position",
        )
        .bind(3_i64)
        .fetch_one(&mut *tx)
        .await?;
        for (variant, position) in chosen.iter().zip(last - 2..) {
            run!(
                "INSERT INTO changes (position, kind, entity, created_at) VALUES ($1, $2, $3, $4)",
                &mut *tx,
                position,
                "stock",
                *variant,
                NOW
            );
        }
        rows!(FIND, &mut *tx, id);
        rows!(
            "SELECT reservation_id, variant_id, quantity, counted, restocked, quote \
             FROM reservation_lines WHERE reservation_id IN ($1) \
             ORDER BY reservation_id, variant_id",
            &mut *tx,
            id
        );
        tx.commit().await?;
        Ok(())
    }

    async fn write(
        &mut self,
        attempt: Uuid,
        reservation: Uuid,
        key: &str,
        chosen: &[Uuid],
    ) -> Result<Uuid> {
        const STATE: &str = "{\"asked\": 0, \"lines\": [{\"shipped\": 0, \"quantity\": 1, \
            \"returned\": 0, \"withdrawn\": 0}, {\"shipped\": 0, \"quantity\": 2, \"returned\": 0, \
            \"withdrawn\": 0}, {\"shipped\": 0, \"quantity\": 3, \"returned\": 0, \"withdrawn\": 0}], \
            \"stock\": \"reserved\", \"total\": 46158, \"method\": \"provider\", \"payment\": \
            \"due\", \"refunds\": [], \"captured\": 0, \"cancelled\": null}";
        let order = Uuid::now_v7();
        self.number += 1;
        let mut tx: Tx = self.pool.begin().await?;
        run!(
            "UPDATE idempotency_records SET order_id = $2 WHERE id = $1 AND order_id IS NULL",
            &mut *tx,
            attempt,
            order
        );
        run!(
            "UPDATE carts SET order_id = $2, updated_at = $3 WHERE key = $1 AND order_id IS NULL",
            &mut *tx,
            key,
            order,
            NOW
        );
        let job = enqueue(&mut tx, "order.advance", order).await?;
        run!(
            "INSERT INTO orders (id, number, reservation_id, cart_key, owner_id, email, email_key, \
             access_token, currency, shipping_method, discount_code, subtotal, discount, shipping, \
             shipping_tax, tax, tax_included, tax_basis_points, total, path, version, status, \
             payment_status, fulfillment_status, captured, refunded, job_id, placed_at, updated_at, \
             locale) VALUES ($1, $2, $3, $4, NULL, $5, $5, $6, 'EUR', 'standard', NULL, 46158, 0, \
             0, 0, 7369, true, 1900, 46158, $7::jsonb, 0, 'placed', 'pending', 'unfulfilled', 0, 0, \
             $8, $9, $9, 'en')",
            &mut *tx,
            order,
            self.number,
            reservation,
            key,
            "jo@example.com",
            &key[..43],
            STATE,
            job,
            NOW
        );
        for (variant, position) in chosen.iter().zip(0_i64..) {
            run!(
                "INSERT INTO order_lines (id, order_id, position, variant_id, product_id, \
                 product_handle, title, variant_title, sku, image, quantity, unit_price, subtotal, \
                 discount, tax, total) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, NULL, $9, $10, \
                 $11, 0, $12, $11)",
                &mut *tx,
                Uuid::now_v7(),
                order,
                position,
                *variant,
                "p-1234",
                "copper lamp 1234",
                "",
                "SKU-1234",
                position + 1,
                12_345_i64,
                24_690_i64,
                1_000_i64
            );
        }
        run!(
            "INSERT INTO addresses (order_id, name, line1, line2, city, region, postal_code, \
             country) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &mut *tx,
            order,
            "Jo Miller",
            "1 High Street",
            "",
            "Leeds",
            "",
            "LS1 1AA",
            "GB"
        );
        run!(
            "INSERT INTO payments (order_id, method, token, created_at) VALUES ($1, $2, NULL, $3)",
            &mut *tx,
            order,
            "test",
            NOW
        );
        run!(
            "INSERT INTO order_words (word, order_id) VALUES ($2, $1), ($3, $1), ($4, $1), ($5, $1)",
            &mut *tx,
            order,
            self.number.to_string(),
            "jo",
            "jo@example.com",
            "miller"
        );
        run!(
            "INSERT INTO order_events (order_id, position, kind, message, actor, created_at) \
             SELECT $1, COUNT(*), $2, $3, $4, $5 FROM order_events WHERE order_id = $1",
            &mut *tx,
            order,
            "placed",
            "",
            "guest",
            NOW
        );
        enqueue(&mut tx, "order.mail", order).await?;
        tx.commit().await?;
        Ok(order)
    }

    async fn show(&self, order: Uuid) -> Result<()> {
        let mut read = self.pool.acquire().await?;
        for sql in [
            "SELECT o.id, o.number, o.reservation_id, o.owner_id, o.email, o.access_token, \
             o.currency, o.shipping_method, o.discount_code, o.subtotal, o.discount, o.shipping, \
             o.tax, o.tax_included, o.total, o.path, o.locale, o.placed_at, p.method, p.token \
             FROM orders o JOIN payments p ON p.order_id = o.id WHERE o.id IN ($1)",
            "SELECT id, order_id, position, variant_id, product_id, product_handle, title, \
             variant_title, sku, image, quantity, unit_price, subtotal, discount, tax \
             FROM order_lines WHERE order_id IN ($1) ORDER BY order_id, position",
            "SELECT order_id, name, line1, line2, city, region, postal_code, country \
             FROM addresses WHERE order_id IN ($1)",
            "SELECT id, order_id, amount, reason, created_at FROM refunds WHERE order_id IN ($1) \
             ORDER BY created_at, id",
            "SELECT id, order_id, carrier, tracking_number, created_at FROM shipments \
             WHERE order_id IN ($1) ORDER BY created_at, id",
            "SELECT l.shipment_id, l.order_line_id, l.quantity FROM shipment_lines l \
             JOIN order_lines o ON o.id = l.order_line_id WHERE o.order_id IN ($1) \
             ORDER BY o.position",
            "SELECT order_id, kind, message, actor, created_at FROM order_events \
             WHERE order_id IN ($1) ORDER BY order_id, position",
        ] {
            rows!(sql, &mut *read, order);
        }
        Ok(())
    }
}

async fn enqueue(tx: &mut Tx, kind: &str, order: Uuid) -> Result<Uuid> {
    Ok(sqlx::query_scalar(
        "INSERT INTO order_api.jobs (id, kind, payload, state, due_at, unique_key, attempts, \
         max_attempts, fence, request_id, traceparent, created_at) VALUES ($1, $2, $3, 'ready', \
         $4, NULL, 0, $5, 0, $6, $7, $4) ON CONFLICT (unique_key) DO NOTHING RETURNING id",
    )
    .bind(Uuid::now_v7())
    .bind(kind)
    .bind(format!("{{\"order\":\"{order}\"}}"))
    .bind(NOW)
    .bind(20_i64)
    .bind("01a1fe14d6907f08ace7f4e514d1c936")
    .bind("00-7d7a5f9e3d755e82ba30586c67a1efde-a14fb1fd74badd08-00")
    .fetch_one(&mut **tx)
    .await?)
}

impl Work for Checkout {
    async fn once(&mut self) -> Result<()> {
        let (key, mut chosen) = self.cart().await?;
        let (attempt, reservation) = (Uuid::new_v4(), Uuid::new_v4());
        self.fix(attempt, &key).await?;
        // Whoever takes rows in another order waits for ever.
        chosen.sort_unstable();
        self.reserve(reservation, &key, &chosen).await?;
        let order = self.write(attempt, reservation, &key, &chosen).await?;
        self.show(order).await
    }
}
