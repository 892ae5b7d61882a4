//! Real pictures of every kind that shops have, and odd ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use common::{Shop, encoded, halves, png_chunk, webp};
use http::header;
use image::{DynamicImage, GenericImageView, ImageFormat, RgbImage};
use techcommerce_images::MIGRATOR;

macro_rules! file {
    ($name:literal) => {
        ($name, include_bytes!(concat!("files/", $name)).as_slice())
    };
}

/// 96 × 64 pixels, the left half red and the right half blue. The moving ones turn green.
const HALVES: [(&str, &[u8]); 11] = [
    file!("cmyk.jpg"),
    file!("deep.png"),
    file!("lossless.webp"),
    file!("moving.gif"),
    file!("moving.png"),
    file!("moving.webp"),
    file!("palette.png"),
    file!("progressive.jpg"),
    file!("secrets.jpg"),
    file!("secrets.png"),
    file!("secrets.webp"),
];

/// A PNG with many small chunks in place of its one of pixels, and many that say nothing.
fn crumbs() -> Vec<u8> {
    let png = encoded(&halves(600, 600), ImageFormat::Png);
    let mut crumbs = png[..33].to_vec();
    for _ in 0..20_000 {
        crumbs.extend(png_chunk(b"teSt", b""));
    }
    let mut at = 33;
    while at < png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let (kind, data) = (&png[at + 4..at + 8], &png[at + 8..at + 8 + length]);
        if kind == b"IDAT" {
            for byte in data.chunks(1) {
                crumbs.extend(png_chunk(b"IDAT", byte));
            }
        } else {
            crumbs.extend(png_chunk(kind.try_into().unwrap(), data));
        }
        at += 12 + length;
    }
    crumbs
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn all_kinds_of_pictures_are_taken(db: TestDb) {
        let shop = Shop::new(db);
        for (name, file) in HALVES {
            let (status, picture) = shop.upload(name, file).await;
            assert_eq!(status, 201, "{name}: {picture}");
            let (_, headers, bytes) = shop.get(picture["url"].as_str().unwrap()).await;
            assert_eq!(headers[header::CONTENT_TYPE], "image/webp");
            assert!(!bytes.windows(6).any(|w| w == b"SECRET"), "{name} tells");
            for chunk in [b"EXIF", b"XMP ", b"ICCP", b"ANIM"] {
                assert!(!bytes.windows(4).any(|w| w == chunk), "{name} has {chunk:?}");
            }
            let shown = webp(&bytes);
            assert_eq!(shown.dimensions(), (96, 64), "{name}");
            let (left, right) = (shown.get_pixel(20, 30), shown.get_pixel(75, 30));
            // What is see-through has no colour that matters.
            assert!(left[3] == 0 || left[0] > 150 && left[2] < 100, "{name}: {left:?}");
            assert!(right[3] == 0 || right[2] > 150 && right[0] < 100, "{name}: {right:?}");
        }
        let (_, page) = shop.ask("/images?limit=100").await;
        let formats = page["items"].as_array().unwrap().iter().map(|item| item["format"].as_str().unwrap());
        let mut formats: Vec<_> = formats.collect();
        formats.sort_unstable();
        formats.dedup();
        assert_eq!(formats, ["gif", "jpeg", "png", "webp"]);
    }

    async fn odd_shapes_are_taken_too(db: TestDb) {
        let shop = Shop::new(db);
        let gray = include_bytes!("files/gray.jpg").to_vec();
        let plain = |width, height| encoded(&DynamicImage::from(RgbImage::new(width, height)), ImageFormat::Png);
        let jpeg = |width, height| encoded(&DynamicImage::from(RgbImage::new(width, height)), ImageFormat::Jpeg);
        let bits = encoded(&DynamicImage::new_luma16(7, 9), ImageFormat::Png);
        for (what, file, size) in [
            ("gray", gray, (96, 64)),
            ("16 bits of gray", bits, (7, 9)),
            ("one pixel", plain(1, 1), (1, 1)),
            ("a line across", plain(70_000, 1), (2560, 1)),
            ("a line down", plain(1, 70_000), (1, 5120)),
            ("as wide as a JPEG can be", jpeg(65_535, 30), (2560, 1)),
            ("40000 chunks", crumbs(), (600, 600)),
        ] {
            let (status, picture) = shop.upload("mug.png", &file).await;
            assert_eq!(status, 201, "{what}: {picture}");
            assert_eq!((&picture["width"], &picture["height"]), (&size.0.into(), &size.1.into()), "{what}");
            shop.work().await;
            for variant in picture["variants"].as_array().unwrap() {
                let (_, _, bytes) = shop.get(variant["url"].as_str().unwrap()).await;
                let shown = webp(&bytes);
                assert_eq!((&variant["width"], &variant["height"]), (&shown.width().into(), &shown.height().into()), "{what}");
            }
        }
    }
}
