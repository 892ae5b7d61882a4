//! The product's form.

use http::StatusCode;
use serde_json::{Value, json};

use super::{BOWL, BOWL_PATH, SMALL, bowl, fake, press, send};
use crate::testing::{Fake, STAFF, Site};

const NEW: &str = "/admin/products/new";
const PAGE: &str = "/admin/products/0193a1b2-0000-7000-8000-000000000009";
const STATUS: &str = "/admin/products/0193a1b2-0000-7000-8000-000000000009/status";

#[tokio::test]
async fn a_product_with_two_options_without_a_script() {
    let mut made = bowl();
    made["id"] = BOWL.into();
    let site = Site::with(fake().answers("POST", "/api/products", 201, made)).await;
    let page = site.get_as(NEW, STAFF).await.expect(StatusCode::OK);
    page.is_accessible();
    let typed = [
        ("title", "Linen \"shirt\" <new>"),
        ("v0-price", "1.234"),
        ("v0-sku", "LS"),
    ];
    let page = press(&site, NEW, &page, "add-option", &typed).await;
    let page = page.expect(StatusCode::OK);
    page.is_accessible();
    let size = [("o0-name", "Size"), ("o0-values", "S\r\nM")];
    let page = press(&site, NEW, &page, "follow", &size)
        .await
        .expect(StatusCode::OK);
    let page = press(&site, NEW, &page, "add-option", &[])
        .await
        .expect(StatusCode::OK);
    let colour = [("o1-name", "Colour"), ("o1-values", "Sand\nInk, dark")];
    let page = press(&site, NEW, &page, "follow", &colour)
        .await
        .expect(StatusCode::OK);
    page.has(&[
        "S / Ink, dark",
        "M / Sand",
        "value=\"Linen &#34;shirt&#34; &#60;new&#62;\"",
    ]);
    page.is_accessible();
    let page = press(&site, NEW, &page, "remove-variant:3", &[])
        .await
        .expect(StatusCode::OK);
    page.has(&["<option value=\"M / Ink, dark\">"]);

    // An amount that could mean two is told at its field, and all that was typed stays.
    let page = press(&site, NEW, &page, "save", &[]).await;
    let page = page.expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&[
        "href=\"#v0-price\"",
        "value=\"1.234\" ",
        "id=\"v0-price-error\"",
        "could mean two",
    ]);
    page.is_accessible();
    assert!(!site.was_asked("POST"));

    let right = [
        ("v0-price", "€1,234.50"),
        ("v1-price", "12"),
        ("v2-price", "12,5"),
        ("v0-on_hand", "7"),
    ];
    let answer = press(&site, NEW, &page, "save", &right)
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(
        answer.header("location"),
        format!("/admin/products/{BOWL}?note=product-created")
    );
    let sent: Value = serde_json::from_str(&site.sent("POST", "/api/products")).unwrap();
    assert_eq!(sent["status"], "draft");
    let variants = sent["variants"].as_array().unwrap();
    let prices: Vec<_> = variants
        .iter()
        .map(|v| v["price"]["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(prices, [123_450, 1200, 1250]);
    assert_eq!(variants[0]["on_hand"], 7);
    assert_eq!(
        variants[1]["options"],
        json!([{"name": "Size", "value": "S"},
        {"name": "Colour", "value": "Ink, dark"}])
    );
    assert_eq!(site.bearer("/api/products"), "Bearer session-staff");
}

#[tokio::test]
async fn options_that_were_edited_are_followed_before_they_are_saved() {
    let site = Site::with(fake()).await;
    let page = site.get_as(PAGE, STAFF).await.expect(StatusCode::OK);
    let page = press(&site, PAGE, &page, "save", &[("o0-values", "Large")]).await;
    let page = page.expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&["Please look at them", "with their stock: Small"]);
    assert!(!site.was_asked("PATCH"));
}

#[tokio::test]
async fn a_change_sends_what_was_changed_and_nothing_else() {
    let site = Site::with(fake().answers("PATCH", BOWL_PATH, 200, bowl())).await;
    let page = site.get_as(PAGE, STAFF).await.expect(StatusCode::OK);
    page.is_accessible();
    page.has(&[
        "Still being fetched from",
        "https://old.example/bowl.jpg",
        "3 left",
    ]);
    let up = format!("down:{}", Fake::ORDER);
    let page = press(&site, PAGE, &page, &up, &[])
        .await
        .expect(StatusCode::OK);
    let alt = format!("alt-{}", Fake::ORDER);
    let answer = press(&site, PAGE, &page, "save", &[(&alt, "Oak, oiled")]).await;
    answer.expect(StatusCode::SEE_OTHER);
    let sent: Value = serde_json::from_str(&site.sent("PATCH", BOWL)).unwrap();
    assert_eq!(sent["version"], 4);
    assert_eq!(
        sent["images"][0]["source_url"],
        "https://old.example/bowl.jpg"
    );
    assert_eq!(sent["images"][1]["id"], Fake::ORDER);
    assert_eq!(sent["images"][1]["alt"], "Oak, oiled");
    for untouched in [
        "title",
        "variants",
        "description",
        "tags",
        "category",
        "status",
    ] {
        assert!(sent[untouched].is_null(), "{untouched}");
    }
}

#[tokio::test]
async fn what_somebody_else_saved_meanwhile_is_shown() {
    let mut theirs = bowl();
    theirs["version"] = 5.into();
    theirs["title"] = "Their bowl".into();
    theirs["vendor"] = "Their vendor".into();
    let changed = json!({"code": "product_changed"});
    let site = Site::with(fake()).await;
    let page = site.get_as(PAGE, STAFF).await.expect(StatusCode::OK);
    let later = fake()
        .answers("GET", BOWL_PATH, 200, theirs)
        .answers("PATCH", BOWL_PATH, 409, changed);
    let site = Site::with(later).await;
    let page = press(&site, PAGE, &page, "save", &[("title", "My bowl")]).await;
    let page = page.expect(StatusCode::CONFLICT);
    page.has(&[
        "Title: Their bowl — <b>you changed it as well",
        "Vendor: Their vendor — taken over",
        "name=\"title\" value=\"My bowl\"",
        "name=\"version\" value=\"5\"",
    ]);
    page.is_accessible();
}

#[tokio::test]
async fn pictures_go_through_and_what_is_none_is_told() {
    let uploaded = json!({"id": Fake::SESSION, "url": "/images/x/w640", "width": 800, "height": 600,
        "variants": []});
    let site = Site::with(fake().answers("POST", "/api/images/upload", 201, uploaded)).await;
    let parts = [
        ("title", None, "Bowl"),
        ("v0-price", None, "5"),
        ("files", Some("a b\"c.jpg"), "the picture's bytes"),
        ("files", Some(""), ""),
        ("do", None, "upload"),
    ];
    let page = send(&site, NEW, &parts).await.expect(StatusCode::OK);
    page.has(&["value=\"800x600\"", "1 picture added", "value=\"Bowl\""]);
    page.is_accessible();
    let body = site.sent("POST", "/api/images/upload");
    assert!(body.contains("the picture's bytes\r\n--form-"), "{body}");
    assert!(body.contains("filename=\"a b"), "{body}");
    assert_eq!(site.bearer("/api/images/upload"), "Bearer session-staff");

    let refused = fake().answers(
        "POST",
        "/api/images/upload",
        415,
        json!({"code": "image_refused"}),
    );
    let site = Site::with(refused).await;
    let page = send(&site, NEW, &parts)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&["id=\"files-error\"", "a b", "This is no picture"]);
    page.is_accessible();
}

#[tokio::test]
async fn what_the_api_refuses_stands_at_its_field() {
    let taken = json!({"code": "handle_taken"});
    let site = Site::with(fake().answers("PATCH", BOWL_PATH, 409, taken)).await;
    let page = site.get_as(PAGE, STAFF).await.expect(StatusCode::OK);
    let page = press(&site, PAGE, &page, "save", &[("handle", "chair")]).await;
    let page = page.expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&[
        "id=\"handle-error\"",
        "Another product has this name",
        "value=\"chair\"",
    ]);
    let wrong = json!({"code": "invalid_input", "errors": [
        {"path": "variants[1].sku", "message": "is odd"}, {"path": "elsewhere", "message": "is odd"}]});
    let site = Site::with(fake().answers("PATCH", BOWL_PATH, 400, wrong)).await;
    let page = press(&site, PAGE, &page, "save", &[("title", "X")]).await;
    let page = page.expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&["id=\"v1-sku-error\"", "Large, SKU: ", "elsewhere: is odd"]);
    page.is_accessible();
}

#[tokio::test]
async fn the_description_is_shown_as_it_will_be_kept() {
    let kept = json!({"description": "<p>Clean</p>"});
    let site = Site::with(fake().answers("POST", "/api/products/preview", 200, kept)).await;
    let page = site.get_as(NEW, STAFF).await.expect(StatusCode::OK);
    let typed = [("description", "<p title=x>Clean</p><script>")];
    let page = press(&site, NEW, &page, "preview", &typed)
        .await
        .expect(StatusCode::OK);
    page.has(&["<p>Clean</p></div>", "&#60;script&#62;"]);
    page.lacks(&["<script>"]);
    page.is_accessible();
}

#[tokio::test]
async fn archived_and_brought_back() {
    let site = Site::with(fake().answers("PATCH", BOWL_PATH, 200, bowl())).await;
    let answer = site.post_as(STATUS, STAFF, &[("status", "archived")]).await;
    let answer = answer.expect(StatusCode::SEE_OTHER);
    assert!(
        answer
            .header("location")
            .ends_with("?note=product-archived")
    );
    assert!(site.sent("PATCH", BOWL).contains("\"status\":\"archived\""));
    let by_handle = fake().answers("GET", "/api/products/oak-bowl", 200, bowl());
    let answer = Site::with(by_handle)
        .await
        .get_as("/admin/products/oak-bowl", STAFF)
        .await;
    assert_eq!(
        answer.expect(StatusCode::SEE_OTHER).header("location"),
        PAGE
    );
    assert_ne!(SMALL, BOWL);
}
