//! The double's interface: what is asked, under which key, and what is answered.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use http::{Method, request::Parts};
use serde_json::{Value, json};

use super::{Fault, State, books::Books};

/// Stripe keeps keys for at least a day; this one forgets them right after.
const KEYS_LIVE: i64 = 24 * 3600;

/// A request.
pub(super) struct Asked {
    method: Method,
    path: String,
    query: BTreeMap<String, String>,
    form: BTreeMap<String, String>,
    /// What makes it the same request: path and form.
    content: String,
    key: Option<String>,
    bearer: Option<String>,
    version: Option<String>,
    pub changes: bool,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub body: String,
    /// Whether it was answered before.
    pub again: bool,
}

/// Why something is not done.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: u16,
    body: Value,
}

/// What was answered under which key.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Key>);

struct Key {
    content: String,
    at: i64,
    /// `None` while it is being done.
    answer: Option<Answer>,
}

impl Problem {
    pub fn invalid(code: &str, message: &str) -> Self {
        let kind = "invalid_request_error";
        let error = json!({"type": kind, "code": code, "message": message});
        Self {
            status: 400,
            body: json!({ "error": error }),
        }
    }

    pub fn missing(what: &str) -> Self {
        Self {
            status: 404,
            ..Self::invalid("resource_missing", &format!("No such {what}"))
        }
    }

    pub fn declined(intent: Value) -> Self {
        let error = json!({
            "type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
            "message": "Your card was declined.", "payment_intent": intent,
        });
        Self {
            status: 402,
            body: json!({ "error": error }),
        }
    }
}

impl Answer {
    pub fn error(status: u16, kind: &str, code: Option<&str>) -> Self {
        let error = json!({"type": kind, "code": code, "message": "no"});
        Self {
            status,
            body: json!({ "error": error }).to_string(),
            again: false,
        }
    }
}

impl From<Result<Value, Problem>> for Answer {
    fn from(outcome: Result<Value, Problem>) -> Self {
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err(problem) => (problem.status, problem.body),
        };
        Self {
            status,
            body: body.to_string(),
            again: false,
        }
    }
}

impl Asked {
    pub fn of(head: &Parts, body: &Bytes) -> Self {
        let header = |name: &str| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect();
        let path = head.uri.path().to_owned();
        Self {
            query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
            form: pairs(body),
            content: format!("{path} {}", String::from_utf8_lossy(body)),
            path,
            key: header("idempotency-key"),
            bearer: header("authorization"),
            version: header("stripe-version"),
            changes: head.method == Method::POST,
            method: head.method.clone(),
        }
    }

    /// What the caller attached.
    fn metadata(&self) -> BTreeMap<String, String> {
        let fields = self.form.iter();
        let attached = fields.filter_map(|(name, value)| {
            let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
            Some((name.to_owned(), value.clone()))
        });
        attached.collect()
    }

    /// Fields that are not among those known here.
    fn unknown(&self, known: &[&str]) -> Result<(), Problem> {
        let strange =
            |name: &&String| !known.contains(&name.as_str()) && !name.starts_with("metadata[");
        match self.form.keys().find(strange) {
            None => Ok(()),
            Some(name) => Err(Problem::invalid("parameter_unknown", name)),
        }
    }
}

impl State {
    /// Whether the request may be carried out, or what is answered instead.
    pub(super) fn begin(&mut self, asked: &Asked) -> Result<(), Answer> {
        if asked.bearer.as_deref() != Some(&format!("Bearer {}", self.secret_key)) {
            return Err(Answer::error(401, "invalid_request_error", None));
        }
        if asked.version.is_none() {
            self.violations.push(format!("no version: {}", asked.path));
        }
        if !asked.changes {
            return Ok(());
        }
        let Some(key) = &asked.key else {
            self.violations
                .push(format!("no idempotency key: {}", asked.path));
            return Err(Answer::error(400, "invalid_request_error", None));
        };
        if key.len() > 255 {
            self.violations
                .push(format!("a key of {} letters", key.len()));
        }
        let now = self.env.now().as_seconds();
        let keys = &mut self.books.keys.0;
        keys.retain(|_, kept| now - kept.at < KEYS_LIVE || kept.answer.is_none());
        match keys.get(key) {
            None => {
                let kept = Key {
                    content: asked.content.clone(),
                    at: now,
                    answer: None,
                };
                keys.insert(key.clone(), kept);
                Ok(())
            }
            Some(kept) if kept.content != asked.content => {
                self.violations
                    .push(format!("the key {key} with another request"));
                Err(Answer::error(400, "idempotency_error", None))
            }
            Some(Key { answer: None, .. }) => {
                let code = Some("idempotency_key_in_use");
                Err(Answer::error(409, "invalid_request_error", code))
            }
            Some(Key {
                answer: Some(answer),
                ..
            }) => Err(Answer {
                again: true,
                ..answer.clone()
            }),
        }
    }

    /// Carries out a request that was begun, and keeps what is answered.
    pub(super) fn finish(&mut self, asked: &Asked, fault: Fault) -> Answer {
        let now = self.env.now().as_seconds();
        let answer = match fault {
            Fault::Spoil => Answer::error(500, "api_error", None),
            Fault::SpoilAfter => {
                let _ = carry_out(&mut self.books, asked, now);
                Answer::error(500, "api_error", None)
            }
            _ => carry_out(&mut self.books, asked, now).into(),
        };
        if let Some(kept) = asked
            .key
            .as_ref()
            .and_then(|key| self.books.keys.0.get_mut(key))
        {
            kept.answer = Some(answer.clone());
        }
        self.publish();
        answer
    }
}

fn carry_out(books: &mut Books, asked: &Asked, now: i64) -> Result<Value, Problem> {
    let parts: Vec<&str> = asked.path.trim_start_matches("/v1/").split('/').collect();
    let field = |name: &str| asked.form.get(name).map(String::as_str);
    match (&asked.method, parts.as_slice()) {
        (&Method::POST, ["payment_intents"]) => create(books, asked, now),
        (&Method::POST, ["payment_intents", id, "capture"]) => {
            asked.unknown(&[])?;
            books.capture(id)
        }
        (&Method::POST, ["payment_intents", id, "cancel"]) => {
            asked.unknown(&["cancellation_reason"])?;
            books.cancel(id)
        }
        (&Method::POST, ["refunds"]) => {
            asked.unknown(&["payment_intent", "amount"])?;
            let intent = field("payment_intent").unwrap_or_default();
            let amount = field("amount").map(|text| text.parse().unwrap_or(-1));
            books.refund(intent, amount, asked.metadata(), now)
        }
        (&Method::GET, ["payment_intents", id]) => Ok(books.intent(id)?.json()),
        (&Method::GET, ["payment_intents"]) => {
            let all = books.intents.iter();
            page(asked, all.map(|it| (it.created, it.json())).collect())
        }
        (&Method::GET, ["refunds"]) => {
            let all = books.refunds.iter();
            page(asked, all.map(|it| (it.created, it.json())).collect())
        }
        (&Method::GET, ["disputes", id]) => Ok(books.find_dispute(id)?.json()),
        (&Method::GET, ["disputes"]) => {
            let all = books.disputes.iter();
            page(asked, all.map(|it| (it.created, it.json())).collect())
        }
        _ => Err(Problem::missing("resource")),
    }
}

fn create(books: &mut Books, asked: &Asked, now: i64) -> Result<Value, Problem> {
    asked.unknown(&[
        "amount",
        "currency",
        "capture_method",
        "payment_method_types[0]",
        "payment_method",
        "confirm",
        "return_url",
    ])?;
    let field = |name: &str| asked.form.get(name).map(String::as_str);
    let amount: i64 = field("amount")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    if amount < 50 {
        return Err(Problem::invalid("amount_too_small", "too small"));
    }
    let currency = field("currency").unwrap_or_default();
    let small = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_lowercase());
    if !small || field("capture_method") != Some("manual") {
        return Err(Problem::invalid(
            "parameter_invalid",
            "currency, capture_method",
        ));
    }
    let confirms = field("confirm") == Some("true");
    if let (true, Some(token)) = (confirms, field("payment_method"))
        && !token.starts_with("pm_card_")
    {
        return Err(Problem::missing("payment_method"));
    }
    let id = books.create(amount, currency, asked.metadata(), now);
    if confirms {
        books.confirm(&id, field("payment_method").unwrap_or_default())?;
    }
    Ok(books.intent(&id)?.json())
}

/// A page of a list, the newest first.
fn page(asked: &Asked, objects: Vec<(i64, Value)>) -> Result<Value, Problem> {
    let query = |name: &str| asked.query.get(name);
    let number = |name: &str| -> Option<i64> { query(name)?.parse().ok() };
    let since = number("created[gte]").unwrap_or(i64::MIN);
    let before = number("created[lt]").unwrap_or(i64::MAX);
    let limit = usize::try_from(number("limit").unwrap_or(10)).unwrap_or(10);
    let mut found: Vec<Value> = objects
        .into_iter()
        .rev()
        .filter(|(created, _)| (since..before).contains(created))
        .map(|(_, object)| object)
        .filter(|object| {
            let wanted = query("payment_intent");
            wanted.is_none_or(|intent| object["payment_intent"] == json!(intent))
        })
        .collect();
    if let Some(last) = query("starting_after") {
        let at = found.iter().position(|object| object["id"] == json!(last));
        let at = at.ok_or_else(|| Problem::missing("starting_after"))?;
        found.drain(..=at);
    }
    let more = found.len() > limit;
    found.truncate(limit.min(100));
    Ok(json!({"object": "list", "has_more": more, "data": found}))
}
