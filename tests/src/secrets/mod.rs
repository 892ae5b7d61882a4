//! Every secret that a running shop holds is changed under it, in whichever order the file and the
//! server learn of it: not one request fails, the log says it once and never the value.

mod collector;
mod mail;
mod password;
mod pictures;
mod redis;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use crate::shop::{Engine, Setup, Shop};
use crate::shopper::eventually;

/// The secrets that are followed, with the test that changes each under a running shop.
const CHANGED: [(&str, &str); 13] = [
    ("database_url", "secrets::password"),
    ("databases.auth", "rotation"),
    ("databases.images", "rotation"),
    ("databases.order_api", "rotation"),
    ("databases.product_api", "rotation"),
    (
        "images.gcs_credentials",
        "services/images/tests/clouds: its server wants a signed token",
    ),
    ("images.s3_access_key", "secrets::pictures"),
    ("images.s3_secret_key", "secrets::pictures"),
    ("redis_url", "secrets::redis"),
    ("smtp_url", "secrets::mail"),
    (
        "stripe.secret_key",
        "services/order-api/src/tests/stripe_secrets.rs: its double wants the key",
    ),
    (
        "stripe.webhook_secret",
        "services/order-api/src/tests/stripe_secrets.rs: its double signs with it",
    ),
    ("traces.headers", "secrets::collector"),
];

/// The secrets that are read once, and why that is right.
const ONCE: [(&str, &str); 2] = [
    (
        "admin.password",
        "it is of use at the first sign-in alone, which asks for another",
    ),
    (
        "database_admin_url",
        "only `techcommerce migrate` has it, which ends when it is done",
    ),
];

/// A new secret is followed and tried here, or it is said why not.
#[tokio::test]
async fn every_secret_is_followed_or_explained() -> Result<()> {
    let setup = Setup::new(Engine::Sqlite).await;
    let reference = setup.command(&["config", "--reference"])?.output()?;
    ensure!(reference.status.success(), "{reference:?}");
    let reference = String::from_utf8(reference.stdout)?;
    let rows = reference
        .lines()
        .filter(|line| line.ends_with(" Secret. |"));
    let mut known = BTreeMap::new();
    for row in rows {
        let key = row.split('`').nth(1).context("a key")?;
        known.insert(key, row.ends_with(" Followed. Secret. |"));
    }
    let changed = CHANGED.iter().map(|(key, _)| (*key, true));
    let once = ONCE.iter().map(|(key, _)| (*key, false));
    let expected: BTreeMap<&str, bool> = changed.chain(once).collect();
    assert_eq!(known, expected, "secrets, and whether they are followed");
    Ok(())
}

/// Waits until as many processes as hold the secret have said so of it, for the `times`th time.
async fn said(shop: &Shop, what: &str, key: &str, times: usize) -> Result<()> {
    eventually(&format!("{key}: {what}"), async || {
        Ok((count(shop, what, key) >= times).then_some(()))
    })
    .await
}

fn count(shop: &Shop, what: &str, key: &str) -> usize {
    let output = shop.output();
    let lines = output.lines().filter(|line| line.contains(what));
    lines.filter(|line| line.contains(key)).count()
}

const IN_FORCE: &str = "the changed secret is in force";
const REFUSED: &str = "the changed secret does not work yet";

/// No log has any of these.
fn ensure_untold(shop: &Shop, secrets: &[&str]) -> Result<()> {
    let output = shop.output();
    for secret in secrets {
        ensure!(!output.contains(secret), "the log tells {secret}");
    }
    Ok(())
}

/// People who do the same thing again and again until it is over; none of it may fail.
struct Load {
    over: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    people: JoinSet<Result<()>>,
}

impl Load {
    fn of<F>(people: usize, act: impl Fn() -> F + Clone + Send + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send,
    {
        let mut load = Self {
            over: Arc::default(),
            done: Arc::default(),
            people: JoinSet::new(),
        };
        for _ in 0..people {
            let (over, done) = (Arc::clone(&load.over), Arc::clone(&load.done));
            let act = act.clone();
            load.people.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    act().await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
        load
    }

    /// Waits until it was done this many times more.
    async fn go_on(&mut self, times: usize) -> Result<()> {
        let goal = self.done.load(Ordering::Relaxed) + times;
        eventually("more of the same", async || {
            if let Some(ended) = self.people.try_join_next() {
                ended?.context("a request failed")?;
            }
            Ok((self.done.load(Ordering::Relaxed) >= goal).then_some(()))
        })
        .await
    }

    /// How often it was done.
    async fn end(self) -> Result<usize> {
        self.over.store(true, Ordering::Relaxed);
        for ended in self.people.join_all().await {
            ended.context("a request failed")?;
        }
        Ok(self.done.load(Ordering::Relaxed))
    }
}
