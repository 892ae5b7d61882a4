//! What is done to the shop, and which alerts people must get of it.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::BoxFuture;

use super::ground::Ground;
use super::load::{Habit, USUAL};
use crate::wire::Mode;

mod cluster;
mod data;
mod work;

pub use cluster::{PLANTED, WELL};

/// A step of a fault.
pub type Step = for<'a> fn(&'a mut Ground) -> BoxFuture<'a, Result<()>>;

/// Something that goes wrong.
pub struct Fault {
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    /// Exactly these arrive, as `Name` or `Name{label=value}`, and clear.
    pub expected: &'static [&'static str],
    /// These may arrive beside them: which is first, and mutes the other, is a matter of moments.
    pub also: &'static [&'static str],
    /// These may come when what muted them is over, or stay until a long window has passed.
    pub aftermath: &'static [&'static str],
    /// Goes on for so many seconds after the last has arrived, for others to show up.
    pub hold: u64,
    pub begin: Step,
    pub end: Step,
}

/// What errors leave behind: windows of ten minutes to six hours remember them.
const BUDGETS: &[&str] = &[
    "BrowsingFails",
    "BrowsingSlow",
    "CheckoutFails",
    "CheckoutSlow",
    "PaymentsFail",
    "PaymentsSlow",
    // Looks back over ten minutes.
    "ErrorsLogged",
    "JobsRetried",
    // Over five.
    "PoolExhausted",
];

/// All of them, in the order in which they are tried.
pub fn all() -> Vec<&'static Fault> {
    [SERVICES, work::FAULTS, data::FAULTS, cluster::FAULTS]
        .into_iter()
        .flatten()
        .collect()
}

const SERVICES: &[Fault] = &[
    Fault {
        name: "service-killed",
        what: "order-api is killed",
        expected: &["ServiceDown{service=order-api}"],
        also: &[],
        aftermath: BUDGETS,
        hold: 20,
        begin: |ground| Box::pin(async { ground.shop.processes.kill("order-api") }),
        end: |ground| Box::pin(restart(ground, "order-api")),
    },
    Fault {
        name: "service-hangs",
        what: "product-api is stopped (SIGSTOP): it takes connections and answers nothing",
        expected: &["ServiceDown{service=product-api}"],
        also: &[],
        aftermath: BUDGETS,
        hold: 20,
        begin: |ground| Box::pin(async { ground.signal("product-api", "STOP") }),
        end: |ground| Box::pin(async { ground.signal("product-api", "CONT") }),
    },
    Fault {
        name: "worker-gone",
        what: "the worker is killed",
        expected: &["ServiceDown{service=worker}"],
        also: &[],
        aftermath: &["QueueOld", "PaymentsSlow", "JobsRetried"],
        hold: 15,
        begin: |ground| Box::pin(async { ground.shop.processes.kill("worker") }),
        end: |ground| Box::pin(restart(ground, "worker")),
    },
    Fault {
        name: "database-gone",
        what: "connections to PostgreSQL are cut, and new ones too",
        expected: &["DatabaseUnreachable"],
        also: &[],
        aftermath: BUDGETS,
        hold: 20,
        begin: |ground| refuse(ground, "database"),
        end: |ground| pass(ground, "database"),
    },
    Fault {
        name: "database-slow",
        what: "every answer of PostgreSQL comes 0.55 s later",
        expected: &["DatabaseSlow"],
        also: &[],
        aftermath: BUDGETS,
        hold: 15,
        begin: |ground| delay(ground, "database", 550),
        end: |ground| pass(ground, "database"),
    },
    Fault {
        name: "redis-gone",
        what: "connections to Redis are cut, and new ones too",
        expected: &["RedisUnreachable"],
        also: &[],
        aftermath: &[],
        hold: 20,
        begin: |ground| refuse(ground, "redis"),
        end: |ground| pass(ground, "redis"),
    },
    Fault {
        name: "object-store-gone",
        what: "connections to the store of pictures are cut, and new ones too",
        expected: &["ObjectStoreUnreachable"],
        also: &[],
        aftermath: &[],
        hold: 20,
        begin: |ground| refuse(ground, "object-store"),
        end: |ground| pass(ground, "object-store"),
    },
    Fault {
        name: "mail-refused",
        what: "the mail server takes no connection",
        expected: &["MailServerUnreachable"],
        also: &["MailsFailing"],
        aftermath: &["JobsRetried", "MailsFailing", "ErrorsLogged"],
        hold: 10,
        begin: |ground| refuse(ground, "smtp"),
        end: |ground| pass(ground, "smtp"),
    },
    Fault {
        name: "bad-release",
        what: "a third of product-api's answers are 500",
        expected: &[
            "ErrorRate",
            "BrowsingFails",
            "CheckoutFails",
            "DependencyFailing",
            "ErrorsLogged",
        ],
        also: &[],
        aftermath: BUDGETS,
        hold: 10,
        begin: |ground| {
            ground.proxy("product-api", Mode::Fail(3));
            done()
        },
        end: |ground| pass(ground, "product-api"),
    },
    Fault {
        name: "slow-answers",
        what: "what the edge answers comes 2.5 s later",
        expected: &["SlowAnswers{service=frontend}", "BrowsingSlow"],
        also: &[],
        aftermath: BUDGETS,
        hold: 10,
        begin: |ground| delay(ground, "api", 2500),
        end: |ground| pass(ground, "api"),
    },
    Fault {
        name: "flood",
        what: "50 requests a second come from one address",
        expected: &["ManyRefused"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| habit(ground, Habit { flood: 50, ..USUAL }),
        end: |ground| habit(ground, USUAL),
    },
    Fault {
        name: "sign-in-attack",
        what: "15 wrong passwords a second for one account",
        expected: &["SignInAttack"],
        also: &["ManyRefused"],
        aftermath: &[],
        hold: 15,
        begin: |ground| {
            habit(
                ground,
                Habit {
                    guesses: 15,
                    ..USUAL
                },
            )
        },
        end: |ground| habit(ground, USUAL),
    },
];

fn done<'a>() -> BoxFuture<'a, Result<()>> {
    Box::pin(async { Ok(()) })
}

async fn restart(ground: &mut Ground, service: &str) -> Result<()> {
    ground.shop.processes.start_one(service)?;
    ground.shop.processes.wait_until_ready().await
}

fn refuse<'a>(ground: &Ground, name: &str) -> BoxFuture<'a, Result<()>> {
    ground.proxy(name, Mode::Cut);
    done()
}

fn delay<'a>(ground: &Ground, name: &str, milliseconds: u64) -> BoxFuture<'a, Result<()>> {
    ground.proxy(name, Mode::Slow(Duration::from_millis(milliseconds)));
    done()
}

fn pass<'a>(ground: &Ground, name: &str) -> BoxFuture<'a, Result<()>> {
    ground.proxy(name, Mode::Pass);
    done()
}

fn habit<'a>(ground: &Ground, habit: Habit) -> BoxFuture<'a, Result<()>> {
    ground.load.set(habit);
    done()
}
