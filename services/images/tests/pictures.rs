//! From the upload to the page.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::time::Duration;

use axum::body::Body;
use common::{Shop, encoded, form, glass, halves, json, webp};
use http::{Request, header};
use image::{DynamicImage, GenericImageView, ImageFormat};
use techcommerce_contracts::{Principal, Role};
use techcommerce_images::{Builtin, MIGRATOR, builtin_id, openapi};
use techcommerce_kernel::{Timestamp, Uuid};
use techcommerce_testkit::{Dialect, TestDb};

/// A JPEG whose EXIF says that it was taken with the camera on its side, and where.
fn sideways() -> Vec<u8> {
    let jpeg = encoded(&halves(400, 200), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    // Tag 0x0112 (orientation), SHORT, one value: 6, a quarter turn clockwise.
    exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    exif.extend(b"53.5511 N 9.9937 E, at home");
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn an_upload_is_there_in_all_sizes(db: TestDb) {
        let shop = Shop::new(db);
        let (status, picture) = shop.upload("mug.png", &encoded(&halves(1600, 800), ImageFormat::Png)).await;
        assert_eq!(status, 201, "{picture}");
        let id = picture["id"].as_str().unwrap();
        assert_eq!(picture["url"], format!("/images/{id}/w640"));
        assert_eq!((&picture["width"], &picture["height"]), (&1600.into(), &800.into()));
        let variants = picture["variants"].as_array().unwrap();
        assert_eq!(variants.len(), 4);
        assert_eq!(shop.work().await, ["images.variants"]);
        for variant in variants {
            let (status, headers, bytes) = shop.get(variant["url"].as_str().unwrap()).await;
            assert_eq!(status, 200);
            assert_eq!(headers[header::CONTENT_TYPE], "image/webp");
            assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[header::CONTENT_LENGTH], bytes.len().to_string());
            let shown = webp(&bytes);
            assert_eq!(variant["width"], shown.width());
            assert_eq!(variant["height"], shown.height());
            let (left, right) = (shown.get_pixel(5, 5), shown.get_pixel(shown.width() - 5, 5));
            assert!(left[0] > 150 && left[2] < 100, "{left:?}");
            assert!(right[2] > 150 && right[0] < 100, "{right:?}");
        }
        assert_eq!(shop.incoming(), 0);
        assert_eq!(shop.counted("stored"), 1);
    }

    async fn the_same_file_is_the_same_picture_also_at_once(db: TestDb) {
        let shop = Shop::new(db);
        let file = encoded(&halves(300, 300), ImageFormat::Png);
        let (one, two, three) = tokio::join!(
            shop.upload("a.png", &file),
            shop.upload("b.png", &file),
            shop.upload("c.png", &file),
        );
        let again = shop.upload("d.png", &file).await;
        for (status, picture) in [&two, &three, &again] {
            assert_eq!(*status, 201);
            assert_eq!(*picture, one.1);
        }
        assert_eq!(shop.stored().await.len(), 1, "who came second cleans up");
    }

    async fn only_staff_upload(db: TestDb) {
        let shop = Shop::new(db);
        let form = || form("mug.png", &encoded(&halves(10, 10), ImageFormat::Png));
        let (status, _) = shop.upload_as(None, form()).await;
        assert_eq!(status, 401);
        let customer = Principal::ApiKey { id: Uuid::nil(), role: Role::Customer };
        let (status, _) = shop.upload_as(Some(shop.token(customer)), form()).await;
        assert_eq!(status, 403);
        assert!(shop.stored().await.is_empty());
    }

    async fn services_add_and_ask(db: TestDb) {
        let shop = Shop::new(db);
        let request = |token: String| {
            Request::post("/internal/images")
                .header("x-techcommerce-token", token)
                .body(Body::from(encoded(&halves(50, 40), ImageFormat::WebP)))
                .unwrap()
        };
        assert_eq!(json(shop.send(request(shop.staff())).await).await.0, 403);
        let (status, picture) = json(shop.send(request(shop.service())).await).await;
        assert_eq!(status, 201, "{picture}");
        let ask = |id: &str| {
            Request::get(format!("/internal/images/{id}"))
                .header("x-techcommerce-token", shop.service())
                .body(Body::empty())
                .unwrap()
        };
        let (status, told) = json(shop.send(ask(picture["id"].as_str().unwrap())).await).await;
        assert_eq!((status.as_u16(), &told), (200, &picture));
        let (status, told) = json(shop.send(ask(&Uuid::nil().to_string())).await).await;
        assert_eq!((status.as_u16(), &told["code"]), (404, &"image_not_found".into()));
    }

    async fn what_a_crash_left_is_not_served_and_removed_later(db: TestDb) {
        let shop = Shop::new(db);
        // The machine's time, for files bear it.
        let now = techcommerce_kernel::Env::system().now();
        shop.clock.set(now);
        let (_, picture) = shop.upload("mug.png", &encoded(&halves(400, 10), ImageFormat::Png)).await;
        shop.work().await;
        let orphan = Uuid::from_u128(0xdead);
        shop.put(&format!("{orphan}/w320.webp"), b"half").await;
        shop.put("notes.txt", b"not ours").await;
        let (status, ..) = shop.get(&format!("/images/{orphan}/w320")).await;
        assert_eq!(status, 404);

        for (at, files) in [(now, 4), (now + Duration::from_secs(2 * 24 * 3600), 3)] {
            shop.clock.set(at);
            shop.built.jobs.tick().await.unwrap();
            assert!(shop.work().await.contains(&"images.sweep".to_owned()));
            assert_eq!(shop.stored().await.len(), files);
        }
        let (status, ..) = shop.get(picture["url"].as_str().unwrap()).await;
        assert_eq!(status, 200);
        assert_ne!(now, Timestamp::default());
    }

    async fn photographs_stand_upright_and_keep_their_secrets(db: TestDb) {
        let shop = Shop::new(db);
        let (status, picture) = shop.upload("photo.jpg", &sideways()).await;
        assert_eq!(status, 201, "{picture}");
        assert_eq!((&picture["width"], &picture["height"]), (&200.into(), &400.into()));
        shop.work().await;
        for variant in picture["variants"].as_array().unwrap() {
            let (_, _, bytes) = shop.get(variant["url"].as_str().unwrap()).await;
            assert!(!bytes.windows(7).any(|w| w == b"53.5511"), "the place is gone");
            assert!(!bytes.windows(4).any(|w| w.eq_ignore_ascii_case(b"exif")));
            let shown = webp(&bytes);
            let (top, bottom) = (shown.get_pixel(20, 5), shown.get_pixel(20, shown.height() - 5));
            assert!(top[0] > 150 && bottom[2] > 150, "left is up: {top:?} {bottom:?}");
        }
    }

    async fn glass_stays_see_through(db: TestDb) {
        let shop = Shop::new(db);
        let (status, picture) = shop.upload("glass.webp", &encoded(&glass(700, 350), ImageFormat::WebP)).await;
        assert_eq!(status, 201, "{picture}");
        shop.work().await;
        let (_, _, bytes) = shop.get(picture["url"].as_str().unwrap()).await;
        let shown = webp(&bytes);
        assert!(matches!(shown, DynamicImage::ImageRgba8(_)));
        assert_eq!(shown.width(), 640);
        assert_eq!(shown.get_pixel(10, 10)[3], 255);
        assert_eq!(shown.get_pixel(630, 10)[3], 0);
    }

    async fn who_has_it_is_not_sent_it_again(db: TestDb) {
        let shop = Shop::new(db);
        let (_, picture) = shop.upload("mug.png", &encoded(&halves(10, 10), ImageFormat::Png)).await;
        let url = picture["url"].as_str().unwrap();
        let (_, headers, _) = shop.get(url).await;
        let request = Request::get(url).header(header::IF_NONE_MATCH, &headers[header::ETAG]);
        let answer = shop.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), 304);
        assert_eq!(answer.headers()[header::ETAG], headers[header::ETAG]);
        let answer = shop.send(Request::head(url).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), 200);
        assert!(answer.headers().contains_key(header::ETAG));
    }
}

async fn shop() -> Shop {
    Shop::new(TestDb::new(Dialect::Sqlite, &MIGRATOR).await)
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let shop = shop().await;
    let (_, picture) = shop
        .upload("mug.png", &encoded(&halves(10, 10), ImageFormat::Png))
        .await;
    let id = picture["id"].as_str().unwrap();
    for path in [
        format!("/images/{id}/w641"),
        format!("/images/{id}/..%2fw640"),
        format!("/images/{}/w640", Uuid::nil()),
        "/images/mug/w640".to_owned(),
    ] {
        let (status, headers, body) = shop.get(&path).await;
        assert_eq!(status, 404, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert!(String::from_utf8_lossy(&body).contains("image_not_found"));
    }
}

#[tokio::test]
async fn built_in_pictures_are_served_as_they_are() {
    let bytes: &'static [u8] = Vec::leak(encoded(&halves(64, 32), ImageFormat::WebP));
    let builtin = Builtin::new([
        ("mug-320.webp", b"small".as_slice()),
        ("mug-640.webp", bytes),
    ])
    .unwrap();
    let described = builtin.describe("mug").unwrap().unwrap();
    assert_eq!((described.width, described.height), (64, 32));
    let shop = Shop::with_builtin(TestDb::new(Dialect::Sqlite, &MIGRATOR).await, builtin);
    let id = builtin_id("mug");
    let (status, headers, body) = shop.get(&format!("/images/{id}/w1280")).await;
    assert_eq!((status.as_u16(), &*body), (200, bytes));
    assert_eq!(headers[header::CONTENT_TYPE], "image/webp");
    assert!(headers.contains_key(header::ETAG));
    assert_eq!(&*shop.get(&format!("/images/{id}/w320")).await.2, b"small");
    assert!(shop.stored().await.is_empty());
}

#[test]
fn the_document_has_the_public_paths() {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/api/audit/images",
            "/api/images",
            "/api/images/upload",
            "/api/images/{id}",
            "/images/{id}/{variant}"
        ]
    );
    for schema in [
        "Uploaded",
        "ImageVariant",
        "ImageDetails",
        "Problem",
        "UploadForm",
    ] {
        assert!(
            document["components"]["schemas"][schema].is_object(),
            "{schema}"
        );
    }
}
