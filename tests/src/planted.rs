//! Secrets, cards, tokens, passwords and mail addresses come out nowhere: they are planted in every
//! place where somebody can say something, and all that the program tells its operators is
//! searched for them.
//!
//! *Planted* in: each documented operation's and page's parameters, query, headers, bodies of every
//! kind and field, right and wrong; files; settings; what a mail server answers. *Searched*: what
//! all processes wrote at the level `debug`, what a collector of traces got, all metrics, what jobs
//! keep of their errors, every error's answer, and for secrets the audit log.
//!
//! What may be told, and to whom: who sent a field that nobody knows is told its name, and a page
//! shows again what somebody typed into it, but no password, card or token. Problem documents
//! repeat no value. A request's id is its sender's choice and goes everywhere, so one that looks
//! like a card or a token is replaced.

mod access;
mod ground;
mod inputs;
mod marks;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use techcommerce_testkit::{Answer, Client, Collector, Request};

use self::ground::{MailServer, kept_errors, metrics, tell_a_job, told_by_the_audit};
use self::inputs::{Body, bodies, csv, form, planted_address, request, with_headers};
use self::marks::{Kind, Marks, found};
use crate::roles::cast::Cast;
use crate::roles::matrix::good;
use crate::roles::pages::pages;
use crate::roles::table::{Rule, Sent, table};
use crate::shop::{Engine, Setup, sign_in};
use crate::shopper::{Placed, card, cart_with, checkout, place, send_order, wait_for_payment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_process() -> Result<()> {
    nothing_planted_comes_out(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apart() -> Result<()> {
    nothing_planted_comes_out(Engine::Split).await
}

/// What was seen where it must not be: the place, and what stands around the word.
#[derive(Default)]
struct Seen(BTreeMap<String, BTreeSet<String>>);

impl Seen {
    fn look(&mut self, place: &str, text: &[u8], kinds: &[Kind]) {
        let found = found(text, kinds);
        if !found.is_empty() {
            self.0.entry(place.to_owned()).or_default().extend(found);
        }
    }

    /// An answer that refuses: problem documents repeat nothing, pages what was typed.
    fn answer(&mut self, answer: &Answer) {
        if answer.status < 400 {
            return;
        }
        let page = answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"));
        let kinds: &[Kind] = match page {
            true => &[Kind::Secret, Kind::Card],
            false => &[Kind::Secret, Kind::Card, Kind::Typed],
        };
        let place = format!("the answer {} to {}", answer.status, answer.method);
        let path = answer.path.split('?').next().unwrap_or_default();
        self.look(&format!("{place} {path}"), &answer.body, kinds);
        for (name, value) in &answer.headers {
            self.look(&format!("{place}: {name}"), value.as_bytes(), kinds);
        }
    }

    fn shown(&self) -> String {
        let mut text = String::new();
        for (place, found) in &self.0 {
            text.push_str(&format!("{place}: {} times, as\n", found.len()));
            for one in found.iter().take(3) {
                text.push_str(&format!("    {one}\n"));
            }
        }
        text
    }
}

/// Everything that plants.
struct Planting {
    marks: Marks,
    cast: Cast,
    seen: Seen,
}

async fn nothing_planted_comes_out(engine: Engine) -> Result<()> {
    let marks = Marks::default();
    let collector = Collector::start().await;
    let mail_server = MailServer::start().await?;
    let leak = marks.word(Kind::Leak);
    let setup = Setup::new(engine)
        .await
        .set("TECHCOMMERCE_TRACES_ENDPOINT", &collector.endpoint())
        .set("TECHCOMMERCE_TRACES_SAMPLE", "1")
        .set(
            "TECHCOMMERCE_TRACES_HEADERS",
            &format!("x-collector-key={}", marks.word(Kind::Secret)),
        )
        .set("TECHCOMMERCE_LOG_LEVEL", "debug")
        .set("TECHCOMMERCE_LOG_FORMAT", "json")
        .set("TECHCOMMERCE_SMTP_URL", &mail_server.url())
        // What is said of a metric here is said on purpose.
        .set(
            "TECHCOMMERCE_CERTIFICATES_WATCH",
            &format!("{leak}=none.pem"),
        );
    let cast = Cast::gather_in(setup).await?;
    let mut planting = Planting {
        marks,
        cast,
        seen: Seen::default(),
    };
    planting.what_is_fine().await?;
    planting.every_operation().await?;
    planting.every_page().await?;
    let asked = access::every_operation(&planting.cast).await?;
    let Planting {
        marks,
        cast,
        mut seen,
    } = planting;

    // The search finds what is there: this id is fine, so it goes everywhere.
    let leaked = cast
        .shop
        .plain_client()
        .get("/api/products/none")
        .header("x-request-id", &leak)
        .send()
        .await?;
    ensure!(!found(leaked.text().as_bytes(), &[Kind::Leak]).is_empty());
    tell_a_job(&cast.shop.setup, &leak).await?;
    let mail = marks.mail();
    ensure!(mail_server.heard() > 0, "no mail was tried: {mail}");

    let mut shop = cast.shop;
    let metrics = metrics(&shop).await?;
    let errors = kept_errors(&shop.setup).await?;
    let audit = told_by_the_audit(&shop.setup).await?;
    shop.stop().await?;
    let output = shop.output();
    let traces: Vec<u8> = collector
        .received()
        .iter()
        .flat_map(|received| received.body.to_vec())
        .collect();
    for (place, text) in [
        ("the log", output.as_bytes()),
        ("the traces", &traces),
        ("the metrics", metrics.as_bytes()),
        ("the errors of jobs", errors.as_bytes()),
    ] {
        seen.look(place, text, &Kind::ALL);
        ensure!(
            !found(text, &[Kind::Leak]).is_empty(),
            "the search does not find what is in {place}: {} bytes",
            text.len()
        );
    }
    ensure!(!audit.is_empty(), "nobody did anything");
    seen.look("the audit log", audit.as_bytes(), &[Kind::Secret]);
    ensure!(seen.0.is_empty(), "{}", seen.shown());
    access::one_line_each(&output, &asked)?;
    access::levels_fit(&output)
}

impl Planting {
    async fn send(&mut self, request: Request<'_>) -> Result<Answer> {
        let answer = request.send().await?;
        ensure!(
            answer.status < 500 || answer.status == 503,
            "{} {} answered {}: {}",
            answer.method,
            answer.path,
            answer.status,
            answer.text()
        );
        self.seen.answer(&answer);
        Ok(answer)
    }

    /// Each as a stranger with words everywhere, and as an admin who is let in to what reads them.
    async fn every_operation(&mut self) -> Result<()> {
        let documented = self.cast.shop.document().operations();
        let rules = table();
        let known: BTreeSet<String> = rules.iter().map(|rule| rule.operation.to_owned()).collect();
        ensure!(documented == known, "see tests/src/roles/table.rs");
        let document = self.cast.shop.document().json().clone();
        let stranger = self.cast.shop.plain_client();
        let token = self.cast.actor("a key of an admin")?.token.clone();
        let admin = stranger.with_bearer(&token.context("a key")?);
        for rule in &rules {
            let (method, template) = rule.parts();
            let operation = &document["paths"][template][method];
            let path = planted_address(&self.marks, template, Kind::Secret);
            // Who shows something wrong is sent away before anything is read.
            for (client, believed) in [(&stranger, false), (&stranger, true), (&admin, true)] {
                let path = planted_address(&self.marks, template, Kind::Secret);
                let asked = request(client, method, &path);
                let asked = with_headers(&self.marks, asked, believed);
                self.send(asked).await?;
            }
            // What is there: not where that would end it.
            let there = match method == "delete" || rule.ends_sessions {
                true => path,
                false => {
                    self.cast.things.address(template)? + (rule.query)(&self.cast.things).as_str()
                }
            };
            let fine = match (rule.body)(&self.cast.things)? {
                Sent::Json(value) => Some(value),
                Sent::Nothing | Sent::File(..) => None,
            };
            let bodies = bodies(&self.marks, &document, operation, fine.as_ref());
            if method == "get" || method == "delete" {
                let asked = with_headers(&self.marks, request(&admin, method, &there), true);
                self.send(asked).await?;
                continue;
            }
            for Body(kind, bytes) in bodies {
                let asked = with_headers(&self.marks, request(&admin, method, &there), true);
                self.send(asked.body(kind, bytes.clone())).await?;
            }
            if !rule.ends_sessions {
                self.as_it_is_meant(rule, &admin).await?;
            }
        }
        Ok(())
    }

    /// The good request, with words in the headers.
    async fn as_it_is_meant(&mut self, rule: &Rule, admin: &Client) -> Result<()> {
        let asked = good(admin, rule, &self.cast)?;
        let asked = with_headers(&self.marks, asked, true);
        self.send(asked).await.map(drop)
    }

    /// The storefront: each page asked for, and sent a form.
    async fn every_page(&mut self) -> Result<()> {
        let own = format!("http://{}", self.cast.shop.setup.address());
        let stranger = self
            .cast
            .shop
            .plain_client()
            .with_header("accept", "text/html")
            .with_header("origin", &own);
        let token = self
            .cast
            .actor("an admin")?
            .token
            .clone()
            .context("a session")?;
        let admin = stranger.with_header("cookie", &format!("tc_session={token}"));
        let pages = pages()?;
        ensure!(pages.len() > 40 && pages.contains("/checkout"), "{pages:?}");
        for page in &pages {
            let page = page.replace("{*rest}", "{rest}");
            for (client, believed) in [(&stranger, false), (&admin, true)] {
                let path = planted_address(&self.marks, &page, Kind::Typed);
                let asked = with_headers(&self.marks, client.get(&path), believed);
                self.send(asked).await?;
                if page == "/logout" && believed {
                    continue;
                }
                let bare = path.split('?').next().unwrap_or_default().to_owned();
                let asked = with_headers(&self.marks, client.post(&bare), believed);
                let form = form(&self.marks);
                let asked = asked.body("application/x-www-form-urlencoded", form);
                self.send(asked).await?;
            }
        }
        Ok(())
    }

    /// What goes well: accounts, orders that are paid and declined, imports, pictures, keys, notes.
    async fn what_is_fine(&mut self) -> Result<()> {
        let client = self.cast.shop.plain_client();
        let token = self.cast.actor("a key of an admin")?.token.clone();
        let admin = client.with_bearer(&token.context("a key")?);
        let (mail, password) = (self.marks.mail(), self.marks.word(Kind::Secret));
        let person =
            json!({"email": mail, "password": password, "name": self.marks.word(Kind::Typed)});
        // The second of them is somebody else's address already.
        for status in [201, 409] {
            let asked = client.post("/api/auth/register").json(&person);
            let asked = with_headers(&self.marks, asked, true);
            ensure!(self.send(asked).await?.status == status);
        }
        for (password, status) in [(&password, 200), (&self.marks.word(Kind::Secret), 401)] {
            let body = json!({"email": mail, "password": password});
            let asked = with_headers(
                &self.marks,
                client.post("/api/auth/login").json(&body),
                true,
            );
            ensure!(self.send(asked).await?.status == status);
        }
        self.new_password(&client, &mail, &password).await?;
        let asked = client
            .post("/api/auth/password-reset")
            .json(&json!({"email": mail}));
        self.send(asked).await?;

        let variant = self.cast.things.product.variant_id.clone();
        for (token, status) in [("tok_success", "paid"), ("tok_decline", "failed")] {
            let cart = cart_with(&client, &[(&variant, 1)]).await?;
            let body = self.order(&cart, token);
            let placed = place(&client, &self.marks.word(Kind::Secret), &body).await?;
            wait_for_payment(&client, &placed, status).await?;
            self.written_to(&admin, &placed).await?;
        }
        let cart = cart_with(&client, &[(&variant, 1)]).await?;
        let mut body = self.order(&cart, &self.marks.word(Kind::Secret));
        let answer = send_order(&client, &self.marks.word(Kind::Secret), &body).await?;
        self.seen.answer(&answer);
        body["payment"]["token"] = json!(self.marks.card().to_string());
        let answer = send_order(&client, &self.marks.word(Kind::Secret), &body).await?;
        self.seen.answer(&answer);

        let run = admin
            .post("/api/products/import")
            .body("text/csv", csv(&self.marks));
        self.send(run).await?;
        let named = json!({"name": self.marks.word(Kind::Typed), "role": "staff"});
        for _ in 0..2 {
            self.send(admin.post("/api/auth/api-keys").json(&named))
                .await?;
        }
        Ok(())
    }

    /// Somebody signed in tries new passwords, and one of them is taken.
    async fn new_password(&mut self, client: &Client, mail: &str, password: &str) -> Result<()> {
        let token = sign_in(client, mail, password).await?;
        let person = client.with_bearer(&token);
        let (wrong, new) = (self.marks.word(Kind::Secret), self.marks.word(Kind::Secret));
        for (body, status) in [
            (json!({"current_password": wrong, "new_password": new}), 4),
            (
                json!({"current_password": password, "new_password": &new[..4]}),
                4,
            ),
            (
                json!({"current_password": password, "new_password": [new]}),
                4,
            ),
            (
                json!({"current_password": self.marks.card(), "new_password": new}),
                4,
            ),
            (
                json!({"current_password": password, "new_password": new}),
                2,
            ),
        ] {
            let asked = person.post("/api/auth/password").json(&body);
            let asked = with_headers(&self.marks, asked, true);
            let answer = self.send(asked).await?;
            ensure!(answer.status / 100 == status, "{}", answer.text());
        }
        Ok(())
    }

    fn order(&self, cart: &str, token: &str) -> Value {
        let mut body = checkout(cart, card(Some(token)));
        body["email"] = self.marks.mail().into();
        for name in ["name", "line1", "line2", "city"] {
            body["shipping_address"][name] = self.marks.word(Kind::Typed).into();
        }
        body
    }

    /// Staff write what they like.
    async fn written_to(&mut self, admin: &Client, placed: &Placed) -> Result<()> {
        let text = format!("{} {}", self.marks.word(Kind::Typed), self.marks.mail());
        let path = format!("/api/orders/{}/notes", placed.id);
        self.send(admin.post(&path).json(&json!({"text": text})))
            .await?;
        let path = format!("/api/orders/{}/cancel", placed.id);
        let reason = self.marks.word(Kind::Typed);
        self.send(admin.post(&path).json(&json!({"reason": reason})))
            .await?;
        Ok(())
    }
}

/// Settings that are wrong, or lead to somebody who refuses: the reason is told without the value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_not_repeated() -> Result<()> {
    let marks = Marks::default();
    let nobody = techcommerce_testkit::free_address();
    let mut seen = Seen::default();
    let secret = || marks.word(Kind::Secret);
    let cases: Vec<Vec<(&str, String)>> = vec![
        vec![(
            "DATABASE_URL",
            format!("postgres://shop:{}@{nobody}/shop", secret()),
        )],
        vec![(
            "DATABASE_URL",
            format!("mysql://shop:{}@{nobody}/shop", secret()),
        )],
        vec![(
            "DATABASE_URL",
            format!("postgres://shop:{}@:x/{}", secret(), secret()),
        )],
        vec![("DATABASE_URL", secret())],
        vec![(
            "TECHCOMMERCE_DATABASE_URLL",
            format!("postgres://shop:{}@h/d", secret()),
        )],
        vec![(
            "TECHCOMMERCE_DATABASES_AUTH",
            format!("mysql://a:{}@h/d", secret()),
        )],
        vec![(
            "TECHCOMMERCE_REDIS_URL",
            format!("redis://:{}@{nobody}", secret()),
        )],
        vec![(
            "TECHCOMMERCE_REDIS_URL",
            format!("http://:{}@{nobody}", secret()),
        )],
        vec![(
            "TECHCOMMERCE_SMTP_URL",
            format!("smtp://shop:{}@{nobody}", secret()),
        )],
        vec![(
            "TECHCOMMERCE_SMTP_URL",
            format!("mail://shop:{}@{nobody}", secret()),
        )],
        vec![(
            "TECHCOMMERCE_SMTP_URL",
            format!("smtp://shop:{}@[x", secret()),
        )],
        vec![
            ("TECHCOMMERCE_IMAGES_STORE", "s3://pictures/shop".to_owned()),
            (
                "TECHCOMMERCE_IMAGES_S3_ENDPOINT",
                format!("http://{nobody}"),
            ),
            ("TECHCOMMERCE_IMAGES_S3_ACCESS_KEY", secret()),
            ("TECHCOMMERCE_IMAGES_S3_SECRET_KEY", secret()),
        ],
        vec![("TECHCOMMERCE_IMAGES_S3_SECRET_KEY", secret())],
        vec![
            ("TECHCOMMERCE_IMAGES_STORE", "gs://pictures/shop".to_owned()),
            (
                "TECHCOMMERCE_IMAGES_GCS_CREDENTIALS",
                format!("{{\"key\": \"{}\"}}", secret()),
            ),
        ],
        vec![
            ("TECHCOMMERCE_TRACES_ENDPOINT", format!("http://{nobody}")),
            ("TECHCOMMERCE_TRACES_HEADERS", format!("x-key {}", secret())),
        ],
        vec![("TECHCOMMERCE_ADMIN_PASSWORD", secret())],
    ];
    let running = stream::iter(&cases).map(|case| ground::all_that_is_said(case));
    let said: Vec<_> = running.buffer_unordered(3).try_collect().await?;
    for (place, said) in said.into_iter().flatten() {
        ensure!(!said.is_empty(), "{place}");
        seen.look(&place, said.as_bytes(), &Kind::ALL);
    }
    ensure!(seen.0.is_empty(), "{}", seen.shown());
    // A setting that is no secret is shown, so it is found.
    let harmless = vec![("TECHCOMMERCE_SHOP_NAME", marks.word(Kind::Leak))];
    let said = ground::all_that_is_said(&harmless).await?;
    let shown = said
        .iter()
        .any(|(_, said)| !found(said.as_bytes(), &[Kind::Leak]).is_empty());
    ensure!(shown, "{said:?}");
    Ok(())
}
