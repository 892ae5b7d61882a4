//! `techcommerce migrate --check`: what would be done to each database, without doing any of it.

use std::{fmt, process::ExitCode};

use serde_json::{Value, json};
use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;
use techcommerce_store::{
    Db, Dialect, Lock, Manner, MigrationError, Pending, Plan, Touched, Version,
};

use crate::{
    here::Here,
    say,
    schemas::schema,
    stores::{Stores, migrator, not_migrated, own_url, url},
};

/// What it ends with where something is to be done.
const PENDING: u8 = 10;

/// What would be done to a service's database.
struct Checked {
    service: Service,
    dialect: Dialect,
    plan: Plan,
    /// Whether there is a database, and one gets in.
    is_there: bool,
}

/// Looks at the databases of these services, or of all.
pub async fn run(
    settings: &Settings,
    services: Vec<Service>,
    as_json: bool,
) -> Result<ExitCode, Error> {
    let here = Here::for_command(services, settings)?;
    let mut all = Vec::new();
    for service in here.databases() {
        all.push(look(settings, service).await?);
    }
    let state = state(&all);
    match as_json {
        true => say(format_args!("{:#}", json(&all, state))),
        false => {
            for one in &all {
                say(one);
            }
            say(summary(&all, state));
        }
    }
    Ok(match state {
        "current" => ExitCode::SUCCESS,
        "pending" => ExitCode::from(PENDING),
        _ => ExitCode::FAILURE,
    })
}

fn state(all: &[Checked]) -> &'static str {
    if all.iter().any(|one| !one.plan.troubles.is_empty()) {
        "refused"
    } else if all.iter().any(|one| !one.plan.is_current()) {
        "pending"
    } else {
        "current"
    }
}

async fn look(settings: &Settings, service: Service) -> Result<Checked, Error> {
    let migrator =
        migrator(service).ok_or_else(|| Error::internal(format!("{service} keeps no database")))?;
    let failed = |error| not_migrated(service, error);
    let checked = |dialect, plan, is_there| Checked {
        service,
        dialect,
        plan,
        is_there,
    };
    if url(settings, service).is_none() {
        let file = settings.data_dir.join(format!("{service}.db"));
        let nothing = || Plan::of_nothing(migrator, Dialect::Sqlite);
        if !file.is_file() {
            return Ok(checked(Dialect::Sqlite, nothing().map_err(failed)?, false));
        }
        let db = Db::look_at_sqlite(&file);
        let plan = db.plan(migrator).await;
        db.close().await;
        return Ok(checked(Dialect::Sqlite, plan.map_err(failed)?, true));
    }
    let stores = Stores::open(settings, None, &[service]).await?;
    let plan = stores.get(service)?.plan(migrator).await;
    stores.close().await;
    let makes_roles = settings.database_admin_url.is_some() && own_url(settings, service).is_some();
    match plan {
        Ok(plan) => Ok(checked(Dialect::Postgres, plan, true)),
        // Whoever may make roles would make this one, or give it its password, first.
        Err(MigrationError::Store(error)) if error.is_refused() && makes_roles => {
            let plan = Plan::of_nothing(migrator, Dialect::Postgres).map_err(failed)?;
            Ok(checked(Dialect::Postgres, plan, false))
        }
        Err(error) => Err(failed(error)),
    }
}

fn oldest(all: &[Checked]) -> Option<Version> {
    all.iter().filter_map(|one| one.plan.oldest_program).max()
}

fn summary(all: &[Checked], state: &str) -> String {
    if state == "refused" {
        return "Nothing would be done before that is mended.".to_owned();
    }
    let pending: Vec<&Pending> = all.iter().flat_map(|one| &one.plan.pending).collect();
    if pending.is_empty() {
        return "Nothing to do.".to_owned();
    }
    let after = pending.iter().filter_map(|one| one.class.after()).max();
    let beside = match after {
        None => "Programs of the version before go on working beside all of them.".to_owned(),
        Some(after) => format!("Only when no process runs a version before {after}."),
    };
    format!("To be applied: {}. {beside}", pending.len())
}

fn json(all: &[Checked], state: &str) -> Value {
    let databases: Vec<Value> = all
        .iter()
        .map(|one| {
            let Plan {
                at,
                needed,
                pending,
                ahead,
                troubles,
                ..
            } = &one.plan;
            json!({
                "service": one.service.name(),
                "engine": engine(one.dialect),
                "schema": schema(one.service),
                "is_there": one.is_there,
                "at": at,
                "needed": needed,
                "pending": pending.iter().map(of_pending).collect::<Vec<_>>(),
                "ahead": ahead.iter().map(|newer| json!({
                    "name": newer.name,
                    "after": newer.after.map(|after| after.to_string()),
                    "is_fine": newer.is_fine,
                })).collect::<Vec<_>>(),
                "troubles": troubles.iter().map(|trouble| json!({
                    "what": trouble.what,
                    "mend": trouble.mend,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "program": Version::own().to_string(),
        "state": state,
        "oldest_program": oldest(all).map(|version| version.to_string()),
        "databases": databases,
    })
}

fn of_pending(one: &Pending) -> Value {
    let touches: Vec<Value> = one
        .touches
        .iter()
        .map(|touched| {
            let Touched {
                effect,
                rows,
                bytes,
            } = touched;
            json!({
                "what": effect.what,
                "table": effect.table,
                "lock": effect.lock.name(),
                "blocks": effect.lock.blocks(),
                "scans": effect.scans,
                "rewrites": effect.rewrites,
                "rows": rows,
                "bytes": bytes,
            })
        })
        .collect();
    json!({
        "name": one.name,
        "class": one.class.name(),
        "after": one.class.after().map(|after| after.to_string()),
        "run": one.manner.name(),
        "touches": touches,
    })
}

fn engine(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "PostgreSQL",
        Dialect::Sqlite => "SQLite",
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        let place = match (self.dialect, self.is_there) {
            (dialect, true) => engine(dialect),
            (Dialect::Sqlite, false) => "SQLite, no file yet",
            (Dialect::Postgres, false) => {
                "PostgreSQL, its role does not get in yet; migrate makes it"
            }
        };
        let at = plan.at.as_deref().unwrap_or("nothing");
        write!(
            f,
            "{} ({place}): at {at}, needed is {}",
            self.service, plan.needed
        )?;
        if plan.is_current() {
            write!(f, ": nothing to do")?;
        }
        for newer in &plan.ahead {
            let fine = match newer.is_fine {
                true => "it only adds, and this program works beside it",
                false => "this program does not work with it",
            };
            write!(f, "\n  of a newer version: {}; {fine}", newer.name)?;
        }
        for trouble in &plan.troubles {
            write!(f, "\n  wrong: {}\n    mend: {}", trouble.what, trouble.mend)?;
        }
        plan.pending.iter().try_for_each(|one| pending(f, one))
    }
}

fn pending(f: &mut fmt::Formatter<'_>, one: &Pending) -> fmt::Result {
    let class = match one.class.after() {
        None => "expand".to_owned(),
        Some(after) => format!("contract: only when no process runs a version before {after}"),
    };
    let manner = match one.manner {
        Manner::Transaction => "one transaction",
        Manner::Concurrently => "beside those who use the table",
        Manner::Batches => "in batches",
    };
    write!(f, "\n  {}: {class}; {manner}", one.name)?;
    for Touched {
        effect,
        rows,
        bytes,
    } in &one.touches
    {
        write!(f, "\n    {}", effect.what)?;
        if effect.lock == Lock::None {
            continue;
        }
        write!(
            f,
            ": locks {} ({}), which blocks {}",
            effect.table,
            effect.lock.name(),
            effect.lock.blocks()
        )?;
        let long = match (effect.rewrites, effect.scans) {
            (true, _) => ", and writes all of it anew",
            (false, true) => ", and reads all of it",
            _ => "",
        };
        f.write_str(long)?;
        if let Some(rows) = rows {
            write!(f, "; about {rows} rows")?;
        }
        if let Some(bytes) = bytes {
            write!(f, ", {} KiB", bytes / 1024)?;
        }
    }
    Ok(())
}
