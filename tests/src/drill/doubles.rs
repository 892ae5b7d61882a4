//! What stands where others would be: a mail server, the exporters of a cluster, the people who get
//! alerts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server that takes everything and keeps nothing.
pub async fn mail_server() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take_mails(stream));
        }
    });
    Ok(address)
}

async fn take_mails(stream: TcpStream) -> Result<()> {
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    to.write_all(b"220 mail.test\r\n").await?;
    let mut in_mail = false;
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match (in_mail, line.split(' ').next().unwrap_or_default()) {
            (true, ".") => {
                in_mail = false;
                b"250 taken\r\n"
            }
            (true, _) => b"",
            (false, "DATA") => {
                in_mail = true;
                b"354 go on\r\n"
            }
            (false, "EHLO") => b"250 mail.test\r\n",
            (false, "QUIT") => b"221 bye\r\n",
            (false, _) => b"250 fine\r\n",
        };
        to.write_all(answer).await?;
    }
    Ok(())
}

/// Says what it is told to, as exporters do.
#[derive(Debug, Clone)]
pub struct Exporter {
    address: SocketAddr,
    text: Arc<Mutex<String>>,
}

impl Exporter {
    /// Says nothing yet.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let exporter = Self {
            address: listener.local_addr()?,
            text: Arc::default(),
        };
        let text = Arc::clone(&exporter.text);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let said = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(async move { answer(stream, &said).await });
            }
        });
        Ok(exporter)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it says from now on.
    pub fn says(&self, text: impl Into<String>) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }
}

/// Reads a request to its end and answers; what was sent, without its head.
async fn answer(mut stream: TcpStream, text: &str) -> Result<Vec<u8>> {
    let mut got = Vec::new();
    let mut piece = [0; 16 * 1024];
    let body = loop {
        let length = stream.read(&mut piece).await?;
        got.extend_from_slice(&piece[..length]);
        let head = got.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(head) = head else {
            anyhow::ensure!(length > 0, "no request");
            continue;
        };
        let lines = String::from_utf8_lossy(&got[..head]).to_ascii_lowercase();
        let long = lines
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let long: usize = long.unwrap_or("0").trim().parse()?;
        if got.len() >= head + 4 + long {
            break got.split_off(head + 4);
        }
        anyhow::ensure!(length > 0, "half a request");
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(head.as_bytes()).await?;
    Ok(body)
}

/// An alert as it reached somebody.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub labels: Value,
    /// The receiver of the configuration that it was for.
    pub receiver: String,
    pub arrived: SystemTime,
    /// When it was said that it is over.
    pub cleared: Option<SystemTime>,
}

impl Arrival {
    pub fn name(&self) -> &str {
        self.labels["alertname"].as_str().unwrap_or_default()
    }
}

/// Stands where mail, Slack and pagers would be.
#[derive(Debug, Clone)]
pub struct Receiver {
    address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Receiver {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let receiver = Self {
            address: listener.local_addr()?,
            arrivals: Arc::default(),
        };
        let taker = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taker = taker.clone();
                tokio::spawn(async move {
                    let body = answer(stream, "").await?;
                    taker.take(&serde_json::from_slice(&body)?)
                });
            }
        });
        Ok(receiver)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What arrived since the last [`Receiver::forget`].
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn forget(&self) {
        self.arrivals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// A message may tell of many alerts, and of each again.
    fn take(&self, message: &Value) -> Result<()> {
        let now = SystemTime::now();
        let receiver = message["receiver"].as_str().unwrap_or_default();
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        for alert in message["alerts"].as_array().context("alerts")? {
            let labels = &alert["labels"];
            let fires = alert["status"] == "firing";
            let same = |one: &&mut Arrival| one.labels == *labels && one.receiver == receiver;
            let known = arrivals.iter_mut().rfind(same);
            match (known, fires) {
                (Some(one), true) if one.cleared.is_none() => {}
                (Some(one), false) => one.cleared = one.cleared.or(Some(now)),
                (_, true) => arrivals.push(Arrival {
                    labels: labels.clone(),
                    receiver: receiver.to_owned(),
                    arrived: now,
                    cleared: None,
                }),
                (None, false) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_alert_arrives_once_and_clears() -> Result<()> {
        let receiver = Receiver::start().await?;
        let message = |status: &str| {
            let alert = json!({"status": status, "labels": {"alertname": "A"}});
            json!({"receiver": "r", "alerts": [alert]})
        };
        receiver.take(&message("resolved"))?;
        assert!(receiver.arrivals().is_empty());
        for status in ["firing", "firing", "resolved", "resolved"] {
            receiver.take(&message(status))?;
        }
        let all = receiver.arrivals();
        assert_eq!((all.len(), all[0].name()), (1, "A"));
        assert!(all[0].cleared.is_some());
        receiver.take(&message("firing"))?;
        assert_eq!(receiver.arrivals().len(), 2, "it came again");
        Ok(())
    }
}
