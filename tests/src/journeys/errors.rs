//! Bad input in every shape is refused with a clear problem, never with a 500.

use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};

use crate::shop::{Shop, on_all};
use crate::staff::{Stock, product};

on_all!(bad_input_is_never_a_fault, bodies_that_are_none);

/// Every documented operation, with what programs get wrong.
async fn bad_input_is_never_a_fault(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    product(&staff, "Lamp", Stock::Counted(5)).await?;
    // What a wrong answer of this kind looks like is what is looked for, so: no checks by
    // the document on the way.
    let client = shop
        .plain_client()
        .with_bearer(staff_token(&shop).await?.as_str());
    for operation in shop.document().operations() {
        let Some((method, template)) = operation.split_once(' ') else {
            continue;
        };
        let method: Method = method.to_uppercase().parse()?;
        for filling in [
            "0",
            "%00",
            "..%2f..",
            "\u{20}%20",
            "01890000-0000-7000-8000-000000000000",
        ] {
            let path = fill(template, filling.trim());
            for query in [
                "",
                "?limit=0",
                "?limit=x&cursor=%FF",
                "?min_price=99999999999999999999",
                "?sort=nothing",
            ] {
                // A changing call on ourselves (as a logout) would end this test's session.
                if template.ends_with("/logout") || template.ends_with("/sessions") {
                    continue;
                }
                let request = client.request(method.clone(), &format!("{path}{query}"));
                let request = match method {
                    Method::GET | Method::DELETE => request,
                    _ => request.json(&json!({"nonsense": [1, {"deep": null}]})),
                };
                let answer = request.send().await?;
                ensure!(
                    answer.status < 500,
                    "{method} {path}{query} answered {}: {}",
                    answer.status,
                    answer.text()
                );
                if answer.status >= 400 && answer.path.starts_with("/api/") {
                    let problem: Value = answer.json()?;
                    ensure!(
                        problem["code"].is_string(),
                        "{method} {path}{query}: {problem}"
                    );
                    ensure!(problem["status"] == answer.status, "{problem}");
                }
            }
        }
    }
    Ok(())
}

/// A body that is no JSON, of another type, too large, or of wrong fields.
async fn bodies_that_are_none(shop: Shop) -> Result<()> {
    let client = shop.client();
    let path = "/api/auth/login";
    let cases: [(&str, &str, u16); 4] = [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("text/plain", "{}", 415),
        ("application/json", r#"{"email":"a@example.com"}"#, 400),
    ];
    for (kind, body, status) in cases {
        let kind: &'static str = if kind == "text/plain" {
            "text/plain"
        } else {
            "application/json"
        };
        let answer = client.post(path).body(kind, body.to_owned()).send().await?;
        let code = answer.clone().problem(status)?;
        ensure!(!code.is_empty());
        let problem: Value = answer.json()?;
        ensure!(problem["request_id"].is_string(), "{problem}");
    }
    let huge = client
        .post(path)
        .body("application/json", vec![b' '; 20_000_000])
        .send()
        .await;
    // A server may also hang up on a client that sends on regardless.
    if let Ok(answer) = huge {
        assert_eq!(answer.status, 413);
    }
    Ok(())
}

fn fill(template: &str, filling: &str) -> String {
    template
        .split('/')
        .map(|part| if part.starts_with('{') { filling } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

async fn staff_token(shop: &Shop) -> Result<String> {
    let admin = shop.admin().await?;
    let created: Value = admin
        .post("/api/auth/api-keys")
        .json(&json!({"name": "errors", "role": "admin"}))
        .value(201)
        .await?;
    crate::staff::text(&created, "/token")
}
