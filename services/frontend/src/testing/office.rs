//! What the made-up API answers to staff about orders, accounts, logs and jobs.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Fake, Seen, eur, ok, order, problem};

const NOW: &str = "2027-01-15T08:00:00Z";

/// The answer, where staff are asked about something that only staff ask for.
pub fn answer(fake: &Fake, seen: &Seen) -> Option<Response> {
    let role = match seen.bearer.as_str() {
        "Bearer session-staff" => "staff",
        "Bearer session-admin" => "admin",
        _ => return None,
    };
    let path: Vec<&str> = seen.path.trim_start_matches("/api/").split('/').collect();
    let made = |value: Value| (StatusCode::CREATED, Json(value)).into_response();
    let list = |items: Value| ok(json!({"items": items, "next_cursor": null}));
    Some(match (seen.method.as_str(), path.as_slice()) {
        ("GET", ["auth", "me"]) => ok(me(role)),
        ("GET", ["auth", "accounts"]) if seen.query.contains("role=admin") => {
            list(json!([account(
                Fake::ORDER,
                "Grace Hopper",
                "grace@example.org",
                "admin"
            )]))
        }
        ("GET", ["auth", "accounts"]) => list(json!([account(
            Fake::SMALL,
            "Ada Lovelace",
            "ada@example.org",
            "customer"
        )])),
        ("GET", ["auth", "accounts", Fake::ORDER]) => {
            ok(json!({"sessions": 1, "account": me_as_account(role)}))
        }
        ("GET", ["auth", "accounts", _]) => ok(json!({"sessions": 2,
            "account": account(Fake::SMALL, "Ada Lovelace", "ada@example.org", "customer")})),
        ("POST", ["auth", "accounts"]) => {
            made(account(Fake::LARGE, "Nell", "new@example.org", "staff"))
        }
        ("PATCH", ["auth", "accounts", _]) => ok(account(
            Fake::SMALL,
            "Ada Lovelace",
            "ada@example.org",
            "staff",
        )),
        ("DELETE", ["auth", "accounts", _, "sessions"] | ["auth", "api-keys", _]) => {
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", ["auth", "api-keys"]) => list(json!([key()])),
        ("POST", ["auth", "api-keys"]) => made(json!({"token": "tck_the-secret", "key": key()})),
        ("GET", ["orders", "summary"]) => ok(summary()),
        ("GET", ["orders"]) => list(json!([staff_order(fake)])),
        ("GET", ["orders", Fake::ORDER]) => ok(staff_order(fake)),
        ("POST", ["orders", _, "cancel" | "mark-paid"]) => ok(staff_order(fake)),
        ("POST", ["orders", _, "shipments" | "refunds" | "notes"]) => made(staff_order(fake)),
        ("GET", ["payments", "findings"]) => list(findings()),
        ("POST", ["payments", "findings", _, "refund-again" | "settle"]) => {
            ok(findings()[0].clone())
        }
        ("GET", ["discounts"]) => list(json!([discount()])),
        ("GET" | "PATCH", ["discounts", "HELLO10" | "some"]) => ok(discount()),
        ("DELETE", ["discounts", "HELLO10"]) => StatusCode::NO_CONTENT.into_response(),
        ("POST", ["discounts"]) => made(discount()),
        (_, ["discounts", _]) => problem(404, json!({"code": "discount_not_found"})),
        ("GET", ["webhooks"]) => list(json!([webhook()])),
        ("POST", ["webhooks"]) => made(json!({"secret": "whsec_the-secret", "webhook": webhook()})),
        ("GET" | "PATCH", ["webhooks", _]) => ok(webhook()),
        ("DELETE", ["webhooks", _]) => StatusCode::NO_CONTENT.into_response(),
        ("POST", ["webhooks", _, "rotate-secret"]) => {
            ok(json!({"secret": "whsec_the-next", "previous_until": NOW}))
        }
        ("POST", ["webhooks", _, "resend-failed"]) => ok(json!({"count": 1})),
        ("GET", ["webhooks", _, "deliveries"]) => list(json!([delivery()])),
        ("GET", ["webhooks", _, "deliveries", _]) => ok(json!({"delivery": delivery(),
            "body": json!({"type": concat!("order", ".paid"), "sequence": 2}).to_string(), "attempts": [
                {"number": 1, "at": NOW, "milliseconds": 12, "status": 503,
                    "error": "only an answer between 200 and 299 is a good one",
                    "answer": "<b>busy"}]})),
        ("POST", ["webhooks", _, "test"] | ["webhooks", _, "deliveries", _, "resend"]) => {
            (StatusCode::ACCEPTED, Json(delivery())).into_response()
        }
        ("GET", ["audit", "orders"]) => list(json!([entry(
            "refund",
            "order",
            "1042",
            "2027-01-15T07:59:00Z",
            json!({"amount": eur(3000)})
        )])),
        ("GET", ["audit", "catalogue"]) => list(json!([entry(
            "update",
            "product",
            "Oak bowl",
            "2027-01-14T09:00:00Z",
            json!({"price": {"from": eur(2500), "to": eur(3000)}})
        )])),
        ("GET", ["audit", _]) => list(json!([])),
        ("GET", ["jobs", "counts"]) => ok(json!({"dead": 1, "items": [
            {"service": "order-api", "waiting": 2, "running": 0, "dead": 1, "kinds": [
                {"kind": format!("{}.{}", "order", "advance"), "waiting": 2, "running": 0, "dead": 0, "oldest_seconds": 200},
                {"kind": format!("{}.{}", "order", "mail"), "waiting": 0, "running": 0, "dead": 1, "oldest_seconds": 0}]}],
            "workers": [{"name": "pod-1", "started_at": "2027-01-14T08:00:00Z", "seen_at": NOW}]})),
        ("GET", ["jobs"]) => list(json!([job()])),
        ("GET", ["jobs", "order-api", Fake::SMALL]) => {
            let mut job = job();
            job["payload"] = json!({"order": Fake::ORDER, "to": "[redacted]"});
            job["worker"] = json!("pod-1");
            ok(job)
        }
        ("GET", ["jobs", _, _]) => problem(404, json!({"code": "job_not_found"})),
        ("POST", ["jobs", "retry"]) => ok(json!({"count": 1})),
        ("GET", ["system"]) => ok(json!({"checked_at": NOW, "services": [
            {"service": "order-api", "status": "ready", "version": "1.2.3",
                "commit": "abcdef0123456789", "latency_ms": 1.5,
                "dependencies": [{"name": "database", "up": true, "latency_ms": 0.7}],
                "schema": {"database": "PostgreSQL", "at": "4 staff", "needed": "4 staff", "ahead": 1}},
            {"service": "images", "status": "away", "version": null, "commit": null,
                "latency_ms": null, "dependencies": [], "schema": null}]})),
        ("GET", ["backups"]) => list(json!([{"taken_at": "2027-01-15T03:00:00Z",
            "bytes": 118_300_000, "verified_at": "2027-01-15T04:00:00Z"}])),
        ("POST" | "DELETE", ["jobs", ..]) => StatusCode::NO_CONTENT.into_response(),
        ("GET", ["products", "counts"]) => ok(json!({"active": 3, "draft": 1, "archived": 0,
            "low_stock": 1, "out_of_stock": 1})),
        ("GET", ["stock"]) if seen.query.contains("limit=8") => list(json!([stock()])),
        _ => return None,
    })
}

fn me(role: &str) -> Value {
    json!({"id": Fake::ORDER, "email": "grace@example.org", "name": "Grace Hopper",
        "role": role, "must_change_password": false, "created_at": "2026-11-01T00:00:00Z"})
}

fn me_as_account(role: &str) -> Value {
    account(Fake::ORDER, "Grace Hopper", "grace@example.org", role)
}

fn account(id: &str, name: &str, email: &str, role: &str) -> Value {
    json!({"id": id, "email": email, "name": name, "role": role, "disabled": false,
        "invited": role == "customer", "must_change_password": false, "created_at": NOW,
        "last_sign_in_at": null})
}

fn key() -> Value {
    json!({"id": Fake::SMALL, "name": "Stock system", "role": "staff", "prefix": "tck_abc",
        "created_by": format!("account:{}", Fake::ORDER), "created_at": NOW,
        "expires_at": null, "last_used_at": NOW, "active": true})
}

fn staff_order(fake: &Fake) -> Value {
    let mut order = order(&fake.order);
    let who = format!("account:{}", Fake::ORDER);
    order["staff"] = json!({"account_id": null, "refundable": eur(9000),
        "actions": ["cancel", "ship", "refund", "mark_paid"]});
    order["events"] = json!([
        {"kind": "placed", "message": "", "at": NOW},
        {"kind": "note", "message": "", "note": "Ring twice", "actor": who, "at": NOW},
    ]);
    order
}

fn summary() -> Value {
    let day = |number: u32| {
        json!({"date": format!("2027-01-{number:02}"), "orders": number % 3,
            "revenue": eur(i64::from(number % 3) * 4900), "refunded": eur(0)})
    };
    let days: Vec<Value> = (1..=15).map(day).collect();
    json!({"time_zone": "UTC", "days": days,
        "today": {"orders": 7, "revenue": eur(42_000), "refunded": eur(0), "units": 12},
        "attention": {"payment_failed": 0, "payment_pending_long": 0, "to_fulfil": 3,
            "invoices_open": 1},
        "best_sellers": [{"variant_id": Fake::SMALL, "product_id": Fake::ORDER,
            "product_handle": "oak-bowl", "title": "Oak bowl", "variant_title": "Small",
            "units": 9, "revenue": eur(27_000)}]})
}

fn discount() -> Value {
    json!({"code": "HELLO10", "value": {"kind": "percent", "basis_points": 1000},
        "state": "active", "active": true, "starts_at": NOW, "ends_at": null,
        "minimum": eur(2000), "usage_limit": 100, "once_per_customer": true, "used": 3,
        "created_at": NOW})
}

fn webhook() -> Value {
    json!({"id": Fake::SMALL, "url": "https://hooks.example.com/in/key",
        "description": "Stock keeper", "types": [concat!("order", ".paid")], "enabled": true,
        "disabled_reason": null, "failing_since": null, "previous_secret_until": NOW,
        "created_at": NOW, "updated_at": NOW})
}

fn delivery() -> Value {
    json!({"id": Fake::LARGE, "webhook_id": Fake::SMALL, "event_id": format!("evt_{}", Fake::ORDER),
        "type": concat!("order", ".paid"), "subject_id": Fake::ORDER, "sequence": 2, "state": "pending",
        "attempts": 1, "last_status": 503, "next_attempt_at": NOW, "created_at": NOW,
        "finished_at": null})
}

fn entry(what: &str, kind: &str, title: &str, at: &str, change: Value) -> Value {
    json!({"id": Fake::SMALL, "at": at, "actor": format!("account:{}", Fake::ORDER),
        "action": format!("{kind}.{what}"), "object_kind": kind, "object_id": Fake::ORDER, "object_title": title,
        "change": change})
}

fn job() -> Value {
    json!({"service": "order-api", "id": Fake::SMALL, "kind": format!("{}.{}", "order", "mail"), "state": "dead",
        "attempts": 8, "max_attempts": 8, "last_error": "the mail server hung up",
        "created_at": NOW, "run_at": NOW})
}

fn stock() -> Value {
    json!({"variant_id": Fake::SMALL, "product_id": Fake::ORDER, "product_title": "Oak bowl",
        "product_handle": "oak-bowl", "product_status": "active", "variant_title": "Small",
        "sku": "BOWL", "on_hand": 3, "reserved": 1, "available": 2, "track_inventory": true})
}

/// One that can be mended here, one of no order, and one that is answered elsewhere.
fn findings() -> Value {
    let found = |id: &str, kind: &str, object: &str| {
        json!({
            "id": id, "kind": kind, "object": object, "amount": eur(3000), "detail": "as it is",
            "order_id": null, "order_number": null, "due_at": null, "created_at": NOW,
            "closed_at": null, "settled_by": null, "note": null, "refund_id": null,
            "actions": ["settle"],
        })
    };
    let mut refund = found("refund_failed:re_1", "refund_failed", "re_1");
    refund["order_id"] = json!(Fake::ORDER);
    refund["order_number"] = json!("1042");
    refund["actions"] = json!(["refund_again", "settle"]);
    let mut dispute = found("dispute:dp_1", "dispute", "dp_1");
    dispute["due_at"] = json!(NOW);
    dispute["actions"] = json!([]);
    json!([
        refund,
        found("captured:pi_9", "captured", "pi_9"),
        found("unknown_payment:pi_9", "unknown_payment", "pi_9"),
        dispute
    ])
}
