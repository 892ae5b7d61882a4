//! Who may do what. A new operation is entered here, in the row of those who may do it, with a
//! request that would change something if it were not refused.

use bytes::Bytes;
use serde_json::{Value, json};

use super::cast::{Actor, Rights};
use super::things::{self, Things};

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Anyone; whose thing it is does not matter, or its id is its key.
    Anyone,
    /// Whoever shows something good, a person or a program.
    Signed,
    /// Persons; programs have no account.
    Person,
    /// The person whose it is. For other persons it is not there, which has this code.
    Own(&'static str),
    /// The person whose it is, and staff. For others it is not there, which has this code.
    OwnerOrStaff(&'static str),
    /// Staff and admins, persons and programs.
    Staff,
    /// Admins, persons and programs.
    Admin,
}

/// What an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Anything but a refusal for who asks.
    Allowed,
    /// A problem with this status and code.
    Refused(u16, &'static str),
}

const UNAUTHENTICATED: Verdict = Verdict::Refused(401, "unauthenticated");

impl May {
    /// What this says for `actor`, about the owner's things.
    pub fn verdict(self, actor: &Actor) -> Verdict {
        use Rights::{Admin, Owner, Staff, Stranger};
        let forbidden = match actor.one_time_password {
            true => Verdict::Refused(403, "password_change_required"),
            false => Verdict::Refused(403, "forbidden"),
        };
        let only = |allowed: bool, otherwise: Verdict| match allowed {
            true => Verdict::Allowed,
            false => otherwise,
        };
        match (self, actor.rights) {
            (Self::Anyone, _) => Verdict::Allowed,
            (Self::OwnerOrStaff(code), rights) => only(
                matches!(rights, Owner | Staff | Admin),
                Verdict::Refused(404, code),
            ),
            (_, Stranger) => UNAUTHENTICATED,
            (Self::Signed, _) => Verdict::Allowed,
            (Self::Person, _) => only(actor.person, forbidden),
            (Self::Own(_), _) if !actor.person => forbidden,
            (Self::Own(code), rights) => only(rights == Owner, Verdict::Refused(404, code)),
            (Self::Staff, rights) => only(matches!(rights, Staff | Admin), forbidden),
            (Self::Admin, rights) => only(rights == Admin, forbidden),
        }
    }
}

/// The body of a request.
pub enum Sent {
    Nothing,
    Json(Value),
    File(&'static str, Bytes),
}

/// An operation, who may call it, and how.
pub struct Rule {
    /// As the document has it, `get /api/products/{id}`.
    pub operation: &'static str,
    pub may: May,
    /// What a request must ask to be a good one.
    pub query: fn(&Things) -> String,
    /// What would change something.
    pub body: fn(&Things) -> anyhow::Result<Sent>,
    /// A call that is let in ends sessions of the caller's.
    pub ends_sessions: bool,
}

impl Rule {
    const fn new(operation: &'static str, may: May) -> Self {
        Self {
            operation,
            may,
            query: |_| String::new(),
            body: |_| Ok(Sent::Nothing),
            ends_sessions: false,
        }
    }

    const fn asks(mut self, query: fn(&Things) -> String) -> Self {
        self.query = query;
        self
    }

    const fn sends(mut self, body: fn(&Things) -> anyhow::Result<Sent>) -> Self {
        self.body = body;
        self
    }

    const fn ends_sessions(mut self) -> Self {
        self.ends_sessions = true;
        self
    }

    /// Method and address.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.operation.split_once(' ').unwrap_or_default()
    }
}

const fn anyone(operation: &'static str) -> Rule {
    Rule::new(operation, May::Anyone)
}
const fn signed(operation: &'static str) -> Rule {
    Rule::new(operation, May::Signed)
}
const fn person(operation: &'static str) -> Rule {
    Rule::new(operation, May::Person)
}
const fn staff(operation: &'static str) -> Rule {
    Rule::new(operation, May::Staff)
}
const fn admin(operation: &'static str) -> Rule {
    Rule::new(operation, May::Admin)
}

fn json(value: Value) -> anyhow::Result<Sent> {
    Ok(Sent::Json(value))
}

/// Every operation.
pub fn table() -> Vec<Rule> {
    [accounts(), catalogue(), orders(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn accounts() -> Vec<Rule> {
    vec![
        anyone("post /api/auth/register"),
        anyone("post /api/auth/login"),
        anyone("post /api/auth/logout").ends_sessions(),
        anyone("post /api/auth/password-reset"),
        anyone("post /api/auth/password-reset/confirm"),
        person("get /api/auth/me"),
        person("post /api/auth/password").sends(|_| {
            let (old, new) = (super::cast::PASSWORD, "eight loud mountain whistles");
            json(json!({"current_password": old, "new_password": new}))
        }),
        person("get /api/auth/sessions"),
        person("delete /api/auth/sessions").ends_sessions(),
        Rule::new(
            "delete /api/auth/sessions/{id}",
            May::Own("session_not_found"),
        ),
        staff("get /api/auth/accounts"),
        staff("get /api/auth/accounts/{id}"),
        admin("post /api/auth/accounts")
            .sends(|_| json(json!({"email": "mallory@example.com", "role": "admin"}))),
        admin("patch /api/auth/accounts/{id}").sends(|_| json(json!({"role": "admin"}))),
        admin("delete /api/auth/accounts/{id}/sessions"),
        admin("get /api/auth/api-keys"),
        admin("post /api/auth/api-keys")
            .sends(|_| json(json!({"name": "mine now", "role": "admin"}))),
        admin("delete /api/auth/api-keys/{id}"),
        staff("get /api/audit/accounts"),
    ]
}

fn catalogue() -> Vec<Rule> {
    vec![
        anyone("get /api/products"),
        anyone("get /api/products/{id}"),
        staff("post /api/products").sends(|_| {
            let price = json!({"amount": 1, "currency": "EUR"});
            json(json!({"title": "Planted", "variants": [{"price": price}]}))
        }),
        staff("patch /api/products/{id}").sends(|_| json(json!({"title": "Defaced"}))),
        staff("delete /api/products/{id}"),
        staff("post /api/products/preview").sends(|_| json(json!({"description": "<p>x</p>"}))),
        staff("post /api/products/bulk").sends(|things| {
            let action = json!({"kind": "set_status", "status": "archived"});
            json(json!({"ids": [things.product.product_id], "action": action}))
        }),
        staff("get /api/products/counts"),
        staff("post /api/products/import")
            .sends(|_| Ok(Sent::File("text/csv", things::catalogue()?))),
        staff("get /api/products/imports"),
        staff("get /api/products/imports/{id}"),
        staff("post /api/products/imports/{id}/apply"),
        staff("get /api/products/export").asks(|_| "?format=shopify".to_owned()),
        anyone("get /api/categories"),
        staff("post /api/categories")
            .sends(|_| json(json!({"title": "Planted", "description": ""}))),
        staff("patch /api/categories/{handle}").sends(|_| json(json!({"title": "Defaced"}))),
        staff("delete /api/categories/{handle}"),
        staff("get /api/stock"),
        staff("get /api/stock/{variant_id}"),
        staff("put /api/stock/{variant_id}").sends(|_| json(json!({"on_hand": 1_000_000}))),
        staff("post /api/stock/{variant_id}/adjustments")
            .sends(|_| json(json!({"delta": -1, "reason": "stolen"}))),
        staff("get /api/stock/{variant_id}/movements"),
        staff("get /api/audit/catalogue"),
    ]
}

fn orders() -> Vec<Rule> {
    vec![
        // A cart's id is its key: whoever knows it may change it.
        anyone("post /api/carts"),
        anyone("get /api/carts/{id}"),
        anyone("put /api/carts/{id}/lines/{variant_id}"),
        anyone("put /api/carts/{id}/discount"),
        anyone("delete /api/carts/{id}/discount"),
        anyone("get /api/shipping-methods").asks(|things| format!("?cart_id={}", things.cart)),
        anyone("get /api/time"),
        // Whoever sends it: its signature counts.
        anyone("post /api/payments/stripe/webhook").sends(|_| json(json!({"id": "evt_planted"}))),
        staff("get /api/payments/findings"),
        staff("post /api/payments/findings/{id}/refund-again"),
        staff("post /api/payments/findings/{id}/settle")
            .sends(|_| json(json!({"note": "nothing to see"}))),
        anyone("post /api/orders"),
        signed("get /api/orders"),
        Rule::new("get /api/orders/{id}", May::OwnerOrStaff("order_not_found")),
        staff("get /api/orders/summary"),
        staff("post /api/orders/{id}/notes").sends(|_| json(json!({"text": "Planted"}))),
        staff("post /api/orders/{id}/cancel").sends(|_| json(json!({"reason": "spite"}))),
        staff("post /api/orders/{id}/refunds").sends(|_| json(json!({"reason": "all of it"}))),
        staff("post /api/orders/{id}/shipments").sends(|things| {
            let line = &things.order.json["lines"][0]["id"];
            json(json!({"lines": [{"line_id": line, "quantity": 1}]}))
        }),
        staff("post /api/orders/{id}/mark-paid"),
        staff("get /api/discounts"),
        staff("post /api/discounts").sends(|_| {
            let value = json!({"kind": "percent", "basis_points": 10_000});
            json(json!({"code": "FREE", "value": value}))
        }),
        staff("get /api/discounts/{code}"),
        staff("patch /api/discounts/{code}").sends(|_| json(json!({"active": false}))),
        staff("delete /api/discounts/{code}"),
        admin("get /api/webhooks"),
        admin("post /api/webhooks").sends(|_| json(json!({"url": "https://mallory.example.com/"}))),
        admin("get /api/webhooks/{id}"),
        admin("patch /api/webhooks/{id}")
            .sends(|_| json(json!({"url": "https://mallory.example.com/"}))),
        admin("delete /api/webhooks/{id}"),
        admin("post /api/webhooks/{id}/rotate-secret"),
        admin("post /api/webhooks/{id}/test"),
        admin("post /api/webhooks/{id}/resend-failed"),
        admin("get /api/webhooks/{id}/deliveries"),
        admin("get /api/webhooks/{id}/deliveries/{delivery_id}"),
        admin("post /api/webhooks/{id}/deliveries/{delivery_id}/resend"),
        staff("get /api/audit/orders"),
        staff("get /api/backups"),
    ]
}

fn others() -> Vec<Rule> {
    vec![
        anyone("get /images/{id}/{variant}"),
        staff("post /api/images/upload")
            .sends(|_| Ok(Sent::File(things::PICTURE_TYPE, things::picture()?))),
        staff("get /api/images"),
        staff("get /api/images/{id}"),
        staff("get /api/audit/images"),
        staff("get /api/jobs"),
        staff("get /api/jobs/counts"),
        staff("post /api/jobs/retry")
            .sends(|_| json(json!({"service": "order-api", "kind": "order.mail"}))),
        staff("get /api/jobs/{service}/{id}"),
        staff("post /api/jobs/{service}/{id}/retry"),
        staff("delete /api/jobs/{service}/{id}"),
        staff("get /api/system"),
        anyone("get /api/status"),
    ]
}
