//! Waiting for the schemas that the services here need, and saying so.

use std::time::Duration;

use serde_json::{Value, json};
use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::{Error, Kind};
use techcommerce_runtime::Waiting;

use crate::{here::Here, stores::Stores};

/// How often a database or a schema that is not there yet is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Brings the databases up to date, or with `database_migrate` off waits until somebody has.
///
/// Services that run apart wait for as long as it takes, and say what for: whatever starts them
/// starts their database and the migrations at the same time, and one that ends instead is started
/// again ever more slowly. A whole shop that brings its own schema says at once what is wrong.
pub async fn ready(
    stores: &Stores,
    settings: &Settings,
    here: &Here,
    waiting: &Waiting,
) -> Result<(), Error> {
    let migrates = settings.database_migrate;
    let waits = !here.is_whole() || !migrates;
    let mut told = Vec::new();
    loop {
        let problems = match migrates {
            true => match stores.migrate().await {
                Ok(()) => problems(stores).await,
                Err(error) if waits && error.kind() == Kind::Unavailable => {
                    vec![Problem::of_all(&error)]
                }
                Err(error) => return Err(error),
            },
            false => problems(stores).await,
        };
        let Some(first) = problems.first() else {
            waiting.say(Vec::new());
            return Ok(());
        };
        if !waits {
            let message = format!("The database cannot be used: {}.", first.for_log);
            return Err(Error::unavailable(message));
        }
        let now: Vec<_> = problems
            .iter()
            .map(|problem| problem.for_log.clone())
            .collect();
        if now != told {
            for problem in &now {
                tracing::warn!(problem, "waiting for the database");
            }
            told = now;
        }
        waiting.say(problems.into_iter().map(|problem| problem.shown).collect());
        tokio::time::sleep(LOOK).await;
    }
}

/// Why a service cannot start yet.
struct Problem {
    /// What anyone may read who may ask for its health.
    shown: Value,
    /// With the cause, as the server gave it.
    for_log: String,
}

impl Problem {
    fn of_all(error: &Error) -> Self {
        Self {
            shown: json!({"problem": "a database cannot be reached; the log says why"}),
            for_log: error.to_string(),
        }
    }

    fn of(service: Service, error: &Error) -> Self {
        let cause = std::error::Error::source(error);
        let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
        Self {
            shown: json!({
                "schema": schema(service),
                "problem": "its database cannot be used; the log says why",
            }),
            for_log: format!("the database of {service}: {cause}"),
        }
    }
}

/// What keeps the services from working with their databases.
async fn problems(stores: &Stores) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (service, db, migrator) in stores.all() {
        match db.schema_state(migrator).await.map_err(Error::from) {
            Ok(state) if state.is_enough() => {
                if state.ahead > 0 {
                    let ahead = state.ahead;
                    tracing::info!(
                        service = service.name(),
                        ahead,
                        "the schema is of a newer version, which only adds to what is needed here"
                    );
                }
            }
            Ok(state) => problems.push(Problem {
                for_log: match state.too_new {
                    None => format!(
                        "the schema {} is {state}; `techcommerce migrate` brings it",
                        schema(service)
                    ),
                    Some(_) => format!("the schema {} is {state}", schema(service)),
                },
                shown: match state.too_new {
                    None => json!({
                        "schema": schema(service),
                        "at": state.at,
                        "needed": state.needed,
                        "missing": state.missing,
                    }),
                    // What is gone cannot be waited for; whoever reads this starts another version.
                    Some(oldest) => json!({
                        "schema": schema(service),
                        "problem": "a newer version took away what this one needs",
                        "oldest_program": oldest.to_string(),
                    }),
                },
            }),
            Err(error) => problems.push(Problem::of(service, &error)),
        }
    }
    problems
}

/// The name of a service's schema.
pub fn schema(service: Service) -> String {
    service.name().replace('-', "_")
}
