//! Paying by card in the browser: Stripe's library is a stand-in, its names and the page's policy are
//! not. However the customer goes about it, the order is paid once.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use techcommerce_testkit::Client;
use techcommerce_testkit::stripe::{Delivery, Stripe};

use super::driver::{Browser, Look};
use super::keyboard::{press, tab_to};
use super::look::inspect;
use super::shopping::{add_to_cart, fill_address};
use super::stripe_js::{ASKS, DECLINED, GOOD, SENDS_AWAY, StripeJs};
use crate::audit;
use crate::shop::{Engine, Setup, Shop};
use crate::shopper::eventually;
use crate::staff::text;

const FRAME: &str = "#pay-card iframe";
const BANK: &str = "body > iframe";
const BUTTON: &str = "#pay button[type=submit]";
const PHONE: Look = Look {
    width: 390,
    height: 844,
    dark: false,
    javascript: true,
};

/// A shop that takes cards, and a browser in which Stripe's names lead to the stand-in.
struct Visit {
    shop: Shop,
    browser: Browser,
    stripe: Arc<Stripe>,
    page: StripeJs,
    _messages: Delivery,
}

/// An order that waits for its payment.
struct Order {
    id: String,
    /// Path and query of the page on which it is paid.
    pay: String,
}

async fn visit(look: Look) -> Result<Visit> {
    let stripe = Arc::new(Stripe::start().await);
    let setup = Setup::new(Engine::Sqlite).await.with_demo();
    let shop = setup.with_cards(&stripe).start().await?;
    let base = format!("http://{}", shop.setup.address());
    let messages = stripe.deliver_to(&base);
    let page = StripeJs::start(Arc::clone(&stripe)).await?;
    let browser = Browser::start_with(base, look, &page.arguments()).await?;
    Ok(Visit {
        shop,
        browser,
        stripe,
        page,
        _messages: messages,
    })
}

impl Visit {
    /// From the shelf to the page on which the order is paid.
    async fn order(&self) -> Result<Order> {
        let browser = &self.browser;
        browser.open("/products/terracotta-pot").await?;
        add_to_cart(browser).await?;
        browser.open("/checkout").await?;
        fill_address(browser, "ada@example.com").await?;
        browser.click("main [name=payment][value=stripe]").await?;
        browser.click("main form button[type=submit].wide").await?;
        self.at_the_till().await
    }

    /// The page on which the order is paid, once Stripe's frame is there.
    async fn at_the_till(&self) -> Result<Order> {
        self.browser.wait_for_path("/orders/").await?;
        self.ready().await?;
        let address = self.browser.driver.current_url().await?;
        let id = address.path().split('/').nth(2).context("an id")?;
        let pay = format!("{}?{}", address.path(), address.query().unwrap_or_default());
        ensure!(address.path().ends_with("/pay"), "{address}");
        Ok(Order {
            id: id.to_owned(),
            pay,
        })
    }

    async fn ready(&self) -> Result<()> {
        self.browser.find(FRAME).await?;
        self.browser.find(&format!("{BUTTON}:enabled")).await?;
        Ok(())
    }

    /// Types into Stripe's frame, as only its own page can read it.
    async fn types(&self, number: &str) -> Result<()> {
        self.browser.find(FRAME).await?.enter_frame().await?;
        self.browser.fill("#number", number).await?;
        Ok(self.browser.driver.enter_default_frame().await?)
    }

    async fn pays_with(&self, number: &str) -> Result<()> {
        self.types(number).await?;
        self.browser.click(BUTTON).await
    }

    /// What the customer says to the bank's question.
    async fn tells_the_bank(&self, button: &str) -> Result<()> {
        self.browser.find(BANK).await?.enter_frame().await?;
        self.browser.click(button).await?;
        Ok(self.browser.driver.enter_default_frame().await?)
    }

    /// The customer sees that the order is paid, and it is: once, in the shop's books and in Stripe's.
    async fn paid_once(&self, order: &Order) -> Result<()> {
        self.browser
            .wait_for_path(&format!("/orders/{}", order.id))
            .await?;
        self.browser.wait_for_text("Paid").await?;
        ensure!(!self.browser.path().await?.ends_with("/pay"));
        self.is_paid_once(order).await
    }

    async fn is_paid_once(&self, order: &Order) -> Result<()> {
        let intents = self.stripe.of_order(&order.id);
        ensure!(intents.len() == 1, "{intents:?}");
        let intent = &intents[0];
        let paid = intent.captured == intent.amount && intent.refunded == 0 && intent.amount > 0;
        ensure!(paid, "{intent:?}");
        let staff = self.shop.admin().await?;
        let path = format!("/api/orders/{}", order.id);
        let shown: Value = staff.get(&path).value(200).await?;
        ensure!(shown["payment_status"] == "paid", "{shown}");
        ensure!(shown["total"]["amount"] == intent.captured, "{shown}");
        Ok(())
    }

    /// The end: nobody was careless, nobody was told what is not theirs, nothing was stopped.
    async fn leave(self, orders: &[&Order]) -> Result<()> {
        for order in orders {
            self.is_paid_once(order).await?;
            let (_, token) = order.pay.split_once("access_token=").context("a token")?;
            for asked in self.page.asked() {
                ensure!(!asked.contains(token), "Stripe is told the token: {asked}");
            }
        }
        let staff: Client = self.shop.admin().await?;
        let list: Value = staff.get("/api/orders?limit=100").value(200).await?;
        let count = list["items"].as_array().map(Vec::len);
        ensure!(count == Some(orders.len()), "other orders: {list}");
        ensure!(
            self.stripe.violations().is_empty(),
            "{:?}",
            self.stripe.violations()
        );
        for number in [GOOD, ASKS, DECLINED, SENDS_AWAY] {
            ensure!(!self.shop.output().contains(number), "a card in the log");
        }
        audit::clean(&self.shop).await?;
        self.browser.close().await
    }
}

/// Paid at once; then every way back leads to an order that is paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_is_paid_with_and_the_back_button_pays_no_more() -> Result<()> {
    let visit = visit(Look::default()).await?;
    let order = visit.order().await?;
    visit.browser.settled().await?;
    visit.pays_with(GOOD).await?;
    visit.paid_once(&order).await?;
    visit.browser.driver.back().await?;
    // The page of before asks again, or says that it is over.
    visit.browser.driver.refresh().await?;
    visit.paid_once(&order).await?;
    visit.browser.open(&order.pay).await?;
    visit.paid_once(&order).await?;

    // Back before it is paid, to the form: the cart is an order already, and stays one.
    let other = visit.order().await?;
    visit.browser.driver.back().await?;
    visit.browser.wait_for_path("/checkout").await?;
    visit.browser.driver.forward().await?;
    visit.ready().await?;
    visit.pays_with(GOOD).await?;
    visit.paid_once(&other).await?;

    // The bank asks on a page of its own, and sends the customer back by an address that opens nothing.
    let away = visit.order().await?;
    visit.pays_with(SENDS_AWAY).await?;
    visit.browser.wait_for_path("/away.html").await?;
    visit.browser.click("#yes").await?;
    visit.paid_once(&away).await?;
    visit.leave(&[&order, &other, &away]).await
}

/// On a phone: declined, then another card whose bank asks; the customer refuses, reloads in the
/// middle of the next question, and confirms at last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declined_then_asked_and_reloaded_on_a_phone() -> Result<()> {
    let visit = visit(PHONE).await?;
    let order = visit.order().await?;
    inspect(&visit.browser, &order.pay, PHONE).await?;
    visit.ready().await?;
    let problem = "#pay-problem";
    visit.pays_with(DECLINED).await?;
    visit
        .browser
        .wait_for_text("Your card was declined.")
        .await?;
    ensure!(visit.browser.shows(problem).await?);
    visit.pays_with(ASKS).await?;
    visit.tells_the_bank("#no").await?;
    visit
        .browser
        .wait_for_text("Your bank did not confirm")
        .await?;
    visit.pays_with(ASKS).await?;
    visit.browser.find(BANK).await?;
    visit.browser.driver.refresh().await?;
    visit.ready().await?;
    ensure!(!visit.browser.shows(BANK).await?, "the question is over");
    let intents = visit.stripe.of_order(&order.id);
    ensure!(intents[0].captured == 0, "{intents:?}");
    visit.pays_with(ASKS).await?;
    visit.tells_the_bank("#yes").await?;
    visit.paid_once(&order).await?;
    inspect(&visit.browser, &order.pay, PHONE).await?;
    visit.leave(&[&order]).await
}

/// Without a mouse; and in another tab the same order is paid already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_keys_and_in_two_tabs() -> Result<()> {
    let visit = visit(Look::default()).await?;
    let order = visit.order().await?;
    let browser = &visit.browser;
    tab_to(browser, FRAME).await?;
    browser.find(FRAME).await?.enter_frame().await?;
    let field = browser.driver.active_element().await?;
    ensure!(field.id().await?.as_deref() == Some("number"));
    field.send_keys(GOOD).await?;
    browser.driver.enter_default_frame().await?;
    tab_to(browser, BUTTON).await?;
    press(browser, thirtyfour::Key::Enter).await?;
    visit.paid_once(&order).await?;

    let other = visit.order().await?;
    let first = browser.driver.window().await?;
    let second = browser.driver.new_tab().await?;
    browser.driver.switch_to_window(second).await?;
    browser.open(&other.pay).await?;
    visit.ready().await?;
    visit.pays_with(GOOD).await?;
    visit.paid_once(&other).await?;
    browser.driver.close_window().await?;
    browser.driver.switch_to_window(first).await?;
    visit.pays_with(GOOD).await?;
    eventually("a refusal", async || {
        Ok(browser.shows("#pay-problem").await?.then_some(()))
    })
    .await?;
    browser.click("main p > a[href^='/orders/']").await?;
    visit.paid_once(&other).await?;
    visit.leave(&[&order, &other]).await
}

/// Who allows no scripts is told so, and has somewhere to go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_javascript_the_page_says_what_it_needs() -> Result<()> {
    let look = Look {
        javascript: false,
        ..Look::default()
    };
    let visit = visit(look).await?;
    let browser = &visit.browser;
    browser.open("/products/terracotta-pot").await?;
    add_to_cart(browser).await?;
    browser.open("/checkout").await?;
    fill_address(browser, "ada@example.com").await?;
    browser.click("main [name=payment][value=stripe]").await?;
    browser.click("main form button[type=submit].wide").await?;
    browser.wait_for_path("/orders/").await?;
    browser.wait_for_text("needs JavaScript").await?;
    ensure!(!browser.shows(&format!("{BUTTON}:enabled")).await?);
    browser.click("main p > a[href^='/orders/']").await?;
    browser.wait_for_text("Please confirm the payment").await?;
    let orders: Value = visit
        .shop
        .admin()
        .await?
        .get("/api/orders")
        .value(200)
        .await?;
    let id = text(&orders, "/items/0/id")?;
    ensure!(visit.stripe.of_order(&id)[0].captured == 0);
    visit.browser.close().await
}
