//! The job that takes an order along its path.
//!
//! What is done when is [`walk`]'s; here is with what. Every record is one transaction that also
//! proves that the job is still its own. A job that dies anywhere finds the same command again,
//! and every command may be carried out twice.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, execute, transact};

use super::{
    Advance,
    execute::{self, execute as carry_out},
    walk::{Hands, walk},
};
use crate::{
    app::App,
    faults::Point,
    orders::{self, Cause, Changed, OrderRow},
    path::{Command, State},
};

/// Runs [`Advance`].
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        Advance::KIND
    }

    fn longest_pause(&self) -> Duration {
        Advance::LONGEST_PAUSE
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
    let state = order.path.0.clone();
    let work = Work {
        app,
        job,
        order,
        variants,
    };
    walk(&work, state).await
}

/// An order under a job of ours.
struct Work<'a> {
    app: &'a App,
    job: &'a Job,
    order: OrderRow,
    /// What the lines are of, by position.
    variants: Vec<Uuid>,
}

impl Hands for Work<'_> {
    fn at(&self, point: Point) -> Result<(), Error> {
        self.app.faults.at(point)
    }

    async fn carry_out(&self, state: &State, command: &Command) -> Result<execute::Outcome, Error> {
        carry_out(self.app, &self.order, &self.variants, state, command).await
    }

    async fn record(&self, happened: &execute::Outcome) -> Result<(State, bool), Error> {
        record(self.app, self.job, self.order.id, happened).await
    }

    async fn finish(&self) -> Result<Option<State>, Error> {
        finish(self.app, self.job, self.order.id).await
    }
}

async fn load(app: &App, id: Uuid) -> Result<(OrderRow, Vec<Uuid>), Error> {
    let mut conn = app.db.read().await?;
    let order = orders::find(&mut conn, id)
        .await?
        .ok_or_else(orders::not_found)?;
    let variants = orders::variants(&mut conn, id).await?;
    Ok((order, variants))
}

async fn record(
    app: &App,
    job: &Job,
    id: Uuid,
    outcome: &execute::Outcome,
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
