//! Every fault that there is, by name.

use std::fmt;
use std::time::Duration;

use crate::shop::SERVICES;
use crate::wire::Mode;

/// The commands of an order's path; each has three points.
const COMMANDS: [&str; 11] = [
    "authorise",
    "lookup_authorisation",
    "claim",
    "capture",
    "lookup_capture",
    "void",
    "release",
    "return",
    "refund",
    "lookup_refund",
    "restock",
];

/// The points at which a checkout can break off.
const CHECKOUT: [&str; 3] = ["request-fixed", "stock-reserved", "order-written"];

/// Who calls whom. What stands in capitals is no service of ours.
pub const EDGES: [(&str, &str); 22] = [
    ("people", "frontend"),
    ("frontend", "api"),
    ("frontend", "images"),
    ("api", "product-api"),
    ("api", "order-api"),
    ("api", "auth"),
    ("api", "images"),
    ("api", "worker"),
    ("order-api", "product-api"),
    ("worker", "product-api"),
    ("worker", "images"),
    ("product-api", DATABASE),
    ("order-api", DATABASE),
    ("auth", DATABASE),
    ("images", DATABASE),
    ("worker", DATABASE),
    ("api", REDIS),
    ("auth", REDIS),
    ("images", STORE),
    ("worker", STORE),
    ("worker", MAIL),
    ("worker", CARDS),
];

pub const DATABASE: &str = "DATABASE";
pub const REDIS: &str = "REDIS";
pub const STORE: &str = "STORE";
pub const MAIL: &str = "MAIL";
pub const CARDS: &str = "CARDS";

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and a new start.
    Kill(&'static str),
    /// All of them at once.
    KillAll,
    /// The next process that comes to this point of an order's path dies there.
    Die(&'static str, &'static str),
    /// SIGSTOP: connections stay and nothing is answered.
    Hang(&'static str),
    /// The worker hangs, and another takes its name and its leases; then both run.
    TwoWorkers,
    /// A process's clock is off by so many seconds.
    Clock(&'static str, i64),
    /// PostgreSQL ends at once and is started again.
    DatabaseStops,
    /// PostgreSQL ends for good, and the server that followed it takes its place.
    DatabaseFailsOver,
    /// PostgreSQL ends all connections.
    DatabaseCuts,
    /// PostgreSQL's disk is full.
    DatabaseDisk,
    /// The disk of the services' data folder is full.
    Disk,
    /// Redis ends, and comes back empty.
    RedisLost,
    /// Redis forgets everything.
    RedisEmpty,
    /// Redis hangs.
    RedisHangs,
    /// A way between two.
    Link(&'static str, &'static str, Mode),
    /// The mail server takes a mail and says nothing of it, or takes none.
    Mail(MailMode),
    /// What the provider for trials does with the cards that are used meanwhile.
    Provider(&'static str),
    /// What the double of Stripe does with its next requests.
    Cards(Trouble),
}

/// What the mail server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailMode {
    Takes,
    Refuses,
    /// Has it and breaks off before it says so.
    Lies,
}

/// How the double of Stripe answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It breaks off before anything is done.
    BreaksOff,
    /// It is done, and nobody is told.
    LosesReply,
    /// 500, and nothing is done.
    Fails,
    /// 429, and nothing is done.
    Refuses,
    /// It is done after three seconds.
    Slow,
}

/// What can only be done one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// What is done to processes.
    Processes,
    /// What is done to the ways between them.
    Links,
    /// What is done to what they keep things in, and to whom they ask.
    Stores,
}

pub const LANES: [Lane; 3] = [Lane::Processes, Lane::Links, Lane::Stores];

impl Fault {
    pub fn lane(self) -> Lane {
        match self {
            Self::Kill(_)
            | Self::KillAll
            | Self::Die(..)
            | Self::Hang(_)
            | Self::TwoWorkers
            | Self::Clock(..) => Lane::Processes,
            Self::Link(_, to, _) if [STORE, MAIL, REDIS, CARDS].contains(&to) => Lane::Stores,
            Self::Link(..) => Lane::Links,
            Self::DatabaseStops
            | Self::DatabaseFailsOver
            | Self::DatabaseCuts
            | Self::DatabaseDisk
            | Self::Disk
            | Self::RedisLost
            | Self::RedisEmpty
            | Self::RedisHangs
            | Self::Mail(_)
            | Self::Provider(_)
            | Self::Cards(_) => Lane::Stores,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(service) => write!(f, "kill:{service}"),
            Self::KillAll => f.write_str("kill:all"),
            Self::Die(_, point) => write!(f, "die:{point}"),
            Self::Hang(service) => write!(f, "hang:{service}"),
            Self::TwoWorkers => f.write_str("two-workers"),
            Self::Clock(service, seconds) => write!(f, "clock:{service}:{seconds:+}s"),
            Self::DatabaseStops => f.write_str("database:stops"),
            Self::DatabaseFailsOver => f.write_str("database:fails-over"),
            Self::DatabaseCuts => f.write_str("database:cuts"),
            Self::DatabaseDisk => f.write_str("database:disk-full"),
            Self::Disk => f.write_str("disk-full"),
            Self::RedisLost => f.write_str("redis:lost"),
            Self::RedisEmpty => f.write_str("redis:empty"),
            Self::RedisHangs => f.write_str("redis:hangs"),
            Self::Link(from, to, mode) => {
                write!(f, "link:{from}>{}:{mode}", to.to_lowercase())
            }
            Self::Mail(mode) => write!(f, "mail:{}", format!("{mode:?}").to_lowercase()),
            Self::Provider(card) => write!(f, "provider:{card}"),
            Self::Cards(trouble) => {
                write!(f, "cards:{}", format!("{trouble:?}").to_lowercase())
            }
        }
    }
}

/// Who comes to the points of a checkout, and who to those of the commands.
fn points() -> impl Iterator<Item = Fault> {
    let checkout = CHECKOUT.map(|point| Fault::Die("order-api", point));
    let commands = COMMANDS.into_iter().flat_map(|command| {
        ["before", "after", "recorded"].map(|when| {
            // The catalogue is made once; its names live as long as the program.
            let name: &'static str = format!("{when}-{command}").leak();
            Fault::Die("worker", name)
        })
    });
    checkout.into_iter().chain(commands)
}

/// All of them.
pub fn all() -> Vec<Fault> {
    const SLOW: Mode = Mode::Slow(Duration::from_millis(400));
    let mut all: Vec<Fault> = SERVICES.map(Fault::Kill).to_vec();
    all.push(Fault::KillAll);
    all.extend(points());
    all.extend(SERVICES.map(Fault::Hang));
    all.push(Fault::TwoWorkers);
    for service in ["worker", "order-api", "product-api", "auth", "api"] {
        for seconds in [-900, -20, 20, 900] {
            all.push(Fault::Clock(service, seconds));
        }
    }
    all.extend([
        Fault::DatabaseStops,
        Fault::DatabaseFailsOver,
        Fault::DatabaseCuts,
        Fault::DatabaseDisk,
        Fault::Disk,
        Fault::RedisLost,
        Fault::RedisEmpty,
        Fault::RedisHangs,
        Fault::Mail(MailMode::Refuses),
        Fault::Mail(MailMode::Lies),
    ]);
    for card in [
        "tok_slow_unknown",
        "tok_timeout",
        "tok_lost_reply",
        "tok_twice",
    ] {
        all.push(Fault::Provider(card));
    }
    for trouble in [
        Trouble::BreaksOff,
        Trouble::LosesReply,
        Trouble::Fails,
        Trouble::Refuses,
        Trouble::Slow,
    ] {
        all.push(Fault::Cards(trouble));
    }
    for (from, to) in EDGES {
        for mode in [SLOW, Mode::Cut, Mode::Reset, Mode::HalfOpen] {
            all.push(Fault::Link(from, to, mode));
        }
        if to == STORE {
            all.push(Fault::Link(from, to, Mode::Fail(2)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let names: BTreeSet<String> = all().iter().map(Fault::to_string).collect();
        assert_eq!(names.len(), all().len());
        for name in [
            "kill:auth",
            "die:order-written",
            "die:after-capture",
            "database:fails-over",
            "link:api>order-api:half-open",
            "link:worker>store:fail",
            "clock:worker:-900s",
            "mail:lies",
        ] {
            assert!(names.contains(name), "{name} is missing");
        }
        for lane in LANES {
            assert!(all().iter().any(|fault| fault.lane() == lane), "{lane:?}");
        }
    }
}
