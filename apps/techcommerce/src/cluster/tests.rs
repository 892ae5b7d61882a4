//! Against a double of the cluster's interface that keeps Secrets and refuses as the real one
//! does.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use techcommerce_contracts::{Service, TrustedKeys};
use techcommerce_kernel::{Env, Error, Kind};
use techcommerce_testkit::TempDir;

use super::{Addresses, Api, Done, Made, Pace, Place, Values, make, wanted};

const NAMESPACE: &str = "techcommerce";
const TOKEN: &str = "the-token-of-the-pod";

type Reply = (StatusCode, Json<Value>);

/// What the cluster holds, and how it behaves.
#[derive(Default)]
struct Held {
    secrets: BTreeMap<String, Value>,
    version: u64,
    /// Requests that are answered with this status before all goes well.
    busy: Vec<StatusCode>,
    /// What is answered to each verb, as Kubernetes says it.
    refuses: Option<(&'static str, StatusCode, String)>,
    /// Made by somebody else right before we make it.
    faster: BTreeMap<String, Value>,
    asked: Vec<String>,
}

#[derive(Clone)]
struct Cluster {
    held: Arc<Mutex<Held>>,
    account: Arc<TempDir>,
    server: String,
}

impl Cluster {
    async fn start() -> Self {
        let account = techcommerce_testkit::folder();
        std::fs::write(account.path().join("token"), format!("{TOKEN}\n")).unwrap();
        std::fs::write(account.path().join("namespace"), NAMESPACE).unwrap();
        let held: Arc<Mutex<Held>> = Arc::default();
        let all = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
        let router = Router::new()
            .route(&all, axum::routing::post(create))
            .route(&format!("{all}/{{name}}"), get(read).put(replace))
            .with_state(Arc::clone(&held));
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, router).await });
        Self {
            held,
            account: Arc::new(account),
            server,
        }
    }

    fn api(&self) -> Api {
        let place = Place {
            server: self.server.clone(),
            account: self.account.path().to_owned(),
            namespace: None,
        };
        let pace = Pace {
            tries: 4,
            pause: Duration::from_millis(1),
        };
        Api::new(&place, pace, Env::system()).unwrap()
    }

    async fn make(&self) -> Result<Vec<Done>, Error> {
        self.make_given(&[]).await
    }

    async fn make_given(&self, given: &[&str]) -> Result<Vec<Done>, Error> {
        let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
        make(&self.api(), values(), wanted(true), &given, false).await
    }

    fn secrets(&self) -> BTreeMap<String, Value> {
        self.held.lock().unwrap().secrets.clone()
    }

    fn text(&self, name: &str, key: &str) -> String {
        text(&self.secrets()[name], key)
    }

    fn put(&self, name: &str, data: &[(&str, &str)]) {
        let data: BTreeMap<_, _> = data.iter().map(|(k, v)| (k, STANDARD.encode(v))).collect();
        let secret = json!({"metadata": {"name": name, "resourceVersion": "1"}, "data": data});
        self.held
            .lock()
            .unwrap()
            .secrets
            .insert(name.into(), secret);
    }
}

fn values() -> Values {
    Values {
        env: Env::system(),
        addresses: Addresses {
            redis: "redis:6379".to_owned(),
            ..Addresses::default()
        },
    }
}

fn text(secret: &Value, key: &str) -> String {
    let encoded = secret["data"][key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} in {secret}"));
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

fn status(code: StatusCode, message: &str) -> Reply {
    (
        code,
        Json(json!({"kind": "Status", "code": code.as_u16(), "message": message})),
    )
}

impl Held {
    fn admit(&mut self, verb: &'static str, name: &str, headers: &HeaderMap) -> Result<(), Reply> {
        self.asked.push(format!("{verb} {name}"));
        let token = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        if token != Some(&format!("Bearer {TOKEN}")) {
            return Err(status(StatusCode::UNAUTHORIZED, "Unauthorized"));
        }
        if let Some(busy) = self.busy.pop() {
            return Err(status(busy, "busy"));
        }
        match &self.refuses {
            Some((what, code, message)) if *what == verb => Err(status(*code, message)),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, name: &str, mut secret: Value) -> Value {
        self.version += 1;
        secret["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.secrets.insert(name.to_owned(), secret.clone());
        secret
    }
}

async fn read(
    State(held): State<Arc<Mutex<Held>>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let mut held = held.lock().unwrap();
    if let Err(refused) = held.admit("get", &name, &headers) {
        return refused;
    }
    match held.secrets.get(&name) {
        Some(secret) => (StatusCode::OK, Json(secret.clone())),
        None => status(StatusCode::NOT_FOUND, "not found"),
    }
}

async fn create(
    State(held): State<Arc<Mutex<Held>>>,
    headers: HeaderMap,
    Json(secret): Json<Value>,
) -> Reply {
    let mut held = held.lock().unwrap();
    let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
    if let Err(refused) = held.admit("create", &name, &headers) {
        return refused;
    }
    if let Some(theirs) = held.faster.remove(&name) {
        held.keep(&name, theirs);
    }
    match held.secrets.contains_key(&name) {
        true => status(StatusCode::CONFLICT, "already exists"),
        false => (StatusCode::CREATED, Json(held.keep(&name, secret))),
    }
}

async fn replace(
    State(held): State<Arc<Mutex<Held>>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(secret): Json<Value>,
) -> Reply {
    let mut held = held.lock().unwrap();
    if let Err(refused) = held.admit("update", &name, &headers) {
        return refused;
    }
    let theirs = &held.secrets[&name]["metadata"]["resourceVersion"];
    match *theirs == secret["metadata"]["resourceVersion"] {
        true => (StatusCode::OK, Json(held.keep(&name, secret))),
        false => status(StatusCode::CONFLICT, "the object has been modified"),
    }
}

fn count(done: &[Done], made: &Made) -> usize {
    done.iter().filter(|one| one.made == *made).count()
}

/// On an empty cluster all of them, fit for each other; a second run changes nothing.
#[tokio::test]
async fn all_are_made_once() {
    let cluster = Cluster::start().await;
    let done = cluster.make().await.unwrap();
    assert_eq!(count(&done, &Made::New), 16);
    let made = cluster.secrets();
    for one in &done {
        assert!(!one.is_wrong() && one.lacks.is_empty(), "{one:?}");
        let keys: Vec<String> = one.wanted.keys().into_iter().map(|(key, _)| key).collect();
        let data = made[&one.wanted.name]["data"].as_object().unwrap();
        assert_eq!(data.len(), keys.len());
        assert!(keys.iter().all(|key| data.contains_key(key)), "{one:?}");
        assert_eq!(
            made[&one.wanted.name]["metadata"]["labels"]["app.kubernetes.io/part-of"],
            "techcommerce"
        );
    }
    let owner = cluster.text("postgres-admin", "password");
    assert_eq!(
        cluster.text("postgres-admin", "url"),
        format!("postgres://postgres:{owner}@postgres:5432/techcommerce")
    );
    let role = cluster.text("order-api-database", "url");
    let (before, after) = role.split_at("postgres://order_api:".len());
    assert_eq!(before, "postgres://order_api:");
    assert!(after.ends_with("@postgres:5432/techcommerce") && !after.starts_with(&owner));
    assert_eq!(
        cluster.text("redis", "url"),
        format!("redis://:{}@redis:6379", cluster.text("redis", "password"))
    );
    check_keys(&cluster, 7);

    let again = cluster.make().await.unwrap();
    assert_eq!(count(&again, &Made::Was), 16);
    assert_eq!(cluster.secrets(), made);
    let writes = cluster.held.lock().unwrap().asked.clone();
    let writes = writes
        .iter()
        .filter(|what| !what.starts_with("get"))
        .count();
    assert_eq!(writes, 16, "the second run wrote nothing");
}

/// Every service's key is trusted; there are `lines` in all.
fn check_keys(cluster: &Cluster, lines: usize) {
    let trusted = cluster.text("trusted-keys", "trusted-keys");
    TrustedKeys::parse(&trusted).unwrap();
    let made: Vec<&str> = trusted
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(made.len(), lines, "{trusted}");
    for service in Service::ALL {
        let key = cluster.text(&format!("{service}-key"), &format!("{service}.key"));
        let data = [(format!("{service}.key"), key.into_bytes())].into();
        let line = super::trusted_line(service, &data, &Env::system()).unwrap();
        assert!(made.contains(&line.as_str()), "{service}: {trusted}");
    }
}

/// A key that was lost is made anew, and what was trusted stays trusted.
#[tokio::test]
async fn a_missing_key_is_added_to_the_trusted_ones() {
    let cluster = Cluster::start().await;
    cluster.make().await.unwrap();
    let before = cluster.text("trusted-keys", "trusted-keys");
    let untouched = cluster.text("auth-key", "auth.key");
    cluster.held.lock().unwrap().secrets.remove("order-api-key");
    let done = cluster.make().await.unwrap();
    assert_eq!(count(&done, &Made::New), 1);
    assert_eq!(count(&done, &Made::Added(vec![Service::OrderApi])), 1);
    let after = cluster.text("trusted-keys", "trusted-keys");
    assert!(after.starts_with(&before) && after.len() > before.len());
    assert_eq!(cluster.text("auth-key", "auth.key"), untouched);
    check_keys(&cluster, 8);
}

/// Whoever names a database server of their own names it for all roles.
#[tokio::test]
async fn the_roles_follow_the_owner() {
    let cluster = Cluster::start().await;
    let missing = cluster.make_given(&["postgres-admin"]).await.unwrap_err();
    assert!(
        missing.message().contains("kubectl create secret"),
        "{missing}"
    );
    let url = "postgresql://boss:p%40ss@db.example.com/shop?sslmode=require";
    cluster.put("postgres-admin", &[("url", url)]);
    let done = cluster.make_given(&["postgres-admin"]).await.unwrap();
    assert_eq!(count(&done, &Made::Given), 1);
    assert!(
        !done[0].is_wrong(),
        "only a server in the cluster reads the rest"
    );
    assert_eq!(done[0].lacks.len(), 2);
    let role = cluster.text("auth-database", "url");
    assert!(role.starts_with("postgres://auth:"), "{role}");
    assert!(
        role.ends_with("@db.example.com:5432/shop?sslmode=require"),
        "{role}"
    );
    assert_eq!(cluster.text("postgres-admin", "url"), url);
}

/// What a person made by hand and left incomplete is told, not mended.
#[tokio::test]
async fn what_lacks_a_key_is_told() {
    let cluster = Cluster::start().await;
    cluster.put("admin", &[("pass", "x")]);
    let done = cluster.make().await.unwrap();
    let wrong: Vec<&str> = done
        .iter()
        .filter(|one| one.is_wrong())
        .map(|one| one.wanted.name.as_str())
        .collect();
    assert_eq!(wrong, ["admin"]);

    let nonsense = Cluster::start().await;
    nonsense.put("auth-key", &[("auth.key", "nonsense-that-is-secret")]);
    let error = nonsense.make().await.unwrap_err();
    assert!(error.message().contains("auth-key"), "{error}");
    assert!(!error.message().contains("nonsense"), "{error}");
}

/// Two Jobs at once, or a colleague at the keyboard: whoever was first is right.
#[tokio::test]
async fn several_at_once() {
    let cluster = Cluster::start().await;
    let (one, two, three) = tokio::join!(cluster.make(), cluster.make(), cluster.make());
    let all = [one.unwrap(), two.unwrap(), three.unwrap()];
    let new: usize = all.iter().map(|done| count(done, &Made::New)).sum();
    assert_eq!(new, 16, "each was made once");
    check_keys(&cluster, 7);

    let cluster = Cluster::start().await;
    let theirs = json!({
        "metadata": {"name": "postgres-admin"},
        "data": {"url": STANDARD.encode("postgres://them:pw@theirs:5433/shop")},
    });
    let held = Arc::clone(&cluster.held);
    held.lock()
        .unwrap()
        .faster
        .insert("postgres-admin".into(), theirs);
    let done = cluster.make().await.unwrap();
    assert_eq!(done[0].made, Made::Was);
    let role = cluster.text("images-database", "url");
    assert!(role.ends_with("@theirs:5433/shop"), "{role}");
}

/// What the cluster does not allow says what would allow it.
#[tokio::test]
async fn refusals_say_how_to_mend_them() {
    let cluster = Cluster::start().await;
    let tries = [
        (
            "get",
            StatusCode::FORBIDDEN,
            "cannot get resource",
            "kubectl auth can-i get",
        ),
        (
            "create",
            StatusCode::FORBIDDEN,
            "exceeded quota: shop",
            "describe resourcequota",
        ),
        (
            "create",
            StatusCode::FORBIDDEN,
            "cannot create",
            "kubectl auth can-i create",
        ),
        (
            "create",
            StatusCode::NOT_FOUND,
            "namespaces not found",
            "namespace techcommerce",
        ),
        (
            "get",
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            "automountServiceAccountToken",
        ),
    ];
    for (verb, code, message, mend) in tries {
        cluster.held.lock().unwrap().refuses = Some((verb, code, message.to_owned()));
        let error = cluster.make().await.unwrap_err();
        assert!(error.message().contains(message), "{error}");
        assert!(error.message().contains(mend), "{error}");
        assert!(!error.message().contains(TOKEN), "{error}");
    }
    assert!(cluster.secrets().is_empty());
}

/// A cluster that is busy or away for a moment is asked again; one that stays away is named.
#[tokio::test]
async fn away_for_a_moment() {
    let cluster = Cluster::start().await;
    cluster.held.lock().unwrap().busy = vec![
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::INTERNAL_SERVER_ERROR,
    ];
    cluster.make().await.unwrap();
    cluster.held.lock().unwrap().busy = vec![StatusCode::SERVICE_UNAVAILABLE; 4];
    let error = cluster.make().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.message().contains("503"), "{error}");

    let nobody = Cluster {
        server: format!("http://{}", techcommerce_testkit::free_address()),
        ..cluster
    };
    let error = nobody.make().await.unwrap_err();
    assert!(error.message().contains("network policy"), "{error}");
    let place = Place {
        server: nobody.server,
        account: PathBuf::from("/no/such/account"),
        namespace: None,
    };
    let pace = nobody_pace();
    let error = Api::new(&place, pace, Env::system()).unwrap_err();
    assert!(error.message().contains("--service-account"), "{error}");
}

fn nobody_pace() -> Pace {
    Pace {
        tries: 1,
        pause: Duration::ZERO,
    }
}

/// A look changes nothing and says what would be made.
#[tokio::test]
async fn a_look_changes_nothing() {
    let cluster = Cluster::start().await;
    cluster.put("admin", &[("password", "a long one of our own")]);
    let done = make(&cluster.api(), values(), wanted(false), &[], true)
        .await
        .unwrap();
    assert_eq!(
        (count(&done, &Made::New), count(&done, &Made::Was)),
        (14, 1)
    );
    assert_eq!(cluster.secrets().len(), 1);
}
