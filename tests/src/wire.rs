//! A way between two: what goes over it can be slow, cut, reset, swallowed or turned into a failure.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long a connection that went half-open stays so, whatever becomes of the way: longer than
/// anybody may wait for it.
const FORGOTTEN: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(2);

/// What becomes of what goes over a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Answers come so much later.
    Slow(Duration),
    /// Connections end, new ones too.
    Cut,
    /// Connections are reset, new ones too.
    Reset,
    /// Nothing arrives and nobody is told; connections of that time never recover.
    HalfOpen,
    /// One in so many successful answers of HTTP says 500: it was done, and the opposite is said.
    Fail(usize),
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Slow(_) => "slow",
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::HalfOpen => "half-open",
            Self::Fail(_) => "fail",
        })
    }
}

/// Listens on an address of its own; it ends with the value.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    target: watch::Sender<SocketAddr>,
    task: JoinHandle<()>,
}

impl Wire {
    /// Leads to `target`.
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (mode, told) = watch::channel(Mode::Pass);
        let (target, leads) = watch::channel(target);
        let answers = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let target = *leads.borrow();
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
            target,
            task,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, for connections that are open too.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Where new connections lead.
    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn ends_connections(mode: Mode) -> bool {
    matches!(mode, Mode::Cut | Mode::Reset | Mode::HalfOpen)
}

async fn connection(
    mut near: TcpStream,
    target: SocketAddr,
    mut mode: watch::Receiver<Mode>,
    answers: Arc<AtomicUsize>,
) {
    let now = *mode.borrow();
    if ends_connections(now) {
        return end(now, [Some(&near), None]).await;
    }
    let Ok(Ok(mut far)) = timeout(CONNECT, TcpStream::connect(target)).await else {
        // As if nobody listened: the kernel's own refusal would say the same.
        return end(Mode::Reset, [Some(&near), None]).await;
    };
    let _ = near.set_nodelay(true);
    let _ = far.set_nodelay(true);
    let ended = {
        let (from_near, to_near) = near.split();
        let (from_far, to_far) = far.split();
        let back = answer(from_far, to_near, mode.clone(), answers);
        tokio::select! {
            _ = ask(from_near, to_far) => Mode::Cut,
            _ = back => Mode::Cut,
            ended = mode.wait_for(|mode| ends_connections(*mode)) => {
                ended.map_or(Mode::Cut, |mode| *mode)
            }
        }
    };
    end(ended, [Some(&near), Some(&far)]).await;
}

async fn end(how: Mode, streams: [Option<&TcpStream>; 2]) {
    match how {
        Mode::Reset => {
            for stream in streams.into_iter().flatten() {
                let _ = stream.set_zero_linger();
            }
        }
        Mode::HalfOpen => {
            sleep(FORGOTTEN).await;
            for stream in streams.into_iter().flatten() {
                let _ = stream.set_zero_linger();
            }
        }
        Mode::Pass | Mode::Slow(_) | Mode::Cut | Mode::Fail(_) => {}
    }
}

async fn ask(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> std::io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await?;
    // What was asked is still answered.
    std::future::pending().await
}

async fn answer(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
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
            Mode::Slow(pause) => sleep(pause).await,
            // An answer begins a piece: nobody sends the next request before the last is answered.
            Mode::Fail(every) if piece[..length].starts_with(b"HTTP/1.1 2") => {
                if answers
                    .fetch_add(1, Ordering::Relaxed)
                    .is_multiple_of(every)
                {
                    piece[9..12].copy_from_slice(b"500");
                }
            }
            Mode::Pass | Mode::Cut | Mode::Reset | Mode::HalfOpen | Mode::Fail(_) => {}
        }
        to.write_all(&piece[..length]).await?;
    }
}

/// `host:port` of an address.
pub fn place_text(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next()
}

/// Where an address leads.
pub fn place_of(url: &str) -> Result<SocketAddr> {
    let place = place_text(url).with_context(|| url.to_owned())?;
    place.to_socket_addrs()?.next().context("an address")
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// Says back what it hears.
    async fn echo() -> Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        Ok(address)
    }

    async fn said(stream: &mut TcpStream) -> std::io::Result<usize> {
        stream.write_all(b"x").await?;
        let mut piece = [0; 8];
        let read = stream.read(&mut piece);
        let read = timeout(Duration::from_millis(300), read).await;
        read.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }

    /// Each way of breaking is what it says, for a connection that is open.
    #[tokio::test]
    async fn a_way_breaks_as_it_is_told() -> Result<()> {
        let wire = Wire::to(echo().await?).await?;
        for (mode, expected) in [
            (Mode::Cut, Ok(0)),
            (Mode::Reset, Err(ErrorKind::ConnectionReset)),
            (Mode::HalfOpen, Err(ErrorKind::TimedOut)),
        ] {
            wire.set(Mode::Pass);
            let mut open = TcpStream::connect(wire.address()).await?;
            assert_eq!(said(&mut open).await?, 1);
            wire.set(mode);
            // The other end has to have seen it.
            sleep(Duration::from_millis(50)).await;
            let got = match mode {
                Mode::Cut | Mode::Reset => {
                    let mut piece = [0; 8];
                    open.read(&mut piece).await
                }
                _ => said(&mut open).await,
            };
            assert_eq!(got.map_err(|error| error.kind()), expected, "{mode}");
            if mode == Mode::HalfOpen {
                wire.set(Mode::Pass);
                let again = said(&mut open).await.map_err(|error| error.kind());
                assert_eq!(again, Err(ErrorKind::TimedOut), "it stays half-open");
                let mut new = TcpStream::connect(wire.address()).await?;
                assert_eq!(said(&mut new).await?, 1, "a new one does not");
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn it_leads_elsewhere_when_it_is_told() -> Result<()> {
        let nobody = techcommerce_testkit::free_address();
        let wire = Wire::to(nobody).await?;
        let mut lost = TcpStream::connect(wire.address()).await?;
        assert!(said(&mut lost).await.is_err());
        wire.lead_to(echo().await?);
        let mut found = TcpStream::connect(wire.address()).await?;
        assert_eq!(said(&mut found).await?, 1);
        Ok(())
    }
}
