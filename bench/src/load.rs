//! Clients that ask one after another for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::{machine, stats::Sample};

/// Lets `clients` of them work for `each`; `make` gives a client's work, which is done again and
/// again. What is under way when the time is over is finished and counted, with its time.
/// `program` is the process that is measured, `database` one that works for it.
pub async fn run<W>(
    clients: usize,
    each: Duration,
    program: u32,
    database: Option<u32>,
    make: impl AsyncFn(usize) -> Result<W>,
) -> Result<Sample>
where
    W: Work,
{
    let mut works = Vec::new();
    for number in 0..clients {
        let mut work = make(number).await?;
        // The first of each client warms up.
        work.once().await?;
        works.push(work);
    }
    let over = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    let cpu = || {
        let database = database.map_or(Ok(0.0), machine::cpu)?;
        anyhow::Ok((machine::cpu(program)?, database))
    };
    let before = cpu()?;
    let began = Instant::now();
    for mut work in works {
        let over = Arc::clone(&over);
        tasks.spawn(async move {
            let mut taken = Vec::with_capacity(1 << 16);
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                work.once().await?;
                taken.push(began.elapsed());
            }
            anyhow::Ok(taken)
        });
    }
    tokio::time::sleep(each).await;
    over.store(true, Ordering::Relaxed);
    let mut taken = Vec::new();
    while let Some(client) = tasks.join_next().await {
        taken.extend(client??);
    }
    let lasted = began.elapsed().as_secs_f64();
    let after = cpu()?;
    taken.sort_unstable();
    let count = taken.len();
    anyhow::ensure!(count > 0, "nothing was done in {each:?}");
    let per_thousand = |spent: f64| spent * 1000.0 / count as f64;
    Ok(Sample {
        done: count + clients,
        rate: count as f64 / lasted,
        p50: taken[count / 2],
        p99: taken[count * 99 / 100],
        cpu: per_thousand(after.0 - before.0),
        database_cpu: per_thousand(after.1 - before.1),
        memory: machine::memory(program)?,
    })
}

/// What a client does again and again.
pub trait Work: Send + 'static {
    /// Does it once.
    fn once(&mut self) -> impl Future<Output = Result<()>> + Send;
}
