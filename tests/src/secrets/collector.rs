//! The key that a collector of traces wants.

use anyhow::Result;
use techcommerce_testkit::Collector;

use super::{IN_FORCE, Load, REFUSED, ensure_untold, said};
use crate::mounted::Mounted;
use crate::shop::{Engine, Setup};

const KEY: &str = "traces.headers";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_changed_and_no_span_is_lost() -> Result<()> {
    let collector = Collector::start().await;
    collector.demand("x-collector-key", "first-of-collector");
    let setup = Setup::new(Engine::Sqlite).await;
    let mounted = Mounted::at(setup.folder().join("traces"));
    let headers = |key: &str| format!("x-collector-key={key}");
    mounted.put(&[("headers", &headers("first-of-collector"))])?;
    let mut shop = setup
        .set("TECHCOMMERCE_TRACES_ENDPOINT", &collector.endpoint())
        .set("TECHCOMMERCE_TRACES_SAMPLE", "1")
        .set("TECHCOMMERCE_TRACES_HEADERS_FILE", &mounted.file("headers"))
        .start()
        .await?;
    let client = shop.plain_client();
    let mut load = Load::of(1, move || {
        let client = client.clone();
        async move { client.get("/api/products").expect(200).await.map(drop) }
    });
    let more = async |beyond: usize| {
        let spans = collector.until(|spans| spans.len() > beyond + 20).await;
        spans.len()
    };
    load.go_on(10).await?;
    let so_far = more(0).await;

    mounted.put(&[("headers", &headers("second-of-collector"))])?;
    said(&shop, REFUSED, KEY, 1).await?;
    let so_far = more(so_far).await;
    collector.demand("x-collector-key", "second-of-collector");
    said(&shop, IN_FORCE, KEY, 1).await?;
    let so_far = more(so_far).await;

    // The collector first: what it refuses meanwhile waits.
    collector.demand("x-collector-key", "third-of-collector");
    load.go_on(5).await?;
    mounted.put(&[("headers", &headers("third-of-collector"))])?;
    shop.processes.signal_all("HUP")?;
    said(&shop, IN_FORCE, KEY, 2).await?;
    more(so_far).await;
    load.end().await?;

    let metrics = shop.management().get("/metrics").expect(200).await?.text();
    let lost = "techcommerce_traces_spans_total{outcome=\"failed\"} 0";
    assert!(metrics.contains(lost), "{metrics}");
    ensure_untold(
        &shop,
        &[
            "first-of-collector",
            "second-of-collector",
            "third-of-collector",
        ],
    )?;
    shop.stop().await
}
