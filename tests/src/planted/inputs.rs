//! Requests with planted words in every place where something can stand.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};
use techcommerce_testkit::{Client, Request};

use super::marks::{Kind, Marks};

/// Names of values that no page shows again, not even to who typed them. (Tokens are in hidden
/// fields: the form for a new password hands on that of its link.)
const SECRET: [&str; 8] = [
    "password",
    "new_password",
    "current_password",
    "repeated",
    "access_token",
    "session",
    "card",
    "card_number",
];

/// What stands in a place of this name.
pub fn value_for(marks: &Marks, name: &str) -> String {
    match name {
        "email" => marks.mail(),
        "card" | "card_number" => marks.card().to_string(),
        name if SECRET.contains(&name) => marks.word(Kind::Secret),
        _ => marks.word(Kind::Typed),
    }
}

/// An address with a word of this kind in the place of each parameter, and a query of them.
pub fn planted_address(marks: &Marks, template: &str, kind: Kind) -> String {
    let parts = template.split('/').map(|part| match part {
        "{service}" => "order-api".to_owned(),
        part if part.starts_with('{') => marks.word(kind),
        part => part.to_owned(),
    });
    let mut path = parts.collect::<Vec<_>>().join("/");
    path.push_str("?utm=1");
    for name in [
        "q",
        "token",
        "access_token",
        "cursor",
        "cart_id",
        "password",
        "status",
        "format",
        "limit",
    ] {
        path.push_str(&format!("&{name}={}", marks.word(kind)));
    }
    path.push_str(&format!("&email={}%40planted.example", marks.word(kind)));
    if kind == Kind::Secret {
        path.push_str(&format!("&n={}", marks.card_in_groups("%20")));
    }
    path
}

/// The same request with words in all the headers that anybody reads. `believed` leaves out those
/// that say who asks.
pub fn with_headers<'a>(marks: &Marks, mut request: Request<'a>, believed: bool) -> Request<'a> {
    let secret = || marks.word(Kind::Secret);
    let basic = {
        use base64::Engine;
        let pair = format!("{}:{}", marks.mail(), secret());
        base64::engine::general_purpose::STANDARD.encode(pair)
    };
    if !believed {
        let authorization = match marks.card() % 3 {
            0 => format!("Basic {basic}"),
            1 => format!("Bearer {}", secret()),
            _ => format!("Bearer tcs_{}", secret()),
        };
        request = request.header("authorization", &authorization);
        let cookie = format!(
            "tc_session=tcs_{}; tc_cart={}; x={}",
            secret(),
            secret(),
            secret()
        );
        request = request.header("cookie", &cookie);
    }
    // Anybody may choose an id for their request, but not one that looks like a secret.
    let id = match marks.card() % 3 {
        0 => marks.card().to_string(),
        1 => format!("tck_{}", secret()),
        _ => format!("of {}", marks.mail()),
    };
    request = request.header("x-request-id", &id);
    for name in [
        "user-agent",
        "forwarded",
        "x-forwarded-for",
        "referer",
        "accept-language",
        "if-none-match",
        "x-techcommerce-token",
        "traceparent",
        "tracestate",
        "baggage",
        "x-api-key",
        "x-planted",
    ] {
        request = request.header(name, &format!("{} {}", secret(), marks.card_in_groups(" ")));
    }
    request.header("idempotency-key", &secret())
}

/// Bodies that are planted for one operation: what kind, and the bytes.
pub fn bodies(
    marks: &Marks,
    document: &Value,
    operation: &Value,
    good: Option<&Value>,
) -> Vec<Body> {
    let mut all = Vec::new();
    let content = resolved(document, &operation["requestBody"])["content"].clone();
    let schema = &content["application/json"]["schema"];
    if schema.is_object() {
        let whole = planted(marks, document, schema, "", 0);
        let fields = whole.as_object().cloned().unwrap_or_default();
        // Each in its turn of another type: the number of a card where a text is to be, a text
        // where anything else is.
        for name in fields.keys() {
            let mut body = good
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_else(|| fields.clone());
            let wrong = match &fields[name] {
                Value::String(_) => json!(marks.card()),
                _ => json!(marks.word(Kind::Secret)),
            };
            body.insert(name.clone(), wrong);
            all.push(Body::json(&Value::Object(body)));
            if let Some(good) = good {
                // What is fine but for one value.
                let mut body = good.as_object().cloned().unwrap_or_default();
                body.insert(name.clone(), fields[name].clone());
                all.push(Body::json(&Value::Object(body)));
            }
        }
        all.push(Body::json(&whole));
        let mut odd = Map::new();
        odd.insert(marks.word(Kind::Name), json!(marks.word(Kind::Secret)));
        all.push(Body::json(&Value::Object(odd)));
    }
    let secret = marks.word(Kind::Secret);
    all.push(Body::json(&json!(secret)));
    all.push(Body(
        "application/json",
        format!("{{\"password\": \"{secret}").into(),
    ));
    all.push(Body(
        "application/json",
        format!("{secret} {}", marks.card()).into(),
    ));
    all.push(Body("text/plain", format!("password={secret}").into()));
    all.push(Body("text/csv", csv(marks)));
    all.push(Body(
        "multipart/form-data; boundary=between",
        multipart(marks),
    ));
    all
}

/// A body and its type.
pub struct Body(pub &'static str, pub Bytes);

impl Body {
    fn json(value: &Value) -> Self {
        Self("application/json", value.to_string().into())
    }
}

/// Rows of a catalogue, good and bad.
pub fn csv(marks: &Marks) -> Bytes {
    let mut text =
        "Handle,Title,Body (HTML),Vendor,Variant SKU,Variant Price,Image Src\n".to_owned();
    for price in [
        "19.99".to_owned(),
        marks.word(Kind::Secret),
        marks.card().to_string(),
    ] {
        let picture = format!(
            "http://planted:{}@127.0.0.1:9/{}.png?token={}",
            marks.word(Kind::Secret),
            marks.word(Kind::Secret),
            marks.word(Kind::Secret)
        );
        let handle = marks.word(Kind::Typed);
        let title = marks.word(Kind::Typed);
        text.push_str(&format!(
            "{handle},{title},<p>x</p>,{},{},{price},{picture}\n",
            marks.mail(),
            marks.word(Kind::Typed)
        ));
    }
    text.into()
}

/// Something that is no picture, with a name.
fn multipart(marks: &Marks) -> Bytes {
    format!(
        "--between\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}.png\"\r\n\
         Content-Type: {}/png\r\n\r\n{} {}\r\n--between--\r\n",
        marks.word(Kind::Secret),
        marks.word(Kind::Secret),
        marks.word(Kind::Secret),
        marks.word(Kind::Secret),
        marks.card(),
    )
    .into()
}

/// A value of this shape, with a word in every text and the number of a card in every number.
fn planted(marks: &Marks, document: &Value, schema: &Value, name: &str, depth: usize) -> Value {
    let schema = resolved(document, schema);
    if depth > 6 {
        return Value::Null;
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(options) = schema[several].as_array() {
            let mut made = options
                .iter()
                .map(|option| planted(marks, document, option, name, depth + 1))
                .filter(|value| !value.is_null());
            return made
                .next_back()
                .unwrap_or_else(|| json!(value_for(marks, name)));
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .find(|kind| *kind != "null")
            .unwrap_or(&Value::Null),
        kind => kind,
    };
    match kind.as_str() {
        Some("object") => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields.map(|(name, schema)| {
                let value = planted(marks, document, schema, name, depth + 1);
                (name.clone(), value)
            });
            Value::Object(fields.collect())
        }
        Some("array") => json!([planted(marks, document, &schema["items"], name, depth + 1)]),
        Some("integer" | "number") => json!(marks.card()),
        Some("boolean") => json!(true),
        _ => json!(value_for(marks, name)),
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
        .unwrap_or(value)
}

/// A form with every name that any of the storefront's has.
pub fn form(marks: &Marks) -> String {
    const NAMES: &str = "email password new_password current_password repeated name line1 line2 city \
        region postal_code country shipping payment token card_number key cart variant quantity code \
        reason note text title handle description tags q status price sku do kind seen back language \
        id version";
    let fields = NAMES.split_whitespace().map(|name| {
        let value = value_for(marks, name).replace('@', "%40");
        format!("{name}={value}")
    });
    fields.collect::<Vec<_>>().join("&")
}

/// A request to a documented operation.
pub fn request<'a>(client: &'a Client, method: &str, path: &str) -> Request<'a> {
    let method: Method = method.to_uppercase().parse().expect("a method");
    client.request(method, path)
}
