//! What stands before replicas in a cluster: new connections go to those that say that they are
//! ready; what is on its way is left alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use techcommerce_testkit::Client;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often readiness is asked for.
const LOOK: Duration = Duration::from_millis(50);

/// Spreads connections; it ends when the value goes.
#[derive(Debug)]
pub struct Balancer {
    tasks: Vec<JoinHandle<()>>,
}

impl Balancer {
    /// Listens on `address` for `replicas`.
    pub async fn start(address: SocketAddr, replicas: Vec<SocketAddr>) -> Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let (told, ready) = watch::channel(Vec::new());
        let asking = tokio::spawn(async move {
            loop {
                let mut now = Vec::new();
                for replica in &replicas {
                    let client = Client::new(format!("http://{replica}"));
                    let answer = client.get("/readyz").send().await;
                    if answer.is_ok_and(|answer| answer.status == 200) {
                        now.push(*replica);
                    }
                }
                told.send_replace(now);
                sleep(LOOK).await;
            }
        });
        let turn = Arc::new(AtomicUsize::new(0));
        let taking = tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let ready = ready.borrow().clone();
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(pass_on(stream, ready, turn));
            }
        });
        Ok(Self {
            tasks: vec![asking, taking],
        })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn pass_on(mut stream: TcpStream, ready: Vec<SocketAddr>, turn: usize) {
    for step in 0..ready.len() {
        let replica = ready[(turn + step) % ready.len()];
        if let Ok(mut onward) = TcpStream::connect(replica).await {
            let _ = stream.set_nodelay(true);
            let _ = onward.set_nodelay(true);
            let _ = copy_bidirectional(&mut stream, &mut onward).await;
            return;
        }
    }
}
