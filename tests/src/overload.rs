//! More than can be done, through HTTP: whoever is too much is refused early and clearly, what
//! was begun is ended, and when the crowd is gone everything is as before. How much is done under
//! overload is measured (`cargo xtask bench -- flash-sale`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use techcommerce_testkit::Answer;

use crate::audit;
use crate::shop::{Engine, Setup};
use crate::shopper::{buy, eventually, wait_for_payment};
use crate::staff::{Stock, product};

/// Far more than one writer of a debug build keeps up with.
const CROWD: usize = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_are_refused_at_the_door_sqlite() -> Result<()> {
    too_many_are_refused_at_the_door(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_are_refused_at_the_door_postgres() -> Result<()> {
    too_many_are_refused_at_the_door(Engine::Postgres).await
}

async fn too_many_are_refused_at_the_door(engine: Engine) -> Result<()> {
    // Whoever begins a cart may wait for a hundredth of a millisecond: one who has to wait at all
    // is too much, once there is a queue.
    let setup = Setup::new(engine).await;
    let setup = setup
        .set("TECHCOMMERCE_LIMITS_PATIENCE_MILLISECONDS", "1")
        .set("TECHCOMMERCE_DATABASE_CONNECTIONS", "2");
    let shop = setup.start().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(1_000)).await?;
    let client = shop.client();
    let refused = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(AtomicBool::new(false));
    let crowd = (0..CROWD).map(|_| {
        let (client, refused) = (client.clone(), Arc::clone(&refused));
        let enough = Arc::clone(&enough);
        async move {
            tokio::spawn(async move {
                while !enough.load(Ordering::Relaxed) {
                    let answer = client.post("/api/carts").send().await?;
                    if answer.status != 201 {
                        is_refusal(answer)?;
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
                anyhow::Ok(())
            })
            .await?
        }
    });
    let watch = async {
        let seen = eventually("somebody is refused", async || {
            Ok((refused.load(Ordering::Relaxed) >= 20).then_some(()))
        })
        .await;
        // What nobody has to wait for goes on: browsing, and whether the process lives.
        let browsing = client.get("/api/products").expect(200).await;
        let alive = client.get("/healthz").expect(200).await;
        enough.store(true, Ordering::Relaxed);
        seen.and(browsing.map(drop)).and(alive.map(drop))
    };
    let (crowd, watched) = tokio::join!(try_join_all(crowd), watch);
    watched?;
    crowd?;

    // The crowd is gone: everybody is served again.
    let placed = eventually("an order", async || {
        Ok(buy(&client, &lamp.variant_id, 1, "afterwards").await.ok())
    })
    .await?;
    // Whoever looks while a job writes may have to wait for longer than this shop's patience.
    eventually("it is paid", async || {
        Ok(wait_for_payment(&client, &placed, "paid").await.ok())
    })
    .await?;
    audit::clean(&shop).await
}

/// Refused in words, with the time to come back.
fn is_refusal(answer: Answer) -> Result<()> {
    let wait = answer.header("retry-after").context("Retry-After")?;
    ensure!(
        wait.parse::<u64>().is_ok_and(|seconds| seconds > 0),
        "{wait}"
    );
    let code = answer.problem(503)?;
    ensure!(code == "busy", "{code}");
    Ok(())
}
