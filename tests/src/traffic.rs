//! `techcommerce traffic` against the running shop: one process and services apart, undisturbed
//! and killed in the middle. That it finds what is wrong is shown against shops that lie, in
//! crates/traffic/tests.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::audit;
use crate::shop::{Engine, Setup, Shop};

/// The traffic of these tests, and what its report says.
async fn traffic(shop: &Shop, name: &str, more: &[&str]) -> Result<(Output, Value)> {
    let command = command(shop, name, more)?;
    let (output, report) = tokio::task::spawn_blocking(move || end(command)).await??;
    Ok((output, report))
}

fn command(shop: &Shop, name: &str, more: &[&str]) -> Result<(Command, std::path::PathBuf)> {
    let address = format!("http://{}", shop.setup.address());
    let report = shop.setup.folder().join(format!("{name}.json"));
    let file = report.display().to_string();
    let mut arguments = vec!["traffic", &address, "--run", name, "--report", &file];
    let usual = [("--think", "100ms"), ("--rate", "6"), ("--duration", "6s")];
    for (option, value) in usual {
        if !more.contains(&option) {
            arguments.extend([option, value]);
        }
    }
    arguments.extend(more);
    let mut command = shop.setup.command(&arguments)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok((command, report))
}

fn end((mut command, report): (Command, std::path::PathBuf)) -> Result<(Output, Value)> {
    read(command.output()?, &report)
}

fn read(output: Output, report: &std::path::Path) -> Result<(Output, Value)> {
    let text = std::fs::read(report)?;
    let report = serde_json::from_slice(&text).with_context(|| format!("{output:?}"))?;
    Ok((output, report))
}

/// A file with an API key of staff.
async fn staff_key(shop: &Shop) -> Result<String> {
    let key: Value = shop
        .admin()
        .await?
        .post("/api/auth/api-keys")
        .json(&json!({"name": "traffic", "role": "staff"}))
        .value(201)
        .await?;
    let file = shop.setup.folder().join("staff-key");
    std::fs::write(&file, key["token"].as_str().context("a key")?)?;
    Ok(file.display().to_string())
}

#[track_caller]
fn well((output, report): &(Output, Value)) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(report["ok"], true, "{text}");
    assert!(
        text.contains("Every answer was right, and the account balances."),
        "{text}"
    );
    let orders = &report["account"]["orders"];
    assert!(orders["acknowledged"].as_u64().unwrap() > 0, "{text}");
    assert_eq!(orders["acknowledged"], orders["exist"], "{text}");
    assert_eq!(orders["in_doubt"], 0, "{text}");
}

/// How many orders of a run the shop has, by its own list.
async fn listed(shop: &Shop, run: &str) -> Result<usize> {
    let path = format!("/api/orders?limit=100&q=traffic-{run}");
    let page: Value = shop.admin().await?.get(&path).value(200).await?;
    Ok(page["items"].as_array().context("a list")?.len())
}

async fn a_shop_does_well(engine: Engine) -> Result<()> {
    let shop = Setup::new(engine).await.with_demo().start().await?;
    let buying = "browse=2,search,filter,abandon,discount,guest=4,signed-in=2,declined=2,troubled=2,status,forgetful,lost";
    let code = ["--journeys", buying, "--discount", "WELCOME10"];
    let first = traffic(&shop, "first", &code).await?;
    well(&first);
    assert_eq!(first.1["account"]["stock"]["checked_by"], "public");
    let key = staff_key(&shop).await?;
    let second = traffic(
        &shop,
        "second",
        &[code.as_slice(), &["--staff-key", &key]].concat(),
    )
    .await?;
    well(&second);
    assert_eq!(second.1["account"]["stock"]["checked_by"], "ledger");
    for (run, report) in [("first", &first.1), ("second", &second.1)] {
        let orders = &report["account"]["orders"];
        assert_eq!(orders["acknowledged"], listed(&shop, run).await?);
        assert!(
            orders["paid"].as_u64() > Some(0) && orders["declined"].as_u64() > Some(0),
            "{orders}"
        );
        assert_eq!(report["requests"]["refused"], 0);
        assert_eq!(report["requests"]["failed"], 0);
    }
    // The same seed sends the same people for the same things.
    let came = |report: &Value| -> Vec<(Value, Value)> {
        let journeys = report["journeys"].as_array().unwrap().iter();
        journeys
            .map(|one| (one["journey"].clone(), one["started"].clone()))
            .collect()
    };
    assert_eq!(came(&first.1), came(&second.1));
    assert!(came(&first.1).len() >= 10, "{:?}", came(&first.1));
    audit::clean(&shop).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_does_well() -> Result<()> {
    a_shop_does_well(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_apart_do_well() -> Result<()> {
    a_shop_does_well(Engine::Split).await
}

/// A crash costs answers and no orders: what was cut off is asked for again under its key, and
/// the account balances to the last piece.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_in_the_middle_costs_no_order() -> Result<()> {
    let mut shop = Setup::new(Engine::Sqlite).await.with_demo().start().await?;
    let key = staff_key(&shop).await?;
    let many = [
        "--journeys",
        "guest,troubled,abandon",
        "--rate",
        "12",
        "--duration",
        "10s",
        "--staff-key",
        &key,
        "--most-failed",
        "100",
        "--shared",
    ];
    let command = command(&shop, "crash", &many)?;
    let running = tokio::task::spawn_blocking(move || end(command));
    for _ in 0..2 {
        sleep(Duration::from_secs(3)).await;
        shop.kill()?;
        // Long enough for a dozen shoppers to find nobody.
        sleep(Duration::from_secs(1)).await;
        shop.start_again().await?;
    }
    let told = running.await??;
    well(&told);
    assert!(
        told.1["requests"]["failed"].as_u64() > Some(0),
        "nobody noticed"
    );
    assert!(
        told.1["account"]["orders"]["sent_again"].as_u64() > Some(0),
        "nothing was sent again"
    );
    assert_eq!(
        told.1["account"]["orders"]["acknowledged"],
        listed(&shop, "crash").await?
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_closes_the_doors_and_the_account_is_made() -> Result<()> {
    let shop = Setup::new(Engine::Sqlite).await.with_demo().start().await?;
    let (mut command, report) = command(
        &shop,
        "early",
        &["--duration", "10m", "--journeys", "guest"],
    )?;
    let running = command.spawn()?;
    sleep(Duration::from_secs(5)).await;
    let pid = running.id().to_string();
    ensure!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()?
            .success()
    );
    let output = tokio::task::spawn_blocking(move || running.wait_with_output()).await??;
    let told = read(output, &report)?;
    well(&told);
    assert_eq!(told.1["arrivals"]["ended_early"], true);
    assert!(told.1["arrivals"]["started"].as_u64() < Some(200));
    let lines = String::from_utf8_lossy(&told.0.stderr).into_owned();
    assert!(
        lines.contains("shoppers") && lines.contains("making the account"),
        "{lines}"
    );
    Ok(())
}

/// Limits are told apart from failures, with the setting to raise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_no_failures() -> Result<()> {
    let setup = Setup::new(Engine::Sqlite).await.with_demo();
    let shop = setup
        .set("TECHCOMMERCE_LIMITS_REQUESTS_PER_MINUTE", "300")
        .start()
        .await?;
    let many = ["--journeys", "search,filter", "--rate", "40"];
    let (output, report) = traffic(&shop, "limits", &many).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(report["requests"]["refused"].as_u64() > Some(10), "{text}");
    assert_eq!(report["requests"]["failed"], 0, "{text}");
    assert!(text.contains("limits.requests_per_minute"), "{text}");
    Ok(())
}

/// Trial orders stay out of shops that do not ask for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_without_trial_payments_is_left_alone() -> Result<()> {
    let setup = Setup::new(Engine::Sqlite).await.with_demo();
    let shop = setup
        .set("TECHCOMMERCE_ORDERS_PAYMENT_METHODS", "invoice")
        .start()
        .await?;
    let (mut refused, _) = command(&shop, "refused", &[])?;
    let output = tokio::task::spawn_blocking(move || refused.output()).await??;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("does not take the trial payment `test`"),
        "{text}"
    );
    let invoices = traffic(
        &shop,
        "invoices",
        &["--payment", "invoice", "--journeys", "guest"],
    )
    .await?;
    well(&invoices);
    let orders = &invoices.1["account"]["orders"];
    assert_eq!(orders["open"], orders["acknowledged"]);
    Ok(())
}
