//! The list of metrics is true: what the services expose is in it, and what is in it is exposed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use techcommerce_testkit::{Client, monitoring};
use tokio::time::{Instant, sleep};

use crate::series::series;
use crate::shop::{ADMIN, ADMIN_PASSWORD, Engine, SERVICES, Setup, Shop, sign_in};
use crate::shopper::{buy, wait_for_payment};
use crate::staff::{Stock, product};

/// What these journeys give no occasion to tell.
const NOT_HERE: &[&str] = &[
    // There is no replica; `replica` looks at a real one.
    "techcommerce_db_replica_lag_seconds",
];
const PATIENCE: Duration = Duration::from_secs(60);

/// The names of the samples of each service.
type Told = BTreeMap<String, BTreeSet<String>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_what_is_exposed() -> Result<()> {
    let certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/certificate.pem");
    let shop = Setup::new(Engine::Split)
        .await
        .set("TECHCOMMERCE_CERTIFICATES_WATCH", certificate)
        .set("TECHCOMMERCE_WORKER_LEDGER_CHECK_SECONDS", "1")
        .start()
        .await?;
    let listed = listed(&shop).await?;
    people(&shop).await?;
    let end = Instant::now() + PATIENCE;
    loop {
        let wrong = differences(&listed, &exposed(&shop).await?);
        if wrong.is_empty() {
            break;
        }
        ensure!(Instant::now() < end, "{}", wrong.join("\n"));
        sleep(Duration::from_millis(500)).await;
    }
    // Prometheus itself finds nothing to say about names, types and texts.
    for service in SERVICES {
        let complaints = promtool(&scrape(&shop, service).await?)?;
        ensure!(complaints.is_empty(), "{service}: {complaints}");
    }
    let odd =
        "# HELP seen_milliseconds Times.\n# TYPE seen_milliseconds counter\nseen_milliseconds 1\n";
    ensure!(promtool(odd)?.contains("_total"), "it finds nothing at all");
    Ok(())
}

/// What `promtool check metrics` says.
fn promtool(text: &str) -> Result<String> {
    let mut process = Command::new(monitoring("promtool")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = process.stdin.take().context("its input")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let output = process.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8(said)?)
}

async fn scrape(shop: &Shop, service: &str) -> Result<String> {
    let (_, inner) = shop.setup.place(service);
    let client = Client::new(format!("http://{inner}"));
    Ok(client.get("/metrics").expect(200).await?.text())
}

/// A backup that is noted is listed, and one that cannot be is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_are_noted() -> Result<()> {
    for engine in [Engine::Sqlite, Engine::Split] {
        let shop = Shop::start(engine).await?;
        let run = async |words: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            let output = shop.run(&words).await?;
            let both = [output.stdout, output.stderr].concat();
            anyhow::Ok((output.status.success(), String::from_utf8(both)?))
        };
        let (done, said) = run("backup list").await?;
        ensure!(done && said.contains("No backup"), "{said}");
        let taken = "backup record --taken-at 2026-01-02T03:04:05Z --bytes 42";
        ensure!(run(taken).await?.0, "{taken}");
        let verified = format!("{taken} --verified-at 1767323046");
        ensure!(run(&verified).await?.0, "{verified}");
        // Saying it again without that forgets nothing.
        ensure!(run(taken).await?.0, "{taken}");
        let (done, said) = run("backup list").await?;
        let expected = "2026-01-02T03:04:05Z  42 bytes  verified 2026-01-02T03:04:06Z\n";
        ensure!(done && said == expected, "{said}");
        for (wrong, why) in [
            ("--taken-at 2999-01-01T00:00:00Z --bytes 1", "future"),
            ("--taken-at yesterday --bytes 1", "2026-11-21"),
            ("--taken-at 100 --bytes 1 --verified-at 99", "before"),
        ] {
            let (done, said) = run(&format!("backup record {wrong}")).await?;
            ensure!(!done && said.contains(why), "{wrong}: {said}");
        }
    }
    Ok(())
}

/// What `techcommerce metrics` says: a sample's name, and who tells it.
async fn listed(shop: &Shop) -> Result<Told> {
    let output = shop.run(&["metrics"]).await?;
    ensure!(output.status.success(), "{output:?}");
    let mut told = Told::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let (name, rest) = line.split_once(' ').context(line.to_owned())?;
        let services = rest.split(' ').next().unwrap_or_default();
        for service in services.split(',') {
            let names = told.entry(service.to_owned()).or_default();
            names.insert(name.to_owned());
        }
    }
    Ok(told)
}

async fn exposed(shop: &Shop) -> Result<Told> {
    let mut told = Told::new();
    for service in SERVICES {
        let text = scrape(shop, service).await?;
        let name = |series: String| series.split('{').next().unwrap_or_default().to_owned();
        told.insert(
            service.to_owned(),
            series(&text).into_iter().map(name).collect(),
        );
    }
    Ok(told)
}

fn differences(listed: &Told, exposed: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    let none = BTreeSet::new();
    for service in SERVICES {
        let listed = listed.get(service).unwrap_or(&none);
        let exposed = exposed.get(service).unwrap_or(&none);
        for name in exposed.difference(listed) {
            wrong.push(format!(
                "{service} exposes {name}, which the list does not say"
            ));
        }
        for name in listed.difference(exposed) {
            if !NOT_HERE.contains(&name.as_str()) {
                wrong.push(format!(
                    "{service} does not expose {name}, which the list says"
                ));
            }
        }
    }
    wrong
}

/// A few journeys: each service is asked something, and jobs are run.
async fn people(shop: &Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(10)).await?;
    let placed = buy(&client, &lamp.variant_id, 1, "metrics").await?;
    wait_for_payment(&client, &placed, "paid").await?;
    sign_in(&client, ADMIN, ADMIN_PASSWORD).await?;
    let browser = shop.plain_client();
    browser.get("/").expect(200).await?;
    staff.get("/api/images").expect(200).await?;
    staff.get("/api/jobs").send().await?;
    let unknown = json!({"email": "nobody@example.com", "password": "wrong"});
    client.post("/api/auth/login").json(&unknown).send().await?;
    let words = ["backup", "record", "--bytes", "42"];
    let times = [
        "--taken-at",
        "2026-01-02T03:04:05Z",
        "--verified-at",
        "2026-01-02T03:04:06Z",
    ];
    let recorded = shop.run(&[words, times].concat()).await?;
    ensure!(recorded.status.success(), "{recorded:?}");
    Ok(())
}

/// What this check is for is found by it.
#[test]
fn a_list_that_is_not_true_is_found() {
    let told = |service: &str, names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Told::from([(service.to_owned(), names)])
    };
    let one = told("api", &["a", "b"]);
    assert!(differences(&one, &one).is_empty());
    assert_eq!(differences(&one, &told("api", &["a"])).len(), 1);
    assert_eq!(differences(&told("api", &["a"]), &one).len(), 1);
    assert_eq!(differences(&one, &told("auth", &["a", "b"])).len(), 4);
}
