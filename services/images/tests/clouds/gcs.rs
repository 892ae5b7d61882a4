//! A double of Google Cloud Storage's XML interface, as far as `object_store` uses it: objects in
//! one bucket, for whoever shows a token that the service account's key has signed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use techcommerce_images::{Gcs, Store};
use techcommerce_testkit::TempDir;

const ACCOUNT: &str = "pictures@shop.iam.gserviceaccount.com";
/// Any time will do that is long ago for whoever sweeps.
const WRITTEN: &str = "2026-01-02T03:04:05.678Z";

#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Bytes>,
    public_key: Vec<u8>,
    asked: usize,
}

/// The server, with one bucket named `pictures`.
pub struct TestGcs {
    address: SocketAddr,
    held: Arc<Mutex<Held>>,
    folder: TempDir,
    serving: tokio::task::JoinHandle<()>,
}

impl TestGcs {
    pub async fn start() -> Self {
        let folder = techcommerce_testkit::folder();
        let public_key = make_key(&folder);
        let held = Arc::new(Mutex::new(Held {
            public_key,
            ..Held::default()
        }));
        let router = Router::new()
            .route("/pictures", get(list))
            .route("/pictures/{*key}", get(read).put(write).delete(remove))
            .with_state(Arc::clone(&held));
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self {
            address,
            held,
            folder,
            serving,
        }
    }

    /// The service account's key, as Google hands it out.
    pub fn credentials(&self) -> String {
        let key = std::fs::read_to_string(self.folder.path().join("key.pem")).unwrap();
        json!({
            "type": "service_account",
            "client_email": ACCOUNT,
            "private_key_id": "1",
            "private_key": key,
        })
        .to_string()
    }

    /// From now on only the key of this other one is good.
    pub fn believe(&self, other: &Self) {
        let key = other.held.lock().unwrap().public_key.clone();
        self.held.lock().unwrap().public_key = key;
    }

    pub fn settings(&self) -> Gcs {
        Gcs {
            bucket: "pictures".into(),
            prefix: "shop/main".into(),
            endpoint: format!("http://{}", self.address),
            credentials: Some(self.credentials()),
        }
    }

    pub fn store(&self) -> Store {
        Store::gcs(&self.settings()).unwrap()
    }

    /// The names of all objects.
    pub fn names(&self) -> Vec<String> {
        self.held.lock().unwrap().objects.keys().cloned().collect()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.held.lock().unwrap().asked
    }

    /// Ends the server.
    pub fn stop(&self) {
        self.serving.abort();
    }
}

/// A key for this test alone, `key.pem` in the folder; its public half. None is in the repository.
fn make_key(folder: &TempDir) -> Vec<u8> {
    let run = |arguments: &[&str]| {
        let made = Command::new("openssl")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("openssl is needed by this test: sudo apt-get install -y openssl");
        assert!(made.status.success(), "{made:?}");
        made.stdout
    };
    run(&["genpkey", "-quiet", "-algorithm", "RSA", "-out", "key.pem"]);
    run(&[
        "rsa",
        "-in",
        "key.pem",
        "-RSAPublicKey_out",
        "-outform",
        "DER",
    ])
}

impl Held {
    /// Counts the request, and checks the token: Google's own document for such tokens is
    /// <https://google.aip.dev/auth/4111>.
    fn admit(&mut self, headers: &HeaderMap) -> Result<(), StatusCode> {
        self.asked += 1;
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = token.and_then(|token| token.strip_prefix("Bearer "));
        let (message, signature) = token
            .and_then(|token| token.rsplit_once('.'))
            .ok_or(StatusCode::UNAUTHORIZED)?;
        let signature = URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| StatusCode::UNAUTHORIZED)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key)
            .verify(message.as_bytes(), &signature)
            .map_err(|_| StatusCode::FORBIDDEN)?;
        let claims = message.split_once('.').unwrap().1;
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["iss"], ACCOUNT);
        let scope = claims["scope"].as_str().unwrap();
        assert!(
            scope.starts_with("https://www.googleapis.com/auth/"),
            "{claims}"
        );
        Ok(())
    }
}

type Shared = State<Arc<Mutex<Held>>>;

async fn list(
    State(held): Shared,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut held = held.lock().unwrap();
    if let Err(refused) = held.admit(&headers) {
        return refused.into_response();
    }
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let mut text = String::from("<?xml version='1.0' encoding='UTF-8'?><ListBucketResult>");
    for (key, bytes) in held
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix))
    {
        text.push_str(&format!(
            "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>{WRITTEN}</LastModified>\
             <ETag>\"1\"</ETag></Contents>",
            bytes.len()
        ));
    }
    text.push_str("</ListBucketResult>");
    ([(header::CONTENT_TYPE, "application/xml")], text).into_response()
}

async fn read(State(held): Shared, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let mut held = held.lock().unwrap();
    if let Err(refused) = held.admit(&headers) {
        return refused.into_response();
    }
    match held.objects.get(&key) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(bytes) => (
            [
                (header::ETAG, "\"1\""),
                (header::LAST_MODIFIED, "Fri, 02 Jan 2026 03:04:05 GMT"),
            ],
            bytes.clone(),
        )
            .into_response(),
    }
}

async fn write(
    State(held): Shared,
    Path(key): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let mut held = held.lock().unwrap();
    if let Err(refused) = held.admit(&headers) {
        return refused.into_response();
    }
    held.objects.insert(key, bytes);
    [(header::ETAG, "\"1\"")].into_response()
}

async fn remove(State(held): Shared, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let mut held = held.lock().unwrap();
    if let Err(refused) = held.admit(&headers) {
        return refused.into_response();
    }
    match held.objects.remove(&key) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(_) => StatusCode::NO_CONTENT.into_response(),
    }
}
