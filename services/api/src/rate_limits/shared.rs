//! Counts that all replicas of the edge share, in Redis.
//!
//! One script does what [`Limiter`](techcommerce_kernel::Limiter) does, with the time handed in.
//! A count must never be why nobody gets in: if Redis does not answer at once, each replica goes
//! on counting for itself and asks again a moment later.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use techcommerce_follow::{Current, Source};
use techcommerce_kernel::{
    Called, Error, Meter, Quota, Timestamp,
    limiter::{Allowance, Exhausted},
};

/// Every request waits for this.
const WITHIN: Duration = Duration::from_millis(100);
/// How long another address may take to be tried.
const TRIED_WITHIN: Duration = Duration::from_millis(1500);
/// So long Redis is not asked after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// `KEYS[1]` holds until when its allowance is used up; `ARGV`: now, step and window, and how
/// many to take (−1 gives one back). All in microseconds, which a double holds exactly. One that
/// holds more than two windows from now was written by a clock that ran ahead, and counts as unused.
/// Answers `{1, used until}`, or `{0, how long to wait}` and changes nothing.
const TAKE: &str = "local now, step, window, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used > now + 2 * window then used = now end
used = math.min(math.max(used, now), now + window) + step * count
local wait = used - window - now
if count > 0 and wait > 0 then return {0, wait} end
local left = math.ceil((used - now) / 1000)
if left > 0 then redis.call('SET', KEYS[1], string.format('%.0f', used), 'PX', left) else redis.call('DEL', KEYS[1]) end
return {1, used}";

/// Counts in Redis. Clones share one connection, which is made again by itself.
#[derive(Clone)]
pub struct SharedLimits {
    connection: Current<ConnectionManager>,
    prefix: String,
    /// When Redis may be asked again, in microseconds since 1970.
    away_until: Arc<AtomicI64>,
    meter: Meter,
}

impl std::fmt::Debug for SharedLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedLimits").finish_non_exhaustive()
    }
}

impl SharedLimits {
    /// Prepares a connection to the address, made when it is first used. `prefix` begins every key.
    ///
    /// # Errors
    /// `redis_settings` when the address cannot be used. It is not repeated: it holds a password.
    pub fn new(address: impl Into<Source<String>>, prefix: &str) -> Result<Self, Error> {
        let address = address.into();
        let connection = prepare(address.value(), WITHIN)?;
        let connection = Current::following(connection, address, |address| async move {
            // Nobody waits for this one.
            let mut tried = prepare(&address, TRIED_WITHIN)?;
            let pong: Result<(), RedisError> = redis::cmd("PING").exec_async(&mut tried).await;
            pong.map_err(|error| Error::unavailable("Redis refuses it.").caused_by(error))?;
            prepare(&address, WITHIN)
        });
        Ok(Self {
            connection,
            prefix: prefix.to_owned(),
            away_until: Arc::default(),
            meter: Meter::default(),
        })
    }

    /// The connection, for whoever looks whether its address changed.
    pub fn connection(&self) -> &Current<ConnectionManager> {
        &self.connection
    }

    /// The same, with its calls measured.
    #[must_use]
    pub fn measured(self, meter: Meter) -> Self {
        meter.breaker(false);
        Self { meter, ..self }
    }

    /// Takes one from the allowance of `key`. `None`: Redis does not say.
    pub(super) async fn take(
        &self,
        key: &str,
        quota: Quota,
        now: Timestamp,
    ) -> Option<Result<Allowance, Exhausted>> {
        let (taken, micros) = self.run(key, quota, now, 1).await?;
        Some(match taken {
            1 => Ok(quota.allowance(micros, now)),
            _ => Err(quota.exhausted(micros)),
        })
    }

    /// Gives one back; `false`: Redis does not answer.
    pub(super) async fn give_back(&self, key: &str, quota: Quota, now: Timestamp) -> bool {
        self.run(key, quota, now, -1).await.is_some()
    }

    async fn run(&self, key: &str, quota: Quota, now: Timestamp, count: i64) -> Option<(i64, i64)> {
        let micros = now.as_micros();
        // One that lies further off was written by a clock that ran ahead.
        let until = self.away_until.load(Ordering::Relaxed);
        if micros < until && until <= (now + PAUSE).as_micros() {
            self.meter.refused();
            return None;
        }
        let mut eval = redis::cmd("EVAL");
        eval.arg(TAKE)
            .arg(1)
            .arg(format!("{}limit:{key}", self.prefix))
            .arg(micros)
            .arg(quota.step_micros())
            .arg(quota.window_micros())
            .arg(count);
        let mut connection = ConnectionManager::clone(&self.connection.get());
        let answer = eval.query_async(&mut connection);
        let asking = async {
            // The manager's own limits do not cover the wait for a connection that others make.
            let answer = tokio::time::timeout(WITHIN, answer).await;
            answer
                .map_err(|late| (Called::Timeout, late.to_string()))?
                .map_err(|error: RedisError| (Called::Error, error.to_string()))
        };
        let how = |answer: &Result<_, (Called, String)>| match answer {
            Ok(_) => Called::Ok,
            Err((how, _)) => *how,
        };
        match self.meter.measure(asking, how).await {
            Ok(answer) => {
                if self.away_until.load(Ordering::Relaxed) != 0 {
                    self.away_until.store(0, Ordering::Relaxed);
                    self.meter.breaker(false);
                }
                Some(answer)
            }
            Err((_, failed)) => {
                let until = (now + PAUSE).as_micros();
                self.meter.breaker(true);
                if self.away_until.swap(until, Ordering::Relaxed) < micros {
                    tracing::warn!(
                        failed,
                        "Redis does not count requests; this replica counts alone"
                    );
                }
                None
            }
        }
    }
}

/// A connection that is made when it is first used.
fn prepare(address: &str, within: Duration) -> Result<ConnectionManager, Error> {
    let wrong =
        |_: RedisError| Error::invalid("redis_settings", "The address of Redis cannot be used.");
    let client = Client::open(address).map_err(wrong)?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(within))
        .set_response_timeout(Some(within))
        .set_number_of_retries(0)
        .set_max_delay(within);
    ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)
}
