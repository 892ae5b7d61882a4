//! Somebody whom the shop tells things: a mail server, or who asked for webhooks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::shopper::eventually;

/// Somebody who takes what comes, and may leave the first unanswered.
#[derive(Clone)]
pub struct Listener {
    pub port: u16,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    /// What was taken, by its id, as often as it was.
    taken: BTreeMap<String, Vec<String>>,
    /// How many are left without an answer.
    mute: usize,
    /// How many were.
    unanswered: usize,
}

impl Listener {
    pub async fn start(speak: Speak) -> Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let listener = Self {
            port: socket.local_addr()?.port(),
            held: Arc::default(),
        };
        let serving = listener.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let taking = serving.clone();
                // Whoever breaks off has its reasons.
                tokio::spawn(async move {
                    match speak {
                        Speak::Smtp => taking.post(stream).await.ok(),
                        Speak::Http => taking.hook(stream).await.ok(),
                    }
                });
            }
        });
        Ok(listener)
    }

    /// The next is not answered.
    pub fn hold_one(&self) {
        self.held.lock().unwrap().mute = 1;
    }

    /// Takes something; whether it is answered.
    fn take(&self, id: String, what: String) -> bool {
        let mut held = self.held.lock().unwrap();
        held.taken.entry(id).or_default().push(what);
        if held.mute > 0 {
            held.mute -= 1;
            held.unanswered += 1;
            return false;
        }
        true
    }

    /// How many were left without an answer.
    pub fn unanswered(&self) -> usize {
        self.held.lock().unwrap().unanswered
    }

    /// All that was taken, by its id, as often as it was.
    pub fn taken(&self) -> BTreeMap<String, Vec<String>> {
        self.held.lock().unwrap().taken.clone()
    }

    /// Waits until there are so many ids.
    pub async fn until(&self, ids: usize) -> Result<()> {
        eventually("all that is to be told", async || {
            Ok((self.taken().len() >= ids).then_some(()))
        })
        .await
    }

    async fn post(&self, stream: TcpStream) -> Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail.test ready\r\n").await?;
        let mut mail: Option<String> = None;
        while let Some(line) = lines.next_line().await? {
            let answer = match (&mut mail, line.split(' ').next().unwrap_or_default()) {
                (Some(text), ".") => {
                    let text = std::mem::take(text);
                    mail = None;
                    let id = header(&text, "Message-ID").context("a mail without an id")?;
                    if !self.take(id, text) {
                        // Until the other side is gone.
                        while lines.next_line().await?.is_some() {}
                        return Ok(());
                    }
                    "250 queued"
                }
                (Some(text), _) => {
                    text.push_str(&line);
                    text.push('\n');
                    continue;
                }
                (None, "EHLO") => "250 mail.test",
                (None, "DATA") => {
                    mail = Some(String::new());
                    "354 go on"
                }
                (None, "QUIT") => "221 bye",
                (None, _) => "250 fine",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }

    async fn hook(&self, stream: TcpStream) -> Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            ensure!(read.read_line(&mut head).await? > 0, "half a request");
        }
        let length = header(&head, "content-length").context("no length")?;
        let mut body = vec![0; length.parse()?];
        read.read_exact(&mut body).await?;
        let id = header(&head, "webhook-id").context("no id")?;
        if !self.take(id, String::from_utf8(body)?) {
            let _ = read.read_u8().await;
            return Ok(());
        }
        write
            .write_all(b"HTTP/1.1 204 Fine\r\ncontent-length: 0\r\n\r\n")
            .await?;
        Ok(())
    }
}

/// How one talks to it.
#[derive(Debug, Clone, Copy)]
pub enum Speak {
    Smtp,
    Http,
}

/// A field of a message's head.
pub fn header(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().take_while(|line| !line.is_empty());
    let found = lines.find_map(|line| {
        let (left, right) = line.split_once(':')?;
        left.eq_ignore_ascii_case(name).then_some(right)
    });
    found.map(|value| value.trim().to_owned())
}
