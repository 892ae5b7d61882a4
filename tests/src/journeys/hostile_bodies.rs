//! Bodies that are made to do harm: far too long, far too slow, packed, with far too many lines,
//! pictures that unpack to far too much. Each gets a clear refusal, and costs nobody else anything.
//!
//! On one engine: a database sees none of it.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use flate2::{Compression, write::ZlibEncoder};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::pictures::FORM;
use crate::shop::{Engine, Shop};
use crate::shopper::{cart_with, eventually, put_line};
use crate::staff::{Stock, product};

const HUNDRED_MEGABYTES: u64 = 100 * 1024 * 1024;
/// A process that hangs is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// Sends a head, and then pieces until all are sent or nobody reads them any more; gives the
/// status and the body of the answer, that may come long before.
async fn send(
    address: SocketAddr,
    head: &str,
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
) -> Result<(u16, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut reading, mut writing) = stream.into_split();
    writing.write_all(head.as_bytes()).await?;
    let sending = tokio::spawn(async move {
        for piece in pieces {
            if writing.write_all(&piece).await.is_err() {
                break;
            }
        }
        // Open for as long as somebody may answer.
        writing
    });
    let mut answer = Vec::new();
    let whole = async {
        let mut buffer = [0; 16 * 1024];
        loop {
            // Hung up on: what came before is the answer.
            let read = reading.read(&mut buffer).await.unwrap_or(0);
            answer.extend_from_slice(&buffer[..read]);
            if read == 0 || is_whole(&answer) {
                break;
            }
        }
    };
    timeout(PATIENCE, whole).await.context("no answer")?;
    sending.abort();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let shown = || format!("no answer to {head}: {text:?}");
    Ok((status.with_context(shown)?, body.to_owned()))
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
    length.is_none_or(|length| body.len() >= length)
}

fn is_problem(what: &str, expected: u16, (status, body): &(u16, String)) -> Result<()> {
    ensure!(*status == expected, "{what}: {status} {body}");
    let problem: Value = serde_json::from_str(body).with_context(|| format!("{what}: {body}"))?;
    ensure!(problem["code"].is_string(), "{what}: {problem}");
    Ok(())
}

fn resident(shop: &Shop) -> Result<u64> {
    let id = shop.processes.id("shop").context("a process")?;
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
    kilobytes
        .map(|kilobytes: u64| kilobytes * 1024)
        .context("VmRSS")
}

/// A hundred megabytes to every door that takes a body, said beforehand and not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let token = shop.admin_token().await?;
    let address = shop.setup.address();
    let before = resident(&shop)?;
    let piece = Bytes::from(vec![b' '; 256 * 1024]);
    let count = usize::try_from(HUNDRED_MEGABYTES)? / piece.len();
    for (path, kind) in [
        ("/api/auth/login", "application/json"),
        ("/api/auth/register", "application/json"),
        ("/api/orders", "application/json"),
        ("/api/products", "application/json"),
        ("/api/images/upload", FORM),
        ("/language", "application/x-www-form-urlencoded"),
    ] {
        let head = |length: &str| {
            format!(
                "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
                 origin: http://{address}\r\nidempotency-key: much\r\ncontent-type: {kind}\r\n{length}\r\n\r\n"
            )
        };
        let said = head(&format!("content-length: {HUNDRED_MEGABYTES}"));
        let answer = send(address, &said, vec![piece.clone(); count].into_iter()).await?;
        ensure!((400..500).contains(&answer.0), "{path}: {answer:?}");
        if path.starts_with("/api/") {
            is_problem(path, 413, &answer)?;
        }
        let chunk = {
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(&piece);
            chunk.extend_from_slice(b"\r\n");
            Bytes::from(chunk)
        };
        let unsaid = head("transfer-encoding: chunked");
        let chunks = std::iter::repeat_n(chunk, count).chain([Bytes::from("0\r\n\r\n")]);
        let answer = send(address, &unsaid, chunks.collect::<Vec<_>>().into_iter()).await?;
        ensure!(
            (400..500).contains(&answer.0),
            "{path}, chunked: {answer:?}"
        );
        if path.starts_with("/api/") {
            is_problem(path, 413, &answer)?;
        }
    }
    let grown = resident(&shop)?.saturating_sub(before);
    ensure!(
        grown < HUNDRED_MEGABYTES,
        "the shop has grown by {grown} bytes"
    );
    shop.client().get("/api/products").expect(200).await?;
    Ok(())
}

/// Whoever sends half a body and then nothing is told so, and holds up nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_never_end() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let address = shop.setup.address();
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n{{\"email\":"
    );
    // More than may be under way at once.
    const SLOW: u32 = 600;
    let begun = Arc::new(Semaphore::new(0));
    let slow = (0..SLOW).map(|_| {
        let begun = Arc::clone(&begun);
        let nothing = std::iter::from_fn(move || {
            begun.add_permits(1);
            None
        });
        send(address, &head, nothing)
    });
    let slow = try_join_all(slow);
    let others = async {
        let _all = begun.acquire_many(SLOW).await?;
        let client = shop.client();
        for _ in 0..20 {
            client.get("/api/products").expect(200).await?;
            client.post("/api/carts").expect(201).await?;
        }
        anyhow::Ok(())
    };
    let (slow, others) = tokio::join!(slow, others);
    others?;
    for answer in slow? {
        is_problem("half a body", 400, &answer)?;
    }
    Ok(())
}

/// Nothing here unpacks a body, and whoever packs one is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_bodies() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let staff = shop.admin().await?;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        packed.write_all(&[b' '; 1024 * 1024])?;
    }
    let bomb = Bytes::from(packed.finish()?);
    ensure!(bomb.len() < 100_000, "64 MB in {} bytes", bomb.len());
    for (path, kind) in [
        ("/api/products", "application/json"),
        ("/api/products/import", "text/csv"),
        ("/api/images/upload", FORM),
    ] {
        for encoding in ["gzip", "deflate", "br", "gzip, gzip"] {
            let request = staff.post(path).header("content-encoding", encoding);
            let answer = request.body(kind, bomb.clone()).send().await?;
            assert_eq!(answer.header("accept-encoding"), Some("identity"), "{path}");
            assert_eq!(answer.problem(415)?, "unsupported_media_type", "{path}");
        }
        // As it is, it is no catalogue and no form.
        let answer = staff.post(path).body(kind, bomb.clone()).send().await?;
        ensure!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    Ok(())
}

/// A small file that says it is a wall of pixels, or carries a book beside its one pixel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_that_unpack() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let staff = shop.admin().await?;
    let before = resident(&shop)?;
    let wall = png(60_000, 60_000, None)?;
    let book = png(1, 1, Some(96 << 20))?;
    ensure!(wall.len() < 100_000 && book.len() < 500_000);
    for (what, file) in [("a wall", wall), ("a book", book)] {
        let answer = staff
            .post("/api/images/upload")
            .body(FORM, form(&file))
            .send()
            .await?;
        // A pixel is a picture; what lies beside it is not read.
        let taken = what == "a book" && answer.status == 201;
        ensure!(
            taken || (400..500).contains(&answer.status),
            "{what}: {}",
            answer.status
        );
    }
    let grown = resident(&shop)?.saturating_sub(before);
    ensure!(grown < 160 << 20, "the shop has grown by {grown} bytes");
    Ok(())
}

fn form(file: &[u8]) -> Bytes {
    let mut form =
        b"--between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
            .to_vec();
    form.extend_from_slice(file);
    form.extend_from_slice(b"\r\n--between--\r\n");
    form.into()
}

/// A PNG of one grey, with so many bytes of text beside it. (The specification's chunks,
/// <https://www.w3.org/TR/png-3/>.)
fn png(width: u32, height: u32, text: Option<usize>) -> Result<Vec<u8>> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| -> Result<()> {
        file.extend(u32::try_from(data.len())?.to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(data);
        file.extend_from_slice(kind);
        file.extend_from_slice(data);
        file.extend(sum.sum().to_be_bytes());
        Ok(())
    };
    let mut head = Vec::new();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    // One bit a pixel, grey.
    head.extend([1, 0, 0, 0, 0]);
    chunk(b"IHDR", &head)?;
    if let Some(length) = text {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&vec![b'a'; length])?;
        let mut text = b"Comment\0\0".to_vec();
        text.extend(packed.finish()?);
        chunk(b"zTXt", &text)?;
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let row = vec![0; 1 + width.div_ceil(8) as usize];
    // A wall is only begun: nobody is to read so far.
    for _ in 0..height.min(1_000) {
        packed.write_all(&row)?;
    }
    chunk(b"IDAT", &packed.finish()?)?;
    chunk(b"IEND", &[])?;
    Ok(file)
}

/// Ten thousand lines for one cart, in one order, in one shipment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_lines() -> Result<()> {
    const LINES: usize = 10_000;
    let shop = Shop::start(Engine::Sqlite).await?;
    let staff = shop.admin().await?;
    let client = shop.client();
    let mut csv = String::from("Handle,Title,Variant Price,Variant SKU,Published,Status\n");
    for number in 0..LINES {
        csv.push_str(&format!(
            "thing-{number},Thing {number},1.00,T{number},TRUE,active\n"
        ));
    }
    let import = staff
        .post("/api/products/import")
        .body("text/csv", csv)
        .send()
        .await?;
    ensure!(import.status < 300, "{}", import.text());
    let variants = eventually("all are there", async || {
        let page: Value = client.get("/api/products?limit=100").value(200).await?;
        let items = page["items"].as_array().context("items")?;
        let ids = items
            .iter()
            .filter_map(|item| item["variants"][0]["id"].as_str());
        let ids: Vec<String> = ids.map(str::to_owned).collect();
        Ok((ids.len() == 100).then_some(ids))
    })
    .await?;
    // Every line is a request; the hundred and first is refused, and so is every one after it.
    let all: Vec<(&str, i64)> = variants.iter().map(|id| (id.as_str(), 1)).collect();
    let cart = cart_with(&client, &all).await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    for _ in 0..3 {
        let refused = put_line(&client, &cart, &lamp.variant_id, 1).await?;
        assert_eq!(refused.problem(409)?, "cart_too_large");
    }
    let whole: Value = client.get(&format!("/api/carts/{cart}")).value(200).await?;
    assert_eq!(whole["lines"].as_array().map(Vec::len), Some(100));

    // Where a request names lines itself, so many are refused whole.
    let small = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let body = crate::shopper::checkout(&small, crate::shopper::card(None));
    let order = crate::shopper::place(&client, "lines", &body).await?;
    let line = json!({"line_id": lamp.product_id, "quantity": 1});
    let body = json!({"lines": vec![line; LINES], "carrier": "x", "tracking_number": "y"});
    let path = format!("/api/orders/{}/shipments", order.id);
    let answer = staff.post(&path).json(&body).send().await?;
    ensure!(matches!(answer.status, 400 | 413), "{}", answer.text());
    let ids = vec![lamp.product_id.clone(); LINES];
    let body = json!({"ids": ids, "action": {"kind": "set_status", "status": "draft"}});
    let answer = staff.post("/api/products/bulk").json(&body).send().await?;
    ensure!((400..500).contains(&answer.status), "{}", answer.text());
    Ok(())
}

/// JSON that is deep instead of long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_json() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let staff = shop.admin().await?;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(30_000), close.repeat(30_000));
        for path in ["/api/products", "/api/auth/login", "/api/orders"] {
            let request = staff.post(path).header("idempotency-key", "deep");
            let answer = request
                .body("application/json", deep.clone())
                .send()
                .await?;
            ensure!(
                matches!(answer.status, 400 | 413),
                "{path}: {}",
                answer.status
            );
        }
    }
    shop.client().get("/api/products").expect(200).await?;
    Ok(())
}
