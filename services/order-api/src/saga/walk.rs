//! How a job takes an order along its path, whoever carries the commands out.
//!
//! It asks the path what is to be done, has it done, and has recorded what happened, one command at
//! a time. It knows neither a database nor a network: the job's handler brings those, and the
//! simulation (tests/simulation) others, which a seed decides.

use std::time::Duration;

use techcommerce_jobs::Outcome;
use techcommerce_kernel::Error;

use super::execute;
use crate::{
    faults::Point,
    path::{Command, Event, State},
};

/// No path is longer, however often the provider hesitates.
const MAX_STEPS: usize = 100;
/// The pause after the provider's first "nobody knows".
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two questions.
const LONGEST_PAUSE: Duration = super::Advance::LONGEST_PAUSE;

/// What a walk does with one order, under one job.
pub trait Hands: Sync {
    /// Breaks off here if a test says so.
    ///
    /// # Errors
    /// What the test says.
    fn at(&self, point: Point) -> Result<(), Error>;

    /// Carries out a command, which may have been carried out before, of an order that stood at
    /// `state` when it was last looked at.
    ///
    /// # Errors
    /// When it is not known what happened outside. Asking again is harmless and tells.
    fn carry_out(
        &self,
        state: &State,
        command: &Command,
    ) -> impl Future<Output = Result<execute::Outcome, Error>> + Send;

    /// Records what happened, provided that the job is still ours. If nothing is left to do the
    /// job ends with it; gives whether it did beside the state.
    ///
    /// # Errors
    /// `job_lost`, and those of the database.
    fn record(
        &self,
        happened: &execute::Outcome,
    ) -> impl Future<Output = Result<(State, bool), Error>> + Send;

    /// Ends the job if there is still nothing to do; else gives the state in which there is.
    ///
    /// # Errors
    /// `job_lost`, and those of the database.
    fn finish(&self) -> impl Future<Output = Result<Option<State>, Error>> + Send;
}

/// Takes the order, which stands at `state`, as far as it goes.
///
/// # Errors
/// When nothing can be done for the moment.
pub async fn walk<H: Hands>(hands: &H, mut state: State) -> Result<Outcome, Error> {
    let mut in_doubt = false;
    for _ in 0..MAX_STEPS {
        let mut commands = state.commands();
        if commands.is_empty() {
            match hands.finish().await? {
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
                return Ok(Outcome::RetryIn(pause(state.asked)));
            }
        }
        let (command, outcome) = first_that_works(hands, &state, commands).await?;
        let mut done = false;
        for _ in 0..=usize::from(outcome.twice) {
            (state, done) = hands.record(&outcome).await?;
        }
        hands.at(Point::Recorded(command.name()))?;
        if done {
            return Ok(Outcome::Completed);
        }
        in_doubt |= is_doubt(&outcome.event);
    }
    Err(Error::internal("the order does not come to rest"))
}

/// Carries out the first command that can be; the others are not held up by one that cannot.
async fn first_that_works<H: Hands>(
    hands: &H,
    state: &State,
    commands: Vec<Command>,
) -> Result<(Command, execute::Outcome), Error> {
    let mut failure = None;
    for command in commands {
        hands.at(Point::Before(command.name()))?;
        match hands.carry_out(state, &command).await {
            Ok(outcome) => {
                hands.at(Point::After(command.name()))?;
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
        Event::AuthorisationUnknown
            | Event::CaptureUnknown
            | Event::RefundUnknown { .. }
            // It is asked for anew, which is no question; one that was made is never, and waits.
            | Event::RefundNotSeen { .. }
    )
}
