//! Waking a worker that runs apart, by PostgreSQL's notifications. Polling stays: what is lost
//! here costs a poll's wait and nothing else.

use std::time::Duration;

use techcommerce_contracts::Service;
use techcommerce_jobs::Wake;
use techcommerce_runtime::Shutdown;
use techcommerce_store::Db;
use tokio::task::JoinSet;

use crate::ground::Ground;

/// What is enqueued within this time is told at once: a busy shop notifies some dozen times in a
/// second, however many orders it takes.
const TOGETHER: Duration = Duration::from_millis(25);
/// How long to rest after a failure.
const REST: Duration = Duration::from_secs(5);

/// Tells and listens until `stop`: services tell, the worker listens.
pub fn start(ground: &Ground, stop: &Shutdown) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if ground.here.is_whole() {
        return tasks;
    }
    let listens = ground.here.has(Service::Worker);
    for (service, db, _) in ground.stores.all() {
        let (db, wake, stop) = (db.clone(), ground.wakes.of(service), stop.clone());
        let Some(wake) = wake else { continue };
        tasks.spawn(async move {
            let work = async {
                match listens {
                    true => listen(service, &db, &wake).await,
                    false => tell(service, &db, &wake).await,
                }
            };
            tokio::select! {
                () = stop.requested() => {}
                () = work => {}
            }
        });
    }
    tasks
}

async fn tell(service: Service, db: &Db, wake: &Wake) {
    let mut sleeper = wake.sleeper();
    loop {
        sleeper.wait().await;
        if let Err(error) = db.notify().await {
            tracing::debug!(service = service.name(), %error, "nobody was told of the work");
            tokio::time::sleep(REST).await;
        }
        tokio::time::sleep(TOGETHER).await;
    }
}

async fn listen(service: Service, db: &Db, wake: &Wake) {
    let mut silent = false;
    loop {
        match db.listen().await {
            Ok(None) => return,
            Ok(Some(mut listening)) => {
                silent = false;
                // What was said before is found by looking.
                wake.wake();
                while listening.heard().await.is_ok() {
                    wake.wake();
                }
            }
            Err(error) if !silent => {
                silent = true;
                tracing::warn!(
                    service = service.name(), %error,
                    "notifications of new work cannot be heard; the queue is polled"
                );
            }
            Err(_) => {}
        }
        tokio::time::sleep(REST).await;
    }
}
