//! Stores that fail, lie, are slow, are full or are away: nothing acknowledged is lost, nothing
//! is shown broken, nobody waits long.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use common::{
    BOUNDARY, Shop, encoded,
    faulty::{Faulty, Mood},
    form, halves, json, s3, webp,
};
use http::{Request, header};
use image::ImageFormat;
use object_store::ObjectStoreExt;
use serde_json::Value;
use techcommerce_images::{Built, MIGRATOR, S3, Store};
use techcommerce_kernel::Env;
use techcommerce_testkit::{Dialect, TestS3};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tower::ServiceExt;

fn picture() -> Vec<u8> {
    encoded(&halves(900, 450), ImageFormat::Png)
}

async fn upload_to(built: &Built, shop: &Shop, file: &[u8]) -> (http::StatusCode, Value) {
    let request = Request::post("/images/upload")
        .header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={BOUNDARY}"),
        )
        .header("x-techcommerce-token", shop.staff())
        .body(Body::from(form("mug.png", file)))
        .unwrap();
    json(built.router.clone().oneshot(request).await.unwrap()).await
}

/// The store's state, as `/health` tells it.
async fn health(shop: &Shop) -> String {
    let (_, _, body) = shop.get("/health").await;
    let report: Value = serde_json::from_slice(&body).unwrap();
    let state = &report["dependencies"]["object_store"]["status"];
    state
        .as_str()
        .unwrap_or_else(|| panic!("{report}"))
        .to_owned()
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn an_upload_is_acknowledged_only_when_it_is_kept(db: TestDb) {
        let store = Faulty::new();
        let shop = Shop::with_store(db, Store::of(Arc::new(store.clone())));
        for mood in [Mood::Failing, Mood::Full, Mood::TakesAndFails, Mood::Forgets, Mood::Halves] {
            store.be(mood);
            let (status, problem) = shop.upload("mug.png", &picture()).await;
            assert_eq!((status.as_u16(), &problem["code"]), (503, &"unavailable".into()), "{mood:?}: {problem}");
            let (_, page) = shop.ask("/images").await;
            assert_eq!(page["items"].as_array().map(Vec::len), Some(0), "{mood:?}: no row without its file");
            assert!(shop.work().await.is_empty(), "{mood:?}: and no job");
            // An answer in between keeps the breaker shut.
            store.be(Mood::Well);
            assert_eq!(health(&shop).await, "up");
        }
        assert_eq!(shop.counted("failed"), 5);
        let (status, uploaded) = shop.upload("mug.png", &picture()).await;
        assert_eq!(status, 201, "{uploaded}");
        shop.work().await;
        let (status, _, bytes) = shop.get(uploaded["url"].as_str().unwrap()).await;
        assert_eq!((status.as_u16(), webp(&bytes).width()), (200, 640));
    }

    async fn a_store_that_is_away_is_left_alone_and_noticed_when_it_is_back(db: TestDb) {
        let store = Faulty::new();
        let shop = Shop::with_store(db, Store::of(Arc::new(store.clone())));
        let (_, uploaded) = shop.upload("mug.png", &picture()).await;
        let url = uploaded["url"].as_str().unwrap();
        assert_eq!(health(&shop).await, "up");
        store.be(Mood::Failing);
        for _ in 0..5 {
            assert_eq!(shop.get(url).await.0, 503);
        }
        let asked = store.calls();
        let (status, headers, _) = shop.get(url).await;
        assert_eq!(status, 503);
        assert!(headers.contains_key(header::RETRY_AFTER));
        assert_eq!(store.calls(), asked, "it is not asked any more");
        assert_ne!(health(&shop).await, "up");
        // The job's failure is no loss: it is tried again.
        shop.work().await;
        store.be(Mood::Well);
        assert_eq!(health(&shop).await, "up");
        assert_eq!(shop.get(url).await.0, 200, "the check noticed that it is back");
        shop.clock.advance(Duration::from_secs(3600));
        assert_eq!(shop.work().await, ["images.variants"]);
        let (_, _, bytes) = shop.get(url).await;
        assert_eq!(webp(&bytes).width(), 640);
    }

    async fn two_replicas_make_one_picture_of_one_file(db: TestDb) {
        let shop = Shop::new(db);
        let other = shop.beside(shop.store.clone());
        for width in [400, 500, 600] {
            let file = encoded(&halves(width, 100), ImageFormat::Png);
            let (one, two, three) = tokio::join!(
                upload_to(&shop.built, &shop, &file),
                upload_to(&other, &shop, &file),
                upload_to(&other, &shop, &file),
            );
            assert_eq!(one.0, 201, "{}", one.1);
            assert_eq!((&one.1, &one.1), (&two.1, &three.1));
        }
        let (_, page) = shop.ask("/images").await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(3));
        assert_eq!(shop.work().await.len(), 3, "one job a picture, whoever runs it");
        assert!(other.jobs.drain().await.unwrap().is_empty());
        let (_, page) = shop.ask("/audit/images").await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(3));
    }

    async fn who_comes_second_and_cannot_tidy_up_is_told_the_same(db: TestDb) {
        let store = Faulty::new();
        store.be(Mood::Keeps);
        let shop = Shop::with_store(db, Store::of(Arc::new(store)));
        let other = shop.beside(shop.store.clone());
        let file = picture();
        let (one, two) = tokio::join!(
            upload_to(&shop.built, &shop, &file),
            upload_to(&other, &shop, &file),
        );
        assert_eq!((one.0.as_u16(), two.0.as_u16()), (201, 201));
        assert_eq!(one.1, two.1);
    }
}

/// A store of the S3 protocol at a loopback address where `answer` is what it says to all.
async fn server(answer: &'static [u8]) -> Store {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
            // Never closed: what is missing of an answer is waited for.
            open.push(stream);
        }
    });
    at(&endpoint)
}

fn at(endpoint: &str) -> Store {
    Store::s3(&S3 {
        bucket: "shop".into(),
        prefix: String::new(),
        endpoint: endpoint.into(),
        region: "us-east-1".into(),
        keys: Some(("key".into(), "secret".into())),
        ca_file: None,
    })
    .unwrap()
}

/// Time stands still but for what is waited for, so that this takes no time at all.
#[tokio::test(start_paused = true)]
async fn an_s3_server_that_misbehaves_is_given_up_in_bounded_time() {
    let closed = techcommerce_testkit::free_address();
    let servers = [
        ("nobody listens", at(&format!("http://{closed}"))),
        ("no such name", at("http://no-such-host.invalid:9000")),
        ("silence", server(b"").await),
        ("an answer that stops", server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<?xml").await),
        ("no HTTP", server(b"SSH-2.0-OpenSSH_9.2\r\n").await),
        ("a page", server(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>").await),
        ("away", server(b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n").await),
        ("forbidden", server(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await),
        ("no bucket", server(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await),
        ("elsewhere", server(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n").await),
    ];
    for (what, store) in servers {
        let started = tokio::time::Instant::now();
        let error = store.try_out(&Env::system()).await.unwrap_err();
        assert_eq!(error.code(), "unavailable", "{what}: {error}");
        assert!(
            std::error::Error::source(&error).is_some(),
            "{what} says why"
        );
        let took = started.elapsed();
        assert!(took < Duration::from_secs(30), "{what} took {took:?}");
    }
}

#[tokio::test]
async fn the_doctor_tries_a_store() {
    let place = TestS3::new();
    let env = Env::system();
    s3(&place).try_out(&env).await.unwrap();
    let folder = techcommerce_testkit::folder();
    let local = Store::folder(&folder.path().join("pictures")).unwrap();
    local.try_out(&env).await.unwrap();
    assert!(local.to_string().contains("pictures"));
    std::fs::remove_dir_all(folder.path().join("pictures")).unwrap();
    assert_eq!(
        local.try_out(&env).await.unwrap_err().code(),
        "unavailable",
        "a volume that is not mounted"
    );

    let (mut forbidden, mut missing) = (TestS3::new(), TestS3::new());
    forbidden.secret_key = "another".into();
    missing.bucket = "no-such-bucket".into();
    for place in [forbidden, missing] {
        let error = s3(&place).try_out(&env).await.unwrap_err();
        assert_eq!(error.code(), "unavailable");
        assert!(
            !format!("{error:?}").contains(&place.secret_key),
            "the secret stays one"
        );
    }
    let settings = S3 {
        ca_file: Some("/no/such/file.pem".into()),
        ..S3::default()
    };
    let error = Store::s3(&settings).unwrap_err();
    assert!(error.to_string().contains("images.s3_ca_file"), "{error}");
}

/// A server that goes and comes back under the same address.
#[tokio::test]
async fn an_s3_server_that_stops_takes_no_upload_with_it() {
    let mut place = TestS3::own();
    let db = techcommerce_testkit::TestDb::new(Dialect::Sqlite, &MIGRATOR).await;
    let shop = Shop::with_store(db, s3(&place));
    let (status, kept) = shop.upload("mug.png", &picture()).await;
    assert_eq!(status, 201, "{kept}");
    place.stop();
    let file = encoded(&halves(700, 300), ImageFormat::Png);
    let (status, problem) = shop.upload("vase.png", &file).await;
    assert_eq!(status, 503, "{problem}");
    assert_eq!(shop.get(kept["url"].as_str().unwrap()).await.0, 503);
    // A job that cannot reach it stays.
    assert_eq!(shop.work().await, ["images.variants"]);
    let (_, details) = shop
        .ask(&format!("/images/{}", kept["id"].as_str().unwrap()))
        .await;
    assert_eq!(details["sizes_ready"], false);
    // Another store beside the same database, as after a restore: the same upload mends it.
    let other = shop.beside(s3(&TestS3::new()));
    let (status, again) = upload_to(&other, &shop, &picture()).await;
    assert_eq!((status.as_u16(), &again), (201, &kept));
    shop.clock.advance(Duration::from_secs(3600));
    other.jobs.drain().await.unwrap();
    let request = Request::get(kept["url"].as_str().unwrap())
        .body(Body::empty())
        .unwrap();
    let answer = other.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// The disk is full, as far as a test can tell: the folder takes no more files.
#[tokio::test]
async fn a_folder_that_takes_nothing_refuses_clearly() {
    let db = techcommerce_testkit::TestDb::new(Dialect::Sqlite, &MIGRATOR).await;
    let shop = Shop::new(db);
    // A file stands where uploads are to be kept, and another where pictures are.
    std::fs::write(shop.folder.path().join("incoming"), "in the way").unwrap();
    let (status, problem) = shop.upload("mug.png", &picture()).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (503, &"unavailable".into()),
        "{problem}"
    );
    std::fs::remove_file(shop.folder.path().join("incoming")).unwrap();
    std::fs::remove_dir(shop.folder.path().join("store")).unwrap();
    std::fs::write(shop.folder.path().join("store"), "in the way").unwrap();
    let (status, problem) = shop.upload("mug.png", &picture()).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (503, &"unavailable".into()),
        "{problem}"
    );
    std::fs::remove_file(shop.folder.path().join("store")).unwrap();
    let (status, uploaded) = shop.upload("mug.png", &picture()).await;
    assert_eq!(status, 201, "{uploaded}");
    let files = shop.store.objects();
    let name = format!("{}/original.webp", uploaded["id"].as_str().unwrap());
    files.head(&name.as_str().into()).await.unwrap();
}
