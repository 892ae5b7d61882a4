//! What a checkout asks of PostgreSQL, and nothing else: the statements of the shop in the order
//! of the shop, over the same driver, without HTTP, JSON, rules or prices.
//!
//! Whether it still is the same SQL is shown by the report: it counts the statements of both. Each
//! client has a connection of its own for as long as it runs, which is the least there can be.

use std::sync::Arc;

use anyhow::{Context, Result};
use sqlx::{
    Connection, PgPool, Postgres, Row, Transaction, pool::PoolConnection, postgres::PgPoolOptions,
};
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
    connection: PoolConnection<Postgres>,
    variants: Arc<Vec<Uuid>>,
    next: usize,
    number: i64,
}

pub const OFFER: &str = "SELECT v.id, v.product_id, p.handle, p.title AS product_title, p.status, \
    v.title, v.sku, v.price, v.compare_at_price, v.currency, v.track_inventory, \
    v.inventory_policy, v.archived, s.on_hand, s.reserved, i.alt, i.image_id, i.width, i.height \
    FROM variants v JOIN products p ON p.id = v.product_id \
    JOIN stock_levels s ON s.variant_id = v.id \
    LEFT JOIN product_images i ON i.product_id = p.id AND i.position = 0 WHERE v.id IN ";
const WHOLE: &str = "SELECT c.discount_code, c.order_id, c.updated_at, l.variant_id, l.quantity, \
    l.seen, l.added_at FROM carts c LEFT JOIN cart_lines l ON l.cart_key = c.key \
    WHERE c.key = $1 ORDER BY l.added_at, l.variant_id";
const LINES: &str = "SELECT variant_id, quantity, seen, added_at FROM cart_lines \
    WHERE cart_key = $1 ORDER BY added_at, variant_id";
/// As long as what the shop keeps of an offer.
pub const QUOTE: &str = "{\"sku\": \"SKU-1234\", \"image\": null, \"price\": {\"amount\": 12345, \
    \"currency\": \"EUR\"}, \"for_sale\": true, \"available\": 99999999, \"product_id\": \
    \"01a1fe14-b50c-77ec-bfcc-bfd73ce54e21\", \"variant_id\": \
    \"01a1fe14-b50c-77ec-bfcc-bfd73ce54e22\", \"product_title\": \"copper lamp 1234\", \
    \"variant_title\": \"\", \"product_handle\": \"p-1234\", \"compare_at_price\": null, \
    \"inventory_policy\": \"deny\"}";
const NOW: i64 = 1_800_000_000_000_000;

/// The placeholders of several rows.
fn values(first: usize, count: usize, columns: usize) -> String {
    let rows: Vec<String> = (0..count)
        .map(|row| list(first + row * columns, columns))
        .collect();
    rows.join(", ")
}

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

type Tx<'c> = Transaction<'c, Postgres>;

async fn offers(on: &mut sqlx::PgConnection, chosen: &[Uuid]) -> Result<()> {
    let sql = format!("{OFFER}{}", list(1, chosen.len()));
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for id in chosen {
        query = query.bind(*id);
    }
    query.fetch_all(on).await?;
    Ok(())
}

impl Checkout {
    pub async fn new(pool: &PgPool, variants: Arc<Vec<Uuid>>) -> Result<Self> {
        let number = i64::from_be_bytes(Uuid::new_v4().into_bytes()[..8].try_into()?).abs();
        Ok(Self {
            connection: pool.acquire().await?,
            variants,
            next: usize::try_from(number % 997)?,
            number,
        })
    }

    async fn cart(&mut self) -> Result<(String, Vec<Uuid>)> {
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        run!(
            "INSERT INTO carts (key, created_at, updated_at) VALUES ($1, $2, $2)",
            &mut *self.connection,
            &key,
            NOW
        );
        let mut chosen = Vec::new();
        for quantity in 1..=3_i64 {
            self.next = (self.next + 7919) % self.variants.len();
            chosen.push(self.variants[self.next]);
            self.line(&key, &chosen, quantity).await?;
        }
        Ok((key, chosen))
    }

    async fn line(&mut self, key: &str, chosen: &[Uuid], quantity: i64) -> Result<()> {
        let before = rows!(WHOLE, &mut *self.connection, key);
        let version: i64 = before.first().context("a cart")?.try_get("updated_at")?;
        offers(&mut self.connection, chosen).await?;
        let mut tx: Tx<'_> = self.connection.begin().await?;
        run!(
            "UPDATE carts SET updated_at = $2 \
             WHERE key = $1 AND updated_at = $3 AND order_id IS NULL",
            &mut *tx,
            key,
            version + 1,
            version
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
            version + 1
        );
        tx.commit().await?;
        Ok(())
    }

    async fn fix(&mut self, attempt: Uuid, key: &str) -> Result<()> {
        let mut tx: Tx<'_> = self.connection.begin().await?;
        rows!(
            "UPDATE carts SET updated_at = \
             CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END \
             WHERE key = $1 RETURNING discount_code, order_id",
            &mut *tx,
            key,
            NOW
        );
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

    async fn reserve(&mut self, id: Uuid, key: &str, chosen: &[Uuid]) -> Result<()> {
        const FIND: &str = "SELECT id, state, lines_hash, deadline, reference FROM reservations \
             WHERE id IN ($1)";
        let mut tx: Tx<'_> = self.connection.begin().await?;
        rows!(FIND, &mut *tx, id);
        offers(&mut tx, chosen).await?;
        rows!(
            "SELECT variant_id, on_hand, reserved FROM stock_levels \
             WHERE variant_id IN ($1, $2, $3) ORDER BY variant_id FOR UPDATE",
            &mut *tx,
            chosen[0],
            chosen[1],
            chosen[2]
        );
        let sql = format!(
            "UPDATE stock_levels SET reserved = reserved + w.column2, updated_at = $1 \
             FROM (VALUES {}) AS w WHERE variant_id = w.column1",
            values(2, chosen.len(), 2)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(NOW);
        for variant in chosen {
            query = query.bind(*variant).bind(1_i64);
        }
        query.execute(&mut *tx).await?;
        run!(
            "INSERT INTO reservations (id, lines_hash, deadline, state, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
            &mut *tx,
            id,
            key,
            NOW,
            "held",
            NOW,
            NOW
        );
        let sql = format!(
            "INSERT INTO reservation_lines \
             (reservation_id, variant_id, quantity, counted, restocked, quote) VALUES {} \
             ON CONFLICT (reservation_id, variant_id) DO UPDATE \
             SET counted = excluded.counted, restocked = 0, quote = excluded.quote",
            values(1, chosen.len(), 6)
        );
        let quote: serde_json::Value = serde_json::from_str(QUOTE)?;
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for variant in chosen {
            query = query.bind(id).bind(*variant).bind(1_i64).bind(true);
            query = query.bind(0_i64).bind(sqlx::types::Json(&quote));
        }
        query.execute(&mut *tx).await?;
        let last: i64 = sqlx::query_scalar(
            "UPDATE change_counter SET position = position + $1 WHERE id = 1 RETURNING position",
        )
        .bind(3_i64)
        .fetch_one(&mut *tx)
        .await?;
        let sql = format!(
            "INSERT INTO changes (position, kind, entity, created_at) VALUES {}",
            values(1, chosen.len(), 4)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (variant, position) in chosen.iter().zip(last - 2..) {
            query = query.bind(position).bind("stock").bind(*variant).bind(NOW);
        }
        query.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn write(
        &mut self,
        attempt: Uuid,
        reservation: Uuid,
        key: &str,
        chosen: &[Uuid],
    ) -> Result<()> {
        const STATE: &str = "{\"asked\": 0, \"lines\": [{\"shipped\": 0, \"quantity\": 1, \
            \"returned\": 0, \"withdrawn\": 0}, {\"shipped\": 0, \"quantity\": 2, \"returned\": 0, \
            \"withdrawn\": 0}, {\"shipped\": 0, \"quantity\": 3, \"returned\": 0, \"withdrawn\": 0}], \
            \"stock\": \"reserved\", \"total\": 46158, \"method\": \"provider\", \"payment\": \
            \"due\", \"refunds\": [], \"captured\": 0, \"cancelled\": null}";
        let order = Uuid::now_v7();
        self.number += 1;
        let mut tx: Tx<'_> = self.connection.begin().await?;
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
        let job = enqueue(&mut tx, order).await?;
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
        let sql = format!(
            "INSERT INTO order_lines (id, order_id, position, variant_id, product_id, \
             product_handle, title, variant_title, sku, image, quantity, unit_price, subtotal, \
             discount, tax, total) VALUES {}",
            values(1, chosen.len(), 16)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (variant, position) in chosen.iter().zip(0_i64..) {
            query = query.bind(Uuid::now_v7()).bind(order).bind(position);
            query = query.bind(*variant).bind(*variant).bind("p-1234");
            query = query.bind("copper lamp 1234").bind("").bind("SKU-1234");
            query = query.bind(None::<sqlx::types::Json<serde_json::Value>>);
            for number in [position + 1, 12_345, 24_690, 0, 1_000, 24_690] {
                query = query.bind(number);
            }
        }
        query.execute(&mut *tx).await?;
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
            "INSERT INTO order_events \
             (order_id, position, kind, message, actor, created_at, customer_message) \
             VALUES ($1, 0, $2, $3, $4, $5, $6)",
            &mut *tx,
            order,
            "placed",
            "",
            "guest",
            NOW,
            ""
        );
        tx.commit().await?;
        Ok(())
    }
}

/// The jobs that take the payment and send the confirmation; gives the first.
async fn enqueue(tx: &mut Tx<'_>, order: Uuid) -> Result<Uuid> {
    let row = |first: usize| {
        let at = |place: usize| first + place;
        format!(
            "(${}, ${}, ${}, 'ready', ${}, ${}, 0, ${}, 0, ${}, ${}, ${})",
            at(0),
            at(1),
            at(2),
            at(3),
            at(4),
            at(5),
            at(6),
            at(7),
            at(8)
        )
    };
    let sql = format!(
        "INSERT INTO order_api.jobs (id, kind, payload, state, due_at, unique_key, attempts, \
         max_attempts, fence, request_id, traceparent, created_at) VALUES {}, {}",
        row(1),
        row(10)
    );
    let ids = [Uuid::now_v7(), Uuid::now_v7()];
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for (id, kind) in ids.into_iter().zip(["order.advance", "order.mail"]) {
        query = query.bind(id).bind(kind);
        query = query.bind(format!("{{\"order\":\"{order}\"}}"));
        query = query.bind(NOW).bind(None::<&str>).bind(20_i64);
        query = query.bind("01a1fe14d6907f08ace7f4e514d1c936");
        query = query.bind("00-7d7a5f9e3d755e82ba30586c67a1efde-a14fb1fd74badd08-00");
        query = query.bind(NOW);
    }
    query.execute(&mut **tx).await?;
    Ok(ids[0])
}

impl Work for Checkout {
    async fn once(&mut self) -> Result<()> {
        let (key, mut chosen) = self.cart().await?;
        let (attempt, reservation) = (Uuid::new_v4(), Uuid::new_v4());
        self.fix(attempt, &key).await?;
        // Whoever takes rows in another order waits for ever.
        chosen.sort_unstable();
        self.reserve(reservation, &key, &chosen).await?;
        self.write(attempt, reservation, &key, &chosen).await
    }
}
