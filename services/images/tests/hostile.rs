//! Uploads that mean no good, and uploads that went wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::time::Duration;

use axum::body::Body;
use common::{Shop, encoded, form, halves, png_chunk, webp};
use http::{Request, header};
use image::ImageFormat;
use techcommerce_images::{MAX_BYTES, MIGRATOR};
use tokio::time::Instant;

/// A PNG of this size that says nothing of its pixels.
fn hollow_png(width: u32, height: u32) -> Vec<u8> {
    let header = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[8, 6, 0, 0, 0],
    ]
    .concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png_chunk(b"IHDR", &header),
        png_chunk(b"IDAT", &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]),
        png_chunk(b"IEND", &[]),
    ]
    .concat()
}

/// A PNG with a further chunk behind its header.
fn with_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let png = encoded(&halves(20, 20), ImageFormat::Png);
    [&png[..33], &png_chunk(kind, data), &png[33..]].concat()
}

/// A zlib stream of 4 GB of zeros: a megabyte's worth of it, over and over.
fn bomb() -> Vec<u8> {
    let mut megabyte = Vec::with_capacity(16 * 1024);
    flate2::Compress::new(flate2::Compression::fast(), false)
        .compress_vec(
            &vec![0; 1024 * 1024],
            &mut megabyte,
            flate2::FlushCompress::Full,
        )
        .unwrap();
    [
        b"\x78\x9c".to_vec(),
        megabyte.repeat(4096),
        b"\x03\0\0\0\0\x01".to_vec(),
    ]
    .concat()
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn what_is_no_whole_picture_of_a_known_type_is_refused(db: TestDb) {
        let shop = Shop::new(db);
        let picture = halves(64, 64);
        let png = encoded(&picture, ImageFormat::Png);
        let jpeg = encoded(&picture, ImageFormat::Jpeg);
        let lossless = encoded(&picture, ImageFormat::WebP);
        let files: Vec<(&str, Vec<u8>, u16)> = vec![
            ("nothing", Vec::new(), 415),
            (
                "a page",
                b"<!doctype html><script>alert(1)</script>".to_vec(),
                415,
            ),
            (
                "SVG",
                b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec(),
                415,
            ),
            ("a GIF of nothing", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 400),
            ("BMP", [b"BM".to_vec(), vec![0; 100]].concat(), 415),
            ("half a PNG", png[..png.len() / 2].to_vec(), 400),
            ("the head of a PNG", png[..20].to_vec(), 400),
            ("half a JPEG", jpeg[..jpeg.len() / 2].to_vec(), 400),
            ("the head of a JPEG", jpeg[..4].to_vec(), 400),
            ("half a WebP", lossless[..lossless.len() / 2].to_vec(), 400),
            (
                "a JPEG's head on a PNG",
                [&jpeg[..4], &png[4..]].concat(),
                400,
            ),
            ("50000 × 50000 pixels", hollow_png(50_000, 50_000), 400),
            ("10000 × 5000 pixels", hollow_png(10_000, 5_000), 400),
            (
                "more pixels than fit in 32 bits",
                hollow_png(u32::MAX / 2, u32::MAX / 2),
                400,
            ),
            ("no pixels", hollow_png(0, 0), 400),
            ("pixels that are missing", hollow_png(6000, 6000), 400),
        ];
        for (what, file, expected) in files {
            let started = Instant::now();
            let (status, problem) = shop.upload("mug.png", &file).await;
            assert_eq!(status, expected, "{what}: {problem}");
            assert_eq!(problem["code"], "image_refused", "{what}");
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{what} took {:?}",
                started.elapsed()
            );
        }
        assert!(shop.stored().await.is_empty());
        assert_eq!(shop.incoming(), 0);
    }

    async fn what_hides_behind_a_picture_does_not_come_out(db: TestDb) {
        let shop = Shop::new(db);
        let secret = b"<script>alert(document.cookie)</script>";
        let png = encoded(&halves(40, 40), ImageFormat::Png);
        let files = [
            [png.as_slice(), secret].concat(),
            with_chunk(b"tEXt", &[b"Comment\0".as_slice(), secret].concat()),
            with_chunk(
                b"eXIf",
                &[b"MM\0\x2a\0\0\0\x08\0\0".as_slice(), secret].concat(),
            ),
        ];
        for file in files {
            let (status, picture) = shop.upload("page.html", &file).await;
            assert_eq!(status, 201, "{picture}");
            for variant in picture["variants"].as_array().unwrap() {
                let (_, headers, bytes) = shop.get(variant["url"].as_str().unwrap()).await;
                assert_eq!(headers[header::CONTENT_TYPE], "image/webp");
                assert!(!bytes.windows(secret.len()).any(|window| window == secret));
                webp(&bytes);
            }
        }
    }

    async fn huge_metadata_costs_nothing(db: TestDb) {
        let shop = Shop::new(db);
        let megabytes = vec![b'a'; 15 * 1024 * 1024];
        let text = with_chunk(b"tEXt", &[b"Comment\0".as_slice(), &megabytes].concat());
        let bomb = bomb();
        let profile = with_chunk(b"iCCP", &[b"p\0\0".as_slice(), &bomb].concat());
        let packed = with_chunk(b"zTXt", &[b"Comment\0\0".as_slice(), &bomb].concat());
        for file in [text, profile, packed] {
            let started = Instant::now();
            let (status, answer) = shop.upload("mug.png", &file).await;
            assert!(status == 201 || status == 400, "{status} {answer}");
            assert!(started.elapsed() < Duration::from_secs(30));
        }
    }

    async fn more_than_twenty_megabytes_are_refused_as_they_come(db: TestDb) {
        let shop = Shop::new(db);
        let file = vec![0; usize::try_from(MAX_BYTES).unwrap() + 1];
        let (status, problem) = shop.upload("mug.png", &file).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (413, &"image_refused".into()),
            "{problem}"
        );

        // A form whose other fields are huge.
        let padding = vec![b'a'; usize::try_from(MAX_BYTES).unwrap() + 200_000];
        let head = format!(
            "--{}\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\n",
            common::BOUNDARY
        );
        let form = [head.as_bytes(), &padding, b"\r\n", &form("mug.png", b"x")].concat();
        let (status, problem) = shop.upload_as(Some(shop.staff()), form).await;
        assert_eq!(status, 413, "{problem}");

        // And from one of our own services.
        let request = Request::post("/internal/images")
            .header("x-techcommerce-token", shop.service())
            .body(Body::from(vec![0; usize::try_from(MAX_BYTES).unwrap() + 1]))
            .unwrap();
        assert_eq!(shop.send(request).await.status(), 413);
        assert_eq!(shop.incoming(), 0);
    }

    async fn a_form_that_is_none_is_told_so(db: TestDb) {
        let shop = Shop::new(db);
        let no_file = format!(
            "--{0}\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n1\r\n--{0}--\r\n",
            common::BOUNDARY
        );
        let (status, problem) = shop.upload_as(Some(shop.staff()), no_file.into()).await;
        assert_eq!(
            (status.as_u16(), &problem["errors"][0]["path"]),
            (400, &"file".into()),
            "{problem}"
        );

        let whole = form("mug.png", &encoded(&halves(20, 20), ImageFormat::Png));
        let (status, problem) = shop
            .upload_as(Some(shop.staff()), whole[..whole.len() - 60].to_vec())
            .await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (400, &"invalid_form".into()),
            "{problem}"
        );

        let request = Request::post("/images/upload")
            .header("x-techcommerce-token", shop.staff())
            .header(header::CONTENT_TYPE, "image/png")
            .body(Body::from("png"))
            .unwrap();
        assert_eq!(shop.send(request).await.status(), 415);
        assert_eq!(shop.incoming(), 0);
    }
}
