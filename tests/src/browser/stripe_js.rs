//! Stands in for Stripe in a browser: `js.stripe.com`, `hooks.stripe.com` and `api.stripe.com` by their
//! names, over TLS, so that the payment page and its Content-Security-Policy are tried as they are. The
//! browser is told where these names lead, and to believe the certificate; the shop is told nothing.
//!
//! What it does with money it does in the books of the shop's Stripe.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use techcommerce_testkit::stripe::{Deed, Stripe};
use techcommerce_testkit::{TempDir, folder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const HOSTS: [&str; 3] = ["js.stripe.com", "hooks.stripe.com", "api.stripe.com"];
/// Stripe's own numbers for trials: one that is good, one whose bank asks, one
/// whose bank asks on a page of its own, one that is declined.
pub const GOOD: &str = "4242424242424242";
pub const ASKS: &str = "4000002500003155";
pub const SENDS_AWAY: &str = "4000000000003220";
pub const DECLINED: &str = "4000000000000002";
/// No head of a request is longer.
const HEAD: usize = 64 * 1024;

/// The stand-in.
pub struct StripeJs {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl StripeJs {
    /// Over the books of `stripe`.
    pub async fn start(stripe: Arc<Stripe>) -> Result<Self> {
        let folder = folder();
        let acceptor = certified(folder.path())?;
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (acceptor, stripe) = (acceptor.clone(), Arc::clone(&stripe));
                let heard = Arc::clone(&heard);
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await?;
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD {
                        let mut byte = [0];
                        stream.read_exact(&mut byte).await?;
                        head.push(byte[0]);
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let (kind, body) = answer(&stripe, &head);
                    heard
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(head);
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
                         connection: close\r\n\r\n{body}",
                        body.len()
                    );
                    stream.write_all(answer.as_bytes()).await?;
                    stream.shutdown().await
                });
            }
        });
        Ok(Self {
            address,
            asked,
            _folder: folder,
        })
    }

    /// What the browser is started with.
    pub fn arguments(&self) -> Vec<String> {
        let rules = HOSTS.map(|host| format!("MAP {host}:443 {}", self.address));
        vec![
            format!("--host-resolver-rules={}", rules.join(",")),
            "--ignore-certificate-errors".to_owned(),
        ]
    }

    /// The heads of all requests that came.
    pub fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What is answered to a request: its type and its body.
fn answer(stripe: &Stripe, head: &str) -> (&'static str, String) {
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let field = |name: &str| {
        let mut fields = query.split('&').filter_map(|field| field.split_once('='));
        let found = fields.find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    };
    let deed = |deed, well| match stripe.browser(field("secret"), deed) {
        true => well,
        false => "failed",
    };
    let said = match (path, field("number"), field("says")) {
        ("/v3/", ..) => return ("text/javascript", include("v3.js")),
        ("/v3/card.html", ..) => return ("text/html", include("card.html")),
        ("/v3/card.js", ..) => return ("text/javascript", include("card.js")),
        ("/3ds.html", ..) => return ("text/html", include("3ds.html")),
        ("/away.html", ..) => return ("text/html", include("away.html")),
        ("/away.js", ..) => return ("text/javascript", include("away.js")),
        ("/3ds.js", ..) => return ("text/javascript", include("3ds.js")),
        ("/confirm", GOOD, _) => deed(Deed::Pays, "paid"),
        ("/confirm", ASKS, _) => deed(Deed::IsAsked, "ask"),
        ("/confirm", SENDS_AWAY, _) => deed(Deed::IsAsked, "away"),
        ("/confirm", ..) => deed(Deed::IsDeclined, "declined"),
        ("/answer", _, "yes") => deed(Deed::Pays, "paid"),
        ("/answer", ..) => deed(Deed::IsDeclined, "failed"),
        _ => "",
    };
    ("text/plain", said.to_owned())
}

fn include(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stripe");
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

/// A certificate of nobody's for a moment.
fn certified(folder: &Path) -> Result<TlsAcceptor> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=js.stripe.com"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder)
        .output()
        .context("openssl is needed by this test: sudo apt-get install -y openssl")?;
    ensure!(made.status.success(), "{made:?}");
    let chain = CertificateDer::pem_file_iter(folder.join("certificate.pem"))?;
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
