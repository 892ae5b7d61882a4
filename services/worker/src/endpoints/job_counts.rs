//! `GET /jobs/counts`: how many jobs there are.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use std::{collections::BTreeMap, time::Duration};

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    jobs::{JobCounts, KindJobs, ServiceJobs, WorkerSeen},
};
use techcommerce_http::{ApiResult, Staff};
use techcommerce_jobs::KindStats;
use techcommerce_kernel::Timestamp;

use super::{App, Private, private};

/// For how long a worker that is gone is told of.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// How many workers are told of for each queue.
const WORKERS: u32 = 50;

/// How many jobs of each service wait, run or are dead, by their kinds, and which workers were seen.
#[utoipa::path(
    get, path = "/jobs/counts", tag = "jobs", operation_id = "count_jobs",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The numbers.", body = JobCounts),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn counts(State(app): State<App>, Staff(_): Staff) -> ApiResult<Private<JobCounts>> {
    let mut items = Vec::with_capacity(app.sets().len());
    let mut workers: BTreeMap<String, WorkerSeen> = BTreeMap::new();
    for set in app.sets() {
        let queue = set.queue();
        let now = queue.env().now();
        let kinds = queue.stats_by_kind().await?.into_iter();
        let mut kinds: Vec<KindJobs> = kinds.map(|kind| counted(kind, now)).collect();
        kinds.sort_by(|one, other| one.kind.cmp(&other.kind));
        let sum = |part: fn(&KindJobs) -> u64| kinds.iter().map(part).sum();
        items.push(ServiceJobs {
            service: set.service().to_owned(),
            waiting: sum(|kind| kind.waiting),
            running: sum(|kind| kind.running),
            dead: sum(|kind| kind.dead),
            kinds,
        });
        // A worker leaves its sign in each queue.
        for seen in queue.workers(A_DAY, WORKERS).await? {
            match workers.get_mut(&seen.name) {
                Some(known) if known.seen_at >= seen.seen_at => {}
                _ => {
                    workers.insert(seen.name.clone(), seen);
                }
            }
        }
    }
    let dead = items.iter().map(|jobs| jobs.dead).sum();
    let mut workers: Vec<_> = workers.into_values().collect();
    workers.sort_by_key(|worker| std::cmp::Reverse(worker.seen_at));
    Ok(private(JobCounts {
        items,
        dead,
        workers,
    }))
}

fn counted(kind: KindStats, now: Timestamp) -> KindJobs {
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let since = |due: i64| now.since(Timestamp::from_micros(due)).as_secs();
    KindJobs {
        kind: kind.kind,
        waiting: count(kind.ready) + count(kind.scheduled),
        running: count(kind.running),
        dead: count(kind.dead),
        oldest_seconds: kind.oldest.map_or(0, since),
    }
}
