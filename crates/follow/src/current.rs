//! What is in force, and what takes its place.

use std::{borrow::Cow, fmt, pin::Pin, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use techcommerce_kernel::Error;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use crate::Source;

/// How long what was read may take to be tried.
const TRY: Duration = Duration::from_secs(15);
/// What was refused is tried again after this long; the pause doubles until it is the longest one.
/// Some lock out whoever comes with a wrong password too often.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Those who were refused with what is in force have it tried no more often.
const AT_LEAST: Duration = Duration::from_millis(250);

/// Why it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It was time to. What was refused a moment ago rests.
    Due,
    /// Somebody asks for it, and is told again what does not work.
    Asked,
    /// What is in force was refused.
    Needed,
}

/// Something that looks whether its secret changed.
pub trait Follow: Send + Sync {
    /// Looks once; what is found is told in the log.
    fn look(&self, why: Look) -> impl Future<Output = ()> + Send;

    /// Whether there is anything to look for.
    fn may_change(&self) -> bool;
}

/// What is made from a secret and in force. Clones are the same one.
pub struct Current<T>(Arc<Inner<T>>);

struct Inner<T> {
    in_force: ArcSwap<T>,
    renewal: Option<Box<dyn Renew<T>>>,
}

impl<T: Send + Sync + 'static> Current<T> {
    /// One that stays.
    pub fn fixed(value: T) -> Self {
        Self(Arc::new(Inner {
            in_force: ArcSwap::from_pointee(value),
            renewal: None,
        }))
    }

    /// `value` was made from what `source` holds. What it holds later is handed to `open`, which
    /// makes another one of it and tries it. The errors of `open` say nothing of the secret: they
    /// are told in the log.
    pub fn following<V, F>(
        value: T,
        source: Source<V>,
        open: impl Fn(V) -> F + Send + Sync + 'static,
    ) -> Self
    where
        V: Clone + PartialEq + Send + Sync + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Source {
            name,
            value: held,
            read: Some(read),
        } = source
        else {
            return Self::fixed(value);
        };
        Self(Arc::new(Inner {
            in_force: ArcSwap::from_pointee(value),
            renewal: Some(Box::new(Renewal {
                name,
                read,
                open,
                held: Mutex::new(Held {
                    in_force: held,
                    refused: None,
                }),
            })),
        }))
    }

    /// What is in force. Takes no lock.
    pub fn get(&self) -> Arc<T> {
        self.0.in_force.load_full()
    }

    /// Whether there may ever be another one.
    pub fn may_change(&self) -> bool {
        self.0.renewal.is_some()
    }

    /// Reads the secret again, and if it is another one tries it and puts it in force; gives
    /// whether that happened.
    ///
    /// # Errors
    /// It cannot be read or was refused, which the log says as well. What was in force still is.
    pub async fn look(&self, why: Look) -> Result<bool, Error> {
        match &self.0.renewal {
            Some(renewal) => renewal.look(&self.0.in_force, why).await,
            None => Ok(false),
        }
    }

    /// As [`Self::look`], unless somebody else is looking.
    ///
    /// # Errors
    /// As there.
    pub async fn look_if_nobody_does(&self, why: Look) -> Result<bool, Error> {
        match &self.0.renewal {
            Some(renewal) if !renewal.is_looking() => self.look(why).await,
            _ => Ok(false),
        }
    }

    /// For whoever was refused with this one: another one, if there is one by now. It is looked at
    /// once, so whoever changes the file first and then the password fails no request.
    pub async fn instead_of(&self, refused: &Arc<T>) -> Option<Arc<T>> {
        let renewal = self.0.renewal.as_ref()?;
        let other = || Some(self.get()).filter(|current| !Arc::ptr_eq(current, refused));
        if let Some(other) = other() {
            return Some(other);
        }
        // Whoever waits here while another one looks finds what that one found.
        let _ = renewal.look(&self.0.in_force, Look::Needed).await;
        other()
    }
}

impl<T: Send + Sync + 'static> Follow for Current<T> {
    async fn look(&self, why: Look) {
        // The log has it.
        let _ = Current::look(self, why).await;
    }

    fn may_change(&self) -> bool {
        Current::may_change(self)
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Without what is in force, which may show a secret.
impl<T> fmt::Debug for Current<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

type Looking<'a> = Pin<Box<dyn Future<Output = Result<bool, Error>> + Send + 'a>>;

/// A [`Renewal`] of whatever secret.
trait Renew<T>: Send + Sync {
    fn look<'a>(&'a self, in_force: &'a ArcSwap<T>, why: Look) -> Looking<'a>;
    fn is_looking(&self) -> bool;
}

struct Renewal<V, O> {
    name: Cow<'static, str>,
    read: Box<dyn Fn() -> Result<V, Error> + Send + Sync>,
    open: O,
    /// One looks at a time.
    held: Mutex<Held<V>>,
}

struct Held<V> {
    /// What was made from it is in force.
    in_force: V,
    refused: Option<Refused<V>>,
}

struct Refused<V> {
    /// None: it could not be read.
    value: Option<V>,
    /// When the try began.
    at: Instant,
    pause: Duration,
}

impl<V, O, T, F> Renew<T> for Renewal<V, O>
where
    V: Clone + PartialEq + Send + Sync + 'static,
    O: Fn(V) -> F + Send + Sync,
    T: Send + Sync,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    fn look<'a>(&'a self, in_force: &'a ArcSwap<T>, why: Look) -> Looking<'a> {
        Box::pin(async move {
            let asked = Instant::now();
            let mut held = self.held.lock().await;
            let value = match (self.read)() {
                Ok(value) if value == held.in_force => {
                    held.refused = None;
                    return Ok(false);
                }
                Ok(value) => value,
                Err(error) => {
                    self.refused(&mut held, (None, Instant::now()), why, &error);
                    return Err(error);
                }
            };
            if let Some(refused) = held.refused.as_ref().filter(|refused| refused.is(&value)) {
                match why {
                    Look::Asked => {}
                    Look::Due if refused.at.elapsed() < refused.pause => return Ok(false),
                    Look::Due => {}
                    // Somebody else has tried meanwhile.
                    Look::Needed if refused.at >= asked => return Ok(false),
                    Look::Needed => sleep_until(refused.at + AT_LEAST).await,
                }
            }
            let at = Instant::now();
            let opened = timeout(TRY, (self.open)(value.clone())).await;
            let late = |_| Err(Error::unavailable("no answer in time"));
            match opened.unwrap_or_else(late) {
                Ok(opened) => {
                    in_force.store(Arc::new(opened));
                    held.in_force = value;
                    held.refused = None;
                    tracing::info!(setting = %self.name, "the changed secret is in force");
                    Ok(true)
                }
                Err(error) => {
                    self.refused(&mut held, (Some(value), at), why, &error);
                    Err(error)
                }
            }
        })
    }

    fn is_looking(&self) -> bool {
        self.held.try_lock().is_err()
    }
}

impl<V, O> Renewal<V, O>
where
    V: PartialEq,
{
    /// Notes that this value does not work, and says so if it was not said.
    fn refused(
        &self,
        held: &mut Held<V>,
        (value, at): (Option<V>, Instant),
        why: Look,
        error: &Error,
    ) {
        let before = held.refused.take();
        let before = before.filter(|before| before.value == value);
        if before.is_none() || why == Look::Asked {
            tracing::warn!(
                setting = %self.name, error = ?error,
                "the changed secret does not work yet; the one before stays in force"
            );
        }
        let pause = before.map_or(PAUSE, |before| (before.pause * 2).min(LONGEST_PAUSE));
        held.refused = Some(Refused { value, at, pause });
    }
}

impl<V: PartialEq> Refused<V> {
    fn is(&self, value: &V) -> bool {
        self.value.as_ref() == Some(value)
    }
}

#[cfg(test)]
#[path = "current_tests.rs"]
mod tests;
