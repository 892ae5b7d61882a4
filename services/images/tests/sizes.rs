//! The sizes that the worker makes, what stands in for them, and what staff see of it all.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::time::Duration;

use axum::body::Body;
use common::{Shop, encoded, halves, json, webp};
use http::{Request, header};
use image::{GenericImageView, ImageFormat};
use serde_json::json;
use techcommerce_images::MIGRATOR;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_NOW: &str = "public, max-age=5";

fn names(id: &str) -> Vec<String> {
    ["original", "w1280", "w320", "w640"]
        .map(|name| format!("{id}/{name}.webp"))
        .to_vec()
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn until_a_size_is_made_the_largest_stands_in(db: TestDb) {
        let shop = Shop::new(db);
        let (status, picture) = shop.upload("mug.png", &encoded(&halves(1600, 800), ImageFormat::Png)).await;
        assert_eq!(status, 201, "{picture}");
        let id = picture["id"].as_str().unwrap();
        assert_eq!(shop.stored().await, [format!("{id}/original.webp")]);
        assert_eq!(shop.ask(&format!("/images/{id}")).await.1["sizes_ready"], false);

        let small = format!("/images/{id}/w320");
        let (status, headers, bytes) = shop.get(&small).await;
        assert_eq!((status.as_u16(), webp(&bytes).width()), (200, 1600));
        assert_eq!(headers[header::CACHE_CONTROL], FOR_NOW);
        let stand_in = headers[header::ETAG].clone();
        let again = |tag: &http::HeaderValue| {
            let request = Request::get(&small).header(header::IF_NONE_MATCH, tag);
            shop.send(request.body(Body::empty()).unwrap())
        };
        assert_eq!(again(&stand_in).await.status(), 304);
        let (_, headers, _) = shop.get(&format!("/images/{id}/original")).await;
        assert_eq!(headers[header::CACHE_CONTROL], FOR_EVER, "the largest is there for good");

        assert_eq!(shop.work().await, ["images.variants"]);
        assert_eq!(shop.stored().await, names(id));
        let answer = again(&stand_in).await;
        assert_eq!(answer.status(), 200, "who has the stand-in gets the real one");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], FOR_EVER);
        let (_, _, bytes) = shop.get(&small).await;
        assert_eq!(webp(&bytes).dimensions(), (320, 160));
        let (_, details) = shop.ask(&format!("/images/{id}")).await;
        assert_eq!(details["sizes_ready"], true);
        assert!(details["stored_bytes"].as_u64() > Some(bytes.len() as u64));
    }

    async fn a_small_picture_needs_no_other_sizes(db: TestDb) {
        let shop = Shop::new(db);
        let (_, picture) = shop.upload("mug.png", &encoded(&halves(300, 200), ImageFormat::Png)).await;
        assert!(shop.work().await.is_empty());
        assert_eq!(shop.stored().await.len(), 1);
        for variant in picture["variants"].as_array().unwrap() {
            let (_, headers, bytes) = shop.get(variant["url"].as_str().unwrap()).await;
            assert_eq!(webp(&bytes).dimensions(), (300, 200));
            assert_eq!(headers[header::CACHE_CONTROL], FOR_EVER);
        }
        let (_, details) = shop.ask(&format!("/images/{}", picture["id"].as_str().unwrap())).await;
        assert_eq!(details["sizes_ready"], true);
    }

    async fn what_is_lost_or_damaged_is_never_shown_broken(db: TestDb) {
        let shop = Shop::new(db);
        let file = encoded(&halves(900, 450), ImageFormat::Png);
        let (_, picture) = shop.upload("mug.png", &file).await;
        let id = picture["id"].as_str().unwrap();
        shop.work().await;
        // A size is lost: another stands in.
        shop.remove(&format!("{id}/w320.webp")).await;
        let (status, headers, bytes) = shop.get(&format!("/images/{id}/w320")).await;
        assert_eq!((status.as_u16(), webp(&bytes).width()), (200, 900));
        assert_eq!(headers[header::CACHE_CONTROL], FOR_NOW);
        // A size is damaged: the same.
        shop.put(&format!("{id}/w320.webp"), &bytes[..1000]).await;
        let (status, headers, bytes) = shop.get(&format!("/images/{id}/w320")).await;
        assert_eq!((status.as_u16(), webp(&bytes).width()), (200, 900));
        assert_eq!(headers[header::CACHE_CONTROL], FOR_NOW);
        shop.remove(&format!("{id}/w320.webp")).await;
        // The largest is lost as well.
        shop.remove(&format!("{id}/original.webp")).await;
        let (status, _, bytes) = shop.get(&format!("/images/{id}/original")).await;
        assert_eq!((status.as_u16(), webp(&bytes).width()), (200, 640));
        // A file is cut short, or is another: not shown, and above all not kept.
        let cut = [&bytes[..bytes.len() / 2], b"<html>Please log in to the network</html>"];
        for damaged in cut {
            shop.put(&format!("{id}/w640.webp"), damaged).await;
            let (status, headers, body) = shop.get(&format!("/images/{id}/w640")).await;
            assert_eq!(status, 503, "{body:?}");
            assert_ne!(headers.get(header::CACHE_CONTROL).map(|v| v.to_str().unwrap()), Some(FOR_EVER));
        }
        // The same upload mends it all, under the same id.
        let (status, again) = shop.upload("mug.png", &file).await;
        assert_eq!((status.as_u16(), &again), (201, &picture));
        shop.work().await;
        assert_eq!(shop.stored().await, ["original", "w320", "w640"].map(|name| format!("{id}/{name}.webp")));
        for variant in picture["variants"].as_array().unwrap() {
            let (status, headers, bytes) = shop.get(variant["url"].as_str().unwrap()).await;
            assert_eq!((status.as_u16(), &variant["width"]), (200, &json!(webp(&bytes).width())));
            assert_eq!(headers[header::CACHE_CONTROL], FOR_EVER);
        }
    }

    async fn a_picture_without_its_file_tells_the_staff(db: TestDb) {
        let shop = Shop::new(db);
        let (_, picture) = shop.upload("mug.png", &encoded(&halves(900, 450), ImageFormat::Png)).await;
        let id = picture["id"].as_str().unwrap();
        shop.remove(&format!("{id}/original.webp")).await;
        shop.work().await;
        let (status, ..) = shop.get(&format!("/images/{id}/w320")).await;
        assert_eq!(status, 404);
        // The next day's sweep asks again, in vain and without end of the world.
        shop.clock.advance(Duration::from_hours(48));
        shop.built.jobs.tick().await.unwrap();
        assert!(shop.work().await.contains(&"images.variants".to_owned()));
    }

    async fn the_sizes_may_be_made_twice(db: TestDb) {
        let shop = Shop::new(db);
        let (_, picture) = shop.upload("mug.png", &encoded(&halves(1600, 800), ImageFormat::Png)).await;
        let id = picture["id"].as_str().unwrap();
        // One worker takes the job and dies after it wrote the files; another makes it again.
        let job = shop.built.jobs.claim("one", 1, Duration::from_secs(1)).await.unwrap();
        shop.built.jobs.run(&job[0]).await;
        let (_, _, first) = shop.get(&format!("/images/{id}/w640")).await;
        shop.clock.advance(Duration::from_secs(5));
        shop.work().await;
        let (_, _, second) = shop.get(&format!("/images/{id}/w640")).await;
        assert_eq!(first, second);
    }

    async fn staff_see_all_pictures_the_latest_first(db: TestDb) {
        let shop = Shop::new(db);
        let mut ids = Vec::new();
        for width in [10, 20, 30] {
            let name = format!("C:\\pictures\\mug {width}.png");
            let (_, picture) = shop.upload(&name, &encoded(&halves(width, 10), ImageFormat::Png)).await;
            ids.insert(0, picture["id"].clone());
            shop.clock.advance(Duration::from_secs(1));
        }
        let (status, page) = shop.ask("/images?limit=2").await;
        assert_eq!(status, 200, "{page}");
        let (_, rest) = shop.ask(&format!("/images?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await;
        let of = |page: &serde_json::Value| -> Vec<_> {
            page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
        };
        assert_eq!([of(&page), of(&rest)].concat(), ids);
        assert_eq!(rest["next_cursor"], serde_json::Value::Null);
        let latest = &page["items"][0];
        assert_eq!(latest["file_name"], "mug 30.png");
        assert_eq!(latest["format"], "png");
        assert_eq!((&latest["width"], latest["variants"].as_array().unwrap().len()), (&json!(30), 4));
        assert!(latest["uploaded_bytes"].as_u64() > Some(50));
        for wrong in ["/images?limit=0", "/images?limit=101", "/images?cursor=x", "/images/none"] {
            assert_eq!(shop.ask(wrong).await.0, 400, "{wrong}");
        }
        for path in ["/images", "/audit/images", &format!("/images/{}", ids[0].as_str().unwrap())] {
            let (status, _) = json(shop.send(Request::get(path).body(Body::empty()).unwrap()).await).await;
            assert_eq!(status, 401, "{path}");
        }
    }

    async fn an_upload_is_in_the_log(db: TestDb) {
        let shop = Shop::new(db);
        let file = encoded(&halves(30, 20), ImageFormat::Png);
        let (_, picture) = shop.upload("mug.png", &file).await;
        shop.upload("mug.png", &file).await;
        shop.upload("none.png", b"none").await;
        let (status, page) = shop.ask("/audit/images").await;
        assert_eq!(status, 200, "{page}");
        let entries = page["items"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "what changed nothing is no change: {page}");
        assert_eq!(entries[0]["action"], "image.upload");
        assert_eq!(entries[0]["object_kind"], "image");
        assert_eq!(entries[0]["object_id"], picture["id"]);
        assert_eq!(entries[0]["object_title"], "mug.png");
        assert_eq!(entries[0]["change"], json!({ "width": 30, "height": 20, "format": "png" }));
        assert!(entries[0]["actor"].as_str().unwrap().starts_with("api-key:"));
    }
}
