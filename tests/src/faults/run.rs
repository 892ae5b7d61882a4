//! A whole run: people, faults, rest, and the account.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

use super::catalogue::{LANES, Lane};
use super::checker::{Invariant, Violation, check};
use super::deeds::{self, Done};
use super::ground::Ground;
use super::journal::Heard;
use super::look::look;
use super::people::{Town, buyer, counter, staff};
use super::pictures::{Shown, photographer};
use super::plan::Plan;

const BUYERS: u64 = 5;
/// Every saga ends so soon after the last fault has.
const SAGAS: Duration = Duration::from_secs(60);
/// Mails have no such promise; a run ends all the same.
const EVENTS: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_secs(1);
/// Processes that were killed last are starting still.
const UNTIL_READY: Duration = Duration::from_secs(60);

/// What a lane did.
#[derive(Debug, Default)]
struct Account {
    made: BTreeMap<String, usize>,
    nobody_came: Vec<String>,
    left_out: Vec<String>,
    /// What ended by itself and was started again.
    revived: Vec<String>,
    failed: Vec<String>,
}

/// Makes the faults of a plan among people, and holds what they were told against what is there;
/// an error names the first that is not as it must be.
pub async fn run(plan: &Plan) -> Result<()> {
    println!(
        "seed {}, {} faults; again: cargo xtask faults --seed {} --faults {}",
        plan.seed,
        plan.faults.len(),
        plan.seed,
        plan.faults.len()
    );
    let began = Instant::now();
    let (ground, town) = Ground::open(plan.seed).await?;
    let (ground, town) = (Arc::new(ground), Arc::new(town));
    println!("the shop stands after {} s", began.elapsed().as_secs());
    let mut people = vec![staff(&town), counter(&town), photographer(&town)];
    people.extend((1..=BUYERS).map(|number| buyer(&town, number)));
    let began = Instant::now();
    let lanes =
        LANES.map(|lane| tokio::spawn(go(lane, plan.clone(), ground.clone(), town.clone())));
    let mut accounts = Vec::new();
    for lane in lanes {
        accounts.push(lane.await?);
    }
    let (faults, ended) = (began.elapsed(), Instant::now());
    town.closed.store(true, Ordering::Relaxed);
    town.journal.fault("the last fault is over");
    for person in people {
        person.await?;
    }
    wait_until_ready(&ground).await?;
    let found = settle(&town, &ground, ended).await?;
    tell(plan, &town, &accounts, faults, ended.elapsed());
    judge(plan, &town, &accounts, found)
}

/// The faults of a lane, one after another.
async fn go(lane: Lane, plan: Plan, ground: Arc<Ground>, town: Arc<Town>) -> Account {
    let mut account = Account::default();
    for planned in plan.of(lane) {
        sleep(planned.rest).await;
        if lane == Lane::Processes {
            match deeds::revive(&ground).await {
                Ok(names) => {
                    for name in names {
                        town.journal.fault(format!("{name} had ended by itself"));
                        account.revived.push(name);
                    }
                }
                Err(error) => account.failed.push(format!("{error:#}")),
            }
        }
        town.journal.fault(format!("begins: {planned}"));
        let made = deeds::make(&ground, &town, planned.fault, planned.lasts).await;
        let name = planned.fault.to_string();
        let said = match made {
            Ok(Done::Made) => {
                *account.made.entry(name).or_default() += 1;
                "over"
            }
            Ok(Done::NobodyCame) => {
                account.nobody_came.push(name);
                "nobody came"
            }
            Ok(Done::LeftOut) => {
                account.left_out.push(name);
                "left out"
            }
            Err(error) => {
                account.failed.push(format!("{planned}: {error:#}"));
                "FAILED"
            }
        };
        town.journal.fault(format!(
            "ends: {} {}: {said}",
            planned.number, planned.fault
        ));
    }
    account
}

async fn wait_until_ready(ground: &Ground) -> Result<()> {
    let end = Instant::now() + UNTIL_READY;
    loop {
        deeds::revive(ground).await?;
        let clients = {
            let shop = ground.shop.lock().await;
            let clients = crate::shop::SERVICES.map(|service| shop.processes.client(service));
            clients.into_iter().collect::<Result<Vec<_>>>()?
        };
        let mut ready = 0;
        for client in &clients {
            let answer = client.get("/readyz").send().await;
            ready += usize::from(answer.is_ok_and(|answer| answer.status == 200));
        }
        if ready == clients.len() {
            return Ok(());
        }
        if Instant::now() > end {
            let shop = ground.shop.lock().await;
            bail!(
                "{ready} of {} are ready {} s after the last fault:\n{}",
                clients.len(),
                UNTIL_READY.as_secs(),
                shop.processes.last_lines(20)
            );
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Asks for everything that is open until it is known, and waits until all is as it must be; what
/// is not when the time is up.
async fn settle(town: &Town, ground: &Ground, ended: Instant) -> Result<Vec<Violation>> {
    let mut shown = Shown::new();
    loop {
        ask_again(town).await;
        let found = match look(town, ground, &mut shown).await {
            Ok(seen) => check(&town.journal.facts(), &seen),
            Err(error) => {
                let what = format!("the shop does not show what it has: {error:#}");
                vec![Violation::new(Invariant::Sagas, "the shop", what)]
            }
        };
        let late = ended.elapsed();
        let waits = |violation: &Violation| match violation.invariant {
            Invariant::Events => late < EVENTS,
            _ => late < SAGAS,
        };
        if found.is_empty() {
            let mut found = audit(ground).await?;
            for wrong in ground.cards.violations() {
                found.push(Violation::new(Invariant::Payments, "Stripe", wrong));
            }
            return Ok(found);
        }
        // What is beyond its time will not be mended by more of it.
        if !found.iter().all(waits) {
            return Ok(found);
        }
        sleep(LOOK).await;
    }
}

async fn ask_again(town: &Town) {
    let facts = town.journal.facts();
    let attempts = facts.attempts.values().filter(|one| one.heard.is_open());
    for attempt in attempts {
        town.settle(&attempt.key, 1).await;
    }
    let deeds = facts.deeds.values().filter(|one| one.heard.is_open());
    for deed in deeds {
        town.settle_deed(&deed.key, 1).await;
    }
}

/// The shop's own account of itself, at the very end.
async fn audit(ground: &Ground) -> Result<Vec<Violation>> {
    let output = ground.shop.lock().await.run(&["doctor", "--audit"]).await?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(vec![Violation::new(
        Invariant::Audit,
        "doctor --audit",
        said,
    )])
}

fn tell(plan: &Plan, town: &Town, accounts: &[Account], faults: Duration, rest: Duration) {
    let facts = town.journal.facts();
    let orders = facts.attempts.values().filter(|one| one.heard.is_done());
    let refused = facts.attempts.values();
    let refused = refused.filter(|one| matches!(one.heard, Heard::Refused(_)));
    let again = facts.attempts.values().filter(|one| one.sent > 1).count();
    let deeds = facts.deeds.values().filter(|one| one.heard.is_done());
    let made: usize = accounts.iter().flat_map(|one| one.made.values()).sum();
    let kinds: usize = accounts.iter().map(|one| one.made.len()).sum();
    println!(
        "{made} of {} faults made ({kinds} different) in {} s; all at rest {} s after the last",
        plan.faults.len(),
        faults.as_secs(),
        rest.as_secs(),
    );
    println!(
        "{} orders acknowledged, {} refused, {again} asked for more than once; {} deeds of staff, {} pictures",
        orders.count(),
        refused.count(),
        deeds.count(),
        facts.pictures.len()
    );
    for (what, pick) in [
        (
            "nobody came to",
            (|account| &account.nobody_came) as fn(&Account) -> &Vec<String>,
        ),
        ("left out", |account| &account.left_out),
        ("ended by themselves", |account| &account.revived),
        ("could not be made", |account| &account.failed),
    ] {
        let all: Vec<&str> = accounts.iter().flat_map(pick).map(String::as_str).collect();
        if !all.is_empty() {
            println!("{what}: {}", all.join(", "));
        }
    }
}

fn judge(plan: &Plan, town: &Town, accounts: &[Account], at_end: Vec<Violation>) -> Result<()> {
    let mut found = town.journal.violations();
    found.extend(at_end);
    if let Some(first) = found.first() {
        for other in &found {
            println!("VIOLATED: {other}");
        }
        bail!(
            "seed {}: {} violations; the first: {first}\n{}",
            plan.seed,
            found.len(),
            town.journal.story(&first.object)
        );
    }
    let failed: Vec<&String> = accounts.iter().flat_map(|one| &one.failed).collect();
    if !failed.is_empty() {
        bail!("seed {}: faults could not be made: {failed:?}", plan.seed);
    }
    let facts = town.journal.facts();
    let orders = facts.attempts.values().filter(|one| one.heard.is_done());
    let enough = plan.faults.len() / 4;
    if orders.count() < enough {
        bail!(
            "seed {}: fewer than {enough} orders prove nothing",
            plan.seed
        );
    }
    Ok(())
}
