//! The password of the mail server.

use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{IN_FORCE, REFUSED, ensure_untold, said};
use crate::mounted::Mounted;
use crate::shop::{Engine, Setup};
use crate::shopper::{buy, eventually};
use crate::staff::{Stock, product};

const KEY: &str = "smtp_url";

/// A mail server that lets in whoever has the password of the user `shop`.
#[derive(Clone)]
struct Server {
    port: u16,
    password: Arc<Mutex<String>>,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    mails: usize,
    refusals: usize,
}

impl Server {
    async fn start(password: &str) -> Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let server = Self {
            port: socket.local_addr()?.port(),
            password: Arc::new(Mutex::new(password.to_owned())),
            held: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let server = serving.clone();
                // Whoever breaks off has its reasons.
                tokio::spawn(async move { server.converse(stream).await.ok() });
            }
        });
        Ok(server)
    }

    fn know(&self, password: &str) {
        password.clone_into(&mut self.password.lock().unwrap());
    }

    fn mails(&self) -> usize {
        self.held.lock().unwrap().mails
    }

    fn refusals(&self) -> usize {
        self.held.lock().unwrap().refusals
    }

    fn address(&self, password: &str) -> String {
        format!("smtp://shop:{password}@127.0.0.1:{}?tls=none", self.port)
    }

    async fn converse(&self, stream: TcpStream) -> Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail.test ready\r\n").await?;
        let (mut known, mut data) = (false, false);
        while let Some(line) = lines.next_line().await? {
            let word = line.split(' ').next().unwrap_or_default();
            let answer = match (data, word) {
                (true, ".") => {
                    data = false;
                    self.held.lock().unwrap().mails += 1;
                    "250 queued"
                }
                (true, _) => continue,
                (false, "EHLO") => "250-mail.test\r\n250 AUTH PLAIN",
                (false, "AUTH") => {
                    known = self.admits(&line);
                    match known {
                        true => "235 welcome",
                        false => "535 5.7.8 no such user or password",
                    }
                }
                (false, "MAIL") if !known => "530 5.7.0 who are you",
                (false, "DATA") => {
                    data = true;
                    "354 go on"
                }
                (false, "QUIT") => "221 bye",
                (false, _) => "250 fine",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }

    fn admits(&self, line: &str) -> bool {
        let shown = line.strip_prefix("AUTH PLAIN ").unwrap_or_default();
        let shown = STANDARD.decode(shown).unwrap_or_default();
        let right = format!("\0shop\0{}", self.password.lock().unwrap());
        let admitted = shown == right.as_bytes();
        if !admitted {
            self.held.lock().unwrap().refusals += 1;
        }
        admitted
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_and_every_mail_arrives() -> Result<()> {
    let server = Server::start("first-of-mail").await?;
    let setup = Setup::new(Engine::Sqlite).await;
    let mounted = Mounted::at(setup.folder().join("smtp"));
    mounted.put(&[("url", &server.address("first-of-mail"))])?;
    let mut shop = setup
        .set("TECHCOMMERCE_SMTP_URL_FILE", &mounted.file("url"))
        .start()
        .await?;
    let lamp = product(&shop.admin().await?, "Lamp", Stock::Counted(100)).await?;
    let client = shop.plain_client();
    let order = async |key: &str| buy(&client, &lamp.variant_id, 1, key).await.map(drop);
    let arrived = async |mails: usize| {
        eventually("the mail", async || {
            Ok((server.mails() >= mails).then_some(()))
        })
        .await
    };
    // Two for each order: that it was placed, and that it is paid.
    order("first").await?;
    arrived(2).await?;

    // The file first; the mail goes out with the password of before.
    mounted.put(&[("url", &server.address("second-of-mail"))])?;
    said(&shop, REFUSED, KEY, 1).await?;
    order("second").await?;
    arrived(4).await?;
    // Whoever is refused now looks at the file at once.
    server.know("second-of-mail");
    order("third").await?;
    arrived(6).await?;
    said(&shop, IN_FORCE, KEY, 1).await?;

    // The server first: no mail is given up, the job is tried again.
    server.know("third-of-mail");
    let before = server.refusals();
    order("fourth").await?;
    eventually("a refusal", async || {
        Ok((server.refusals() > before).then_some(()))
    })
    .await?;
    mounted.put(&[("url", &server.address("third-of-mail"))])?;
    shop.processes.signal_all("HUP")?;
    said(&shop, IN_FORCE, KEY, 2).await?;
    arrived(8).await?;

    let metrics = shop.management().get("/metrics").expect(200).await?.text();
    let refused = "techcommerce_mails_total{outcome=\"refused\"} 0";
    ensure!(metrics.contains(refused), "a mail was given up: {metrics}");
    ensure_untold(&shop, &["first-of-mail", "second-of-mail", "third-of-mail"])?;
    shop.stop().await
}
