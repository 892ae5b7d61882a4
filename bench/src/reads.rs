//! Lists and details, against a handler that answers with the same bytes.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use techcommerce_testservers::{Server, free_port};
use tokio::process::{Child, Command};

use crate::{
    Plan,
    catalogue::Catalogue,
    client::Client,
    load::{self, Work},
    shop::{Setup, Shop, database},
    stats::Sample,
};

/// A page, measured on the shop and on the bare handler in turns.
pub struct Read {
    pub what: &'static str,
    /// Size of the answer's body.
    pub bytes: usize,
    /// product-api as a service of its own; nothing for pages, which are the storefront's.
    pub service: Vec<Sample>,
    /// The whole shop in one process, through the storefront's port and the edge.
    pub shop: Vec<Sample>,
    /// axum with these bytes.
    pub bare: Vec<Sample>,
}

pub async fn measure(plan: &Plan, catalogue: &Catalogue, server: &Server) -> Result<Vec<Read>> {
    let whole = Setup::new(&plan.program, None)?;
    whole.import(catalogue).await?;
    let whole = whole.start(&[]).await?;
    let apart = Setup::new(&plan.program, Some(database(server, "reads").await?))?;
    apart.import(catalogue).await?;
    let apart = apart.start_services(&["product-api"], "/readyz").await?;

    let mut reads = Vec::new();
    for (what, path) in [
        ("list of 20 products", "/products?limit=20"),
        ("product", "/products/p-77"),
        (
            "list of 20 by price, in stock",
            "/products?limit=20&sort=price&in_stock=true",
        ),
        (
            "search for two words, 20 found",
            "/products?limit=20&q=copper+lamp",
        ),
    ] {
        let outer = format!("/api{path}");
        let apart = Some((&apart, path));
        reads.push(pair(plan, catalogue, what, (&whole, &outer), apart).await?);
    }
    for (what, path) in [
        ("page of a product", "/products/p-77"),
        ("page with 24 products", "/products"),
    ] {
        reads.push(pair(plan, catalogue, what, (&whole, path), None).await?);
    }
    whole.stop().await?;
    apart.stop().await?;
    Ok(reads)
}

async fn pair(
    plan: &Plan,
    catalogue: &Catalogue,
    what: &'static str,
    (whole, path): (&Shop, &str),
    apart: Option<(&Shop, &str)>,
) -> Result<Read> {
    let body = body(whole.address, path).await?;
    let file = catalogue.folder().join("bare.json");
    std::fs::write(&file, &body)?;
    let (handler, address) = bare(&file).await?;
    let mut read = Read {
        what,
        bytes: body.len(),
        service: Vec::new(),
        shop: Vec::new(),
        bare: Vec::new(),
    };
    let id = handler.id().context("the bare handler has ended")?;
    for round in 0..plan.rounds {
        println!("{what}, round {}", round + 1);
        read.bare.push(ask(plan, address, path, id).await?);
        if let Some((apart, path)) = apart {
            let sample = ask(plan, apart.address, path, apart.id()?).await?;
            read.service.push(sample);
        }
        let sample = ask(plan, whole.address, path, whole.id()?).await?;
        read.shop.push(sample);
    }
    Ok(read)
}

async fn body(address: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let mut client = Client::connect(address).await?;
    let request = client.request("GET", path, &[], "");
    let answer = client.send(&request).await?;
    ensure!(answer.status == 200, "{path} answers {}", answer.status);
    Ok(answer.body.to_vec())
}

/// Another process of this program that answers with the file.
async fn bare(file: &std::path::Path) -> Result<(Child, SocketAddr)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let process = Command::new(std::env::current_exe()?)
        .args(["bare", "--address", &address.to_string(), "--file"])
        .arg(file)
        .kill_on_drop(true)
        .spawn()?;
    for _ in 0..500 {
        if Client::connect(address).await.is_ok() {
            return Ok((process, address));
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    anyhow::bail!("the bare handler does not answer")
}

async fn ask(plan: &Plan, address: SocketAddr, path: &str, server: u32) -> Result<Sample> {
    load::run(plan.clients, plan.each, server, None, async |_| {
        let client = Client::connect(address).await?;
        let request = client.request("GET", path, &[], "");
        Ok(Get { client, request })
    })
    .await
}

struct Get {
    client: Client,
    request: Vec<u8>,
}

impl Work for Get {
    async fn once(&mut self) -> Result<()> {
        let answer = self.client.send(&self.request).await?;
        ensure!(answer.status == 200, "answered {}", answer.status);
        Ok(())
    }
}
