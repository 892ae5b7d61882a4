//! Texts that are made to do harm, in every place of every request that takes a text: each is
//! refused clearly or taken as the text that it is. Bodies that are made to do harm are in
//! [`super::hostile_bodies`].

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Map, Value, json};
use techcommerce_testkit::Client;

use crate::roles::cast::Cast;
use crate::shop::Engine;
use crate::staff::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_sqlite() -> Result<()> {
    every_text(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_postgres() -> Result<()> {
    every_text(Engine::Postgres).await
}

/// What each is, and the text.
fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("NUL", "a\u{0}b".to_owned()),
        (
            "right to left",
            "\u{202e}gnp.exe\u{2066}\u{200f}".to_owned(),
        ),
        ("nothing to see", "\u{feff}\u{200b}\u{2060}".to_owned()),
        (
            "a second header",
            "a\r\nSet-Cookie: tc_session=1\r\n\r\n".to_owned(),
        ),
        (
            "control characters",
            "\u{1}\u{8}\u{1b}[31m\u{7f}\u{85}".to_owned(),
        ),
        (
            "markup",
            "<img src=x onerror=alert(1)>'\"><script>".to_owned(),
        ),
        ("SQL", "'; DROP TABLE orders; --".to_owned()),
        ("no character", "\u{fffe}\u{ffff}\u{10ffff}".to_owned()),
        (
            "very many marks",
            format!("Z{}", "\u{0335}\u{0489}".repeat(400)),
        ),
        ("long", "\u{1f4a3}".repeat(20_000)),
    ]
}

async fn every_text(engine: Engine) -> Result<()> {
    let cast = Cast::gather(engine).await?;
    let document = cast.shop.document().json().clone();
    let staff = cast.actor("a key of an admin")?;
    let client = staff.client(&cast.shop);
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().context("paths")? {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            // Whoever ends sessions would end this test's.
            if schema.is_null() || path.ends_with("/logout") || path.ends_with("/sessions") {
                continue;
            }
            let good = example(&document, schema, 0);
            let mut places = Vec::new();
            strings(&good, String::new(), &mut places);
            let method: Method = method.to_uppercase().parse()?;
            let address = cast.things.address(path)?;
            for place in places {
                for (what, hostile) in texts() {
                    let mut body = good.clone();
                    *body.pointer_mut(&place).context("a place")? = json!(hostile);
                    let request = client.request(method.clone(), &address).json(&body);
                    let request = request.header("idempotency-key", "hostile");
                    let answer = request.send().await?;
                    let told = || {
                        let body: String = answer.text().chars().take(300).collect();
                        format!(
                            "{method} {path}: {what} at {place}: {} {body}",
                            answer.status
                        )
                    };
                    ensure!(answer.status < 500, "{}", told());
                    ensure!(what != "NUL" || answer.status >= 400, "{}", told());
                    if answer.status >= 400 {
                        let problem: Value = answer.json().with_context(told)?;
                        ensure!(problem["code"].is_string(), "{}", told());
                    }
                    cast.shop.document().check(&answer).with_context(told)?;
                    tried += 1;
                }
            }
        }
    }
    ensure!(
        tried > 500,
        "only {tried} tries: are there no requests with texts?"
    );
    questions(&cast, &document, &client).await?;
    taken_as_it_is(&client).await?;
    // What was taken is shown, as what it is.
    for page in ["/", "/products", "/api/products?limit=100", "/cart"] {
        let shown = cast.shop.plain_client().get(page).expect(200).await?.text();
        ensure!(
            !shown.contains("<img src=x onerror"),
            "{page} is no longer its own"
        );
    }
    crate::audit::clean(&cast.shop).await
}

/// The same texts in every query parameter.
async fn questions(cast: &Cast, document: &Value, client: &Client) -> Result<()> {
    for (path, item) in document["paths"].as_object().context("paths")? {
        let operation = &item["get"];
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            let name = parameter["name"].as_str().context("a name")?;
            for (what, hostile) in texts() {
                // Longer than any address may be.
                let encoded = percent(&hostile.chars().take(500).collect::<String>());
                let address = format!("{}?{name}={encoded}", cast.things.address(path)?);
                let answer = client.get(&address).send().await?;
                let status = answer.status;
                ensure!(status < 500, "{path}: {what} as {name}: {}", answer.text());
                ensure!(
                    what != "NUL" || status >= 400 || status == 304,
                    "{path}: {name}: {status}"
                );
            }
        }
    }
    Ok(())
}

/// A name from right to left is a name.
async fn taken_as_it_is(client: &Client) -> Result<()> {
    let title = "كوب خزفي \u{200f}(300 ml)";
    let product: Value = client
        .post("/api/products")
        .json(&json!({
            "title": title,
            "variants": [{"price": {"amount": 1, "currency": "EUR"}}],
        }))
        .value(201)
        .await?;
    let again: Value = client
        .get(&format!("/api/products/{}", text(&product, "/id")?))
        .value(200)
        .await?;
    assert_eq!(again["title"], title);
    Ok(())
}

/// A value that the schema allows, with everything that it may hold.
fn example(root: &Value, schema: &Value, depth: usize) -> Value {
    if depth > 8 {
        return Value::Null;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#'));
        return example(root, target.unwrap_or(&Value::Null), depth + 1);
    }
    if let Some(given) = schema.get("example").or(schema["examples"].get(0)) {
        return given.clone();
    }
    if let Some(first) = schema["enum"].get(0).or(schema.get("const")) {
        return first.clone();
    }
    for word in ["oneOf", "anyOf"] {
        let parts = schema[word].as_array().into_iter().flatten();
        if let Some(part) = parts.into_iter().find(|part| part["type"] != "null") {
            return example(root, part, depth + 1);
        }
    }
    let mut whole = Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if let Value::Object(fields) = example(root, part, depth + 1) {
            whole.extend(fields);
        }
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        whole.insert(name.clone(), example(root, field, depth + 1));
    }
    if !whole.is_empty() {
        return Value::Object(whole);
    }
    match kind(schema) {
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => json!([example(root, &schema["items"], depth + 1)]),
        "object" => json!({}),
        "string" => match schema["format"].as_str() {
            Some("uuid") => json!(crate::roles::things::NOTHING),
            Some("date-time") => json!("2026-01-02T03:04:05Z"),
            Some("email") => json!("ada@example.com"),
            _ => json!("mug"),
        },
        _ => Value::Null,
    }
}

/// The schema's type, where it may be null too the other one.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null").unwrap_or("null")
        }
        _ => "",
    }
}

/// Where the texts of a value are, as JSON pointers.
fn strings(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::String(_) => places.push(at),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                strings(item, format!("{at}/{index}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                strings(field, format!("{at}/{name}"), places);
            }
        }
        _ => {}
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The generator of requests makes what a schema says: else nothing above is tried.
#[test]
fn an_example_has_every_text_of_a_schema() {
    let root = json!({"components": {"schemas": {"Line": {
        "type": "object",
        "properties": {"note": {"type": ["string", "null"]}, "count": {"type": "integer"}},
    }}}});
    let schema = json!({
        "allOf": [
            {"properties": {"name": {"type": "string"}}},
            {"properties": {"lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}}},
        ],
        "properties": {"kind": {"oneOf": [{"type": "null"}, {"enum": ["a", "b"]}]}},
    });
    let made = example(&root, &schema, 0);
    let expected = json!({
        "name": "mug",
        "lines": [{"note": "mug", "count": 1}],
        "kind": "a",
    });
    assert_eq!(made, expected);
    let mut places = Vec::new();
    strings(&made, String::new(), &mut places);
    places.sort();
    assert_eq!(places, ["/kind", "/lines/0/note", "/name"]);
}
