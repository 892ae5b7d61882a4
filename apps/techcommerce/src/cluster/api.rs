//! The cluster's own interface, as far as Secrets go: read one by its name, make one, write one
//! that was read.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use techcommerce_kernel::{Env, Error};

use super::values::Data;
use crate::web::Web;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the cluster is, and who we are in it.
#[derive(Debug, Clone)]
pub struct Place {
    /// As `https://10.96.0.1:443`.
    pub server: String,
    /// The folder with `token`, `ca.crt` and `namespace`, as Kubernetes mounts it.
    pub account: PathBuf,
    /// Another namespace than the account's.
    pub namespace: Option<String>,
}

/// How often something is tried again, and how long to wait at first; it doubles, up to ten times
/// as long.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub tries: u32,
    pub pause: Duration,
}

impl Pace {
    fn wait(self, env: &Env, turn: u32) -> Duration {
        let pause = self.pause * (1 << turn.min(3)).min(10);
        pause + env.jitter(self.pause)
    }
}

/// A Secret as the cluster has it.
#[derive(Debug, Clone)]
pub struct Secret {
    pub data: Data,
    /// All of it, to write it back with a change.
    whole: Value,
}

/// Speaks for the pod's ServiceAccount.
#[derive(Debug, Clone)]
pub struct Api {
    web: Web,
    server: String,
    token: PathBuf,
    namespace: String,
    pub pace: Pace,
    pub env: Env,
}

impl Api {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// `configuration` (invalid input) that says which file is missing.
    pub fn new(place: &Place, pace: Pace, env: Env) -> Result<Self, Error> {
        let namespace = match &place.namespace {
            Some(namespace) => namespace.clone(),
            None => read(&place.account.join("namespace"))?,
        };
        let authorities = place.account.join("ca.crt");
        let tls = place.server.starts_with("https://");
        Ok(Self {
            web: Web::new(tls.then_some(authorities.as_path()), PATIENCE)?,
            server: place.server.trim_end_matches('/').to_owned(),
            token: place.account.join("token"),
            namespace,
            pace,
            env,
        })
    }

    /// The namespace that it works in.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A Secret, if it is there.
    pub async fn get(&self, name: &str) -> Result<Option<Secret>, Error> {
        let (status, answer) = self.ask(Method::GET, Some(name), None).await?;
        match status {
            StatusCode::OK => secret(name, answer).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refused("get", name, status, &answer)),
        }
    }

    /// Makes a Secret; `false` if somebody else was faster.
    pub async fn create(&self, name: &str, data: &Data) -> Result<bool, Error> {
        let body = manifest(name, data);
        let (status, answer) = self.ask(Method::POST, None, Some(&body)).await?;
        match status {
            StatusCode::CREATED | StatusCode::OK => Ok(true),
            StatusCode::CONFLICT => Ok(false),
            _ => Err(self.refused("create", name, status, &answer)),
        }
    }

    /// Writes one key of a Secret that was read; `false` if somebody else wrote it meanwhile.
    pub async fn write(
        &self,
        name: &str,
        old: &Secret,
        key: &str,
        text: &str,
    ) -> Result<bool, Error> {
        let mut whole = old.whole.clone();
        whole["data"][key] = STANDARD.encode(text).into();
        let (status, answer) = self.ask(Method::PUT, Some(name), Some(&whole)).await?;
        match status {
            StatusCode::OK | StatusCode::CREATED => Ok(true),
            // Deleted meanwhile is changed meanwhile.
            StatusCode::CONFLICT | StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refused("update", name, status, &answer)),
        }
    }

    /// One request, tried again while the server is away or busy.
    async fn ask(
        &self,
        method: Method,
        name: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Error> {
        let path = format!("/api/v1/namespaces/{}/secrets", self.namespace);
        let address = match name {
            Some(name) => format!("{}{path}/{name}", self.server),
            None => format!("{}{path}", self.server),
        };
        let mut why = String::new();
        for turn in 0..self.pace.tries.max(1) {
            if turn > 0 {
                tokio::time::sleep(self.pace.wait(&self.env, turn - 1)).await;
            }
            // Read each time: the kubelet puts a new token there before the old one runs out.
            let token = read(&self.token)?;
            let request = Request::builder()
                .method(method.clone())
                .uri(&address)
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Full::new(body.map_or_else(Bytes::new, |body| {
                    Bytes::from(body.to_string().into_bytes())
                })))
                .map_err(|error| {
                    let text = format!("{address} is no address: {error}");
                    Error::invalid("configuration", text)
                })?;
            match self.web.send(request).await {
                Ok(answer) if !again(answer.status()) => {
                    let body = serde_json::from_slice(answer.body()).unwrap_or_default();
                    return Ok((answer.status(), body));
                }
                Ok(answer) => why = format!("it answered {}", answer.status()),
                Err(error) => why = error.to_string(),
            }
        }
        Err(Error::unavailable(format!(
            "The cluster's interface at {} cannot be reached: {why}.\n\
             Check that the pod's network policy lets it out to the API server, and that the \
             address is right (KUBERNETES_SERVICE_HOST and _PORT, or --api-server).",
            self.server
        )))
    }

    /// What the cluster does not allow, with what would allow it.
    fn refused(&self, verb: &str, name: &str, status: StatusCode, answer: &Value) -> Error {
        let said = answer["message"].as_str().unwrap_or_default();
        let namespace = &self.namespace;
        let failed = format!("Secret {name}: the cluster answered {status} to {verb}: {said}");
        match status {
            StatusCode::UNAUTHORIZED => Error::unauthenticated(
                "cluster",
                format!(
                    "{failed}\nThe token in {} is not taken. Mount the ServiceAccount's token \
                     (automountServiceAccountToken: true in this pod alone).",
                    self.token.display()
                ),
            ),
            StatusCode::FORBIDDEN if said.contains("quota") => Error::conflict(
                "cluster",
                format!(
                    "{failed}\nRaise count/secrets in the namespace's ResourceQuota: `kubectl \
                     describe resourcequota -n {namespace}`."
                ),
            ),
            StatusCode::FORBIDDEN => Error::forbidden(
                "cluster",
                format!(
                    "{failed}\nGive this pod's ServiceAccount a Role in the namespace {namespace} \
                     with the verb {verb} on secrets, as k8s/components/generated-secrets does; \
                     `kubectl auth can-i {verb} secrets/{name} -n {namespace} \
                     --as=system:serviceaccount:{namespace}:secrets` says whether it has it."
                ),
            ),
            StatusCode::NOT_FOUND => Error::not_found(
                "cluster",
                format!("{failed}\nIs there a namespace {namespace}?"),
            ),
            StatusCode::UNPROCESSABLE_ENTITY if said.contains("immutable") => Error::conflict(
                "cluster",
                format!(
                    "{failed}\nThe Secret is marked immutable, and a key has to be added to it: \
                     make it anew without `immutable`."
                ),
            ),
            _ => Error::unavailable(failed),
        }
    }
}

/// Whether the same may go well in a moment.
fn again(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// A Secret as it is handed in.
pub fn manifest(name: &str, data: &Data) -> Value {
    let data: BTreeMap<&String, String> = data
        .iter()
        .map(|(key, value)| (key, STANDARD.encode(value)))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/part-of": "techcommerce",
                "app.kubernetes.io/managed-by": "techcommerce",
            },
        },
        "data": data,
    })
}

fn secret(name: &str, whole: Value) -> Result<Secret, Error> {
    let wrong = || Error::unavailable(format!("Secret {name}: the cluster's answer is none."));
    let mut data = Data::new();
    for (key, value) in whole["data"].as_object().into_iter().flatten() {
        let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
        data.insert(key.clone(), bytes.ok_or_else(wrong)?);
    }
    match whole["metadata"]["name"].is_string() {
        true => Ok(Secret { data, whole }),
        false => Err(wrong()),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::invalid(
            "configuration",
            format!(
                "cannot read {}: {error}. This command runs in a pod with its ServiceAccount's \
                 token mounted; elsewhere name the folder with --service-account.",
                path.display()
            ),
        )
    })?;
    Ok(text.trim().to_owned())
}
