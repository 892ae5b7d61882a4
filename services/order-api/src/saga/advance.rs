//! The job that takes an order along its path.
//!
//! It asks the path what is to be done, does it outside, and records what happened, one command
//! at a time; every record is one transaction that also proves that the job is still its own. A
//! job that dies anywhere finds the same command again, and every command may be carried out
//! twice.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, execute, transact};

use super::{Advance, execute::execute as carry_out};
use crate::{
    app::App,
    faults::Point,
    orders::{self, Cause, Changed, OrderRow},
    path::{Command, Event, State},
};

/// No path is longer, however often the provider hesitates.
const MAX_STEPS: usize = 100;
/// The pause after the provider's first "nobody knows".
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Runs [`Advance`].
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        Advance::KIND
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let Advance { order } = job.payload()?;
        match advance(&self.0, job, order).await {
            // Trying again cannot mend a contradiction: people have to look.
            Err(error) if error.code() == orders::CONTRADICTION => {
                Ok(Outcome::GiveUp(format!("{error:?}")))
            }
            outcome => outcome,
        }
    }
}

async fn advance(app: &App, job: &Job, id: Uuid) -> Result<Outcome, Error> {
    let (order, variants) = load(app, id).await?;
    let mut state = order.path.0.clone();
    let mut in_doubt = false;
    for _ in 0..MAX_STEPS {
        let mut commands = state.commands();
        if commands.is_empty() {
            match finish(app, job, id).await? {
                None => return Ok(Outcome::Completed),
                Some(newer) => {
                    state = newer;
                    continue;
                }
            }
        }
        if in_doubt {
            // Asking at once again would be no use; everything else goes on.
            commands.retain(|command| !command.is_lookup());
            if commands.is_empty() {
                return Ok(Outcome::RetryAt(app.env.now() + pause(state.asked)));
            }
        }
        let (command, outcome) = first_that_works(app, &order, &variants, commands).await?;
        let mut done = false;
        for _ in 0..=usize::from(outcome.twice) {
            (state, done) = record(app, job, id, &outcome).await?;
        }
        app.faults.at(Point::Recorded(command.name()))?;
        if done {
            return Ok(Outcome::Completed);
        }
        in_doubt |= is_doubt(&outcome.event);
    }
    Err(Error::internal("the order does not come to rest"))
}

/// Carries out the first command that can be; the others are not held up by one that cannot.
async fn first_that_works(
    app: &App,
    order: &OrderRow,
    variants: &[Uuid],
    commands: Vec<Command>,
) -> Result<(Command, super::execute::Outcome), Error> {
    let mut failure = None;
    for command in commands {
        app.faults.at(Point::Before(command.name()))?;
        match carry_out(app, order, variants, &command).await {
            Ok(outcome) => {
                app.faults.at(Point::After(command.name()))?;
                return Ok((command, outcome));
            }
            Err(error) => {
                tracing::warn!(
                    command = command.name(),
                    ?error,
                    "a step has to be tried again"
                );
                failure.get_or_insert(error);
            }
        }
    }
    Err(failure.unwrap_or_else(|| Error::internal("nothing to do")))
}

async fn load(app: &App, id: Uuid) -> Result<(OrderRow, Vec<Uuid>), Error> {
    let mut conn = app.db.read().await?;
    let order = orders::find(&mut conn, id)
        .await?
        .ok_or_else(orders::not_found)?;
    let variants = orders::variants(&mut conn, id).await?;
    Ok((order, variants))
}

/// Records what happened, provided that the job is still ours. If nothing is left to do the job
/// ends with it; gives whether it did beside the state.
async fn record(
    app: &App,
    job: &Job,
    id: Uuid,
    outcome: &super::execute::Outcome,
) -> Result<(State, bool), Error> {
    let cause = Cause {
        by_job: true,
        ..Cause::by("system")
    };
    let (changed, done) = transact!(app.db, |tx| -> Result<(Changed, bool), Error> {
        job.guard(tx).await?;
        let changed = orders::change(tx, app, id, &outcome.event, cause).await?;
        // What is told twice is told by the same job.
        let done = !outcome.twice && changed.after.commands().is_empty();
        if done {
            end(tx, app, job, id).await?;
        }
        Ok((changed, done))
    })?;
    app.metrics.changed(&changed, app.env.now());
    // Mails may have been written.
    app.queue.wake();
    Ok((changed.after, done))
}

/// Ends the job if there is still nothing to do; else gives the state in which there is.
async fn finish(app: &App, job: &Job, id: Uuid) -> Result<Option<State>, Error> {
    transact!(app.db, |tx| -> Result<Option<State>, Error> {
        job.guard(tx).await?;
        let state = orders::lock(tx, id).await?;
        if !state.commands().is_empty() {
            return Ok(Some(state));
        }
        end(tx, app, job, id).await?;
        Ok(None)
    })
}

/// Ends the job of an order that this transaction holds.
async fn end(tx: &mut Conn, app: &App, job: &Job, id: Uuid) -> Result<(), Error> {
    const CLEAR: &str = "UPDATE orders SET job_id = NULL WHERE id = $1 AND job_id = $2";
    job.complete_in(tx, &app.env).await?;
    execute!(tx, sqlx::query(CLEAR).bind(id).bind(job.id))?;
    Ok(())
}

/// How long to wait before the provider is asked for the `asked`th time in a row.
fn pause(asked: u32) -> Duration {
    let doublings = asked.saturating_sub(1).min(16);
    FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE)
}

fn is_doubt(event: &Event) -> bool {
    matches!(
        event,
        Event::AuthorisationUnknown | Event::CaptureUnknown | Event::RefundUnknown { .. }
    )
}
