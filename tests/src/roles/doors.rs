//! What services say to each other cannot be reached from outside, however it is written.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use techcommerce_testkit::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::credentials::{INNER, Key, admin, forgeries, service};
use super::things::NOTHING;
use crate::shop::{Engine, Shop, on_all};

/// Every inner address that a `.route("/internal/…` in the services' sources names.
fn inner_addresses() -> Result<BTreeSet<String>> {
    fn read(folder: &Path, into: &mut BTreeSet<String>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                read(&path, into)?;
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path)?;
                let named = text
                    .split('"')
                    .filter(|text| text.starts_with("/internal/"));
                let plain = named.filter(|text| !text.contains(char::is_whitespace));
                into.extend(plain.map(str::to_owned));
            }
        }
        Ok(())
    }
    let mut found = BTreeSet::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services");
    read(&sources, &mut found)?;
    Ok(found)
}

/// Ways of writing an inner address that somebody on the way could take for it.
fn spellings(inner: &str) -> Vec<String> {
    let rest = inner.trim_start_matches('/');
    let upper = rest.replace("internal", "INTERNAL");
    let encoded = rest.replacen('i', "%69", 1);
    let mut all: Vec<String> = [
        "/",
        "//",
        "/./",
        "/api/",
        "/api//",
        "/api/./",
        "/API/",
        "/api/api/",
        "/api/auth/../",
        "/api/auth/..%2f",
        "/api/auth/%2e%2e/",
        "/api/auth/%2E%2E%2F",
        "/api/auth/.%2e/",
        "/api/auth/..;/",
        "/api/auth/%252e%252e/",
        "/api/auth/..%5c",
        "/api/auth/..\\",
        "/api/auth/../../",
        "/api/auth/",
        "/api/auth//",
        "/api/auth/%2f",
        "/api/products/../",
        "/api/orders/../../",
        "/api/%2e%2e/",
        "/api%2f",
        "/api/..%2f",
        "/images/../",
        "/images/%2e%2e/",
        "/images/..%2f",
        "/images//",
        "/api/images/../",
        "/api/images/..%2f",
        "/api/images/%2e%2e%2f",
        "/login/../",
        "/static/../",
        "/static/..%2f",
        "/auth/",
        "/products/../",
        "/admin/../",
        "/:8000/",
        "/@auth/",
        "/http://127.0.0.1:5001/",
    ]
    .into_iter()
    .flat_map(|before| [rest, &upper, &encoded].map(|rest| format!("{before}{rest}")))
    .collect();
    all.extend([
        format!("/images/{NOTHING}/../../{rest}"),
        format!("/images/{NOTHING}/..%2f..%2f{rest}"),
        format!("http://127.0.0.1:5001/{rest}"),
        format!("http://auth/{rest}"),
        format!("http://localhost/api/../{rest}"),
        format!("/api/auth/me/../../{rest}?x=1"),
        format!("/api/time?/../{rest}"),
        format!("/api/time#/../{rest}"),
        format!("/{rest}/"),
        format!("/{rest}%00"),
        format!("/{rest};x=1"),
    ]);
    all
}

/// Sends bytes as they are, on a connection of its own; status and the whole answer.
async fn raw(address: SocketAddr, request: &str) -> Result<(u16, String)> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = timeout(Duration::from_secs(30), exchange).await;
    let answer = answer.with_context(|| format!("no end of the answer to {request}"))??;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((
        status.with_context(|| format!("{request}: {answer}"))?,
        answer,
    ))
}

on_all!(inner_paths_have_no_way_in);

async fn inner_paths_have_no_way_in(shop: Shop) -> Result<()> {
    let inner = inner_addresses()?;
    ensure!(
        inner.contains("/internal/keys") && inner.len() > 5,
        "{inner:?}"
    );
    let token = shop.admin_token().await?;
    let address = shop.setup.address();
    let mut wrong = Vec::new();
    for template in &inner {
        let path = template.replace("{id}", NOTHING);
        // Any service gives its keys to whoever reaches it; the others are tried plainly.
        let every_way = template == "/internal/keys";
        let spellings = match every_way {
            true => spellings(&path),
            false => vec![
                path.clone(),
                format!("/api{path}"),
                format!("/api/auth/..{path}"),
            ],
        };
        for target in spellings {
            for method in ["GET", "POST"] {
                let body = r#"{"credential":"tcs_VGhpcyBpcyBhbiBleGFtcGxlLCBubyByZWFsIHRva2Vu"}"#;
                let request = format!(
                    "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
                     authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let (status, answer) = raw(address, &request).await?;
                let nothing = matches!(status, 400 | 404 | 405 | 414)
                    // The pages for staff ask who it is before they say that there is no such page.
                    || (target.starts_with("/admin/") && answer.contains("location: /login"))
                    // That is the time, with a query that nobody reads.
                    || target.starts_with("/api/time");
                let harmless = nothing && !answer.contains("\"kty\"");
                if !harmless {
                    let end = answer.lines().last().unwrap_or_default();
                    wrong.push(format!("{method} {target}: {status} {end}"));
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Where services are apart, each has a key that is believed for it alone: whoever takes over one
/// of them cannot speak for people, nor for another service. (In one process there is one key.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_services_key_speaks_for_it_alone() -> Result<()> {
    let shop = Shop::start(Engine::Split).await?;
    let order_api = Key::of(&shop, "order-api")?;
    let auth = Key::of(&shop, "auth")?;
    let ask = async |at: &str, path: &str, token: &str| -> Result<u16> {
        let base = format!("http://{}", shop.setup.place(at).0);
        let client = Client::new(base);
        let answer = client.get(path).header(INNER, token).send().await?;
        Ok(answer.status)
    };
    for (at, path) in [
        ("product-api", "/stock"),
        ("order-api", "/orders"),
        ("auth", "/auth/accounts"),
        ("images", "/images"),
        ("worker", "/jobs"),
    ] {
        // The test asks rightly: what auth signs is let in.
        assert_eq!(ask(at, path, &auth.token(&admin())).await?, 200, "{at}");
        for claim in [admin(), service("api"), service("worker")] {
            let token = order_api.token(&claim);
            assert_eq!(ask(at, path, &token).await?, 401, "{at}: {claim}");
        }
        let own = order_api.token(&service("order-api"));
        assert_eq!(
            ask(at, path, &own).await?,
            401,
            "{at}: a service is no staff"
        );
    }
    Ok(())
}

/// Where the edge is a process of its own, it believes of services only where a visitor is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_edge_itself_believes_nobody() -> Result<()> {
    let shop = Shop::start(Engine::Split).await?;
    let client = Client::new(format!("http://{}", shop.setup.place("api").0));
    for (what, headers) in forgeries(&shop)? {
        for path in [
            "/api/stock",
            "/api/auth/me",
            "/api/jobs",
            "/api/audit/orders",
        ] {
            let mut request = client.get(path);
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            assert_eq!(
                request.problem(401).await?,
                "unauthenticated",
                "{what}: {path}"
            );
        }
    }
    for target in spellings("/internal/keys") {
        let request = format!("GET {target} HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\r\n");
        let (_, answer) = raw(shop.setup.place("api").0, &request).await?;
        ensure!(!answer.contains("\"kty\""), "{target}: {answer}");
    }
    Ok(())
}
