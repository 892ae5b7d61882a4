//! A shop at half its load for a long time: what it uses stays as it is, what it keeps grows with
//! its orders and with nothing else, and what is old goes (docs/soak.md).
//!
//! `cargo xtask soak --minutes 60` runs it for an hour; each run of the tests for a few seconds, in which
//! nothing leaks that could be told from noise, but in which what is old goes to the last row.

mod flat;
mod old;
mod sample;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use techcommerce_kernel::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::shop::{ADMIN, Engine, Setup, Shop};
use crate::shopper::{cart_with, checkout, eventually, place};
use crate::staff::{Stock, product};
use flat::{Course, Limit};
use sample::{Eye, Sample, bytes_of, rows_of};

/// What a process uses.
const USED: [(&str, Limit); 5] = [
    (
        "memory, MB",
        Limit {
            share: 0.1,
            units: 16.0,
        },
    ),
    (
        "threads",
        Limit {
            share: 0.0,
            units: 4.0,
        },
    ),
    (
        "file descriptors",
        Limit {
            share: 0.0,
            units: 12.0,
        },
    ),
    (
        "connections to PostgreSQL",
        Limit {
            share: 0.0,
            units: 4.0,
        },
    ),
    (
        "jobs that wait",
        Limit {
            share: 0.0,
            units: 25.0,
        },
    ),
];
/// Of a table for each order that there is.
const FOR_AN_ORDER: Limit = Limit {
    share: 0.15,
    units: 0.2,
};
/// Of a row of a table.
const OF_A_ROW: Limit = Limit {
    share: 0.3,
    units: 64.0,
};
/// A table with fewer is too small to say anything of.
const ENOUGH_ROWS: f64 = 2_000.0;

/// So far the clock is put forward: further than anything is kept that goes.
const AHEAD: i64 = 100 * DAY;
const DAY: i64 = 24 * 3600 * 1_000_000;

/// All of it, for as long as one says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes an hour; `cargo xtask soak`"]
async fn all() -> Result<()> {
    let number = |name: &str, otherwise: f64| {
        let given = std::env::var(name).ok();
        given
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let minutes = number("TECHCOMMERCE_SOAK_MINUTES", 60.0);
    let rate = number("TECHCOMMERCE_SOAK_RATE", 4.0);
    soak(Duration::from_secs_f64(minutes * 60.0), rate).await
}

/// The same in short: three minutes at night, for what leaks fast; a few seconds else, in which
/// nothing leaks that could be told from noise, but in which what is old goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short() -> Result<()> {
    let seconds = match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY") {
        Some(_) => 180,
        None => 12,
    };
    soak(Duration::from_secs(seconds), 4.0).await
}

async fn soak(lasts: Duration, rate: f64) -> Result<()> {
    let setup = Setup::new(Engine::Postgres).await;
    let trial = setup.folder().join("trial");
    std::fs::create_dir_all(&trial)?;
    let setup = setup
        .with_demo()
        // Only a program that is built for trials looks there.
        .set("TRIAL_TECHCOMMERCE_FAULTS", &trial.display().to_string())
        .set("TRIAL_TECHCOMMERCE_NAME", "shop")
        .set("TECHCOMMERCE_WEBHOOKS_HOSTS_ALLOWED", "127.0.0.1:9");
    let shop = setup.start().await?;
    let eye = Eye::open(&shop).await?;
    old::all_are_named(eye.tables())?;
    prepare(&shop, &eye).await?;
    let (report, samples) = under_load(&shop, &eye, lasts, rate).await?;
    eprintln!("{report}");
    let warm = lasts.as_secs_f64() / 4.0;
    let (table, wrong) = judge(&eye, &samples, warm, lasts)?;
    eprintln!("{table}");
    ensure!(
        wrong.is_empty() || lasts < Duration::from_mins(2),
        "these grow:\n  {}",
        wrong.join("\n  ")
    );
    rest(&eye).await?;
    old_data_goes(&eye, &trial).await?;
    crate::audit::clean(&shop).await
}

/// Shoppers come at a rate while the shop is looked at.
async fn under_load(
    shop: &Shop,
    eye: &Eye,
    lasts: Duration,
    rate: f64,
) -> Result<(Value, Vec<(f64, Sample)>)> {
    let address = format!("http://{}", shop.setup.address());
    let report = shop.setup.folder().join("traffic.json");
    let file = report.display().to_string();
    let (rate, duration) = (rate.to_string(), format!("{}s", lasts.as_secs()));
    let mut arguments = vec!["traffic", &address, "--run", "soak", "--report", &file];
    arguments.extend(["--rate", &rate, "--duration", &duration]);
    let mut command = shop.setup.command(&arguments)?;
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let traffic = tokio::task::spawn_blocking(move || command.output());
    let began = Instant::now();
    // A hundred points at least, and none more often than a database should be counted.
    let mut pace = interval((lasts / 120).clamp(Duration::from_secs(1), Duration::from_secs(20)));
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut samples = Vec::new();
    while began.elapsed() < lasts {
        pace.tick().await;
        samples.push((began.elapsed().as_secs_f64(), eye.look().await?));
    }
    let output = traffic.await??;
    ensure!(
        output.status.success(),
        "the traffic ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let report: Value = serde_json::from_slice(&std::fs::read(&report)?)?;
    Ok((report, samples))
}

/// A table for people, and what grows that should not.
///
/// In some minutes a process is still warming up when its time is over: it may grow twice as much.
fn judge(
    eye: &Eye,
    samples: &[(f64, Sample)],
    warm: f64,
    lasts: Duration,
) -> Result<(String, Vec<String>)> {
    let slack = if lasts < Duration::from_mins(10) {
        2.0
    } else {
        1.0
    };
    let series = |of: &dyn Fn(&Sample) -> Option<f64>| -> Vec<(f64, f64)> {
        let all = samples.iter();
        all.filter_map(|(at, sample)| Some((*at, of(sample)?)))
            .collect()
    };
    let mut judged: BTreeMap<String, (Course, Limit)> = BTreeMap::new();
    for (name, limit) in USED {
        let course = Course::of(&series(&|sample| sample.get(name).copied()), warm);
        judged.insert(name.to_owned(), (course.context(name)?, limit));
    }
    let orders = rows_of("order_api.orders");
    for table in eye.tables() {
        let (rows, bytes) = (rows_of(table), bytes_of(table));
        let per_order = |sample: &Sample| {
            let orders = sample
                .get(&orders)
                .copied()
                .filter(|orders| *orders >= 20.0)?;
            Some(sample.get(&rows)? / orders)
        };
        if let Some(course) = Course::of(&series(&per_order), warm)
            && table != TRIED_FOR_DAYS
        {
            judged.insert(
                format!("{table}, rows for an order"),
                (course, FOR_AN_ORDER),
            );
        }
        let of_a_row = |sample: &Sample| {
            let rows = sample
                .get(&rows)
                .copied()
                .filter(|rows| *rows >= ENOUGH_ROWS)?;
            Some(sample.get(&bytes)? / rows)
        };
        if let Some(course) = Course::of(&series(&of_a_row), warm).filter(|it| it.points > 20) {
            judged.insert(format!("{table}, bytes of a row"), (course, OF_A_ROW));
        }
    }
    let mut table = String::from("| what | level | growth | noise | |\n|---|---|---|---|---|\n");
    let mut wrong = Vec::new();
    for (name, (course, limit)) in &judged {
        let grows = course.grows(limit.times(slack));
        let says = if grows { "grows" } else { "flat" };
        let Course {
            level,
            growth,
            noise,
            ..
        } = course;
        writeln!(
            table,
            "| {name} | {level:.1} | {growth:+.1} | {noise:.1} | {says} |"
        )?;
        if grows {
            wrong.push(format!("{name}: {growth:+.1} from {level:.1}"));
        }
    }
    let (tries, tried) = (
        rows_of(TRIED_FOR_DAYS),
        rows_of("order_api.webhook_deliveries"),
    );
    for (_, sample) in samples {
        let (tries, tried) = (
            *sample.get(&tries).context("tries")?,
            *sample.get(&tried).context("tried")?,
        );
        if tries > tried * TRIES {
            wrong.push(format!("{TRIED_FOR_DAYS}: {tries} of {tried} deliveries"));
            break;
        }
    }
    Ok((table, wrong))
}

/// When nobody comes any more, what is under way ends, and nothing grows but what is tried for days.
async fn rest(eye: &Eye) -> Result<()> {
    let sizes = async || -> Result<Sample> {
        let mut sample = eye.look().await?;
        sample.retain(|name, _| name.ends_with(", rows") && !name.starts_with(TRIED_FOR_DAYS));
        Ok(sample)
    };
    let mut before = sizes().await?;
    let mut still = Instant::now();
    eventually("the shop comes to rest", async || {
        let now = sizes().await?;
        if now != before {
            (before, still) = (now, Instant::now());
        }
        Ok((still.elapsed() > Duration::from_secs(5)).then_some(()))
    })
    .await
}

/// What does not arrive is tried ten times within three days: for as long the attempts become more for each
/// order, and no hour shows where that ends. So they are held against their deliveries.
const TRIED_FOR_DAYS: &str = "order_api.webhook_attempts";
const TRIES: f64 = 10.0;

/// Something is put into those tables that shoppers do not fill.
async fn prepare(shop: &Shop, eye: &Eye) -> Result<()> {
    let (admin, client) = (shop.admin().await?, shop.plain_client());
    // It fails, again and again: nobody listens there.
    let hook = admin
        .post("/api/webhooks")
        .header("idempotency-key", "soak");
    let hook = hook.json(&json!({"url": "http://127.0.0.1:9/in"}));
    hook.expect(201).await?;
    let soon = Timestamp::from_micros(sample::micros()? + 7 * DAY);
    let key = json!({"name": "Till", "role": "staff", "expires_at": soon});
    let key = admin.post("/api/auth/api-keys").json(&key);
    key.expect(201).await?;
    let reset = client.post("/api/auth/password-reset");
    reset.json(&json!({"email": ADMIN})).expect(202).await?;
    // Its picture is given up: nobody may be asked there.
    let file = "Handle,Title,Variant Price,Image Src\nmug,Mug,10,http://127.0.0.1:9/mug.png\n";
    // The file is kept of what was only looked at.
    for path in ["/api/products/import", "/api/products/import?dry_run=true"] {
        let import = admin.post(path).body("text/csv", file);
        import.expect(200).await?;
    }
    let category = admin
        .post("/api/categories")
        .header("idempotency-key", "soak");
    let category = category.json(&json!({"title": "Soak", "handle": "soak"}));
    category.expect(201).await?;
    // Its payment is refused: what was held for it is given back.
    let lamp = product(&admin, "Lamp", Stock::Counted(5)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let card = json!({"method": "test", "token": "tok_decline"});
    place(&client, "soak", &checkout(&cart, card)).await?;
    // There is no Stripe.
    let message =
        "INSERT INTO order_api.stripe_events (id, kind, created_at) VALUES ('evt', '', $1)";
    let message = sqlx::query(message).bind(sample::micros()?);
    message.execute(eye.pool()).await?;
    Ok(())
}

/// A hundred days later what is old is gone, by the shop's own schedules.
async fn old_data_goes(eye: &Eye, trial: &std::path::Path) -> Result<()> {
    let before = eye.look().await?;
    let empty = old::empty(eye).await?;
    ensure!(
        empty.is_empty(),
        "nothing is shown by these, for they are empty: {empty:?}"
    );
    let mut ahead = AHEAD;
    let put = |ahead: i64| std::fs::write(trial.join("clock-shop"), ahead.to_string());
    put(ahead)?;
    // A program that knows nothing of the file would clean nothing, and be blamed for it.
    let newest = "SELECT MAX(created_at) FROM order_api.jobs";
    eventually(
        "the program's clock follows: is it built for trials?",
        async || {
            let newest: i64 = sqlx::query_scalar(newest).fetch_one(eye.pool()).await?;
            Ok((newest > sample::micros()? + AHEAD - DAY).then_some(()))
        },
    )
    .await?;
    let (mut left, mut asked) = (Vec::new(), Instant::now());
    let gone = eventually("what is old goes", async || {
        left = old::left(eye, sample::micros()? + ahead).await?;
        // Day after day goes by: what gives up today is taken away tomorrow.
        if !left.is_empty() && asked.elapsed() > Duration::from_secs(3) {
            ahead += DAY;
            put(ahead)?;
            asked = Instant::now();
        }
        Ok(left.is_empty().then_some(()))
    })
    .await;
    gone.with_context(|| format!("left after a hundred days: {left:?}"))?;
    let after = eye.look().await?;
    let count = |sample: &Sample, table: &str| sample.get(&rows_of(table)).copied();
    for kept in ["order_api.orders", "order_api.order_lines", "auth.accounts"] {
        ensure!(
            count(&after, kept) >= count(&before, kept),
            "{kept} is kept for ever"
        );
    }
    // Would a row that stayed be seen?
    let planted =
        "INSERT INTO order_api.stripe_events (id, kind, created_at) VALUES ('old', '', 1)";
    sqlx::query(planted).execute(eye.pool()).await?;
    let left = old::left(eye, sample::micros()? + ahead).await?;
    ensure!(left == ["order_api.stripe_events: 1"], "{left:?}");
    Ok(())
}
