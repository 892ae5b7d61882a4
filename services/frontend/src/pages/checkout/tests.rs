//! The form and its answers.

use http::StatusCode;

use crate::testing::{Fake, Site};

const CART: &str = "tc_cart=cart-1";

fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("cart", "cart-1"),
        ("key", "key-1"),
        ("email", "ada@example.org"),
        ("name", "Ada"),
        ("line1", "Quay 1"),
        ("city", "Kiel"),
        ("postal_code", "24103"),
        ("country", "DE"),
        ("shipping", "standard"),
        ("payment", "test"),
        ("token", "tok_decline"),
    ]
}

fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    good()
        .into_iter()
        .map(|(n, v)| if n == name { (n, value) } else { (n, v) })
        .collect()
}

#[tokio::test]
async fn the_form_helps_to_fill_itself_in() {
    let site = Site::new().await;
    let page = site.get_as("/checkout", CART).await.expect(StatusCode::OK);
    page.has(&[
        "autocomplete=\"email\"",
        "autocomplete=\"address-line1\"",
        "Test card",
    ]);
    page.has(&[
        "name=\"key\" value=\"",
        "<option value=\"DE\" selected>Germany",
        "Standard",
    ]);
    page.is_accessible();
}

#[tokio::test]
async fn without_a_cart_there_is_nothing_to_check_out() {
    let site = Site::new().await;
    let page = site.get("/checkout").await.expect(StatusCode::SEE_OTHER);
    assert_eq!(page.header("location"), "/cart");
}

#[tokio::test]
async fn a_good_form_becomes_an_order() {
    let site = Site::new().await;
    let page = site
        .post_as("/checkout", CART, &good())
        .await
        .expect(StatusCode::SEE_OTHER);
    let address = format!("/orders/{}?access_token=secret-1", Fake::ORDER);
    assert_eq!(page.header("location"), address);
    let sent = site.sent("POST", "/api/orders");
    assert!(sent.contains("\"token\":\"tok_decline\"") && sent.contains("\"city\":\"Kiel\""));
    assert_eq!(site.key(), "key-1");
}

#[tokio::test]
async fn nobody_orders_at_a_total_not_seen() {
    let site = Site::new().await;
    let mut form = with("shipping", "express");
    form.push(("seen", "9000"));
    let page = site
        .post_as("/checkout", CART, &form)
        .await
        .expect(StatusCode::CONFLICT);
    page.has(&["The total is now €102.90", "name=\"seen\" value=\"10290\""]);
    page.has(&[
        "name=\"key\" value=\"key-1\"",
        "value=\"express\" data-preview=\"checkout-sums\" checked",
    ]);
    assert!(!site.was_asked("POST"));
    form.pop();
    form.push(("seen", "10290"));
    site.post_as("/checkout", CART, &form)
        .await
        .expect(StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_the_total_becomes_in_between_is_shown_and_not_ordered() {
    let total = serde_json::json!({"amount": 10_990, "currency": "EUR"});
    let fake = Fake::default().refuses_orders(
        409,
        serde_json::json!({"code": "total_changed", "total": total}),
    );
    let site = Site::with(fake).await;
    let mut form = with("shipping", "express");
    form.push(("seen", "10290"));
    let page = site.post_as("/checkout", CART, &form).await;
    let page = page.expect(StatusCode::CONFLICT);
    page.has(&["The total is now €109.90", "name=\"key\" value=\"key-1\""]);
    let sent = site.sent("POST", "/api/orders");
    assert!(
        sent.contains("\"expected_total\":{\"amount\":10290,"),
        "{sent}"
    );
}

#[tokio::test]
async fn an_api_of_the_version_before_gets_what_it_knows() {
    let site = Site::with(Fake::default().knows_no_expected_total()).await;
    let mut form = with("shipping", "express");
    form.push(("seen", "10290"));
    let page = site.post_as("/checkout", CART, &form).await;
    page.expect(StatusCode::SEE_OTHER);
    assert_eq!(site.key(), "key-1");
}

#[tokio::test]
async fn the_total_of_a_choice_is_shown_without_ordering() {
    let site = Site::new().await;
    let form = [
        ("cart", "cart-1"),
        ("shipping", "express"),
        ("preview", "1"),
    ];
    let page = site
        .post_as("/checkout", CART, &form)
        .await
        .expect(StatusCode::OK);
    page.has(&["€102.90"]);
    assert!(!site.was_asked("POST"));
}

#[tokio::test]
async fn what_is_missing_is_said_at_its_field_and_above() {
    let site = Site::new().await;
    let form = with("city", " ");
    let page = site
        .post_as("/checkout", CART, &form)
        .await
        .expect(StatusCode::BAD_REQUEST);
    page.has(&[
        "id=\"problems\"",
        "<a href=\"#city\">City: Please fill this in.</a>",
    ]);
    page.has(&[
        "aria-describedby=\"city-error\"",
        "value=\"ada@example.org\"",
    ]);
    page.has(&["<option value=\"tok_decline\" selected>"]);
    page.is_accessible();
    assert!(!site.was_asked("POST"));
}

#[tokio::test]
async fn what_the_api_refuses_is_said_at_its_field() {
    let fake = Fake::default().refuses_orders(
        400,
        serde_json::json!({"code": "invalid_input", "errors": [
            {"path": "shipping_address.postal_code", "message": "is none"}]}),
    );
    let site = Site::with(fake).await;
    let page = site
        .post_as("/checkout", CART, &good())
        .await
        .expect(StatusCode::CONFLICT);
    page.has(&["Postal code: Please check the postal code."]);
    page.lacks(&["value=\"key-1\""]);
}

#[tokio::test]
async fn sold_out_meanwhile_is_said_in_words() {
    let fake = Fake::default().refuses_orders(409, serde_json::json!({"code": "out_of_stock"}));
    let site = Site::with(fake).await;
    let page = site
        .post_as("/checkout", CART, &good())
        .await
        .expect(StatusCode::CONFLICT);
    page.has(&["not in stock any more"]);
}

fn reused() -> Fake {
    Fake::default().refuses_orders(422, serde_json::json!({"code": "idempotency_key_reused"}))
}

#[tokio::test]
async fn a_form_sent_back_after_the_order_leads_to_it() {
    let owner = "tc_cart=cart-1; tc_session=session-1";
    let ordered = Fake::default()
        .refuses_orders(409, serde_json::json!({"code": "cart_ordered"}))
        .cart_ordered();
    for fake in [reused().cart_ordered(), ordered] {
        let site = Site::with(fake).await;
        let page = site.post_as("/checkout", owner, &good()).await;
        let page = page.expect(StatusCode::CONFLICT);
        page.has(&[
            "This cart has already become an order.",
            &format!("href=\"/orders/{}\">See the order", Fake::ORDER),
        ]);
        page.lacks(&["Things have changed", "our e-mail"]);
        page.is_accessible();
        // A link that a guest cannot open is none: theirs is in the mail.
        let page = site.post_as("/checkout", CART, &good()).await;
        let page = page.expect(StatusCode::CONFLICT);
        page.has(&["already become an order. The link to it is in our e-mail"]);
        page.lacks(&["href=\"/orders/"]);
    }
}

#[tokio::test]
async fn a_form_edited_after_it_was_sent_is_another_one() {
    let site = Site::with(reused()).await;
    let page = site.post_as("/checkout", CART, &good()).await;
    let page = page.expect(StatusCode::CONFLICT);
    page.has(&[
        "sent before with other details",
        "value=\"ada@example.org\"",
    ]);
    page.lacks(&["value=\"key-1\"", "Things have changed", "href=\"/orders/"]);
    page.is_accessible();
    let german = "tc_cart=cart-1; tc_language=de";
    let page = site.post_as("/checkout", german, &good()).await;
    page.expect(StatusCode::CONFLICT)
        .has(&["schon einmal mit anderen Angaben gesendet"]);
}

#[tokio::test]
async fn a_form_without_its_key_comes_back_with_words_and_a_new_one() {
    let site = Site::new().await;
    let session = "tc_cart=cart-1; tc_session=session-1";
    let long: &'static str = "k".repeat(256).leak();
    for key in ["", " ", "schlüssel", long] {
        let mut form = with("key", key);
        form.retain(|(name, _)| *name != "name");
        form.push(("name", "Grace"));
        let page = site.post_as("/checkout", session, &form).await;
        let page = page.expect(StatusCode::BAD_REQUEST);
        page.has(&[
            "id=\"problems\"",
            "has not been placed",
            "name=\"key\" value=\"",
        ]);
        page.has(&["value=\"Grace\""]);
        page.lacks(&["name=\"key\" value=\"\"", "schlüssel"]);
        page.is_accessible();
    }
    assert!(!site.was_asked("POST"));
}

#[tokio::test]
async fn no_refusal_is_without_words() {
    let fake = Fake::default().refuses_orders(400, serde_json::json!({"code": "strange"}));
    let site = Site::with(fake).await;
    let page = site.post_as("/checkout", CART, &good()).await;
    page.expect(StatusCode::CONFLICT).has(&["id=\"problems\""]);
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_loses_nothing_that_was_typed() {
    let fake = Fake::default().refuses_orders(401, serde_json::json!({"code": "unauthenticated"}));
    let site = Site::with(fake).await;
    let cookies = "tc_cart=cart-1; tc_session=old";
    let page = site
        .post_as("/checkout", cookies, &good())
        .await
        .expect(StatusCode::CONFLICT);
    page.has(&[
        "Your session has ended",
        "value=\"ada@example.org\"",
        "href=\"/login\"",
    ]);
    assert!(page.header("set-cookie").starts_with("tc_session=;"));
}

#[tokio::test]
async fn an_unknown_outcome_keeps_the_key() {
    let fake = Fake::default().refuses_orders(503, serde_json::json!({"code": "unavailable"}));
    let site = Site::with(fake).await;
    let page = site.post_as("/checkout", CART, &good()).await;
    let page = page.expect(StatusCode::SERVICE_UNAVAILABLE);
    page.has(&[
        "you will not be charged twice",
        "name=\"key\" value=\"key-1\"",
    ]);
    page.is_accessible();
}
