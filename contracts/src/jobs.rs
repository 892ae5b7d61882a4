//! Background jobs as staff see them, of all services.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

/// Where a job stands. Those that are done are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its time, or for a worker.
    Waiting,
    /// A worker runs it.
    Running,
    /// It failed too often, or for good, and waits for staff.
    Dead,
}

impl JobState {
    /// The name as shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }
}

/// A job that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobEntry {
    /// Whose, as `order-api`.
    pub service: String,
    /// Names it within the service.
    pub id: Uuid,
    /// What it does, as `order.advance`.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// How often it was tried.
    pub attempts: i64,
    /// How often it may be tried.
    pub max_attempts: i64,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it runs next; of one that runs, when its worker's lease ends; of a dead one, when it
    /// was given up.
    pub run_at: Timestamp,
}

/// Which jobs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct JobQuery {
    /// Only those that stand there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Only those of this service, as `order-api`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only those of this kind, as `order.advance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How many jobs each service has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobCounts {
    /// One for each service that has jobs.
    pub items: Vec<ServiceJobs>,
    /// All dead ones: what staff have to look at.
    pub dead: u64,
    /// The workers that were seen in the last day, the one seen last first.
    #[serde(default)]
    pub workers: Vec<WorkerSeen>,
}

/// A worker's sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerSeen {
    /// Its name, as that of its pod.
    pub name: String,
    /// Since when it works.
    pub started_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

/// How many jobs a service has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceJobs {
    /// The service, as `order-api`.
    pub service: String,
    /// How many wait, those whose time has not come included.
    pub waiting: u64,
    /// How many run.
    pub running: u64,
    /// How many are dead.
    pub dead: u64,
    /// The same by kind, by their names; kinds without jobs are left out.
    #[serde(default)]
    pub kinds: Vec<KindJobs>,
}

/// How many jobs of one kind there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KindJobs {
    /// What they do, as `order.advance`.
    pub kind: String,
    /// How many wait, those whose time has not come included.
    pub waiting: u64,
    /// How many run.
    pub running: u64,
    /// How many are dead.
    pub dead: u64,
    /// For how many seconds the one that waits longest could have been run.
    pub oldest_seconds: u64,
}

/// A job with what it works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobDetail {
    /// As in the list.
    #[serde(flatten)]
    pub job: JobEntry,
    /// What it works on. Secrets, tokens and mail addresses are taken out.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// The worker that has it, or had it last.
    pub worker: Option<String>,
}

/// Which dead jobs to try again together.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryMany {
    /// Whose, as `order-api`.
    pub service: String,
    /// Of which kind, as `order.mail`.
    pub kind: String,
}

/// How many dead jobs run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retried {
    /// At most a thousand at a time, the oldest first.
    pub count: u64,
}

/// Why a dead job is given up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DiscardQuery {
    /// In the words of who does it, for the audit log; at most 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
