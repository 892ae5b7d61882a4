//! What the worker tells of itself.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use techcommerce_jobs::JobSet;
use techcommerce_kernel::{Env, Error, Timestamp};

/// How it stands with one set.
#[derive(Debug)]
pub(crate) struct State {
    pub set: JobSet,
    env: Env,
    poll: Duration,
    /// When the set's task last went round, in microseconds since 1970.
    seen: AtomicI64,
}

impl State {
    pub fn new(set: JobSet, env: Env, poll: Duration) -> Self {
        let seen = AtomicI64::new(env.now().as_micros());
        Self {
            set,
            env,
            poll,
            seen,
        }
    }

    /// The time by the queue's clock.
    pub fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// The set's task goes round.
    pub fn goes_round(&self) -> Timestamp {
        let now = self.env.now();
        self.seen.store(now.as_micros(), Ordering::Relaxed);
        now
    }

    pub fn silent_for(&self) -> Duration {
        self.env
            .now()
            .since(Timestamp::from_micros(self.seen.load(Ordering::Relaxed)))
    }

    /// The longest silence that is no reason to worry.
    pub fn patience(&self) -> Duration {
        self.poll * 3 + Duration::from_secs(30)
    }

    /// The names of the checks of this set's database and task.
    pub fn check_names(&self) -> (&'static str, &'static str) {
        match self.set.service() {
            "product-api" => ("product-api database", "product-api heartbeat"),
            "order-api" => ("order-api database", "order-api heartbeat"),
            "auth" => ("auth database", "auth heartbeat"),
            "images" => ("images database", "images heartbeat"),
            _ => ("database", "heartbeat"),
        }
    }

    async fn report(&self) -> Result<Value, Error> {
        let queue = self.set.queue();
        let stats = queue.stats().await?;
        let seen = queue.last_heartbeat().await?.map(|seen| seen.seen_at);
        Ok(json!({
            "ready": stats.ready,
            "scheduled": stats.scheduled,
            "running": stats.running,
            "dead": stats.dead,
            "oldest_age_seconds": stats.oldest.as_secs_f64(),
            "last_heartbeat": seen,
            "heartbeat_age_seconds": seen.map(|seen| self.env.now().since(seen).as_secs_f64()),
        }))
    }
}

/// For `/health`: `{"last_heartbeat": …, "queues": {"order-api": {"ready": 3, …}}}`.
pub(crate) async fn report(states: &[std::sync::Arc<State>]) -> Map<String, Value> {
    let reports = join_all(states.iter().map(|state| state.report())).await;
    let queues: Map<String, Value> = states
        .iter()
        .zip(reports)
        .map(|(state, report)| {
            // That the database is away is told by its check.
            (
                state.set.service().to_owned(),
                report.unwrap_or(Value::Null),
            )
        })
        .collect();
    let seen = states
        .iter()
        .map(|state| state.seen.load(Ordering::Relaxed))
        .min();
    let mut members = Map::new();
    members.insert(
        "last_heartbeat".into(),
        json!(seen.map(Timestamp::from_micros)),
    );
    members.insert("queues".into(), queues.into());
    members
}
