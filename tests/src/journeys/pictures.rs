//! Pictures from the upload to all their sizes, in a folder and in an S3 store.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::Value;
use techcommerce_testkit::{Client, TestS3};

use crate::shop::{Engine, Setup, Shop, on_all};
use crate::shopper::eventually;
use crate::staff::text;

on_all!(an_upload_gets_its_sizes);

pub const FORM: &str = "multipart/form-data; boundary=between";

/// What staff can ask of pictures, for the tour.
pub async fn asked_by_staff(staff: &Client) -> Result<()> {
    let page: Value = staff.get("/api/images?limit=1").value(200).await?;
    let id = text(&page["items"][0], "/id")?;
    staff.get(&format!("/api/images/{id}")).expect(200).await?;
    staff.get("/api/audit/images").expect(200).await?;
    Ok(())
}

/// 1600 × 800 pixels as a form.
pub fn wide() -> Result<Bytes> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wide.png");
    Ok(form("wide.png", "image/png", &std::fs::read(file)?))
}

/// A file as the only field of a form.
pub fn form(name: &str, kind: &str, file: &[u8]) -> Bytes {
    let head = format!(
        "--between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--between--\r\n"]
        .concat()
        .into()
}

/// All addresses of an upload work at once, and stay for ever when the worker has been there.
async fn an_upload_gets_its_sizes(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let path = "/api/images/upload";
    let uploaded: Value = staff.post(path).body(FORM, wide()?).value(201).await?;
    let id = text(&uploaded, "/id")?;
    let variants = uploaded["variants"].as_array().context("sizes")?;
    for variant in variants {
        let picture = client.get(&text(variant, "/url")?).expect(200).await?;
        assert_eq!(picture.header("content-type"), Some("image/webp"));
        assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));
    }
    for variant in variants {
        let url = text(variant, "/url")?;
        eventually("the worker makes all sizes", async || {
            let picture = client.get(&url).send().await?;
            ensure!(picture.status == 200, "{url}: {}", picture.status);
            let keep = picture.header("cache-control").unwrap_or_default();
            Ok(keep.contains("immutable").then_some(()))
        })
        .await?;
    }
    eventually("staff see that all sizes are there", async || {
        let details: Value = staff.get(&format!("/api/images/{id}")).value(200).await?;
        assert_eq!(details["file_name"], "wide.png");
        Ok((details["sizes_ready"] == true).then_some(()))
    })
    .await?;
    let page: Value = staff.get("/api/images").value(200).await?;
    assert_eq!(page["items"][0]["id"], uploaded["id"]);
    let log: Value = staff.get("/api/audit/images").value(200).await?;
    assert_eq!(log["items"][0]["action"], "image.upload");
    assert_eq!(log["items"][0]["object_id"], uploaded["id"]);
    for path in [
        "/api/images",
        "/api/audit/images",
        &format!("/api/images/{id}"),
    ] {
        let refused = client.get(path).send().await?;
        assert_eq!(refused.problem(401)?, "unauthenticated");
    }
    Ok(())
}

/// A shop whose pictures are in an S3 store.
async fn with_s3(engine: Engine, place: &TestS3) -> Result<Shop> {
    let setup = Setup::new(engine).await;
    std::fs::create_dir_all(setup.data())?;
    let secret = setup.data().join("s3-secret");
    std::fs::write(&secret, format!("{}\n", place.secret_key))?;
    let store = format!("s3://{}/{}", place.bucket, place.prefix);
    setup
        .set("TECHCOMMERCE_IMAGES_STORE", &store)
        .set("TECHCOMMERCE_IMAGES_S3_ENDPOINT", &place.endpoint)
        .set("TECHCOMMERCE_IMAGES_S3_ACCESS_KEY", &place.access_key)
        .set(
            "TECHCOMMERCE_IMAGES_S3_SECRET_KEY_FILE",
            &secret.display().to_string(),
        )
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_s3_store() -> Result<()> {
    let place = TestS3::new();
    let shop = with_s3(Engine::Postgres, &place).await?;
    let doctor = shop.run(&["doctor"]).await?;
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    ensure!(doctor.status.success(), "{said}");
    let folder = shop.setup.data().join("images");
    an_upload_gets_its_sizes(shop).await?;
    ensure!(!folder.exists(), "nothing is kept in the data folder");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_s3_store_split() -> Result<()> {
    an_upload_gets_its_sizes(with_s3(Engine::Split, &TestS3::new()).await?).await
}

/// A store that is away takes uploads and uploaded pictures with it, clearly, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_s3_store_that_is_away() -> Result<()> {
    let mut place = TestS3::own();
    let shop = with_s3(Engine::Split, &place).await?;
    let staff = shop.admin().await?;
    let path = "/api/images/upload";
    let uploaded: Value = staff.post(path).body(FORM, wide()?).value(201).await?;
    place.stop();
    let client = shop.client();
    let url = text(&uploaded, "/url")?;
    let picture = client.get(&url).send().await?;
    assert_eq!(picture.problem(503)?, "unavailable");
    let refused = staff.post(path).body(FORM, wide()?).send().await?;
    assert_eq!(refused.problem(503)?, "unavailable");
    client.get("/api/products").expect(200).await?;
    client.get("/api/categories").expect(200).await?;
    Ok(())
}
