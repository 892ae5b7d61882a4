//! Making a fault, and ending it.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep};

use techcommerce_testkit::stripe;

use super::catalogue::{Fault, MailMode, Trouble};
use super::ground::Ground;
use super::people::Town;
use crate::wire::Mode;

/// How long somebody is waited for who is to come to a point of an order's path.
const UNTIL_THERE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);

/// What came of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Made,
    /// Nobody came to the point meanwhile.
    NobodyCame,
    /// This machine does not let us.
    LeftOut,
}

/// Makes it, lets it last, and ends it, whatever happens.
pub async fn make(ground: &Ground, town: &Town, fault: Fault, lasts: Duration) -> Result<Done> {
    let begun = begin(ground, town, fault).await;
    if matches!(begun, Ok(Done::Made)) {
        sleep(lasts).await;
    }
    let ended = end(ground, town, fault).await;
    let done = begun.with_context(|| format!("making {fault}"))?;
    ended.with_context(|| format!("ending {fault}"))?;
    Ok(done)
}

async fn begin(ground: &Ground, town: &Town, fault: Fault) -> Result<Done> {
    match fault {
        Fault::Kill(service) => ground.shop.lock().await.processes.kill(service)?,
        Fault::KillAll => ground.shop.lock().await.kill()?,
        Fault::Die(service, point) => return die(ground, service, point).await,
        Fault::Hang(service) => signal(ground, service, "STOP").await?,
        Fault::TwoWorkers => two_workers(ground).await?,
        Fault::Clock(service, seconds) => {
            let shift = (seconds * 1_000_000).to_string();
            std::fs::write(ground.trial.join(format!("clock-{service}")), shift)?;
        }
        Fault::DatabaseStops => ground.database.lock().await.stop()?,
        Fault::DatabaseFailsOver => ground.database.lock().await.stop()?,
        Fault::DatabaseCuts => ground.database.lock().await.cut().await?,
        Fault::DatabaseDisk => {
            let database = ground.database.lock().await;
            if !database.has_disk() {
                return Ok(Done::LeftOut);
            }
            database.fill_disk(true)?;
        }
        Fault::Disk => match &ground.disk {
            Some(disk) => fill(disk, true)?,
            None => return Ok(Done::LeftOut),
        },
        Fault::RedisLost => ground.redis.server().halt()?,
        Fault::RedisEmpty => {
            ground.redis.command(&["FLUSHALL"]);
        }
        Fault::RedisHangs => ground.redis.server().freeze()?,
        Fault::Link(from, to, mode) => ground.way(from, to, mode)?,
        Fault::Mail(mode) => ground.mail.set(mode),
        Fault::Provider(card) => {
            town.token.send_replace(Some(card));
        }
        // So many requests, or until it is over.
        Fault::Cards(trouble) => ground.cards.faults([troubled(trouble); 20]),
    }
    Ok(Done::Made)
}

async fn end(ground: &Ground, town: &Town, fault: Fault) -> Result<()> {
    match fault {
        Fault::Kill(service) | Fault::Die(service, _) => start(ground, service).await?,
        Fault::KillAll => drop(revive(ground).await?),
        Fault::Hang(service) => signal(ground, service, "CONT").await?,
        Fault::TwoWorkers => {
            // The second one goes as a crash; the first has gone on beside it.
            ground.shop.lock().await.processes.kill("worker-2")?;
        }
        Fault::Clock(service, _) => {
            std::fs::remove_file(ground.trial.join(format!("clock-{service}")))?;
        }
        Fault::DatabaseStops => ground.database.lock().await.start_again()?,
        Fault::DatabaseFailsOver => {
            let mut database = ground.database.lock().await;
            database.fail_over()?;
            ground.database_is_at(database.address());
            // The next one to take its place.
            database.follow().await?;
        }
        Fault::DatabaseDisk => {
            let database = ground.database.lock().await;
            if database.has_disk() {
                database.fill_disk(false)?;
                // It may have ended for want of room.
                if !database.answers().await {
                    database.start_again()?;
                }
            }
        }
        Fault::Disk => {
            if let Some(disk) = &ground.disk {
                fill(disk, false)?;
            }
        }
        Fault::RedisLost => ground.redis.server().resume()?,
        Fault::RedisHangs => ground.redis.server().thaw()?,
        Fault::Link(from, to, _) => ground.way(from, to, Mode::Pass)?,
        Fault::Mail(_) => ground.mail.set(MailMode::Takes),
        Fault::Provider(_) => {
            town.token.send_replace(None);
        }
        Fault::Cards(_) => ground.cards.calm(),
        Fault::DatabaseCuts | Fault::RedisEmpty => {}
    }
    Ok(())
}

fn troubled(trouble: Trouble) -> stripe::Fault {
    match trouble {
        Trouble::BreaksOff => stripe::Fault::BreakOff,
        Trouble::LosesReply => stripe::Fault::LoseReply,
        Trouble::Fails => stripe::Fault::Status(500),
        Trouble::Refuses => stripe::Fault::Status(429),
        Trouble::Slow => stripe::Fault::Slow(Duration::from_secs(3)),
    }
}

/// Waits until a process has died at a point, or nobody came there.
async fn die(ground: &Ground, service: &str, point: &str) -> Result<Done> {
    let file = ground.trial.join(format!("die-{point}"));
    std::fs::write(&file, "")?;
    let end = Instant::now() + UNTIL_THERE;
    while file.exists() && Instant::now() < end {
        sleep(LOOK).await;
    }
    if std::fs::remove_file(&file).is_ok() {
        return Ok(Done::NobodyCame);
    }
    // It removed the file as the last thing that it did.
    let end = Instant::now() + Duration::from_secs(30);
    while !ground.shop.lock().await.processes.has_ended(service)? {
        ensure!(Instant::now() < end, "{service} lives on after {point}");
        sleep(LOOK).await;
    }
    Ok(Done::Made)
}

/// The worker hangs with what it holds; another of its name takes that, and then both run.
async fn two_workers(ground: &Ground) -> Result<()> {
    signal(ground, "worker", "STOP").await?;
    let mut shop = ground.shop.lock().await;
    if !shop.processes.names().iter().any(|name| name == "worker-2") {
        let mut part = shop.setup.another("worker", "worker-2")?;
        part.command.env("TECHCOMMERCE_WORKER_NAME", "worker");
        shop.processes.add(vec![part]);
    }
    shop.processes.start_one("worker-2")?;
    let second = shop.processes.client("worker-2")?;
    drop(shop);
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        let ready = second.get("/readyz").send().await;
        if ready.is_ok_and(|answer| answer.status == 200) {
            break;
        }
        sleep(LOOK).await;
    }
    signal(ground, "worker", "CONT").await
}

async fn signal(ground: &Ground, service: &str, name: &str) -> Result<()> {
    ground.shop.lock().await.processes.signal(service, name)
}

/// Starts a service that was killed.
async fn start(ground: &Ground, service: &str) -> Result<()> {
    let mut shop = ground.shop.lock().await;
    if shop.processes.has_ended(service)? {
        shop.processes.kill(service)?;
        shop.processes.start_one(service)?;
    }
    Ok(())
}

/// What ended by itself is started again, as the cluster does; its names, and what each said last.
pub async fn revive(ground: &Ground) -> Result<Vec<String>> {
    let mut shop = ground.shop.lock().await;
    let mut ended = Vec::new();
    for service in crate::shop::SERVICES {
        if shop.processes.has_ended(service)? {
            let said = shop.processes.last_lines_of(service, 3);
            shop.processes.kill(service)?;
            shop.processes.start_one(service)?;
            ended.push(format!("{service} ({said})"));
        }
    }
    Ok(ended)
}

/// Takes all that is left on the disk of this folder, or gives it back.
pub fn fill(folder: &Path, full: bool) -> Result<()> {
    let file = folder.join("filler");
    if !full {
        return Ok(std::fs::remove_file(file)?);
    }
    let mut filler = std::fs::File::create(file)?;
    let piece = vec![0_u8; 64 * 1024];
    // The disk is small and of its own; it ends with an error.
    while filler.write_all(&piece).is_ok() {}
    Ok(())
}
