//! The mail server, which keeps what it takes and does not always say so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::catalogue::MailMode;

type Taken = BTreeMap<String, BTreeSet<String>>;

/// Takes mails.
pub struct MailServer {
    pub address: SocketAddr,
    mode: watch::Sender<MailMode>,
    taken: Arc<Mutex<Taken>>,
}

impl MailServer {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (mode, told) = watch::channel(MailMode::Takes);
        let taken = Arc::new(Mutex::new(Taken::new()));
        let keeps = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, told.clone(), Arc::clone(&keeps)));
            }
        });
        Ok(Self {
            address,
            mode,
            taken,
        })
    }

    pub fn set(&self, mode: MailMode) {
        self.mode.send_replace(mode);
    }

    /// By recipient, the ids of the mails that were taken: what was not acknowledged counts too,
    /// for it arrives.
    pub fn taken(&self) -> Taken {
        let taken = self.taken.lock();
        taken.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(
    stream: TcpStream,
    mode: watch::Receiver<MailMode>,
    taken: Arc<Mutex<Taken>>,
) -> Result<()> {
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    to.write_all(b"220 mail.test\r\n").await?;
    let (mut recipient, mut id, mut in_mail) = (String::new(), String::new(), false);
    while let Some(line) = lines.next_line().await? {
        let now = *mode.borrow();
        let lower = line.to_ascii_lowercase();
        if in_mail {
            if let Some(value) = lower.strip_prefix("message-id:") {
                value.trim().clone_into(&mut id);
            }
            if line == "." {
                in_mail = false;
                keep(&taken, &mut recipient, &mut id);
                if now == MailMode::Lies {
                    return Ok(());
                }
                to.write_all(b"250 taken\r\n").await?;
            }
            continue;
        }
        let refuses = now == MailMode::Refuses;
        let answer: &[u8] = match lower.split([' ', ':']).next().unwrap_or_default() {
            "mail" if refuses => b"451 not now\r\n",
            "rcpt" => {
                let address = lower.split(['<', '>']).nth(1);
                address.unwrap_or_default().clone_into(&mut recipient);
                b"250 fine\r\n"
            }
            "data" => {
                in_mail = true;
                b"354 go on\r\n"
            }
            "ehlo" => b"250 mail.test\r\n",
            "quit" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        to.write_all(answer).await?;
    }
    Ok(())
}

fn keep(taken: &Mutex<Taken>, recipient: &mut String, id: &mut String) {
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    let ids = taken.entry(std::mem::take(recipient)).or_default();
    ids.insert(std::mem::take(id));
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn send(server: &MailServer, id: &str) -> Result<String> {
        let mut stream = TcpStream::connect(server.address).await?;
        let mail = format!(
            "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nMessage-ID: <{id}>\r\n\r\nx\r\n.\r\nQUIT\r\n"
        );
        stream.write_all(mail.as_bytes()).await?;
        stream.shutdown().await?;
        let mut said = String::new();
        stream.read_to_string(&mut said).await?;
        Ok(said)
    }

    #[tokio::test]
    async fn it_keeps_what_it_takes_even_if_it_does_not_say_so() -> Result<()> {
        let server = MailServer::start().await?;
        assert!(send(&server, "1").await?.contains("250 taken"));
        server.set(MailMode::Lies);
        assert!(!send(&server, "2").await?.contains("250 taken"));
        let ids = ["<1>", "<2>"].map(str::to_owned).into();
        assert_eq!(server.taken().get("c@d"), Some(&ids));
        server.set(MailMode::Refuses);
        assert!(send(&server, "3").await?.contains("451"));
        Ok(())
    }
}
