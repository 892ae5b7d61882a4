//! One thing after the other is away from a split shop: what needs it says so clearly, everything
//! else goes on, and when it is back nothing else has to be started again.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::{Answer, Client, Kind, TestRedis};

use crate::audit;
use crate::shop::{ADMIN, ADMIN_PASSWORD, Engine, SERVICES, Setup, Shop};
use crate::shopper::{
    Placed, card, cart_with, checkout, eventually, order, place, put_line, send_order,
    wait_for_payment,
};
use crate::staff::{Item, Stock, product};

/// A shop with somebody who shops in it.
struct Street {
    shop: Shop,
    client: Client,
    staff: Client,
    lamp: Item,
    /// An order of before.
    bought: Placed,
    orders: usize,
}

impl Street {
    async fn open(setup: Setup) -> Result<Self> {
        let shop = setup.start().await?;
        // What is away answers otherwise than the document says of what is there.
        let client = shop.plain_client();
        let staff = client.with_bearer(&shop.admin_token().await?);
        let lamp = product(&staff, "Lamp", Stock::Counted(100)).await?;
        let bought = crate::shopper::buy(&client, &lamp.variant_id, 1, "before").await?;
        wait_for_payment(&client, &bought, "paid").await?;
        Ok(Self {
            shop,
            client,
            staff,
            lamp,
            bought,
            orders: 0,
        })
    }

    /// Whoever wants to sign in is told to try again later.
    async fn nobody_signs_in(&self) -> Result<()> {
        let login = json!({"email": ADMIN, "password": ADMIN_PASSWORD});
        let request = self.client.post("/api/auth/login").json(&login);
        is_away(request.send().await?)
    }

    /// Kills a service, has a look, and starts it again; then everything works.
    async fn without(
        &mut self,
        service: &str,
        look: impl AsyncFn(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.shop.processes.kill(service)?;
        look(self)
            .await
            .with_context(|| format!("without {service}"))?;
        // Nobody else is the worse for it.
        for other in SERVICES.into_iter().filter(|other| *other != service) {
            let client = self.shop.processes.client(other)?;
            client
                .get("/readyz")
                .expect(200)
                .await
                .with_context(|| format!("without {service}"))?;
        }
        self.shop.processes.start_one(service)?;
        self.shop.processes.wait_until_ready().await?;
        self.everything()
            .await
            .with_context(|| format!("{service} is back"))
    }

    /// All that a shop is for. Whoever was told to come back does.
    async fn everything(&mut self) -> Result<()> {
        eventually("browsing", async || Ok(self.browse().await.ok())).await?;
        eventually("signing in", async || Ok(self.sign_in().await.ok())).await?;
        eventually("staff at work", async || {
            let answer = self.staff.get("/api/orders").send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        let placed = self.buy().await?;
        wait_for_payment(&self.client, &placed, "paid").await?;
        Ok(())
    }

    async fn browse(&self) -> Result<()> {
        self.client.get("/api/products").expect(200).await?;
        let path = format!("/products/{}", self.lamp.handle);
        let page = self.client.get(&path).expect(200).await?;
        ensure!(page.text().contains("Lamp"), "{}", page.text());
        Ok(())
    }

    async fn sign_in(&self) -> Result<String> {
        crate::shop::sign_in(&self.client, ADMIN, ADMIN_PASSWORD).await
    }

    /// A guest's checkout, as a careful program does it: what is told to come back does.
    async fn buy(&mut self) -> Result<Placed> {
        self.orders += 1;
        let key = format!("street-{}", self.orders);
        let body = eventually("a cart", async || {
            let cart = cart_with(&self.client, &[(&self.lamp.variant_id, 1)])
                .await
                .ok();
            Ok(cart.map(|cart| checkout(&cart, card(None))))
        })
        .await?;
        eventually("an order", async || {
            let answer = send_order(&self.client, &key, &body).await?;
            match answer.status {
                503 => Ok(None),
                _ => Ok(Some(crate::shopper::placed(&answer.expect(201)?)?)),
            }
        })
        .await
    }

    async fn cart(&self) -> Result<String> {
        cart_with(&self.client, &[(&self.lamp.variant_id, 1)]).await
    }
}

/// A problem that says when to come back.
fn is_away(answer: Answer) -> Result<()> {
    let later = answer.header("retry-after").map(str::to_owned);
    ensure!(
        later
            .and_then(|later| later.parse::<u64>().ok())
            .is_some_and(|later| later > 0),
        "no Retry-After: {answer:?}"
    );
    let code = answer.problem(503)?;
    ensure!(!code.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_one_after_the_other() -> Result<()> {
    let mut street = Street::open(Setup::new(Engine::Split).await).await?;
    street.without("auth", without_auth).await?;
    street.without("order-api", without_order_api).await?;
    street.without("product-api", without_product_api).await?;
    street.without("images", without_images).await?;
    street.without("worker", without_worker).await?;
    street.without("api", without_api).await?;
    street.without("frontend", without_frontend).await?;
    audit::clean(&street.shop).await
}

/// Nobody can be told who they are: guests go on, also those who were somebody before.
async fn without_auth(street: &mut Street) -> Result<()> {
    street.browse().await?;
    let placed = street.buy().await?;
    wait_for_payment(&street.client, &placed, "paid").await?;
    street.nobody_signs_in().await?;
    is_away(street.staff.get("/api/orders").send().await?)?;
    let browser = street
        .client
        .with_header("cookie", "tc_session=tcs_of-somebody");
    browser.get("/api/products").expect(200).await?;
    browser.get("/products").expect(200).await?;
    Ok(())
}

async fn without_order_api(street: &mut Street) -> Result<()> {
    street.browse().await?;
    street.sign_in().await?;
    is_away(street.client.post("/api/carts").send().await?)?;
    is_away(street.staff.get("/api/orders").send().await?)?;
    let page = street
        .client
        .get("/")
        .header("accept", "text/html")
        .send()
        .await?;
    assert_eq!(page.status, 200);
    Ok(())
}

async fn without_product_api(street: &mut Street) -> Result<()> {
    is_away(street.client.get("/api/products").send().await?)?;
    let known = order(&street.client, &street.bought).await?;
    assert_eq!(known["payment_status"], "paid");
    street.sign_in().await?;
    street.staff.get("/api/orders").expect(200).await?;
    let page = street
        .client
        .get("/products")
        .header("accept", "text/html")
        .send()
        .await?;
    assert_eq!(page.status, 503, "{}", page.text());
    let cart: Value = street.client.post("/api/carts").value(201).await?;
    let id = cart["id"].as_str().context("an id")?;
    is_away(put_line(&street.client, id, &street.lamp.variant_id, 1).await?)?;
    Ok(())
}

async fn without_images(street: &mut Street) -> Result<()> {
    street.browse().await?;
    let placed = street.buy().await?;
    wait_for_payment(&street.client, &placed, "paid").await?;
    let picture = "/images/0193a1b2-0000-7000-8000-000000000000/w640";
    is_away(street.client.get(picture).send().await?)?;
    Ok(())
}

/// What is ordered is taken, and paid for when the worker is back.
async fn without_worker(street: &mut Street) -> Result<()> {
    street.browse().await?;
    let placed = street.buy().await?;
    let waiting = order(&street.client, &placed).await?;
    assert_eq!(waiting["payment_status"], "pending");
    is_away(street.staff.get("/api/jobs").send().await?)?;
    street.shop.processes.start_one("worker")?;
    wait_for_payment(&street.client, &placed, "paid").await?;
    street.shop.processes.kill("worker")?;
    Ok(())
}

/// The pages say so; they are there themselves.
async fn without_api(street: &mut Street) -> Result<()> {
    is_away(street.client.get("/api/products").send().await?)?;
    let page = street
        .client
        .get("/products")
        .header("accept", "text/html")
        .send()
        .await?;
    assert_eq!(page.status, 503);
    ensure!(page.text().contains("<html"), "{}", page.text());
    street.client.get("/static/shop.css").send().await?;
    Ok(())
}

/// Programs go on at the edge.
async fn without_frontend(street: &mut Street) -> Result<()> {
    let edge = street.shop.processes.client("api")?;
    edge.get("/api/products").expect(200).await?;
    let body = checkout(
        &cart_with(&edge, &[(&street.lamp.variant_id, 1)]).await?,
        card(None),
    );
    let placed = place(&edge, "at-the-edge", &body).await?;
    wait_for_payment(&edge, &placed, "paid").await?;
    Ok(())
}

/// Redis that is lost, and Redis that hangs: browsing and guests' checkouts go on, signing in says
/// when to come back, and then it works again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis() -> Result<()> {
    let redis = TestRedis::own();
    let setup = Setup::new(Engine::Split).await.with_redis(&redis);
    let mut street = Street::open(setup).await?;
    for hangs in [false, true] {
        match hangs {
            true => redis.server().freeze()?,
            false => redis.server().halt()?,
        }
        street.browse().await?;
        let placed = street.buy().await?;
        wait_for_payment(&street.client, &placed, "paid").await?;
        street.nobody_signs_in().await?;
        let browser = street
            .client
            .with_header("cookie", "tc_session=tcs_of-somebody");
        browser.get("/api/products").expect(200).await?;
        for service in SERVICES {
            let client = street.shop.processes.client(service)?;
            client
                .get("/readyz")
                .expect(200)
                .await
                .with_context(|| service.to_owned())?;
        }
        match hangs {
            true => redis.server().thaw()?,
            false => redis.server().resume()?,
        }
        let token = eventually("signing in", async || Ok(street.sign_in().await.ok())).await?;
        street.staff = street.client.with_bearer(&token);
        street.everything().await?;
    }
    audit::clean(&street.shop).await
}

/// PostgreSQL stops and comes back: every service says that it cannot serve, and then all is well
/// with nothing started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() -> Result<()> {
    let postgres = techcommerce_testkit::start(Kind::Postgres)?;
    let setup = Setup::new(Engine::Split)
        .await
        .with_database_url(postgres.url());
    let mut street = Street::open(setup).await?;
    let cart = street.cart().await?;
    postgres.halt()?;
    // What is read from memory goes on.
    street.browse().await?;
    let body = checkout(&cart, card(None));
    is_away(send_order(&street.client, "while-away", &body).await?)?;
    is_away(
        street
            .client
            .get(&format!("/api/carts/{cart}"))
            .send()
            .await?,
    )?;
    for service in ["product-api", "order-api", "auth", "images", "worker"] {
        let client = street.shop.processes.client(service)?;
        // What is read from memory goes on, so its replicas stay behind their address.
        let expected = if service == "product-api" { 200 } else { 503 };
        client
            .get("/readyz")
            .expect(expected)
            .await
            .with_context(|| service.to_owned())?;
        client.get("/live").expect(200).await?;
    }
    postgres.resume()?;
    street.shop.processes.wait_until_ready().await?;
    let placed = eventually("the order", async || {
        let answer = send_order(&street.client, "while-away", &body).await?;
        match answer.status {
            503 => Ok(None),
            _ => Ok(Some(crate::shopper::placed(&answer.expect(201)?)?)),
        }
    })
    .await?;
    wait_for_payment(&street.client, &placed, "paid").await?;
    street.everything().await?;
    audit::clean(&street.shop).await
}
