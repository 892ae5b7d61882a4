//! Nothing that somebody sends makes the number of series grow: ten thousand odd requests, each with
//! values that no other had, after every kind of request has been seen once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::shop::{Engine, Setup, Shop};
use crate::shopper::{card, cart_with, checkout, eventually, send_order};
use crate::staff::{Item, Stock, product};

/// How many odd requests are sent.
const REQUESTS: usize = 10_000;
/// How many are under way at once: few, so that none is refused for being too many.
const AT_ONCE: usize = 8;

/// What is odd about a request.
const KINDS: [Kind; 9] = [
    Kind::Query,
    Kind::Headers,
    Kind::Method,
    Kind::BrokenJson,
    Kind::OddJson,
    Kind::Form,
    Kind::Cookies,
    Kind::Staff,
    Kind::NoSuchPlace,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A query string.
    Query,
    /// Headers, the host among them.
    Headers,
    /// A method that nobody has.
    Method,
    BrokenJson,
    /// JSON with fields and values that nobody asked for: addresses, SKUs, names.
    OddJson,
    Form,
    Cookies,
    /// As an admin, who is let in everywhere.
    Staff,
    /// Below an address that is there.
    NoSuchPlace,
}

/// Pages that are no part of the interface's document.
const PAGES: &str = "get / get /products get /products/{x} get /categories/{x} get /search get /cart \
    post /cart/lines post /cart/lines/{x} post /cart/discount get /checkout post /checkout \
    get /orders/{x} get /account post /account/sessions/{x} get /account/password get /login \
    post /login post /logout get /register post /register get /forgot-password \
    post /forgot-password get /reset-password post /language get /contact get /imprint \
    get /sitemap.xml get /robots.txt get /favicon.ico get /static/{x} get /images/{x}/{x} \
    get /admin get /admin/orders get /admin/orders/{x} get /admin/products get /admin/products/{x} \
    get /admin/stock get /admin/customers get /admin/jobs get /admin/audit get /admin/discounts \
    get /admin/import get /admin/{x} get /api/{x} get /{x} get /metrics";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_odd_requests_make_no_new_series() -> Result<()> {
    let shop = Setup::new(Engine::Sqlite)
        .await
        .set("TECHCOMMERCE_WORKER_LEDGER_CHECK_SECONDS", "1")
        .start()
        .await?;
    let token = shop.admin_token().await?;
    let staff = shop.client().with_bearer(&token);
    let lamp = product(&staff, "Lamp", Stock::Counted(100_000)).await?;
    let places = places(&shop);
    ensure!(places.len() > 90, "{} places are too few", places.len());

    // Every kind of request to every place, thrice: which answer it gets may depend on the values.
    let mut odd = Odd(1);
    let mut known = Vec::new();
    for _ in 0..3 {
        for place in &places {
            for kind in KINDS {
                known.push(odd.request(kind, place, &token));
            }
        }
    }
    send(&shop, known).await?;
    orders(&shop, &lamp, &mut odd, 6).await?;
    eventually("the books were looked at", async || {
        let text = scrape(&shop).await?;
        Ok(text
            .contains("ledger_unbalanced{ledger=\"stock\"}")
            .then_some(()))
    })
    .await?;
    let before = settled(&shop).await?;

    let mut later = Vec::with_capacity(REQUESTS);
    while later.len() < REQUESTS {
        let place = odd.one_of(&places);
        let kind = odd.one_of(&KINDS);
        later.push(odd.request(*kind, place, &token));
    }
    send(&shop, later).await?;
    orders(&shop, &lamp, &mut odd, 40).await?;
    let after = settled(&shop).await?;

    let new: Vec<&String> = after.difference(&before).collect();
    ensure!(new.is_empty(), "{} new series: {new:#?}", new.len());
    assert_eq!(before.len(), after.len());

    // A route that nobody asked for yet is seen, so more of them would have been.
    shop.plain_client().get("/api/docs").expect(200).await?;
    let grown = settled(&shop).await?;
    ensure!(grown.len() > after.len(), "the test sees nothing");
    Ok(())
}

/// Every documented operation and every page, with their methods.
fn places(shop: &Shop) -> Vec<(String, String)> {
    let documented = shop.document().operations();
    let documented = documented
        .iter()
        .filter_map(|operation| operation.split_once(' '));
    // Who signs out, or ends sessions, is no admin any more for what follows.
    let harmless = documented.filter(|(_, path)| !path.starts_with("/api/auth/log"));
    let words: Vec<&str> = PAGES.split_whitespace().collect();
    let pages = words.chunks(2).map(|pair| (pair[0], pair[1]));
    harmless
        .chain(pages)
        .filter(|(method, path)| {
            !(*path == "/api/auth/sessions" || path.starts_with("/api/auth/password"))
                && (*method, *path) != ("post", "/logout")
        })
        .map(|(method, path)| (method.to_uppercase(), path.to_owned()))
        .collect()
}

/// Carts and orders with values that nobody else has: taken, declined, and never known.
async fn orders(shop: &Shop, lamp: &Item, odd: &mut Odd, count: usize) -> Result<()> {
    let client = shop.plain_client();
    for number in 0..count {
        let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
        let token = ["tok_success", "tok_decline"][number % 2];
        let mut body = checkout(&cart, card(Some(token)));
        body["email"] = format!("{}@{}.example", odd.word(), odd.word()).into();
        body["shipping_address"]["name"] = odd.word().into();
        send_order(&client, &odd.word(), &body).await?;
    }
    Ok(())
}

/// Sends all, a few at a time. That it answers at all is what counts.
async fn send(shop: &Shop, requests: Vec<Vec<u8>>) -> Result<()> {
    let at = shop.setup.address();
    let sending = stream::iter(requests).map(|request| async move {
        let answer = exchange(at, &request).await;
        answer.with_context(|| String::from_utf8_lossy(&request).into_owned())
    });
    let statuses: Vec<u16> = sending.buffer_unordered(AT_ONCE).try_collect().await?;
    let broken = statuses.iter().filter(|status| **status >= 500).count();
    ensure!(broken == 0, "{broken} were answered by a fault of ours");
    Ok(())
}

async fn exchange(at: SocketAddr, request: &[u8]) -> Result<u16> {
    let exchanging = async {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(request).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = timeout(Duration::from_secs(30), exchanging).await??;
    let head = String::from_utf8_lossy(&answer[..answer.len().min(64)]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.with_context(|| format!("no answer: {head}"))
}

async fn scrape(shop: &Shop) -> Result<String> {
    Ok(shop.management().get("/metrics").expect(200).await?.text())
}

/// The series, once the jobs are done and no more appear by themselves.
async fn settled(shop: &Shop) -> Result<BTreeSet<String>> {
    let mut before = BTreeSet::new();
    eventually("the jobs are done", async || {
        let text = scrape(shop).await?;
        let busy = text.lines().any(|line| {
            let job = line.starts_with("techcommerce_jobs{");
            let waits = line.contains("ready") || line.contains("running");
            job && waits && !line.ends_with(" 0")
        });
        let now = series(&text);
        let same = !busy && now == before;
        before = now;
        tokio::time::sleep(Duration::from_millis(250)).await;
        Ok(same.then_some(()))
    })
    .await?;
    Ok(before)
}

/// Names with their labels, without their values.
pub fn series(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let named = samples.filter_map(|line| line.rsplit_once(' '));
    named.map(|(series, _)| series.to_owned()).collect()
}

/// Makes values that were never there before.
struct Odd(u64);

impl Odd {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.next() % all.len() as u64).unwrap_or(0)]
    }

    fn word(&mut self) -> String {
        format!("x{:016x}", self.next())
    }

    fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 48 & 0xfff,
            b & 0xffff_ffff_ffff
        )
    }

    /// A request of this kind, with each part of its address that is open filled.
    fn request(&mut self, kind: Kind, place: &(String, String), token: &str) -> Vec<u8> {
        let (method, template) = place;
        let mut method = method.clone();
        let mut path = String::new();
        for part in template.split_inclusive('}') {
            match part.split_once('{') {
                // Ids that nobody has; every kind gets both sorts over its requests.
                Some((start, _)) => {
                    path.push_str(start);
                    let id = match kind {
                        Kind::Headers | Kind::OddJson | Kind::Staff => self.id(),
                        _ => self.word(),
                    };
                    path.push_str(&id);
                }
                None => path.push_str(part),
            }
        }
        let mut headers = vec!["connection: close".to_owned()];
        let mut host = "127.0.0.1".to_owned();
        let mut body = String::new();
        let mut json = |text: String| {
            headers.push("content-type: application/json".to_owned());
            body = text;
        };
        match kind {
            Kind::Query => {
                path = format!(
                    "{path}?{}={}&q=%27{}&limit=7",
                    self.word(),
                    self.word(),
                    self.word()
                );
            }
            Kind::Headers => {
                host = format!("{}.example", self.word());
                headers.push(format!("{}: {}", self.word(), self.word()));
                headers.push(format!("user-agent: {}", self.word()));
                headers.push(format!("x-forwarded-for: 10.{}.1.2", self.next() % 256));
                headers.push(format!("x-request-id: {}", self.word()));
                headers.push(format!("accept-language: {}", self.word()));
                headers.push(format!("traceparent: 00-{}", self.word()));
                headers.push(format!("origin: https://{}.example", self.word()));
            }
            Kind::Method => method = self.word().to_uppercase(),
            Kind::BrokenJson => json(format!("{{\"{}\": [{}", self.word(), self.next())),
            Kind::OddJson => {
                let (a, b) = (self.word(), self.word());
                json(format!(
                    r#"{{"{a}": "{b}", "email": "{a}@{b}.example", "sku": "{a}", "title": 7,
                    "password": "{a}", "quantity": "{b}", "service": "{b}", "currency": "{a}"}}"#
                ));
            }
            Kind::Form => {
                headers.push("content-type: application/x-www-form-urlencoded".to_owned());
                body = format!(
                    "email={}%40example.com&{}={}",
                    self.word(),
                    self.word(),
                    self.word()
                );
            }
            Kind::Cookies => {
                let (a, b) = (self.word(), self.word());
                headers.push(format!("cookie: tc_session={a}; tc_cart={b}; {a}={b}"));
                headers.push(format!("authorization: Bearer {a}"));
            }
            Kind::Staff => {
                headers.push(format!("authorization: Bearer {token}"));
                if method != "GET" {
                    headers.push("content-type: application/json".to_owned());
                    body = format!(r#"{{"{}": "{}"}}"#, self.word(), self.word());
                }
            }
            Kind::NoSuchPlace => {
                path = format!(
                    "{}/{}/{}",
                    path.trim_end_matches('/'),
                    self.word(),
                    self.id()
                );
            }
        }
        let headers = headers.join("\r\n");
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\ncontent-length: {length}\r\n\r\n"
        );
        format!("{head}{body}").into_bytes()
    }
}

/// Series are told apart by their labels, and the values do not count.
#[test]
fn what_is_counted() {
    let one = "# TYPE a counter\na{b=\"1\"} 1\nc 2\n";
    let two = "a{b=\"1\"} 5\nc 7\n";
    let more = "a{b=\"1\"} 5\na{b=\"2\"} 1\nc 7\n";
    assert_eq!(series(one), series(two));
    assert_eq!(series(more).difference(&series(two)).count(), 1);
    // No value comes twice.
    let mut odd = Odd(1);
    let words: BTreeSet<String> = (0..1000).map(|_| odd.word()).collect();
    assert_eq!(words.len(), 1000);
}
