//! One row that all want: requests decided together, as the shop does, against one transaction
//! for each, at the same server.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use sqlx::{Connection, PgPool, Postgres, Transaction};
use techcommerce_contracts::{Service, ServiceTokens, TokenSigner, identity::TOKEN_HEADER};
use techcommerce_kernel::{Env, Timestamp};
use techcommerce_testservers::Server;
use uuid::Uuid;

use crate::{
    catalogue::Catalogue,
    client::Client,
    load::{self, Work},
    minimal::{self, OFFER, QUOTE},
    rush::Size,
    shop::{Setup, database, postgres_process},
    stats::Sample,
};

/// How many ask at once.
const CLIENTS: usize = 64;
/// As many connections as the service has by default.
const CONNECTIONS: usize = 10;

/// What was found on one row.
pub struct Hot {
    /// product-api over HTTP.
    pub together: Vec<Sample>,
    /// The statements of one decision in a transaction of their own, without HTTP.
    pub alone: Vec<Sample>,
    /// The fewest statements that hold one unit: two.
    pub least: Vec<Sample>,
}

pub async fn measure(size: &Size, server: &Server) -> Result<Hot> {
    let catalogue = Catalogue::new(100)?;
    let setup = Setup::new(&size.program, Some(database(server, "hot").await?))?;
    setup.migrate().await?;
    setup.import(&catalogue).await?;
    let admin = PgPool::connect(server.url()).await?;
    sqlx::query("CREATE DATABASE hot_alone TEMPLATE hot")
        .execute(&admin)
        .await?;
    let (base, _) = server.url().rsplit_once('/').context("an address")?;
    let pool = minimal::pool(&format!("{base}/hot_alone"), CONNECTIONS).await?;
    let variant: Uuid = sqlx::query_scalar("SELECT variant_id FROM stock_levels LIMIT 1")
        .fetch_one(&pool)
        .await?;
    let shop = setup.start_services(&["product-api"], "/readyz").await?;
    let tokens = Arc::new(tokens(&setup).await?);
    let postgres = postgres_process(server)?;
    let own = std::process::id();

    let mut found = Hot {
        together: Vec::new(),
        alone: Vec::new(),
        least: Vec::new(),
    };
    for round in 0..size.rounds {
        println!("one row, round {}", round + 1);
        let (address, tokens) = (shop.address, Arc::clone(&tokens));
        let together = load::run(CLIENTS, size.each, shop.id()?, Some(postgres), async |_| {
            Asking::new(address, variant, Arc::clone(&tokens)).await
        });
        found.together.push(together.await?);
        for (least, samples) in [(false, &mut found.alone), (true, &mut found.least)] {
            let pool = pool.clone();
            let sample = load::run(CLIENTS, size.each, own, Some(postgres), async |_| {
                let pool = pool.clone();
                Ok(Alone {
                    pool,
                    variant,
                    least,
                })
            });
            samples.push(sample.await?);
        }
    }
    shop.stop().await?;
    Ok(found)
}

/// What order-api shows to product-api.
async fn tokens(setup: &Setup<'_>) -> Result<ServiceTokens> {
    let file = setup.keys().await?.join("order-api.key");
    let seed = STANDARD.decode(std::fs::read_to_string(file)?.trim())?;
    let seed: [u8; 32] = seed.try_into().ok().context("a key of 32 bytes")?;
    let signer = TokenSigner::of_service(Service::OrderApi, &seed, Env::system());
    Ok(ServiceTokens::local(signer, Service::OrderApi))
}

/// Somebody who has one unit held, again and again.
struct Asking {
    client: Client,
    variant: Uuid,
    tokens: Arc<ServiceTokens>,
}

impl Asking {
    async fn new(address: SocketAddr, variant: Uuid, tokens: Arc<ServiceTokens>) -> Result<Self> {
        Ok(Self {
            client: Client::connect(address).await?,
            variant,
            tokens,
        })
    }
}

impl Work for Asking {
    async fn once(&mut self) -> Result<()> {
        let token = self
            .tokens
            .token()
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let deadline = Timestamp::from_micros(FAR);
        let body = json!({
            "id": Uuid::now_v7(),
            "lines": [{"variant_id": self.variant, "quantity": 1}],
            "deadline": deadline,
        });
        let headers = [(TOKEN_HEADER, token.as_str())];
        let body = body.to_string();
        let request = self
            .client
            .request("POST", "/internal/reservations", &headers, &body);
        let answer = self.client.send(&request).await?;
        let text = String::from_utf8_lossy(answer.body);
        ensure!(answer.status == 200, "{}: {text}", answer.status);
        Ok(())
    }
}

/// The year 2100, in microseconds since 1970.
const FAR: i64 = 4_102_444_800_000_000;

/// One unit in one transaction, again and again.
struct Alone {
    pool: PgPool,
    variant: Uuid,
    /// Only what cannot be left out.
    least: bool,
}

impl Work for Alone {
    async fn once(&mut self) -> Result<()> {
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        match self.least {
            true => self.hold_least(&mut tx).await?,
            false => self.hold(&mut tx).await?,
        }
        tx.commit().await?;
        Ok(())
    }
}

impl Alone {
    async fn hold_least(&self, tx: &mut Transaction<'_, Postgres>) -> Result<()> {
        let held = sqlx::query(
            "UPDATE stock_levels SET reserved = reserved + 1, updated_at = $2
             WHERE variant_id = $1 AND on_hand - reserved >= 1",
        )
        .bind(self.variant)
        .bind(FAR)
        .execute(&mut **tx)
        .await?;
        ensure!(held.rows_affected() == 1, "sold out");
        self.insert(tx).await?;
        Ok(())
    }

    async fn insert(&self, tx: &mut Transaction<'_, Postgres>) -> Result<Uuid> {
        let id = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO reservations (id, lines_hash, deadline, state, created_at, updated_at)
             VALUES ($1, $2, $3, 'held', $3, $3) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
        .bind(FAR)
        .execute(&mut **tx)
        .await?;
        Ok(id)
    }

    /// The statements of a decision of the shop, in its order.
    async fn hold(&self, tx: &mut Transaction<'_, Postgres>) -> Result<()> {
        sqlx::query(
            "SELECT id, state, lines_hash, deadline, reference FROM reservations WHERE id IN ($1)",
        )
        .bind(Uuid::now_v7())
        .fetch_all(&mut **tx)
        .await?;
        sqlx::query(sqlx::AssertSqlSafe(format!("{OFFER}($1)")))
            .bind(self.variant)
            .fetch_all(&mut **tx)
            .await?;
        sqlx::query(
            "SELECT variant_id, on_hand, reserved FROM stock_levels
             WHERE variant_id IN ($1) ORDER BY variant_id FOR UPDATE",
        )
        .bind(self.variant)
        .fetch_all(&mut **tx)
        .await?;
        sqlx::query(
            "UPDATE stock_levels SET reserved = reserved + w.column2, updated_at = $1
             FROM (VALUES ($2, $3)) AS w WHERE variant_id = w.column1",
        )
        .bind(FAR)
        .bind(self.variant)
        .bind(1_i64)
        .execute(&mut **tx)
        .await?;
        let id = self.insert(tx).await?;
        let quote: serde_json::Value = serde_json::from_str(QUOTE)?;
        sqlx::query(
            "INSERT INTO reservation_lines
             (reservation_id, variant_id, quantity, counted, restocked, quote)
             VALUES ($1, $2, 1, true, 0, $3) ON CONFLICT (reservation_id, variant_id) DO UPDATE
             SET counted = excluded.counted, restocked = 0, quote = excluded.quote",
        )
        .bind(id)
        .bind(self.variant)
        .bind(sqlx::types::Json(&quote))
        .execute(&mut **tx)
        .await?;
        let position: i64 = sqlx::query_scalar(
            "UPDATE change_counter SET position = position + 1 WHERE id = 1 RETURNING position",
        )
        .fetch_one(&mut **tx)
        .await?;
        sqlx::query(
            "INSERT INTO changes (position, kind, entity, created_at)
             VALUES ($1, 'stock', $2, $3)",
        )
        .bind(position)
        .bind(self.variant)
        .bind(FAR)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
