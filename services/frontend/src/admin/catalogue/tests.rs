//! The pages for goods over an API that is made up.

mod forms;
mod lists;
mod product;

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};

use crate::testing::{Answer, Fake, STAFF, Site};

pub const BOWL: &str = "0193a1b2-0000-7000-8000-000000000009";
const BOWL_PATH: &str = "/api/products/0193a1b2-0000-7000-8000-000000000009";
pub const SMALL: &str = Fake::SMALL;

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

pub fn bowl() -> Value {
    let variant = |id: &str, size: &str, amount: i64, available: i64| {
        json!({"id": id, "sku": "BOWL", "title": size, "price": eur(amount),
            "options": [{"name": "Size", "value": size}], "compare_at_price": null,
            "available": available, "track_inventory": true, "inventory_policy": "deny"})
    };
    json!({"id": BOWL, "handle": "oak-bowl", "title": "Oak bowl", "vendor": "Fjord & Co",
        "description": "<p>Turned by hand.</p>", "tags": ["oak"], "category": "kitchen",
        "status": "active", "version": 4,
        "images": [
            {"id": Fake::ORDER, "url": "/x", "alt": "A bowl of oak", "width": 1280, "height": 960},
            {"id": null, "url": "/static/placeholder.svg", "alt": "", "width": 0, "height": 0,
                "source_url": "https://old.example/bowl.jpg"}],
        "options": [{"name": "Size", "values": ["Small", "Large"]}],
        "variants": [variant(Fake::SMALL, "Small", 3000, 3), variant(Fake::LARGE, "Large", 4500, 0)],
        "created_at": "2026-11-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z"})
}

fn category(handle: &str, title: &str, position: i64, total: i64) -> Value {
    json!({"id": Fake::SMALL, "handle": handle, "title": title, "description": "For the table.",
        "position": position, "product_count": 2, "total_count": total, "image": null})
}

/// A catalogue with one product.
pub fn fake() -> Fake {
    let stock = json!({"variant_id": SMALL, "product_id": BOWL, "product_title": "Oak bowl",
        "product_handle": "oak-bowl", "product_status": "active", "variant_title": "Small",
        "sku": "BOWL", "on_hand": 4, "reserved": 1, "available": 3, "track_inventory": true});
    let level = json!({"variant_id": SMALL, "on_hand": 4, "reserved": 1, "available": 3});
    Fake::default()
        .answers(
            "GET",
            "/api/products",
            200,
            json!({"items": [bowl()], "next_cursor": "more"}),
        )
        .answers(
            "GET",
            "/api/products/counts",
            200,
            json!({"active": 12, "draft": 3, "archived": 1,
            "low_stock": 2, "out_of_stock": 1}),
        )
        .answers(
            "GET",
            "/api/categories",
            200,
            json!({"items": [
            category("kitchen", "Kitchen", 1, 5), category("garden", "Garden", 2, 2)],
            "next_cursor": null}),
        )
        .answers("GET", BOWL_PATH, 200, bowl())
        .answers(
            "GET",
            "/api/stock",
            200,
            json!({"items": [stock], "next_cursor": null}),
        )
        .answers(
            "GET",
            "/api/stock/0193a1b2-0000-7000-8000-000000000001",
            200,
            level,
        )
}

/// What a browser sends of a form with files. A file has a name beside its field's.
pub async fn send(site: &Site, address: &str, parts: &[(&str, Option<&str>, &str)]) -> Answer {
    let mut body = String::new();
    for (name, file, value) in parts {
        let file = file
            .map(|file| format!("; filename=\"{file}\""))
            .unwrap_or_default();
        body.push_str(&format!(
            "--x\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str("--x--\r\n");
    let request = Request::post(address)
        .header(header::ORIGIN, "https://shop.example")
        .header(header::COOKIE, STAFF)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    site.send(request.body(Body::from(body)).unwrap()).await
}

/// The fields of the product's form on a page, as a browser would send them back.
pub fn fields_of(page: &Answer) -> Vec<(String, String)> {
    let mut forms = page.forms().into_iter();
    let form = forms.find(|form| form.class == "goods-form").unwrap();
    let fields = form.fields.into_iter();
    let fields = fields.filter(|field| field.kind != "file");
    fields.map(|field| (field.name, field.value)).collect()
}

/// Sends the form of a page back with some fields changed and a button pressed.
pub async fn press(
    site: &Site,
    address: &str,
    page: &Answer,
    button: &str,
    changes: &[(&str, &str)],
) -> Answer {
    let mut fields = fields_of(page);
    for (name, value) in changes {
        let field = fields.iter_mut().find(|(known, _)| known == name);
        let field = field.unwrap_or_else(|| panic!("no field {name}"));
        field.1 = (*value).to_owned();
    }
    fields.push(("do".into(), button.into()));
    let parts: Vec<_> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), None, v.as_str()))
        .collect();
    send(site, address, &parts).await
}
