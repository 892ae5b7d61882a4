//! A flash sale: one thing, far fewer of it than there are people who want it, all at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use techcommerce_testservers::Server;
use uuid::Uuid;

use crate::{
    catalogue::Catalogue,
    checkout::{order_body, settled},
    open::{Connections, Times, coming},
    rush::Size,
    shop::{Setup, Shop, database},
};

/// Of so many buyers one has a card that is refused when it is to be charged.
const DECLINED: usize = 10;

/// One sale.
pub struct Sale {
    /// How many tries a second came.
    pub rate: f64,
    pub tries: usize,
    /// Answered 201.
    pub orders: usize,
    /// Answered 409 `out_of_stock`.
    pub sold_out: usize,
    /// Answered 503, to try again.
    pub busy: usize,
    /// What all tries took, and those that were orders.
    pub all: Times,
    pub of_orders: Times,
    /// Units that are paid in the end, and what is left of the stock: on hand and reserved.
    pub paid: i64,
    pub left: (i64, i64),
}

/// Somebody who wants one.
struct Buyer {
    cart: String,
    tries: usize,
    pays: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ordered,
    SoldOut,
    Busy,
}

pub async fn measure(size: &Size, server: &Server) -> Result<Vec<Sale>> {
    let mut sales = Vec::new();
    for round in 0..size.rounds {
        println!("flash sale, round {}", round + 1);
        sales.push(sale(size, server, round).await?);
    }
    Ok(sales)
}

async fn sale(size: &Size, server: &Server, round: usize) -> Result<Sale> {
    let name = format!("sale{round}");
    let url = database(server, &name).await?;
    let setup = Setup::new(&size.program, Some(url.clone()))?;
    setup.migrate().await?;
    setup
        .import(&Catalogue::with_stock(20, size.units)?)
        .await?;
    let shop = setup.start(&[]).await?;
    let connections = Connections::to(shop.address);
    let variant = variant(&shop).await?;
    let buyers = buyers(size, &connections, variant).await?;
    let waiting: Arc<Mutex<VecDeque<Buyer>>> = Arc::new(Mutex::new(buyers.into()));
    let lasting = Instant::now();
    let tries = coming(size.rate, size.tries, |_, due| {
        attempt(connections.clone(), Arc::clone(&waiting), due)
    })
    .await?;
    let lasted = lasting.elapsed().as_secs_f64();
    settled(&url).await?;

    let count = |what: Outcome| tries.iter().filter(|(outcome, _)| *outcome == what).count();
    let pool = PgPool::connect(&url).await?;
    let paid: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM order_api.orders WHERE payment_status = 'paid'")
            .fetch_one(&pool)
            .await?;
    let level = format!(
        "SELECT on_hand, reserved FROM product_api.stock_levels WHERE variant_id = '{variant}'"
    );
    let left = sqlx::query_as(AssertSqlSafe(level))
        .fetch_one(&pool)
        .await?;
    pool.close().await;
    setup.audit().await?;
    shop.stop().await?;
    Ok(Sale {
        rate: tries.len() as f64 / lasted,
        tries: tries.len(),
        orders: count(Outcome::Ordered),
        sold_out: count(Outcome::SoldOut),
        busy: count(Outcome::Busy),
        all: Times::of(tries.iter().map(|(_, time)| *time)),
        of_orders: Times::of(
            tries
                .iter()
                .filter(|(outcome, _)| *outcome == Outcome::Ordered)
                .map(|(_, time)| *time),
        ),
        paid,
        left,
    })
}

/// The id of the first product's variant.
async fn variant(shop: &Shop) -> Result<Uuid> {
    let mut client = crate::client::Client::connect(shop.address).await?;
    let request = client.request("GET", "/api/products/p-0", &[], "");
    let answer = client.send(&request).await?;
    let product: Value = serde_json::from_slice(answer.body)?;
    let id = product["variants"][0]["id"].as_str().context("a variant")?;
    Ok(id.parse()?)
}

/// Everybody has a cart with one of it before the sale begins.
async fn buyers(size: &Size, connections: &Connections, variant: Uuid) -> Result<Vec<Buyer>> {
    let made = coming(100.0, size.buyers, |number, _| {
        let connections = connections.clone();
        async move {
            let mut client = connections.take().await?;
            let request = client.request("POST", "/api/carts", &[], "");
            let answer = client.send(&request).await?;
            ensure!(answer.status == 201, "a cart: {}", answer.status);
            let cart: Value = serde_json::from_slice(answer.body)?;
            let cart = cart["id"].as_str().context("a cart")?.to_owned();
            let path = format!("/api/carts/{cart}/lines/{variant}");
            let request = client.request("PUT", &path, &[], "{\"quantity\":1}");
            let answer = client.send(&request).await?;
            ensure!(answer.status == 200, "a line: {}", answer.status);
            connections.give(client);
            Ok(Buyer {
                cart,
                tries: 0,
                pays: number % DECLINED != 0,
            })
        }
    });
    made.await
}

/// The next buyer who is not trying already tries to order. Whoever has an order does not come
/// back; whoever has none does, for as long as others do.
async fn attempt(
    connections: Connections,
    waiting: Arc<Mutex<VecDeque<Buyer>>>,
    due: Instant,
) -> Result<(Outcome, Duration)> {
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front()
    };
    let mut buyer = loop {
        match next() {
            Some(buyer) => break buyer,
            None => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    buyer.tries += 1;
    let token = (!buyer.pays).then_some("tok_decline");
    let body = order_body(&buyer.cart, token);
    let key = format!("{}-{}", &buyer.cart[..16], buyer.tries);
    let mut client = connections.take().await?;
    let headers = [("idempotency-key", key.as_str())];
    let request = client.request("POST", "/api/orders", &headers, &body);
    let answer = client.send(&request).await?;
    let text = String::from_utf8_lossy(answer.body);
    let outcome = match answer.status {
        201 => Outcome::Ordered,
        409 if text.contains("out_of_stock") => Outcome::SoldOut,
        503 if text.contains("\"code\":\"busy\"") => Outcome::Busy,
        status => bail!("an order is answered {status}: {text}"),
    };
    let took = due.elapsed();
    connections.give(client);
    if outcome != Outcome::Ordered {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(buyer);
    }
    Ok((outcome, took))
}
