//! Somebody who is told by webhooks, and answers as nastily as a test says.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// How a request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// With this status, headers and body.
    Say(u16, &'static str, &'static str),
    /// With this status, once it is let go.
    Held(u16),
    /// Never.
    Silence,
    /// By hanging up before an answer.
    HangUp,
    /// Well, with a body that goes on for ever.
    Flood,
    /// Well, with a body that never comes.
    Promise,
}

/// What it heard.
#[derive(Debug, Clone)]
pub struct Heard {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The member of the body.
    pub fn says(&self, pointer: &str) -> serde_json::Value {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body.pointer(pointer).cloned().unwrap_or_default()
    }
}

/// The receiver. Clones are the same.
#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    holds: Arc<Notify>,
    let_go: Arc<Notify>,
}

impl Receiver {
    pub async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            port: socket.local_addr().unwrap().port(),
            heard: Arc::default(),
            replies: Arc::default(),
            holds: Arc::default(),
            let_go: Arc::default(),
        };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let receiver = serving.clone();
                tokio::spawn(async move { receiver.answer(stream).await });
            }
        });
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in", self.port)
    }

    /// The next requests are answered so; then all are answered well.
    pub fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().unwrap().extend(replies);
    }

    /// Waits for a request that is held.
    pub async fn holds(&self) {
        self.holds.notified().await;
    }

    /// Answers the request that is held.
    pub fn let_go(&self) {
        self.let_go.notify_one();
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// What was heard, which is then forgotten.
    pub fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }

    async fn answer(&self, stream: TcpStream) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = String::new();
        read.read_line(&mut line).await.ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = BTreeMap::new();
        loop {
            line.clear();
            read.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length")?.parse().ok()?;
        let mut body = vec![0; length];
        read.read_exact(&mut body).await.ok()?;
        let body = String::from_utf8(body).ok()?;
        self.heard.lock().unwrap().push(Heard {
            path,
            headers,
            body,
        });
        let reply = self.replies.lock().unwrap().pop_front();
        let mut reply = reply.unwrap_or(Reply::Say(204, "", ""));
        if let Reply::Held(status) = reply {
            self.holds.notify_one();
            self.let_go.notified().await;
            reply = Reply::Say(status, "", "");
        }
        match reply {
            Reply::Say(status, headers, body) => {
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
                );
                write.write_all(answer.as_bytes()).await.ok()?;
            }
            Reply::Silence | Reply::Held(_) => {
                // Until the other side gives up.
                let _ = read.read_u8().await;
            }
            Reply::HangUp => {}
            Reply::Flood => {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
                write.write_all(head.as_bytes()).await.ok()?;
                while write.write_all(&[b'x'; 65536]).await.is_ok() {}
            }
            Reply::Promise => {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
                write.write_all(head.as_bytes()).await.ok()?;
                let _ = read.read_u8().await;
            }
        }
        Some(())
    }
}
