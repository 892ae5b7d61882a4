#![allow(clippy::all, clippy::unwrap_used)]
#[path = "common/mod.rs"]
mod common;
use axum::{body::Body, Router, routing::get};
use bytes::Bytes;
use common::http::{As, Served};
use http::{Method, Request};
use http_body_util::BodyExt;
use std::{collections::BTreeSet, time::Instant};
use techcommerce_kernel::Error;
use techcommerce_product_api::{MIGRATOR, changes};
use techcommerce_store::{Db, transact};
use tower::ServiceExt;

async fn run(router: &Router, path: &str, n: u32) -> (f64, usize) {
    let mut len = 0;
    for round in 0..2 {
        let start = Instant::now();
        for _ in 0..n {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            len = response.into_body().collect().await.unwrap().to_bytes().len();
        }
        if round == 1 {
            return (start.elapsed().as_secs_f64() * 1e6 / f64::from(n), len);
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)] #[ignore]
async fn measure() {
    let folder = std::path::PathBuf::from("/tmp/cat-measure");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let pg = std::env::var("PG").is_ok();
    let test;
    let db = if pg {
        test = techcommerce_testkit::TestDb::new(techcommerce_testkit::Dialect::Postgres, &MIGRATOR).await;
        test.db()
    } else {
        let db = Db::open_sqlite(&folder.join("p.db")).await.unwrap();
        db.migrate(&MIGRATOR).await.unwrap();
        db
    };
    let (env, clock) = techcommerce_kernel::Env::manual(5);
    let start = Instant::now();
    let writer = common::writer(&env);
    for batch in 0..100 {
        transact!(db, |tx| -> Result<(), Error> {
            let mut changed = BTreeSet::new();
            for number in 0..100 {
                let mut draft = common::draft(&format!("thing-{batch}-{number}"), &[common::counted(batch % 20); 10]);
                draft.description = "<p>Made by hand, of clay that was dug where it is fired.</p>".repeat(5);
                for (i, v) in draft.variants.iter_mut().enumerate() { v.sku = Some(format!("SKU-{batch}-{number}-{i}")); }
                writer.create(tx, &draft, &mut changed).await?;
            }
            changes::record(tx, env.now(), &changed).await?;
            Ok(())
        })
        .unwrap();
        clock.advance(std::time::Duration::from_millis(5));
    }
    println!("100k variants written in {:?}", start.elapsed());
    let start = Instant::now();
    let shop = Served::new(db).await;
    println!("built in {:?}", start.elapsed());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|l| l.starts_with("VmRSS")).unwrap());
    for path in ["/products?limit=20", "/products/thing-5-5", "/products?limit=20&sort=title&in_stock=true", "/products?q=thing", "/categories"] {
        let n = if path.contains("q=") { 100 } else { 5000 };
        let (ours, len) = run(&shop.router, path, n).await;
        let bytes = Bytes::from(vec![b'x'; len]);
        let bare = Router::new().route("/{*p}", get(move || async move { ([("content-type", "application/json")], bytes.clone()) }));
        let (bare, _) = run(&bare, path, 5000).await;
        println!("{path}: {ours:.1} us, bare {bare:.1} us, {len} bytes");
    }
    for path in ["/stock?limit=20", "/stock?below=5", "/stock?below=3&limit=100", "/stock?below=1000000", "/stock?q=thing-99-9", "/stock?q=sku-50-5", "/stock?q=zzz", "/products/counts", "/products?status=active", "/products?status=active&sort=title", "/products?status=active&q=sku-3-4-", "/products?status=draft&q=thing"] {
        let start = Instant::now();
        let answer = shop.send(As::Staff, Method::GET, path, &[], Body::empty()).await;
        println!("{path}: {} in {:?}, {} items", answer.status, start.elapsed(), answer.body["items"].as_array().map_or(0, Vec::len));
    }
    let mut cursor = String::new();
    let start = Instant::now();
    let mut pages = 0;
    for _ in 0..200 {
        let answer = shop.send(As::Staff, Method::GET, &format!("/stock?limit=100{cursor}"), &[], Body::empty()).await;
        pages += 1;
        match answer.body["next_cursor"].as_str() { Some(c) => cursor = format!("&cursor={c}"), None => break }
    }
    println!("{pages} pages of stock in {:?}", start.elapsed());
}
