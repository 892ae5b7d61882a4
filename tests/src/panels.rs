//! Every panel of every dashboard shows something: its queries are asked of a real Prometheus that
//! measures a running shop as compose's does, while people shop.
//!
//! What only a cluster has (pods, quotas, nodes, operators) is given by `fixtures/cluster.prom`, and so
//! is not proved by this: that names and labels are right there is what their exporters say of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::{Client, Prometheus, binary, free_address};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::journeys::tour::multipart;
use crate::shop::{ADMIN, ADMIN_PASSWORD, Engine, SERVICES, Setup, Shop, sign_in};
use crate::shopper::{buy, card, cart_with, checkout, place, send_order, wait_for_payment};
use crate::staff::{Item, Stock, euros, product, text};

/// Until the last panel has something to show.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_shows_something() -> Result<()> {
    let certificate = format!("shop={}", fixture("certificate.pem").display());
    let shop = Setup::new(Engine::Split)
        .await
        .with_demo()
        .set("TECHCOMMERCE_CERTIFICATES_WATCH", &certificate)
        .set("TECHCOMMERCE_WORKER_LEDGER_CHECK_SECONDS", "1")
        .start()
        .await?;
    let prometheus = Prometheus::start(&configuration(&shop, cluster().await?)?, |_| Ok(()))?;
    let asked = Client::new(format!("http://{}", prometheus.place()));
    let people = People::new(&shop).await?;
    // Counters that appear with what they count first are seen to grow from the second time on.
    for round in 0..3 {
        let before = scrapes(&asked).await?;
        people.round(round).await?;
        within("every service is measured", async || {
            Ok(scrapes(&asked).await? >= before + 2.0)
        })
        .await?;
    }

    let panels = panels()?;
    ensure!(panels.len() > 100, "{} queries were found", panels.len());
    let end = Instant::now() + PATIENCE;
    let mut left = panels;
    loop {
        let mut empty = Vec::new();
        for panel in left {
            if let Err(error) = panel.shows_something(&asked).await {
                empty.push((panel, error));
            }
        }
        if empty.is_empty() {
            break;
        }
        if Instant::now() > end {
            let lines = empty
                .iter()
                .map(|(panel, error)| format!("  {panel}: {error:#}"));
            let lines: Vec<String> = lines.collect();
            bail!(
                "{} queries show nothing:\n{}",
                lines.len(),
                lines.join("\n")
            );
        }
        left = empty.into_iter().map(|(panel, _)| panel).collect();
        sleep(Duration::from_millis(500)).await;
    }
    planted(&asked).await
}

/// What this check is for is found by it.
async fn planted(asked: &Client) -> Result<()> {
    for (expression, legend, word) in [
        ("techcommerce_orders_placed", "orders", "no series"),
        (r#"techcommerce_jobs{state="gone"}"#, "jobs", "no series"),
        ("0 * up / 0", "up", "no number"),
        ("sum(up)", "{{service}}", "service"),
        ("rate(up)", "up", "bad_data"),
    ] {
        let panel = Panel {
            place: "planted".to_owned(),
            expression: expression.to_owned(),
            legend: legend.to_owned(),
        };
        let Err(error) = panel.shows_something(asked).await else {
            bail!("{expression} passes for a panel that shows something");
        };
        ensure!(
            format!("{error:#}").contains(word),
            "{expression}: {error:#}"
        );
    }
    Ok(())
}

/// One query of a dashboard.
struct Panel {
    place: String,
    expression: String,
    legend: String,
}

impl std::fmt::Display for Panel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.expression)
    }
}

impl Panel {
    /// At least one number, and the labels that its legend names.
    async fn shows_something(&self, asked: &Client) -> Result<()> {
        let found = query(asked, &self.expression).await?;
        ensure!(!found.is_empty(), "no series");
        let number = |series: &&Value| -> bool {
            let value = series["value"][1].as_str().unwrap_or_default();
            value.parse::<f64>().is_ok_and(f64::is_finite)
        };
        ensure!(
            found.iter().any(|series| number(&series)),
            "no number: {}",
            found[0]
        );
        for label in labels(&self.legend) {
            let named = |series: &Value| {
                series["metric"][label]
                    .as_str()
                    .is_some_and(|it| !it.is_empty())
            };
            ensure!(
                found.iter().any(named),
                "the legend names {label}, which is not there: {}",
                found[0]["metric"]
            );
        }
        Ok(())
    }
}

fn labels(legend: &str) -> impl Iterator<Item = &str> {
    let parts = legend.split("{{").skip(1);
    parts.filter_map(|part| Some(part.split_once("}}")?.0.trim()))
}

/// Every query of every dashboard, as Grafana would send it.
fn panels() -> Result<Vec<Panel>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s/monitoring/dashboards");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        let title = dashboard["title"].as_str().context("a title")?;
        let variables = variables(&dashboard)?;
        for panel in dashboard["panels"].as_array().into_iter().flatten() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let place = format!("{title}, {}", panel["title"].as_str().unwrap_or_default());
                let expression = filled(target["expr"].as_str().context("a query")?, &variables);
                let legend = target["legendFormat"].as_str().unwrap_or_default();
                all.push(Panel {
                    place,
                    expression,
                    legend: legend.to_owned(),
                });
            }
        }
    }
    Ok(all)
}

/// What is chosen above the pictures when nobody chose anything.
fn variables(dashboard: &Value) -> Result<BTreeMap<String, String>> {
    let list = dashboard.pointer("/templating/list");
    let mut all = BTreeMap::new();
    for variable in list.and_then(Value::as_array).into_iter().flatten() {
        let name = variable["name"].as_str().context("a name")?;
        let value = match variable["type"].as_str() {
            Some("query") => variable["allValue"].as_str(),
            Some("textbox") => variable["query"].as_str(),
            _ => continue,
        };
        all.insert(name.to_owned(), value.context(name.to_owned())?.to_owned());
    }
    Ok(all)
}

/// Grafana's own words and the dashboard's variables, replaced as Grafana would.
fn filled(expression: &str, variables: &BTreeMap<String, String>) -> String {
    let mut text = expression
        .replace("$__rate_interval", "1m")
        .replace("$__range_s", "300")
        .replace("$__range", "5m");
    for (name, value) in variables {
        text = text.replace(&format!("${name}"), value);
    }
    text
}

/// What Prometheus answers.
pub async fn query(asked: &Client, expression: &str) -> Result<Vec<Value>> {
    let path = format!("/api/v1/query?query={}", encoded(expression));
    let answer: Value = asked.get(&path).send().await?.json()?;
    ensure!(
        answer["status"] == "success",
        "{}: {}",
        answer["errorType"],
        answer["error"]
    );
    let found = &answer["data"]["result"];
    // A number alone is a panel as well.
    if answer["data"]["resultType"] == "scalar" {
        return Ok(vec![json!({"metric": {}, "value": found})]);
    }
    Ok(found.as_array().cloned().unwrap_or_default())
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes().fold(String::new(), |mut all, byte| {
        if plain(byte) {
            all.push(byte.into());
        } else {
            all.push_str(&format!("%{byte:02X}"));
        }
        all
    })
}

/// How often the service that was measured least has been measured.
async fn scrapes(asked: &Client) -> Result<f64> {
    let services = SERVICES.join("|");
    let expression =
        format!("min(count_over_time(up{{job=\"techcommerce\", service=~\"{services}\"}}[10m]))");
    let found = query(asked, &expression).await?;
    let value = found.first().and_then(|series| series["value"][1].as_str());
    Ok(value.unwrap_or("0").parse()?)
}

async fn within(what: &str, done: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !done().await? {
        ensure!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// compose's own configuration, with the services where they are here, asked every second.
fn configuration(shop: &Shop, cluster: u16) -> Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose/prometheus.yml");
    let mut text = std::fs::read_to_string(file)?;
    for service in SERVICES {
        let written = format!("\"{service}:9464\"");
        ensure!(
            text.contains(&written),
            "compose does not measure {service}"
        );
        let (_, management) = shop.setup.place(service);
        text = text.replace(&written, &format!("\"{management}\""));
    }
    text = text.replace(": 15s", ": 1s");
    text.push_str(&format!(
        "\n  - job_name: cluster\n    honor_labels: true\n    static_configs:\n      - targets: [\"127.0.0.1:{cluster}\"]\n"
    ));
    Ok(text)
}

/// What the exporters of a cluster would say, at a port of its own.
async fn cluster() -> Result<u16> {
    let listener = TcpListener::bind(free_address()).await?;
    let port = listener.local_addr()?.port();
    let said = std::fs::read_to_string(fixture("cluster.prom"))?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
                said.len()
            );
            tokio::spawn(async move {
                let mut request = [0_u8; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    Ok(port)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Who makes the numbers.
struct People<'a> {
    shop: &'a Shop,
    staff: Client,
    client: Client,
    lamp: Item,
    rare: Item,
}

impl<'a> People<'a> {
    async fn new(shop: &'a Shop) -> Result<Self> {
        let staff = shop.admin().await?;
        Ok(Self {
            shop,
            client: shop.client(),
            lamp: product(&staff, "Lamp", Stock::Counted(1000)).await?,
            rare: product(&staff, "Rare lamp", Stock::Counted(0)).await?,
            staff,
        })
    }

    async fn round(&self, round: usize) -> Result<()> {
        self.pages().await?;
        self.pictures().await?;
        self.orders(round).await?;
        self.accounts().await?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let day_ago = (now.as_secs() - 86_400).to_string();
        let words = ["backup", "record", "--bytes", "123456789"];
        let times = ["--taken-at", &day_ago, "--verified-at", &day_ago];
        let recorded = self.shop.run(&[words, times].concat()).await?;
        ensure!(recorded.status.success(), "{recorded:?}");
        self.shoppers(round).await
    }

    /// Shoppers of every kind, as many at once as `techcommerce traffic` sends.
    async fn shoppers(&self, round: usize) -> Result<()> {
        let address = format!("http://{}", self.shop.setup.address());
        let mut command = tokio::process::Command::new(binary()?);
        command
            .args(["traffic", &address, "--rate", "4", "--duration", "6s"])
            .args(["--seed", &(round + 1).to_string()])
            .current_dir(self.shop.setup.folder());
        let output = command.output().await?;
        ensure!(output.status.success(), "{output:?}");
        Ok(())
    }

    async fn pages(&self) -> Result<()> {
        let browser = self.shop.plain_client();
        for path in ["/", &format!("/products/{}", self.lamp.handle)] {
            browser.get(path).expect(200).await?;
        }
        browser.get("/images/nothing.webp").send().await?;
        Ok(())
    }

    async fn pictures(&self) -> Result<()> {
        let content = std::fs::read(fixture("picture.png"))?;
        let form = multipart("picture.png", "image/png", &content);
        let kind = "multipart/form-data; boundary=between";
        let path = "/api/images/upload";
        let uploaded: Value = self.staff.post(path).body(kind, form).value(201).await?;
        for variant in uploaded["variants"].as_array().into_iter().flatten() {
            self.client.get(&text(variant, "/url")?).expect(200).await?;
        }
        let refused = multipart("picture.png", "image/png", b"this is no picture");
        self.staff.post(path).body(kind, refused).send().await?;
        Ok(())
    }

    async fn orders(&self, round: usize) -> Result<()> {
        let client = &self.client;
        let key = |what: &str| format!("panels-{what}-{round}");
        let paid = buy(client, &self.lamp.variant_id, 1, &key("paid")).await?;
        wait_for_payment(client, &paid, "paid").await?;
        let refund = json!({"amount": euros(100), "reason": "scratched"});
        let path = format!("/api/orders/{}/refunds", paid.id);
        self.staff.post(&path).json(&refund).expect(201).await?;
        let declined = cart_with(client, &[(&self.lamp.variant_id, 1)]).await?;
        let declined = checkout(&declined, card(Some("tok_decline")));
        place(client, &key("declined"), &declined).await?;
        let cancelled = buy(client, &self.lamp.variant_id, 1, &key("cancelled")).await?;
        wait_for_payment(client, &cancelled, "paid").await?;
        let path = format!("/api/orders/{}/cancel", cancelled.id);
        let reason = json!({"reason": "changed mind"});
        self.staff.post(&path).json(&reason).expect(200).await?;
        let cart = cart_with(client, &[(&self.lamp.variant_id, 1)]).await?;
        self.sold_out(&cart, &key("gone")).await
    }

    /// A checkout of what nobody has any more.
    async fn sold_out(&self, cart: &str, key: &str) -> Result<()> {
        // It was there when it was put into the cart.
        let path = format!("/api/carts/{cart}/lines/{}", self.rare.variant_id);
        let line = self.client.put(&path).json(&json!({"quantity": 1}));
        line.send().await?;
        let tried = checkout(cart, card(Some("tok_nonsense")));
        send_order(&self.client, key, &tried).await?;
        Ok(())
    }

    async fn accounts(&self) -> Result<()> {
        sign_in(&self.client, ADMIN, ADMIN_PASSWORD).await?;
        let wrong = json!({"email": ADMIN, "password": "not this one"});
        self.client
            .post("/api/auth/login")
            .json(&wrong)
            .send()
            .await?;
        Ok(())
    }
}
