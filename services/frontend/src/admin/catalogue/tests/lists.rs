//! Lists and what is done from them.

use http::StatusCode;
use serde_json::{Value, json};

use super::{BOWL, SMALL, fake};
use crate::testing::{Fake, STAFF, Site};

#[tokio::test]
async fn products_are_found_filtered_and_chosen() {
    let site = Site::with(fake()).await;
    let page = site
        .get_as("/admin/products?q=oak&status=draft", STAFF)
        .await;
    let page = page.expect(StatusCode::OK);
    page.has(&[
        "Oak bowl",
        "€30.00 – €45.00",
        "Drafts <span class=\"quiet\">3</span>",
        "Kitchen",
        "/admin/products?q=oak&#38;status=draft&#38;cursor=more",
        "3 left",
    ]);
    page.is_accessible();
    let asked = site.asked("/api/products");
    assert!(
        asked.contains("q=oak") && asked.contains("status=draft"),
        "{asked}"
    );
    assert_eq!(site.bearer("/api/products"), "Bearer session-staff");
    let german = site
        .get_as(
            "/admin/products",
            "tc_session=session-staff; tc_language=de",
        )
        .await;
    german.has(&["30,00\u{a0}€ – 45,00\u{a0}€"]);
}

#[tokio::test]
async fn an_empty_catalogue_says_what_to_do_next() {
    let none = json!({"items": [], "next_cursor": null});
    let empty = || {
        fake()
            .answers("GET", "/api/products", 200, none.clone())
            .answers("GET", "/api/stock", 200, none.clone())
    };
    let site = Site::with(empty().answers("GET", "/api/categories", 200, none.clone())).await;
    for (address, next) in [
        ("/admin/products", "/admin/import"),
        ("/admin/stock", "/admin/products/new"),
        ("/admin/stock?below=5", "/admin/stock"),
        ("/admin/products?q=x", "/admin/products"),
        ("/admin/categories", "/admin/categories/new"),
    ] {
        let page = site.get_as(address, STAFF).await.expect(StatusCode::OK);
        page.has(&["class=\"void\"", &format!("href=\"{next}")]);
        page.is_accessible();
    }
}

#[tokio::test]
async fn many_products_are_changed_after_a_question() {
    let report = json!({"changed": 1, "unchanged": 0, "refused": 0, "items": [
        {"id": BOWL, "outcome": "changed"}]});
    let site = Site::with(fake().answers("POST", "/api/products/bulk", 200, report)).await;
    let path = "/admin/products/bulk";
    let nothing = site
        .post_as(path, STAFF, &[("kind", "archived"), ("back", "q=oak")])
        .await;
    let nothing = nothing.expect(StatusCode::SEE_OTHER);
    assert_eq!(
        nothing.header("location"),
        "/admin/products?q=oak&note=bulk-nothing"
    );
    let chosen = [("kind", "price"), ("id", BOWL), ("back", "q=oak")];
    let page = site
        .post_as(path, STAFF, &chosen)
        .await
        .expect(StatusCode::OK);
    page.has(&[
        "Change prices by percent",
        "<li>Oak bowl</li>",
        "id=\"percent\"",
    ]);
    page.is_accessible();
    assert!(!site.was_asked("POST"));
    let asked = |percent| {
        [
            ("kind", "price"),
            ("id", BOWL),
            ("back", "q=oak"),
            ("step", "do"),
            ("percent", percent),
        ]
    };
    let page = site.post_as(path, STAFF, &asked("ten")).await;
    page.expect(StatusCode::UNPROCESSABLE_ENTITY)
        .has(&["Give a percentage", "value=\"ten\""]);
    let answer = site
        .post_as(path, STAFF, &asked("-10,5 %"))
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/admin/products?q=oak&note=bulk");
    let sent: Value = serde_json::from_str(&site.sent("POST", "/bulk")).unwrap();
    assert_eq!(
        sent["action"],
        json!({"kind": "change_price", "percent": -10.5})
    );

    let report = json!({"changed": 0, "unchanged": 0, "refused": 1, "items": [
        {"id": BOWL, "outcome": "refused", "error": {"code": "product_not_found", "message": "x"}}]});
    let site = Site::with(fake().answers("POST", "/api/products/bulk", 200, report)).await;
    let asked = [("kind", "archived"), ("id", BOWL), ("step", "do")];
    let page = site
        .post_as(path, STAFF, &asked)
        .await
        .expect(StatusCode::CONFLICT);
    page.has(&[
        "Not all could be changed",
        "Oak bowl</a>: There is no such product",
    ]);
    page.is_accessible();
}

#[tokio::test]
async fn stock_is_counted_and_corrected_in_its_list() {
    let level = json!({"variant_id": SMALL, "on_hand": 9, "reserved": 0, "available": 9});
    let path = "/admin/stock/0193a1b2-0000-7000-8000-000000000001";
    let site = Site::with(
        fake()
            .answers(
                "PUT",
                "/api/stock/0193a1b2-0000-7000-8000-000000000001",
                200,
                level.clone(),
            )
            .answers(
                "POST",
                "/api/stock/0193a1b2-0000-7000-8000-000000000001/adjustments",
                200,
                level,
            ),
    )
    .await;
    let page = site
        .get_as("/admin/stock?below=5", STAFF)
        .await
        .expect(StatusCode::OK);
    page.has(&["Oak bowl", "BOWL", "3 left", "checked"]);
    page.is_accessible();
    assert!(site.asked("/api/stock").contains("below=5"));
    let counted = [
        ("mode", "counted"),
        ("count", "9"),
        ("reason", "Shelf"),
        ("back", "below=5"),
    ];
    let answer = site
        .post_as(path, STAFF, &counted)
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/admin/stock?below=5&note=stock");
    assert_eq!(
        site.sent("PUT", SMALL),
        "{\"on_hand\":9,\"reason\":\"Shelf\"}"
    );
    let went = [("mode", "went"), ("count", "2"), ("reason", "Broken")];
    site.post_as(path, STAFF, &went)
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(
        site.sent("POST", "/adjustments"),
        "{\"delta\":-2,\"reason\":\"Broken\"}"
    );
    let wrong = [("mode", "came"), ("count", "some"), ("reason", "Delivery")];
    let page = site
        .post_as(path, STAFF, &wrong)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&[
        "<details class=\"stock-change\" open>",
        "Give a whole number",
        "value=\"Delivery\"",
    ]);
    page.is_accessible();
}

#[tokio::test]
async fn movements_say_why_and_who() {
    let moved = json!({"items": [
        {"id": BOWL, "at": "2026-11-01T10:00:00Z", "delta": -2, "on_hand": 4, "reason": "sale",
            "note": null, "reference": Fake::ORDER, "actor": "service:order-api"},
        {"id": SMALL, "at": "2026-11-01T09:00:00Z", "delta": 6, "on_hand": 6, "reason": "set",
            "note": "Shelf", "reference": null, "actor": "account:0193a1b2-0000-7000-8000-0000000000ff"},
    ], "next_cursor": null});
    let site = Site::with(fake().answers(
        "GET",
        "/api/stock/0193a1b2-0000-7000-8000-000000000001/movements",
        200,
        moved,
    ))
    .await;
    let page = site
        .get_as(&format!("/admin/stock/{SMALL}?product={BOWL}"), STAFF)
        .await;
    let page = page.expect(StatusCode::OK);
    page.has(&[
        "<h1>Oak bowl</h1>",
        ">−2<",
        ">+6<",
        "Sold",
        "Counted",
        "Shelf",
        &format!("/admin/orders/{}", Fake::ORDER),
    ]);
    page.is_accessible();
}
