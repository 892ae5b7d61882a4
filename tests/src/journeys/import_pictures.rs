//! Pictures come from where an imported file says that they lie.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::shop::{Engine, Setup};
use crate::shopper::eventually;
use crate::staff::text;

const PICTURE: &[u8] = include_bytes!("../../fixtures/picture.png");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_come_in_on_sqlite() -> Result<()> {
    pictures_come_in(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_come_in_on_postgres() -> Result<()> {
    pictures_come_in(Engine::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_come_in_split() -> Result<()> {
    pictures_come_in(Engine::Split).await
}

async fn pictures_come_in(engine: Engine) -> Result<()> {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await?;
    let address = elsewhere.local_addr()?;
    tokio::spawn(serve(elsewhere));
    // Another address inside, which nobody allowed.
    let inside = TcpListener::bind("127.0.0.1:0").await?;
    let inside_address = inside.local_addr()?;
    let setup = Setup::new(engine).await;
    let setup = setup.set(
        "TECHCOMMERCE_IMPORTS_PICTURE_HOSTS_ALLOWED",
        &address.to_string(),
    );
    let shop = setup.start().await?;
    let staff = shop.admin().await?;
    let file = format!(
        "Handle,Title,Variant Price,Image Src,Image Alt Text\n\
         mug,Mug,10,http://{address}/mug.png,A mug\n\
         cup,Cup,10,http://{inside_address}/cup.png,\n\
         jug,Jug,10,http://{address}/gone.png,\n"
    );
    let report: Value = staff
        .post("/api/products/import")
        .body("text/csv", file)
        .value(200)
        .await?;
    let run = format!("/api/products/imports/{}", text(&report, "/id")?);
    let run: Value = eventually("the pictures", async || {
        let run: Value = staff.get(&run).value(200).await?;
        Ok((run["pictures"]["waiting"] == 0).then_some(run))
    })
    .await?;
    assert_eq!(
        (&run["pictures"]["fetched"], &run["pictures"]["failed"]),
        (&json!(1), &json!(2)),
        "{run}"
    );
    let reasons = run["pictures"]["errors"].to_string();
    ensure!(
        reasons.contains("404") && reasons.contains(&format!("port {}", inside_address.port())),
        "{reasons}"
    );

    let client = shop.client();
    let mug: Value = eventually("the mug's picture", async || {
        let mug: Value = client.get("/api/products/mug").value(200).await?;
        Ok((!mug["images"][0]["id"].is_null()).then_some(mug))
    })
    .await?;
    assert_eq!(mug["images"][0]["alt"], "A mug");
    let picture = shop
        .plain_client()
        .get(&text(&mug, "/images/0/url")?)
        .expect(200)
        .await?;
    ensure!(!picture.body.is_empty());
    // A product whose picture is not to be had is sold all the same.
    let cup: Value = client.get("/api/products/cup").value(200).await?;
    assert_eq!(cup["images"][0]["id"], Value::Null);
    Ok(())
}

/// A web server with one picture.
async fn serve(listener: TcpListener) -> Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await?;
            let there = request[..read].starts_with(b"GET /mug.png ");
            let (status, body) = if there {
                ("200 OK", PICTURE)
            } else {
                ("404 Not Found", &b""[..])
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: image/png\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body).await?;
            stream.shutdown().await?;
            anyhow::Ok(())
        });
    }
}
