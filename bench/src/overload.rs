//! More than can be done: how much of it is done all the same.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use techcommerce_testservers::Server;
use uuid::Uuid;

use crate::{
    catalogue::Catalogue,
    checkout::{place, settled, variants},
    client::Client,
    open::{Connections, Times, coming},
    rush::Size,
    shop::{Setup, database, postgres_process},
};

/// Times the capacity.
pub const LOADS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];
/// At the beginning of each the queues form; what is done then is not counted.
const WARM: Duration = Duration::from_secs(2);
/// How many clients find out the capacity, one request after another each.
const CLIENTS: usize = 16;

/// One load.
pub struct Level {
    /// Checkouts that began in a second.
    pub offered: f64,
    /// Checkouts that ended with an order in a second.
    pub goodput: f64,
    /// How many were refused at their first step, and at a later one.
    pub refused: (usize, usize),
    pub begun: usize,
    /// What those took that ended with an order, from the moment in which they were to begin.
    pub took: Times,
    /// What a refusal took.
    pub refusals: Times,
}

/// One round: the capacity, and each of [`LOADS`].
pub struct Round {
    /// Checkouts in a second with clients who wait for their answers.
    pub capacity: f64,
    pub levels: Vec<Level>,
}

impl Round {
    /// The most that was done in a second by any load.
    pub fn best(&self) -> f64 {
        let all = self.levels.iter().map(|level| level.goodput);
        all.fold(self.capacity, f64::max)
    }
}

enum Outcome {
    Ordered,
    /// At which step.
    Refused(usize),
}

struct Visit {
    outcome: Outcome,
    ended: Instant,
    took: Duration,
}

pub async fn measure(size: &Size, server: &Server) -> Result<Vec<Round>> {
    let url = database(server, "overload").await?;
    let setup = Setup::new(&size.program, Some(url.clone()))?;
    setup.migrate().await?;
    setup.import(&Catalogue::new(1_000)?).await?;
    let shop = setup.start(&[]).await?;
    let variants = Arc::new(variants(shop.address).await?);
    let postgres = postgres_process(server)?;
    let mut rounds = Vec::new();
    for round in 0..size.rounds {
        println!("overload, round {}", round + 1);
        let sample = place(CLIENTS, size.each, &shop, Some(postgres), &variants).await?;
        let capacity = sample.rate;
        settled(&url).await?;
        let mut levels = Vec::new();
        for load in LOADS {
            let connections = Connections::to(shop.address);
            levels.push(level(size, &connections, capacity * load, &variants).await?);
            settled(&url).await?;
        }
        rounds.push(Round { capacity, levels });
    }
    shop.stop().await?;
    Ok(rounds)
}

async fn level(
    size: &Size,
    connections: &Connections,
    offered: f64,
    variants: &Arc<Vec<Uuid>>,
) -> Result<Level> {
    let lasts = WARM + size.each;
    let count = (offered * lasts.as_secs_f64()).ceil() as usize;
    let began = Instant::now();
    let visits = coming(offered, count, |number, due| {
        visit(connections.clone(), Arc::clone(variants), number, due)
    })
    .await?;
    let counted = |visit: &&Visit| visit.ended >= began + WARM && visit.ended < began + lasts;
    let ordered = || {
        let all = visits.iter().filter(counted);
        all.filter(|visit| matches!(visit.outcome, Outcome::Ordered))
    };
    let refused = |first: bool| {
        let all = visits.iter();
        let at = move |visit: &&Visit| matches!(visit.outcome, Outcome::Refused(step) if (step == 0) == first);
        all.filter(at)
    };
    Ok(Level {
        offered,
        goodput: ordered().count() as f64 / size.each.as_secs_f64(),
        refused: (refused(true).count(), refused(false).count()),
        begun: count,
        took: Times::of(ordered().map(|visit| visit.took)),
        refusals: Times::of(refused(true).map(|visit| visit.took)),
    })
}

/// Somebody who orders three things, and leaves when they are refused.
async fn visit(
    connections: Connections,
    variants: Arc<Vec<Uuid>>,
    number: usize,
    due: Instant,
) -> Result<Visit> {
    let mut client = connections.take().await?;
    let outcome = steps(&mut client, &variants, number).await?;
    connections.give(client);
    Ok(Visit {
        outcome,
        ended: Instant::now(),
        took: due.elapsed(),
    })
}

async fn steps(client: &mut Client, variants: &[Uuid], number: usize) -> Result<Outcome> {
    let none: &[(&str, &str)] = &[];
    let Some(cart) = send(client, "POST", "/api/carts", none, "").await? else {
        return Ok(Outcome::Refused(0));
    };
    for step in 1..=3 {
        let variant = variants[(number * 97 + step * 7919) % variants.len()];
        let path = format!("/api/carts/{cart}/lines/{variant}");
        let body = format!("{{\"quantity\":{step}}}");
        if send(client, "PUT", &path, none, &body).await?.is_none() {
            return Ok(Outcome::Refused(step));
        }
    }
    let body = crate::checkout::order_body(&cart, None);
    let key = Uuid::new_v4().to_string();
    let headers: &[(&str, &str)] = &[("idempotency-key", key.as_str())];
    Ok(
        match send(client, "POST", "/api/orders", headers, &body).await? {
            Some(_) => Outcome::Ordered,
            None => Outcome::Refused(4),
        },
    )
}

/// The `id` that the answer begins with; nothing if the request was refused for lack of room.
async fn send(
    client: &mut Client,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Option<String>> {
    let request = client.request(method, path, headers, body);
    let answer = client.send(&request).await?;
    let text = String::from_utf8_lossy(answer.body);
    match answer.status {
        200 | 201 => {}
        503 | 429 => return Ok(None),
        status => bail!("{method} {path} answers {status}: {text}"),
    }
    let (_, rest) = text.split_once("\"id\":\"").context("an id")?;
    let (id, _) = rest.split_once('"').context("an id")?;
    Ok(Some(id.to_owned()))
}
