//! Pictures in stores that others keep: Google Cloud Storage, and S3 over TLS with a certificate of
//! one's own authority.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

#[path = "../common/mod.rs"]
mod common;
mod gcs;
mod tls;

use std::sync::{Arc, Mutex};

use common::{Shop, encoded, halves};
use gcs::TestGcs;
use image::ImageFormat;
use techcommerce_follow::{Look, Source};
use techcommerce_images::{Gcs, MIGRATOR, S3, Store};
use techcommerce_kernel::Env;
use techcommerce_testkit::{Dialect, TestDb, TestS3};
use tls::Tls;

/// An upload with all of its sizes, shown and listed; the bytes are under the prefix.
#[tokio::test]
async fn pictures_in_google_cloud_storage() {
    let google = TestGcs::start().await;
    let db = TestDb::new(Dialect::Sqlite, &MIGRATOR).await;
    let shop = Shop::with_store(db, google.store());
    let file = encoded(&halves(900, 450), ImageFormat::Png);
    let (status, kept) = shop.upload("mug.png", &file).await;
    assert_eq!(status, 201, "{kept}");
    assert_eq!(shop.work().await, ["images.variants"]);
    let id = kept["id"].as_str().unwrap();
    let (_, details) = shop.ask(&format!("/images/{id}")).await;
    assert_eq!(details["sizes_ready"], true, "{details}");
    let url = kept["url"].as_str().unwrap();
    let (status, _, body) = shop.get(url).await;
    assert_eq!(status, 200);
    assert_eq!(&body[..4], b"RIFF");
    let names = google.names();
    assert!(names.len() > 1, "{names:?}");
    assert!(
        names.iter().all(|name| name.starts_with("shop/main/")),
        "{names:?}"
    );

    // Away: a clear answer, soon, and nothing acknowledged.
    google.stop();
    let other = encoded(&halves(700, 300), ImageFormat::Png);
    let (status, problem) = shop.upload("vase.png", &other).await;
    assert_eq!(status, 503, "{problem}");
}

/// What `techcommerce doctor` does; and whoever shows another key is kept out.
#[tokio::test]
async fn the_doctor_tries_google_cloud_storage() {
    let google = TestGcs::start().await;
    let env = Env::system();
    google.store().try_out(&env).await.unwrap();
    assert_eq!(
        google.names(),
        Vec::<String>::new(),
        "it leaves nothing behind"
    );
    assert!(google.asked() >= 5);
    let stranger = TestGcs::start().await;
    let forged = Gcs {
        credentials: Some(stranger.credentials()),
        ..google.settings()
    };
    let error = Store::gcs(&forged)
        .unwrap()
        .try_out(&env)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unavailable");
    let said = format!("{error:?}");
    assert!(
        said.contains("403") && !said.contains("PRIVATE KEY"),
        "{said}"
    );
    let missing = Gcs {
        bucket: "no-such-bucket".into(),
        ..google.settings()
    };
    assert!(Store::gcs(&missing).unwrap().try_out(&env).await.is_err());
}

/// The key of the service account changes in the file first, and then at Google: no picture fails,
/// and whoever is turned away looks at the file at once.
#[tokio::test]
async fn another_key_for_google_cloud_storage() {
    let google = TestGcs::start().await;
    let other = TestGcs::start().await;
    let file = Arc::new(Mutex::new(google.credentials()));
    let read = Arc::clone(&file);
    let key = Source::new("images.gcs_credentials", google.credentials(), move || {
        Ok(read.lock().unwrap().clone())
    });
    let store = Store::gcs_following(google.settings(), key).unwrap();
    let db = TestDb::new(Dialect::Sqlite, &MIGRATOR).await;
    let shop = Shop::with_store(db, store.clone());
    let file_of = |width| encoded(&halves(width, 450), ImageFormat::Png);
    let (status, kept) = shop.upload("mug.png", &file_of(900)).await;
    assert_eq!(status, 201, "{kept}");
    let url = kept["url"].as_str().unwrap();

    *file.lock().unwrap() = other.credentials();
    let error = store.current().look(Look::Due).await.unwrap_err();
    assert!(!format!("{error:?}").contains("PRIVATE"), "{error:?}");
    assert_eq!(shop.get(url).await.0, 200, "the one before is in force");
    google.believe(&other);
    assert_eq!(shop.get(url).await.0, 200);
    assert_eq!(shop.upload("vase.png", &file_of(700)).await.0, 201);

    *file.lock().unwrap() = "{\"private_key\": \"very-private".to_owned();
    let error = store.current().look(Look::Asked).await.unwrap_err();
    assert!(!format!("{error:?}").contains("very-private"), "{error:?}");
    assert_eq!(shop.get(url).await.0, 200);
}

/// The authority is believed when it is named, and only then.
#[tokio::test]
async fn s3_over_tls_with_an_authority_of_ones_own() {
    let place = TestS3::new();
    let server = place.endpoint.trim_start_matches("http://").to_owned();
    let tls = Tls::before(server).await;
    let mut settings = S3 {
        bucket: place.bucket.clone(),
        prefix: place.prefix.clone(),
        endpoint: format!("https://{}", tls.address),
        region: "us-east-1".into(),
        keys: Some((place.access_key.clone(), place.secret_key.clone())),
        ca_file: Some(tls.authority()),
    };
    let env = Env::system();
    Store::s3(&settings).unwrap().try_out(&env).await.unwrap();
    settings.ca_file = None;
    let error = Store::s3(&settings)
        .unwrap()
        .try_out(&env)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(format!("{error:?}").contains("UnknownIssuer"), "{error:?}");
    settings.ca_file = Some(tls.authority().with_file_name("server.key"));
    let error = Store::s3(&settings).unwrap_err();
    assert!(error.message().contains("images.s3_ca_file"), "{error}");
}
