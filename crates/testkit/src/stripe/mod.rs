//! A double of Stripe: its documented interface as far as the shop uses it, on loopback, with books
//! of its own that outlive the shop's processes.
//!
//! It is strict about what a careful caller does (keys, versions, forms, amounts) and nasty about
//! everything else: it loses replies, breaks off, answers 429 and 500, keeps errors under keys,
//! forgets keys after a day, and its messages come when a test says, as often as it says.

mod answers;
mod books;
mod messages;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use techcommerce_kernel::Env;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use self::books::Books;
pub use self::books::{Dispute, Intent, Refund};
use self::messages::Outbox;

/// What the double wants to be told as the secret key.
pub const SECRET_KEY: &str = "sk_test_double";
/// What the double signs its messages with.
pub const WEBHOOK_SECRET: &str = "whsec_double";

/// What becomes of one of the next requests that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks off before anything is done.
    BreakOff,
    /// It is done, and the connection breaks off before the answer.
    LoseReply,
    /// It is not done, and nothing is kept under the key: 429, 503 and their like.
    Status(u16),
    /// It is not done, and this error is kept under the key and told for ever.
    Spoil,
    /// It is done, and yet the answer under this key is an error for ever.
    SpoilAfter,
    /// It is done after so long.
    Slow(Duration),
    /// It is done.
    None,
}

/// What a customer's browser brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The card is good.
    Pays,
    /// The card is declined, or the customer's bank says no.
    IsDeclined,
    /// The customer's bank asks the customer.
    IsAsked,
}

/// The double. It stops when the value goes.
pub struct Stripe {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

type Shared = Arc<Mutex<State>>;

struct State {
    env: Env,
    secret_key: String,
    webhook_secret: String,
    books: Books,
    faults: VecDeque<Fault>,
    /// Answers nothing at all while it is set.
    away: bool,
    violations: Vec<String>,
    outbox: Outbox,
    held_back: Option<(&'static str, oneshot::Sender<()>, oneshot::Receiver<()>)>,
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stripe {
    /// Listens on a free port of loopback, by the clock of the machine.
    pub async fn start() -> Self {
        Self::start_by(Env::system()).await
    }

    /// The same by the clock of `env`.
    pub async fn start_by(env: Env) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(State {
            env,
            secret_key: SECRET_KEY.to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            books: Books::default(),
            faults: VecDeque::new(),
            away: false,
            violations: Vec::new(),
            outbox: Outbox::default(),
            held_back: None,
        }));
        let accepting = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&accepting);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                    // Whoever breaks off has its reasons.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            shared,
            server,
        }
    }

    /// What `stripe.api_address` is to be.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next requests that change something are treated so, one after the other.
    pub fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.shared).faults.extend(faults);
    }

    /// No faults any more.
    pub fn calm(&self) {
        lock(&self.shared).faults.clear();
    }

    /// From now on it wants this key.
    pub fn knows(&self, secret_key: &str) {
        secret_key.clone_into(&mut lock(&self.shared).secret_key);
    }

    /// From now on it signs with this secret.
    pub fn signs_with(&self, webhook_secret: &str) {
        webhook_secret.clone_into(&mut lock(&self.shared).webhook_secret);
    }

    /// While it is away it accepts connections and drops them.
    pub fn away(&self, away: bool) {
        lock(&self.shared).away = away;
    }

    /// What a careful caller would not have done; empty if all is well.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared).violations.clone()
    }

    /// The next answer to who reads `path`, as `/v1/refunds`, is true when it is read and told when
    /// the test says so: what happens in between is not in it.
    pub fn hold_back(&self, path: &'static str) -> HeldBack {
        let (reads, read) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        lock(&self.shared).held_back = Some((path, reads, told));
        HeldBack { read, tell }
    }

    /// All PaymentIntents, the oldest first.
    pub fn intents(&self) -> Vec<Intent> {
        lock(&self.shared).books.intents.clone()
    }

    /// The PaymentIntents of an order, the oldest first.
    pub fn of_order(&self, order: &str) -> Vec<Intent> {
        let mut intents = self.intents();
        intents.retain(|intent| intent.metadata.get("order").is_some_and(|it| it == order));
        intents
    }

    /// All refunds, the oldest first.
    pub fn refunds(&self) -> Vec<Refund> {
        lock(&self.shared).books.refunds.clone()
    }

    /// The customer does what the page asks for, and the bank agrees or does not.
    pub fn customer_confirms(&self, intent: &str, agrees: bool) {
        self.change(|books, _| books.customer_confirms(intent, agrees));
    }

    /// What the customer's browser asks for with the client secret of a PaymentIntent; whether it is
    /// possible.
    pub fn browser(&self, client_secret: &str, deed: Deed) -> bool {
        let mut state = lock(&self.shared);
        let known = |it: &&Intent| it.client_secret() == client_secret;
        let Some(id) = state
            .books
            .intents
            .iter()
            .find(known)
            .map(|it| it.id.clone())
        else {
            return false;
        };
        let done = match deed {
            Deed::Pays => state.books.customer_confirms(&id, true),
            Deed::IsDeclined => state.books.customer_confirms(&id, false),
            Deed::IsAsked => state.books.customer_is_asked(&id),
        };
        state.publish();
        done.is_ok()
    }

    /// Somebody takes in the dashboard what is held.
    pub fn captures(&self, intent: &str) {
        self.change(|books, _| books.capture(intent).map(|_| ()));
    }

    /// Somebody pays back in the dashboard.
    pub fn refunds_by_hand(&self, intent: &str, amount: i64) {
        self.change(|books, now| {
            let metadata = std::collections::BTreeMap::new();
            books
                .refund(intent, Some(amount), metadata, now)
                .map(|_| ())
        });
    }

    /// A PaymentIntent that somebody holds money with, made without the shop asking now.
    pub fn holds(&self, amount: i64, currency: &str, metadata: &[(&str, &str)]) -> String {
        let mut state = lock(&self.shared);
        let now = state.env.now().as_seconds();
        let metadata = metadata.iter();
        let metadata = metadata.map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let id = state
            .books
            .create(amount, currency, metadata.collect(), now);
        let done = state.books.customer_confirms(&id, true);
        done.expect("it was just made");
        state.publish();
        id
    }

    /// While it is without money it can pay nothing back.
    pub fn is_without_money(&self, poor: bool) {
        lock(&self.shared).books.without_money = poor;
    }

    /// What becomes of a refund: `succeeded`, `pending` or `failed`.
    pub fn refund_becomes(&self, refund: &str, status: &str) {
        self.change(|books, _| books.refund_becomes(refund, status));
    }

    /// Refunds are `pending` from now on until they become something else.
    pub fn refunds_take_time(&self, slow: bool) {
        lock(&self.shared).books.refunds_are = slow.then_some("pending");
    }

    /// Refunds fail from now on as soon as they are made.
    pub fn refunds_fail(&self, fail: bool) {
        lock(&self.shared).books.refunds_are = fail.then_some("failed");
    }

    /// The customer's bank wants the money back; gives the dispute's id.
    pub fn disputes(&self, intent: &str, amount: i64) -> String {
        self.disputes_as(intent, amount, "needs_response")
    }

    /// The customer's bank asks about the payment, and has taken nothing yet; gives the dispute's id.
    pub fn inquires(&self, intent: &str, amount: i64) -> String {
        self.disputes_as(intent, amount, "warning_needs_response")
    }

    fn disputes_as(&self, intent: &str, amount: i64, status: &str) -> String {
        let mut state = lock(&self.shared);
        let now = state.env.now().as_seconds();
        let id = state.books.dispute(intent, amount, status, now);
        state.publish();
        id
    }

    /// What a dispute is now, as `under_review`.
    pub fn dispute_becomes(&self, dispute: &str, status: &str) {
        self.change(|books, _| books.dispute_becomes(dispute, status));
    }

    /// How a dispute ends: `won` or `lost`.
    pub fn dispute_ends(&self, dispute: &str, status: &str) {
        self.dispute_becomes(dispute, status);
    }

    fn change(&self, change: impl FnOnce(&mut Books, i64) -> Result<(), answers::Problem>) {
        let mut state = lock(&self.shared);
        let now = state.env.now().as_seconds();
        if let Err(problem) = change(&mut state.books, now) {
            panic!("the test asks for what is not possible: {problem:?}");
        }
        state.publish();
    }

    /// The messages that nobody has taken yet, the oldest first: bodies to be sent as they are.
    pub fn messages(&self) -> Vec<String> {
        lock(&self.shared).outbox.take()
    }

    /// The header `Stripe-Signature` of a body that is sent now.
    pub fn signature(&self, body: &str) -> String {
        let state = lock(&self.shared);
        let now = state.env.now().as_seconds();
        messages::signature(&state.webhook_secret, now, body)
    }

    /// From now on messages are sent to the shop at `base`, each twice and until it was taken.
    pub fn deliver_to(&self, base: &str) -> Delivery {
        let shared = Arc::clone(&self.shared);
        let client = crate::Client::new(base);
        Delivery(tokio::spawn(async move {
            let mut waiting: VecDeque<String> = VecDeque::new();
            loop {
                let (new, now, secret) = {
                    let mut state = lock(&shared);
                    let secret = state.webhook_secret.clone();
                    (state.outbox.take(), state.env.now().as_seconds(), secret)
                };
                // Each comes a second time, behind all others that wait.
                waiting.extend(new.into_iter().flat_map(|body| [body.clone(), body]));
                let Some(body) = waiting.pop_back() else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                let signature = messages::signature(&secret, now, &body);
                let sent = client
                    .request(http::Method::POST, "/api/payments/stripe/webhook")
                    .header("stripe-signature", &signature)
                    .body("application/json", body.clone().into_bytes())
                    .send()
                    .await;
                if !sent.is_ok_and(|answer| answer.status == 200) {
                    waiting.push_front(body);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }))
    }
}

/// An answer that is held back.
pub struct HeldBack {
    read: oneshot::Receiver<()>,
    tell: oneshot::Sender<()>,
}

impl HeldBack {
    /// Waits until somebody has asked for it.
    pub async fn read(&mut self) {
        let read = (&mut self.read).await;
        read.expect("nobody asked for what was held back");
    }

    /// Lets it go.
    pub fn tell(self) {
        // Whoever asked may have left.
        let _ = self.tell.send(());
    }
}

/// Sends messages until it goes.
pub struct Delivery(JoinHandle<()>);

impl Drop for Delivery {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Stripe {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    /// Messages of what has just happened.
    fn publish(&mut self) {
        let now = self.env.now().as_seconds();
        for (kind, object) in self.books.happened() {
            self.outbox.add(&kind, &object, now);
        }
    }
}

/// The connection breaks off.
#[derive(Debug)]
struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken off")
    }
}

impl std::error::Error for BrokenOff {}

async fn answer(
    shared: Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BrokenOff> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| BrokenOff)?.to_bytes();
    let asked = answers::Asked::of(&head, &body);
    let reads = !asked.changes;
    // Under one lock, so that whoever comes meanwhile finds the key in use.
    let (fault, begun) = {
        let mut state = lock(&shared);
        if state.away {
            return Err(BrokenOff);
        }
        let fault = match asked.changes {
            true => state.faults.pop_front().unwrap_or(Fault::None),
            false => Fault::None,
        };
        match fault {
            Fault::BreakOff => return Err(BrokenOff),
            Fault::Status(status) => {
                let refused = answers::Answer::error(status, "api_error", None);
                (fault, Err(refused))
            }
            _ => (fault, state.begin(&asked)),
        }
    };
    let answer = match begun {
        Err(answer) => answer,
        // It is done though whoever asked leaves meanwhile, as anywhere.
        Ok(()) => {
            let shared = Arc::clone(&shared);
            let work = tokio::spawn(async move {
                if let Fault::Slow(time) = fault {
                    tokio::time::sleep(time).await;
                }
                lock(&shared).finish(&asked, fault)
            });
            work.await.map_err(|_| BrokenOff)?
        }
    };
    let held_back = match reads {
        true => lock(&shared)
            .held_back
            .take_if(|it| it.0 == head.uri.path()),
        false => None,
    };
    if let Some((_, reads, told)) = held_back {
        let _ = reads.send(());
        let _ = told.await;
    }
    if fault == Fault::LoseReply {
        return Err(BrokenOff);
    }
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("a status");
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if answer.again {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
