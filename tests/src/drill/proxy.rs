//! What stands between the shop and what it needs, and can be made slow, deaf or false.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How answers come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As they are.
    Pass,
    /// So much later.
    Delay(Duration),
    /// Not at all: connections are cut, new ones too.
    Refuse,
    /// One in so many successful answers of HTTP says 500.
    Fail(usize),
}

/// Listens on an address of its own; it ends with the value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Passes on to `target`.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (mode, told) = watch::channel(Mode::Pass);
        let answers = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(
                    stream,
                    target,
                    told.clone(),
                    Arc::clone(&answers),
                ));
            }
        });
        Ok(Self {
            address,
            mode,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, for connections that are open too.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connection(
    stream: TcpStream,
    target: SocketAddr,
    mut mode: watch::Receiver<Mode>,
    answers: Arc<AtomicUsize>,
) {
    if *mode.borrow() == Mode::Refuse {
        return;
    }
    let Ok(onward) = TcpStream::connect(target).await else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let _ = onward.set_nodelay(true);
    let (from_client, to_client) = stream.into_split();
    let (from_target, to_target) = onward.into_split();
    let back = answer(from_target, to_client, mode.clone(), answers);
    // Both ends are dropped together, so that nobody waits for the other.
    tokio::select! {
        _ = ask(from_client, to_target) => {}
        _ = back => {}
        _ = mode.wait_for(|mode| *mode == Mode::Refuse) => {}
    }
}

async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await?;
    // What was asked is still answered.
    std::future::pending().await
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: watch::Receiver<Mode>,
    answers: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        let now = *mode.borrow();
        match now {
            Mode::Delay(pause) => sleep(pause).await,
            // An answer begins a piece: nobody sends the next request before the last is answered.
            Mode::Fail(every) if piece[..length].starts_with(b"HTTP/1.1 2") => {
                if answers
                    .fetch_add(1, Ordering::Relaxed)
                    .is_multiple_of(every)
                {
                    piece[9..12].copy_from_slice(b"500");
                }
            }
            Mode::Pass | Mode::Refuse | Mode::Fail(_) => {}
        }
        to.write_all(&piece[..length]).await?;
    }
}
