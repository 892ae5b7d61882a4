//! What stands before replicas in a cluster, as kube-proxy does: new connections go to those that
//! said a while ago that they are ready, whether they still are or not; what is on its way is left
//! alone. A connection that nobody takes is not tried elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use techcommerce_testkit::Client;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often readiness is asked for.
const LOOK: Duration = Duration::from_millis(100);
/// How long it takes until a change has come round: from the kubelet by the API server and the
/// endpoints' controller to the rules of every node.
const LATE: Duration = Duration::from_millis(1_000);

/// Spreads connections; it ends when the value goes.
#[derive(Debug)]
pub struct Balancer {
    tasks: Vec<JoinHandle<()>>,
    lost: Arc<AtomicUsize>,
}

impl Balancer {
    /// Listens on `address` for `replicas`.
    pub async fn start(address: SocketAddr, replicas: Vec<SocketAddr>) -> Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let (told, ready) = watch::channel(ready_now(&replicas).await);
        let told = Arc::new(told);
        let asking = tokio::spawn(async move {
            let mut before = told.borrow().clone();
            loop {
                sleep(LOOK).await;
                let now = ready_now(&replicas).await;
                if now != before {
                    before.clone_from(&now);
                    let told = Arc::clone(&told);
                    tokio::spawn(async move {
                        sleep(LATE).await;
                        told.send_replace(now);
                    });
                }
            }
        });
        let turn = Arc::new(AtomicUsize::new(0));
        let lost = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&lost);
        let taking = tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let ready = ready.borrow().clone();
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let lost = Arc::clone(&counted);
                tokio::spawn(async move {
                    if pass_on(stream, ready, turn).await.is_none() {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Ok(Self {
            tasks: vec![asking, taking],
            lost,
        })
    }

    /// How many connections nobody took: the replica that they were for had ended before the
    /// balancer heard of it.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// `None` if there is nobody to pass it on to.
async fn pass_on(mut stream: TcpStream, ready: Vec<SocketAddr>, turn: usize) -> Option<()> {
    let replica = ready.get(turn.checked_rem(ready.len())?)?;
    let mut onward = TcpStream::connect(replica).await.ok()?;
    let _ = stream.set_nodelay(true);
    let _ = onward.set_nodelay(true);
    let _ = copy_bidirectional(&mut stream, &mut onward).await;
    Some(())
}

/// Those that say that they can serve. One that is not there says so at once.
async fn ready_now(replicas: &[SocketAddr]) -> Vec<SocketAddr> {
    let asked = replicas.iter().map(|replica| async move {
        let client = Client::new(format!("http://{replica}"));
        let answer = client.get("/readyz").send().await;
        answer.is_ok_and(|answer| answer.status == 200)
    });
    let ready = join_all(asked).await;
    let ready = replicas.iter().zip(ready).filter(|(_, ready)| *ready);
    ready.map(|(replica, _)| *replica).collect()
}
