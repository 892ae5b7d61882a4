//! Traces of the whole program, as a collector gets them: whole, of what was asked for, and of
//! nobody's secrets.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use techcommerce_testkit::{Client, CollectedSpan, Collector};

use crate::shop::{ADMIN_PASSWORD, Engine, Setup, Shop};
use crate::shopper::{Placed, buy, card, cart_with, checkout, place, wait_for_payment};
use crate::staff::{Stock, product};

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const CONSUMER: i32 = 5;

/// Shoppers at once.
const AT_ONCE: usize = 6;

fn checkouts() -> usize {
    match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some() {
        true => 1000,
        false => 100,
    }
}

/// A shop that sends its traces to `collector`.
async fn traced(engine: Engine, collector: &Collector, sample: &str) -> Setup {
    Setup::new(engine)
        .await
        .set("TECHCOMMERCE_TRACES_ENDPOINT", &collector.endpoint())
        .set("TECHCOMMERCE_TRACES_SAMPLE", sample)
        .set("TECHCOMMERCE_TRACES_SLOW_MS", "600000")
        .set("TECHCOMMERCE_TRACES_HEADERS", "x-collector-key=planted-key")
        .set("TECHCOMMERCE_WORKER_CONCURRENCY", "8")
}

/// Fills a cart by the interface and sends the storefront's form; the order.
async fn check_out_by_page(client: &Client, variant: &str, number: usize) -> Result<Placed> {
    let cart = cart_with(client, &[(variant, 1)]).await?;
    let key = format!("planted-idempotency-{number}");
    let form = format!(
        "cart={cart}&key={key}&email=planted%40example.com&name=Planted+Person\
         &line1=7+Planted+Street&city=Kiel&postal_code=24103&country=DE&shipping=standard\
         &payment=test&token=tok_success"
    );
    let answer = client
        .post("/checkout")
        .header("cookie", &format!("tc_cart={cart}"))
        .header("origin", client.base())
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await?;
    let answer = answer.expect(303)?;
    let location = answer.header("location").context("a location")?;
    let (path, query) = location.split_once('?').context("a query")?;
    let id = path.strip_prefix("/orders/").context("an order")?;
    let token = query.strip_prefix("access_token=").context("a token")?;
    Ok(Placed {
        id: id.to_owned(),
        access_token: token.to_owned(),
        json: Value::Null,
    })
}

/// Checkouts by the page, all paid; what must be in no trace.
async fn buy_by_page(shop: &Shop, count: usize) -> Result<Vec<String>> {
    let staff = shop.admin().await?;
    let client = shop.plain_client();
    let lamp = product(&staff, "Lamp", Stock::Counted(10_000)).await?;
    let orders = stream::iter(0..count).map(|number| {
        let (client, variant) = (&client, &lamp.variant_id);
        async move {
            let placed = check_out_by_page(client, variant, number).await?;
            wait_for_payment(client, &placed, "paid").await?;
            anyhow::Ok(placed.access_token)
        }
    });
    let orders = orders.buffer_unordered(AT_ONCE);
    orders.try_collect().await
}

/// The spans of each trace, by its id.
fn by_trace(spans: Vec<CollectedSpan>) -> HashMap<String, Vec<CollectedSpan>> {
    let mut traces: HashMap<String, Vec<CollectedSpan>> = HashMap::new();
    for span in spans {
        traces.entry(span.trace_id.clone()).or_default().push(span);
    }
    traces
}

/// Every span has its parent, no id is there twice, and only one span began it (or a job that
/// nobody asked for, each time that it ran).
fn ensure_unbroken(trace: &[CollectedSpan]) -> Result<()> {
    let ids: BTreeSet<&str> = trace.iter().map(|span| span.span_id.as_str()).collect();
    ensure!(ids.len() == trace.len(), "an id is there twice");
    let roots: Vec<_> = trace
        .iter()
        .filter(|span| span.parent_id.is_none())
        .collect();
    let job = |root: &&CollectedSpan| root.attributes.get("messaging.message.id").cloned();
    let of_one_job =
        job(&roots[0]).is_some() && roots.iter().all(|root| job(root) == job(&roots[0]));
    ensure!(
        roots.len() == 1 || of_one_job,
        "began {} times: {roots:#?}",
        roots.len()
    );
    for span in trace {
        let parent = span.parent_id.as_deref();
        ensure!(
            parent.is_none_or(|parent| ids.contains(parent)),
            "no parent: {span:#?}"
        );
        ensure!(span.ended >= span.started, "{span:#?}");
    }
    Ok(())
}

/// From the page to the provider.
fn ensure_whole_checkout(trace: &[CollectedSpan]) -> Result<()> {
    ensure_unbroken(trace)?;
    let found = |what: &str, is: &dyn Fn(&&CollectedSpan) -> bool| -> Result<()> {
        let names: BTreeMap<_, _> = trace
            .iter()
            .map(|span| ((&span.service, &span.name), span.kind))
            .collect();
        ensure!(
            trace.iter().any(|span| is(&span)),
            "no {what} in {names:#?}"
        );
        Ok(())
    };
    let of = |service: &'static str, kind: i32, name: &'static str| {
        move |span: &&CollectedSpan| {
            span.service == service && span.kind == kind && span.name == name
        }
    };
    found("page", &of("frontend", SERVER, "POST /checkout"))?;
    found("call of the edge", &of("frontend", CLIENT, "POST api"))?;
    found("edge", &|span| span.service == "api" && span.kind == SERVER)?;
    found("checkout", &of("order-api", SERVER, "POST /orders"))?;
    found(
        "reservation's call",
        &of("order-api", CLIENT, "POST product-api"),
    )?;
    found("reservation", &|span| {
        span.service == "product-api" && span.kind == SERVER && span.name.contains("reservations")
    })?;
    for service in ["order-api", "product-api", "worker"] {
        found("statement", &|span| {
            let system = span.attributes.get("db.system.name");
            span.service == service && span.kind == CLIENT && system.is_some()
        })?;
    }
    found("written order", &of("order-api", CLIENT, "INSERT orders"))?;
    found(
        "call of the provider",
        &of("worker", CLIENT, "payment-provider"),
    )?;
    found("job", &of("worker", CONSUMER, "job order.advance"))?;
    let ids: BTreeSet<&str> = trace.iter().map(|span| span.span_id.as_str()).collect();
    for job in trace.iter().filter(|span| span.kind == CONSUMER) {
        let [(trace_id, span_id)] = job.links.as_slice() else {
            anyhow::bail!("a job is linked to what wrote it: {job:#?}");
        };
        ensure!(*trace_id == job.trace_id && ids.contains(span_id.as_str()));
    }
    Ok(())
}

/// So many checkouts by the page give so many whole traces, and no secret is in any.
async fn every_checkout_is_one_whole_trace(engine: Engine, count: usize) -> Result<()> {
    let collector = Collector::start().await;
    let mut shop = traced(engine, &collector, "1").await.start().await?;
    let mut secrets = buy_by_page(&shop, count).await?;
    // The end sends what is left: nothing is waited for.
    shop.stop().await?;
    let traces = by_trace(collector.spans());
    let is_checkout = |trace: &&Vec<CollectedSpan>| {
        let mut spans = trace.iter();
        spans.any(|span| span.name == "POST /checkout" && span.parent_id.is_none())
    };
    let whole: Vec<_> = traces.values().filter(is_checkout).collect();
    assert_eq!(whole.len(), count, "of {} traces", traces.len());
    for trace in whole {
        ensure_whole_checkout(trace)?;
    }
    for (id, trace) in &traces {
        ensure_unbroken(trace).with_context(|| format!("{id}: {trace:#?}"))?;
    }

    secrets.push(ADMIN_PASSWORD.to_owned());
    secrets.push(
        shop.one_time_password()
            .unwrap_or_else(|_| "planted".to_owned()),
    );
    secrets.extend(["planted", "Planted", "24103"].map(str::to_owned));
    for received in collector.received() {
        let text = String::from_utf8_lossy(&received.body).into_owned();
        for secret in &secrets {
            ensure!(!text.contains(secret.as_str()), "{secret} is in a trace");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_checkout_is_one_whole_trace_apart() -> Result<()> {
    every_checkout_is_one_whole_trace(Engine::Split, checkouts()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_checkout_is_one_whole_trace_in_one_process() -> Result<()> {
    every_checkout_is_one_whole_trace(Engine::Sqlite, 10).await
}

/// With none of the ordinary ones kept, what fails is told by everyone whom it failed for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_kept_beyond_the_share() -> Result<()> {
    let collector = Collector::start().await;
    let mut shop = traced(Engine::Split, &collector, "0").await.start().await?;
    let client = shop.plain_client();
    client.get("/api/products").send().await?.expect(200)?;
    client.get("/products").send().await?.expect(200)?;
    shop.processes.kill("product-api")?;
    let problem: Value = client.get("/api/products").value(503).await?;
    let id = problem["trace_id"].as_str().context("a trace")?;
    let kept = |spans: &[CollectedSpan]| {
        let mut servers = spans.iter().filter(|span| span.service == "api");
        servers.any(|span| span.trace_id == id && span.kind == SERVER)
    };
    let spans = collector.until(kept).await;
    let failed: Vec<_> = spans.iter().filter(|span| span.trace_id == id).collect();
    let call = failed.iter().find(|span| span.name == "GET product-api");
    ensure!(call.is_some_and(|call| call.failed), "{failed:#?}");
    for (id, trace) in by_trace(spans) {
        ensure!(trace.iter().any(|span| span.failed), "{id} did not fail");
        ensure!(trace.iter().all(|span| !span.sampled), "{id} was not drawn");
    }
    Ok(())
}

/// A sign-in takes its time by design.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_slow_is_kept_beyond_the_share() -> Result<()> {
    let collector = Collector::start().await;
    let setup = traced(Engine::Sqlite, &collector, "0").await;
    let setup = setup.set("TECHCOMMERCE_TRACES_SLOW_MS", "2");
    let shop = setup.start().await?;
    shop.admin().await?;
    let spans = collector
        .until(|spans| spans.iter().any(|span| span.name == "POST /auth/login"))
        .await;
    let login = spans.iter().find(|span| span.name == "POST /auth/login");
    let login = login.context("the sign-in")?;
    ensure!(!login.sampled && login.service == "auth", "{login:#?}");
    Ok(())
}

/// Whoever sends a `traceparent` from outside decides nothing: it is linked to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_do_not_decide_what_is_traced() -> Result<()> {
    const OUTSIDE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{OUTSIDE}-00f067aa0ba902b7-01");
    let collector = Collector::start().await;
    let setup = traced(Engine::Split, &collector, "1").await;
    let setup = setup.set("TECHCOMMERCE_LOG_LEVEL", "debug");
    let shop = setup.start().await?;
    let stranger = shop.plain_client().with_header("traceparent", &parent);
    let problem: Value = stranger.get("/api/products/none").value(404).await?;
    let id = problem["trace_id"].as_str().context("a trace")?.to_owned();
    ensure!(id != OUTSIDE && id.len() == 32, "{problem}");
    stranger.get("/products").send().await?.expect(200)?;
    let linked = |spans: &[CollectedSpan]| {
        let links = spans.iter().filter(|span| !span.links.is_empty());
        links.filter(|span| span.service == "frontend").count() >= 2
    };
    let spans = collector.until(linked).await;
    ensure!(spans.iter().all(|span| span.trace_id != OUTSIDE));
    for span in spans.iter().filter(|span| !span.links.is_empty()) {
        let links = &span.links;
        ensure!(
            span.parent_id.is_none() && links[0].0 == OUTSIDE,
            "{span:#?}"
        );
    }
    // The same id is in every line about it, whoever wrote the line.
    let output = shop.output();
    ensure_lines_have_traces(&output)?;
    let lines: Vec<&str> = output.lines().filter(|line| line.contains(&id)).collect();
    for service in ["frontend", "api", "product-api"] {
        let of = format!("\"service\":\"{service}\"");
        ensure!(
            lines.iter().any(|line| line.contains(&of)),
            "{service}: {lines:#?}"
        );
    }
    Ok(())
}

/// Each line that is about a request or a job has the id of its trace.
fn ensure_lines_have_traces(output: &str) -> Result<()> {
    let lines = output.lines().filter_map(|line| {
        let line = line.get(line.find('{')?..)?;
        serde_json::from_str::<Value>(line).ok()
    });
    let about = lines.filter(|line| line["request_id"].is_string() || line["target"] == "access");
    let mut seen = 0;
    for line in about {
        let id = line["trace_id"].as_str().unwrap_or_default();
        ensure!(id.len() == 32 && line["request_id"].is_string(), "{line}");
        seen += 1;
    }
    ensure!(seen > 0, "no such line");
    Ok(())
}

/// Behind a proxy that vouches for it, the trace goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxys_trace_is_continued() -> Result<()> {
    const OUTSIDE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{OUTSIDE}-00f067aa0ba902b7-01");
    let collector = Collector::start().await;
    let setup = traced(Engine::Sqlite, &collector, "0").await;
    let setup = setup.set("TECHCOMMERCE_TRACES_CONTINUE_OUTSIDE", "true");
    let shop = setup.start().await?;
    let proxied = shop.plain_client().with_header("traceparent", &parent);
    proxied.get("/products").send().await?.expect(200)?;
    let spans = collector
        .until(|spans| spans.iter().any(|span| span.service == "frontend"))
        .await;
    let mut spans = spans.iter().filter(|span| span.service == "frontend");
    let page = spans.find(|span| span.kind == SERVER);
    let page = page.context("the page")?;
    ensure!(page.trace_id == OUTSIDE, "{page:#?}");
    assert_eq!(page.parent_id.as_deref(), Some("00f067aa0ba902b7"));
    Ok(())
}

/// A collector that is away costs spans and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_takes_the_spans_is_nobodys_trouble() -> Result<()> {
    let collector = Collector::start().await;
    let setup = traced(Engine::Postgres, &collector, "1").await;
    drop(collector);
    let mut shop = setup.start().await?;
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let placed = buy(&client, &lamp.variant_id, 1, "away").await?;
    wait_for_payment(&client, &placed, "paid").await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let placed = place(&client, "away-2", &checkout(&cart, card(None))).await?;
    wait_for_payment(&client, &placed, "paid").await?;
    let ending = tokio::time::timeout(Duration::from_secs(25), shop.stop());
    ending.await.context("the end waits for nobody")??;
    crate::audit::clean(&{
        shop.start_again().await?;
        shop
    })
    .await
}

/// `doctor` tries the collector, and its key stays where it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tries_the_collector() -> Result<()> {
    let collector = Collector::start().await;
    let shop = traced(Engine::Sqlite, &collector, "1")
        .await
        .start()
        .await?;
    let said = async || -> Result<String> {
        let done = shop.run(&["doctor"]).await?;
        Ok(String::from_utf8(done.stdout)? + &*String::from_utf8(done.stderr)?)
    };
    let well = said().await?;
    ensure!(well.contains("ok     the collector takes traces"), "{well}");
    drop(collector);
    let ill = said().await?;
    ensure!(
        ill.contains("note   the collector takes no traces"),
        "{ill}"
    );
    ensure!(
        ill.contains("traces.endpoint") && !ill.contains("planted-key"),
        "{ill}"
    );
    Ok(())
}

/// What looks for whole traces finds what is missing in one.
#[test]
fn a_trace_that_is_not_whole_is_found() {
    let whole = a_whole_one();
    ensure_whole_checkout(&whole).unwrap();
    for missing in 0..whole.len() {
        let mut trace = whole.clone();
        let gone = trace.remove(missing);
        // Its children go to its parent, so that only it is missing.
        for span in &mut trace {
            if span.parent_id.as_ref() == Some(&gone.span_id) {
                span.parent_id.clone_from(&gone.parent_id);
            }
        }
        let found = ensure_whole_checkout(&trace);
        assert!(found.is_err(), "{gone:#?}");
    }
    let broken: [fn(&mut Vec<CollectedSpan>); 5] = [
        |trace| trace[3].parent_id = Some("ffffffffffffffff".to_owned()),
        |trace| trace[3].parent_id = None,
        |trace| trace[3].span_id = trace[2].span_id.clone(),
        |trace| trace[3].ended = 0,
        |trace| trace.iter_mut().for_each(|span| span.links.clear()),
    ];
    for (number, spoil) in broken.into_iter().enumerate() {
        let mut trace = whole.clone();
        spoil(&mut trace);
        assert!(ensure_whole_checkout(&trace).is_err(), "{number}");
    }
}

/// As few spans as a whole one has, each below the one before.
fn a_whole_one() -> Vec<CollectedSpan> {
    let spans = [
        ("frontend", SERVER, "POST /checkout"),
        ("frontend", CLIENT, "POST api"),
        ("api", SERVER, "POST /api/orders"),
        ("order-api", SERVER, "POST /orders"),
        ("order-api", CLIENT, "INSERT orders"),
        ("order-api", CLIENT, "POST product-api"),
        ("product-api", SERVER, "POST /internal/reservations"),
        ("product-api", CLIENT, "UPDATE stock"),
        ("worker", CONSUMER, "job order.advance"),
        ("worker", CLIENT, "payment-provider"),
        ("worker", CLIENT, "UPDATE jobs"),
    ];
    let id = |number: usize| format!("{number:016x}");
    let numbered = spans.into_iter().enumerate();
    let span = |(number, (service, kind, name)): (usize, (&str, i32, &str))| {
        let statement = name.starts_with("INSERT") || name.starts_with("UPDATE");
        let system = ("db.system.name".to_owned(), "postgresql".to_owned());
        CollectedSpan {
            service: service.to_owned(),
            trace_id: "1".repeat(32),
            span_id: id(number + 1),
            parent_id: (number > 0).then(|| id(number)),
            name: name.to_owned(),
            kind,
            sampled: true,
            attributes: statement.then_some(system).into_iter().collect(),
            resource: BTreeMap::new(),
            links: (kind == CONSUMER)
                .then(|| ("1".repeat(32), id(4)))
                .into_iter()
                .collect(),
            failed: false,
            started: 1,
            ended: 2,
        }
    };
    numbered.map(span).collect()
}
