//! Before the doors open: what the shop sells, how it is paid, who is signed in.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use techcommerce_kernel::{Error, Timestamp};
use tokio::time::Instant;

use crate::{
    plan::{Journey, Payments, Plan},
    web::{Answer, Ask, Browser, Web},
    wire::{Category, Page, Product, SessionCreated, StockItem, StockLevel},
};

/// How many products are read; a larger catalogue is tried in this part.
const MOST_PRODUCTS: usize = 2000;

/// How many stock levels are read at most.
const MOST_LEVELS: usize = 20_000;

/// How long a refusal is waited out before the doors open and after they close.
const PATIENCE: Duration = Duration::from_secs(70);

/// What is known of the shop.
#[derive(Debug)]
pub struct Shop {
    pub products: Vec<Product>,
    pub categories: Vec<Category>,
    /// Sessions of customers, with their mail addresses.
    pub customers: Vec<Customer>,
    /// The stock of each variant that is counted, as staff saw it, with their key.
    pub levels: BTreeMap<String, StockLevel>,
    /// The shop's own time when all this was read.
    pub opened_at: Timestamp,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Customer {
    pub email: String,
    pub token: String,
}

/// Asks until the shop has time for it: what is asked here is no part of the trial.
#[derive(Debug, Clone)]
pub struct Patient {
    browser: Browser,
}

impl Patient {
    pub fn new(web: &Web) -> Self {
        Self {
            browser: web.browser(),
        }
    }

    /// The answer, once it is neither a refusal nor a failure.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, String> {
        let end = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(100);
        loop {
            let (why, wait) = match self.browser.send(&ask).await {
                Ok(answer) if matches!(answer.status.as_u16(), 429 | 502..=504) => {
                    let why = format!("{} {}", answer.status.as_u16(), answer.code());
                    (why, answer.retry_after().unwrap_or(pause).max(pause))
                }
                Ok(answer) => return Ok(answer),
                Err(error) => (error.name().to_owned(), pause),
            };
            if Instant::now() + wait > end {
                return Err(why);
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// A JSON answer with this status.
    pub async fn json<T: DeserializeOwned>(&self, ask: Ask, status: u16) -> Result<T, String> {
        let answer = self.ask(ask).await?;
        if answer.status.as_u16() != status {
            return Err(format!(
                "it is answered with {} {}",
                answer.status.as_u16(),
                answer.code()
            ));
        }
        answer.json()
    }

    /// All of a list, page by page, up to `most`. `path` has a query already.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        most: usize,
    ) -> Result<Vec<T>, String> {
        let mut all = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page: Page<T> = self.json(Ask::get(next).bearer(key), 200).await?;
            let empty = page.items.is_empty();
            all.extend(page.items);
            match page.next_cursor {
                Some(cursor) if !empty && all.len() < most => {
                    let cursor: String =
                        form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
                    next = format!("{path}&cursor={cursor}");
                }
                _ => return Ok(all),
            }
        }
    }
}

#[derive(Deserialize)]
struct Now {
    time: Timestamp,
}

/// Looks at the shop, and gets the customers in.
///
/// # Errors
/// `traffic` (invalid input) when this shop cannot or must not be tried, with what to do.
pub async fn prepare(plan: &Plan, web: &Web) -> Result<Shop, Error> {
    let patient = Patient::new(web);
    let shop = &plan.shop;
    let broken = |what: &'static str| {
        move |error: String| refuse(format!("{shop} is not ready to be tried: {what}: {error}"))
    };
    let now: Now = patient
        .json(Ask::get("/api/time"), 200)
        .await
        .map_err(broken("GET /api/time"))?;
    let products: Vec<Product> = patient
        .list("/api/products?limit=100&sort=newest", None, MOST_PRODUCTS)
        .await
        .map_err(broken("GET /api/products"))?;
    if products.is_empty() {
        return Err(refuse(format!(
            "{shop} sells nothing: import a catalogue first (techcommerce import FILE)"
        )));
    }
    let categories: Page<Category> = patient
        .json(Ask::get("/api/categories"), 200)
        .await
        .map_err(broken("GET /api/categories"))?;
    if orders(plan) {
        let methods = payment_methods(&patient)
            .await
            .map_err(broken("POST /api/orders"))?;
        may_order(plan, &methods)?;
    }
    let mut customers = Vec::new();
    if plan.shares.has(Journey::SignedIn) {
        for number in 1..=plan.customers {
            customers.push(
                register(plan, &patient, number)
                    .await
                    .map_err(broken("POST /api/auth/register"))?,
            );
        }
    }
    let mut levels = BTreeMap::new();
    if let Some(key) = &plan.staff_key {
        let items: Vec<StockItem> = patient
            .list("/api/stock?limit=100", Some(key), MOST_LEVELS)
            .await
            .map_err(|error| {
                refuse(format!(
                    "--staff-key does not open the stock: GET /api/stock: {error}"
                ))
            })?;
        let counted = items.into_iter().filter(|item| item.track_inventory);
        levels.extend(counted.map(|item| (item.variant_id, item.level)));
    }
    let categories = categories
        .items
        .into_iter()
        .filter(|category| category.product_count > 0)
        .collect();
    Ok(Shop {
        products,
        categories,
        customers,
        levels,
        opened_at: now.time,
    })
}

/// Whether anybody on this plan orders.
fn orders(plan: &Plan) -> bool {
    let buyers = [
        Journey::Guest,
        Journey::SignedIn,
        Journey::Declined,
        Journey::Troubled,
    ];
    buyers.iter().any(|journey| plan.shares.has(*journey))
}

fn refuse(message: String) -> Error {
    Error::invalid("traffic", message)
}

/// Which methods the shop takes: an order of an empty cart is refused for the method if it is not
/// one of them, else for the cart.
async fn payment_methods(patient: &Patient) -> Result<Vec<&'static str>, String> {
    #[derive(Deserialize)]
    struct Cart {
        id: String,
    }
    let cart: Cart = patient.json(Ask::post("/api/carts"), 201).await?;
    let mut taken = Vec::new();
    for method in ["test", "invoice", "stripe"] {
        let ask = Ask::post("/api/orders")
            .header(
                http::HeaderName::from_static("idempotency-key"),
                format!("probe-{method}-{}", cart.id),
            )
            .json(json!({
                "cart_id": cart.id,
                "email": "traffic@example.com",
                "shipping_address": address("Traffic"),
                "shipping_method": "standard",
                "payment": {"method": method},
            }));
        let answer = patient.ask(ask).await?;
        let problem: Value = answer.json()?;
        let says_method = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|error| {
                error["path"]
                    .as_str()
                    .is_some_and(|path| path.starts_with("payment"))
            });
        match answer.status.as_u16() {
            409 => taken.push(method),
            400 if says_method => {}
            status => {
                return Err(format!(
                    "an empty cart is answered with {status} {}",
                    answer.code()
                ));
            }
        }
    }
    Ok(taken)
}

fn may_order(plan: &Plan, methods: &[&str]) -> Result<(), Error> {
    let shop = &plan.shop;
    if methods.contains(&"stripe") && !plan.live_shop {
        return Err(refuse(format!(
            "{shop} takes real money: trial orders there hold stock that people want to buy. \
             Try another shop, or say --live-shop if you mean it"
        )));
    }
    let wanted = plan.payments.method();
    if methods.contains(&wanted) {
        return Ok(());
    }
    Err(refuse(match plan.payments {
        Payments::Test => format!(
            "{shop} does not take the trial payment `test` (orders.payment_methods), so it looks like a shop that \
             serves people. Give --payment invoice to order by invoice: such orders hold stock until staff cancel \
             them; or leave ordering out with --journeys browse,search,filter,abandon"
        ),
        Payments::Invoice => format!("{shop} does not take invoices (orders.payment_methods)"),
    }))
}

async fn register(plan: &Plan, patient: &Patient, number: usize) -> Result<Customer, String> {
    let email = plan.customer_email(number);
    let password = format!("traffic {} does not mind who reads this {number}", plan.run);
    let credentials = json!({"email": email, "password": password});
    let mut account = credentials.clone();
    account["name"] = json!(format!("Traffic {}", plan.run));
    let made = patient
        .ask(Ask::post("/api/auth/register").json(account))
        .await?;
    let session: SessionCreated = match made.status.as_u16() {
        201 => made.json()?,
        // A run that is repeated under its name finds its customers there.
        409 => {
            patient
                .json(Ask::post("/api/auth/login").json(credentials), 200)
                .await?
        }
        status => return Err(format!("it is answered with {status} {}", made.code())),
    };
    Ok(Customer {
        email,
        token: session.token,
    })
}

/// An address that is nobody's.
pub fn address(name: &str) -> Value {
    json!({
        "name": name, "line1": "1 Trial Street", "line2": "", "city": "Nowhere", "region": "",
        "postal_code": "00000", "country": "DE",
    })
}
