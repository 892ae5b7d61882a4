//! What the made-up API answers to staff.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Fake, Seen, ok};

/// The answer, where staff are asked about something that only staff ask for.
pub fn answer(seen: &Seen) -> Option<Response> {
    let role = match seen.bearer.as_str() {
        "Bearer session-staff" => "staff",
        "Bearer session-admin" => "admin",
        _ => return None,
    };
    let path: Vec<&str> = seen.path.trim_start_matches("/api/").split('/').collect();
    Some(match (seen.method.as_str(), path.as_slice()) {
        ("GET", ["auth", "me"]) => ok(me(role)),
        _ => return None,
    })
}

fn me(role: &str) -> Value {
    json!({"id": Fake::ORDER, "email": "grace@example.org", "name": "Grace Hopper",
        "role": role, "must_change_password": false, "created_at": "2026-11-01T00:00:00Z"})
}
