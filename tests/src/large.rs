//! Large catalogues: memory stays bounded, progress is told, and a kill in the middle loses
//! nothing. `TECHCOMMERCE_TEST_NIGHTLY` makes them large in earnest and tells the figures.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use techcommerce_testkit::Process;
use tokio::time::sleep;

use crate::shop::{Engine, Shop};
use crate::shopper::eventually;

const VARIANTS_EACH: usize = 10;

fn variants() -> usize {
    match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY") {
        Some(_) => 100_000,
        None => 6_000,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_catalogue_on_sqlite() -> Result<()> {
    a_large_catalogue(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_catalogue_on_postgres() -> Result<()> {
    a_large_catalogue(Engine::Postgres).await
}

async fn a_large_catalogue(engine: Engine) -> Result<()> {
    let mut shop = Shop::start(engine).await?;
    let variants = variants();
    let products = variants / VARIANTS_EACH;
    let file = shop.setup.data().join("large.csv");
    write_catalogue(&file, products)?;
    let size = std::fs::metadata(&file)?.len() / 1024 / 1024;
    let staff = shop.admin().await?;
    let idle = resident(&shop).await?;

    // Killed as soon as some of it is in.
    let log = shop.setup.data().join("import.log");
    let file = file.display().to_string();
    let begun = Instant::now();
    let mut import = Process::start(&mut shop.setup.command(&["import", &file])?, &log)?;
    eventually("the import's first products", async || {
        let runs: Value = staff
            .get("/api/products/imports?limit=1")
            .value(200)
            .await?;
        let items = runs["items"][0]["report"]["created"].as_u64();
        Ok(items.filter(|created| *created > 0))
    })
    .await?;
    import.kill()?;
    let before = begun.elapsed();
    let runs: Value = staff
        .get("/api/products/imports?limit=1")
        .value(200)
        .await?;
    let broke_off = runs["items"][0]["state"] != "done";

    let begun = Instant::now();
    let mut import = Process::start(&mut shop.setup.command(&["import", &file])?, &log)?;
    let mut peak = 0;
    let status = loop {
        peak = peak.max(memory(import.id(), "VmHWM").unwrap_or(0));
        if let Some(status) = import.ended()? {
            break status;
        }
        sleep(Duration::from_millis(20)).await;
    };
    let took = begun.elapsed() + before;
    let said = import.output();
    ensure!(status.success(), "{said}");
    // A fast machine may be done before the kill; then there is nothing to go on with.
    let (new, same) = if broke_off {
        (products, 0)
    } else {
        (0, products)
    };
    ensure!(said.contains("went on where") == broke_off, "{said}");
    ensure!(
        said.contains(&format!(
            "products: {new} new, 0 changed, {same} as they were"
        )),
        "{said}"
    );
    ensure!(said.contains(" %  "), "no progress: {said}");
    ensure!(peak < 200 * 1024, "the import took {peak} kB");

    // The read model bears it, too.
    eventually("the read model", async || {
        let metrics = shop.management().get("/metrics").expect(200).await?.text();
        let line = format!("techcommerce_product_model_products {products}");
        Ok(metrics.lines().any(|shown| shown == line).then_some(()))
    })
    .await?;
    let serving = resident(&shop).await?;

    let begun = Instant::now();
    let again = shop.run(&["import", &file]).await?;
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    ensure!(
        said.contains(&format!("0 new, 0 changed, {products} as they were")),
        "{said}"
    );
    let unchanged = begun.elapsed();

    let begun = Instant::now();
    let out = shop.setup.data().join("large.jsonl").display().to_string();
    shop.run(&["export", "--format", "jsonl", &out]).await?;
    let exported = begun.elapsed();
    let lines = std::fs::read_to_string(&out)?.lines().count();
    ensure!(lines == products, "{lines} products came out");
    eprintln!(
        "{engine:?}: {variants} variants of {products} products, {size} MB: in {took:.1?} with a kill \
         between, peak {} MB; again {unchanged:.1?}; out {exported:.1?}; the shop {} MB before, {} MB \
         with all of it",
        peak / 1024,
        idle / 1024 / 1024,
        serving / 1024 / 1024,
    );
    shop.stop().await
}

/// What the serving process holds in memory, in bytes.
async fn resident(shop: &Shop) -> Result<u64> {
    let metrics = shop.management().get("/metrics").expect(200).await?.text();
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    // Numbers of metrics are written as fractions.
    let bytes: f64 = line.context("no such metric")?.trim().parse()?;
    Ok(bytes as u64)
}

/// A line of the kernel's on a process, in kB.
fn memory(process: u32, what: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with(what))
        .context("no such line")?;
    let number = line.split_whitespace().nth(1).context("no number")?;
    Ok(number.parse()?)
}

/// As a large shop's export: long descriptions, ten variants each.
fn write_catalogue(path: &Path, products: usize) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,\
         Option2 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,\
         Variant Inventory Policy,Variant Price,Variant Compare At Price,Status"
    )?;
    let text = "<p>Thrown and turned and fired by hand; no two are the same.</p>".repeat(12);
    for number in 0..products {
        for variant in 0..VARIANTS_EACH {
            let (size, colour) = (variant % 5, variant / 5);
            let first = match variant {
                0 => format!(
                    "Product No. {number},{text},Vendor {},Kind {},\"tag {}, tag {}\",true,Size,{size},Colour,{colour}",
                    number % 50,
                    number % 20,
                    number % 7,
                    number % 11
                ),
                _ => format!(",,,,,,,{size},,{colour}"),
            };
            writeln!(
                file,
                "product-{number},{first},SKU-{number}-{variant},{},shopify,{},deny,{}.90,,",
                100 + variant,
                number % 40,
                10 + number % 90
            )?;
        }
    }
    Ok(file.flush()?)
}
