//! People who come when they come, however busy the shop is (an open model): a slow answer keeps
//! nobody from coming, and what somebody waits counts from the moment in which they came.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::client::Client;

/// Connections that stay open between two requests. Clones are the same.
#[derive(Clone)]
pub struct Connections {
    address: SocketAddr,
    idle: Arc<Mutex<Vec<Client>>>,
}

impl Connections {
    pub fn to(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Arc::default(),
        }
    }

    /// One that rests, or a new one.
    pub async fn take(&self) -> Result<Client> {
        let resting = self.idle().pop();
        match resting {
            Some(client) => Ok(client),
            None => Client::connect(self.address).await,
        }
    }

    /// Gives one back whose last answer was read to its end.
    pub fn give(&self, client: Client) {
        self.idle().push(client);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets `count` come, `rate` in a second at even distances, and waits for all that was begun.
/// `begin` is told who comes and when they were to come.
pub async fn coming<T, F>(
    rate: f64,
    count: usize,
    mut begin: impl FnMut(usize, Instant) -> F,
) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let began = Instant::now();
    let due = |number: usize| began + Duration::from_secs_f64(number as f64 / rate);
    let mut under_way = JoinSet::new();
    let mut done = Vec::with_capacity(count);
    let mut next = 0;
    while next < count {
        let now = Instant::now();
        while next < count && due(next) <= now {
            under_way.spawn(begin(next, due(next)));
            next += 1;
        }
        while let Some(one) = under_way.try_join_next() {
            done.push(one??);
        }
        if next < count {
            tokio::time::sleep_until(due(next).into()).await;
        }
    }
    while let Some(one) = under_way.join_next().await {
        done.push(one??);
    }
    Ok(done)
}

/// Times in their order, by how many took at most so long.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }

    /// The time that this share of all took at most, in milliseconds; each was kept, so there is
    /// no rounding. Nothing if there was none.
    pub fn at(&self, share: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else {
            return f64::NAN;
        };
        // The smallest that at least the share does not exceed.
        let rank = (share * self.0.len() as f64).ceil() as usize;
        let index = rank.saturating_sub(1).min(last);
        self.0[index].as_secs_f64() * 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let times = Times::of((1..=1000).rev().map(Duration::from_millis));
        assert_eq!(times.at(0.5), 500.0);
        assert_eq!(times.at(0.99), 990.0);
        assert_eq!(times.at(0.999), 999.0);
        assert_eq!(times.at(1.0), 1000.0);
        assert!(Times::default().at(0.5).is_nan());
    }

    #[tokio::test]
    async fn nobody_waits_for_somebody_elses_answer() {
        let done = coming(1e6, 100, |number, _| async move {
            if number == 0 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            Ok(number)
        });
        let done = done.await.unwrap();
        assert_eq!((done.len(), done.last()), (100, Some(&0)));
    }
}
