//! Uploads whose form is odd, slow or hostile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::time::Duration;

use axum::body::{Body, Bytes};
use common::{BOUNDARY, Shop, encoded, form, halves, json};
use futures_util::{StreamExt, stream};
use http::{Request, header};
use image::ImageFormat;
use techcommerce_images::{MAX_BYTES, MIGRATOR};

fn picture() -> Vec<u8> {
    encoded(&halves(20, 20), ImageFormat::Png)
}

/// A part of a form with these lines of headers.
fn part(headers: &str, content: &[u8]) -> Vec<u8> {
    [
        format!("--{BOUNDARY}\r\n{headers}\r\n\r\n").as_bytes(),
        content,
        b"\r\n",
    ]
    .concat()
}

fn end() -> Vec<u8> {
    format!("--{BOUNDARY}--\r\n").into_bytes()
}

const FILE: &str = "content-disposition: form-data; name=\"file\"; filename=\"mug.png\"";

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn odd_forms_are_told_what_is_wrong(db: TestDb) {
        let shop = Shop::new(db);
        let picture = picture();
        let whole = form("mug.png", &picture);
        let note = part("content-disposition: form-data; name=\"note\"", b"1");
        let huge = format!("{FILE}\r\nx-padding: {}", "a".repeat(2_000_000));
        let many: Vec<u8> = (0..20_000).flat_map(|n| part(&format!("content-disposition: form-data; name=\"n{n}\""), b"")).collect();
        let forms: Vec<(&str, Vec<u8>, u16)> = vec![
            ("no file", [note.clone(), end()].concat(), 400),
            ("nothing", Vec::new(), 400),
            ("only an end", end(), 400),
            ("two files", [part(FILE, &picture), part(FILE, &picture), end()].concat(), 400),
            ("a file under another name", [part("content-disposition: form-data; name=\"picture\"", &picture), end()].concat(), 400),
            ("a part without a name", [part("content-type: image/png", &picture), end()].concat(), 400),
            ("huge headers", [part(&huge, &picture), end()].concat(), 201),
            ("headers that are none", [part("\u{0}\u{1}", &picture), end()].concat(), 400),
            ("cut off", whole[..whole.len() - 60].to_vec(), 400),
            ("another boundary", String::from_utf8_lossy(&whole).replace(BOUNDARY, "other").into_bytes(), 400),
            ("an empty file", [part(FILE, b""), end()].concat(), 415),
            ("many empty parts", [many, end()].concat(), 400),
            ("a preamble", [b"hello\r\n".to_vec(), part(FILE, &picture), end()].concat(), 201),
            ("a name with folders", [part("content-disposition: form-data; name=\"file\"; filename=\"../../x\"", &picture), end()].concat(), 201),
            ("a note before and behind", [note.clone(), part(FILE, &picture), note, end()].concat(), 201),
        ];
        for (what, form, expected) in forms {
            let (status, answer) = shop.upload_as(Some(shop.staff()), form).await;
            assert_eq!(status, expected, "{what}: {answer}");
            if expected == 400 {
                assert!(["invalid_form", "invalid_input"].contains(&answer["code"].as_str().unwrap()), "{what}: {answer}");
            }
        }
        for kind in ["image/png", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x", "text/html"] {
            let request = Request::post("/images/upload")
                .header("x-techcommerce-token", shop.staff())
                .header(header::CONTENT_TYPE, kind)
                .body(Body::from(picture.clone()))
                .unwrap();
            let (status, answer) = json(shop.send(request).await).await;
            assert!([400, 415].contains(&status.as_u16()), "{kind}: {status} {answer}");
        }
        assert_eq!(shop.stored().await.len(), 1);
        assert_eq!(shop.counted("known") + shop.counted("stored"), 4);
        assert!(shop.counted("refused_form") > 8);
    }

    async fn a_body_that_is_too_large_is_not_read_to_its_end(db: TestDb) {
        let shop = Shop::new(db);
        // It would never end.
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1024 * 1024])));
        let head = stream::iter([Ok(Bytes::from(format!("--{BOUNDARY}\r\n{FILE}\r\n\r\n")))]);
        let request = Request::post("/images/upload")
            .header("x-techcommerce-token", shop.staff())
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(Body::from_stream(head.chain(endless.clone())))
            .unwrap();
        let (status, problem) = json(shop.send(request).await).await;
        assert_eq!((status.as_u16(), &problem["code"]), (413, &"image_refused".into()), "{problem}");
        let request = Request::post("/internal/images")
            .header("x-techcommerce-token", shop.service())
            .body(Body::from_stream(endless))
            .unwrap();
        assert_eq!(shop.send(request).await.status(), 413);
        assert_eq!(shop.counted("refused_bytes"), 2);
        assert_eq!(shop.incoming(), 0);
        assert_eq!(MAX_BYTES, 20 * 1024 * 1024, "as the documents say");
    }

    async fn who_hangs_up_leaves_nothing(db: TestDb) {
        let shop = Shop::new(db);
        let half = form("mug.png", &picture())[..200].to_vec();
        let broken = stream::iter([Ok(Bytes::from(half)), Err(std::io::Error::other("gone"))]);
        let request = Request::post("/images/upload")
            .header("x-techcommerce-token", shop.staff())
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(Body::from_stream(broken))
            .unwrap();
        let (status, _) = json(shop.send(request).await).await;
        assert_eq!(status, 400);
        assert_eq!(shop.incoming(), 0);
        assert!(shop.stored().await.is_empty());
    }
}

/// Time stands still but for what is waited for.
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let db =
        techcommerce_testkit::TestDb::new(techcommerce_testkit::Dialect::Sqlite, &MIGRATOR).await;
    let shop = Shop::new(db);
    let half = form("mug.png", &picture())[..200].to_vec();
    let stalled =
        stream::iter([Ok::<_, std::io::Error>(Bytes::from(half))]).chain(stream::pending());
    let request = Request::post("/images/upload")
        .header("x-techcommerce-token", shop.staff())
        .header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={BOUNDARY}"),
        )
        .body(Body::from_stream(stalled))
        .unwrap();
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let answer = shop.send(request).await;
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert!(started.elapsed() < Duration::from_secs(121));
    assert_eq!(shop.incoming(), 0);
}
