//! The whole interface as it is documented, tried by schemathesis (<https://schemathesis.io>): what
//! the document allows and what it forbids, as everyone. No answer is a fault of ours, none has a
//! status, type or shape that is not documented, and nothing is taken that is not allowed.
//!
//! Every operation, as two on each engine, with the same requests each time; where
//! `TECHCOMMERCE_TEST_NIGHTLY` is set, as all four on both, 50,000 and more, each time others.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::roles::cast::Cast;
use crate::shop::Engine;

/// As `xtask/src/tools.rs` gets it.
const PROGRAM: &str = "target/tools/py/schemathesis/bin/schemathesis";

/// What is looked for in every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,\
    missing_required_header";

/// Whoever calls these ends what this test goes on with: its sessions, keys and accounts. The
/// journeys and the roles call them.
const NOT_AS_SOMEBODY: &str = "^/api/auth/(logout|sessions|password$|accounts|api-keys/)";

/// In one run of a usual test, in each phase that chooses at random and for each operation.
const USUAL: usize = 8;
const NIGHTLY: usize = 60;
/// Of the nightly runs together.
const NIGHTLY_CASES: u64 = 50_000;

fn nightly() -> bool {
    std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some()
}

/// Which, with what they show.
const WHO: [&str; 4] = [
    "a stranger",
    "a key of an admin",
    "a customer",
    "a key of staff",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_documented_sqlite() -> Result<()> {
    everything_documented(Engine::Sqlite, &WHO[..2]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_documented_postgres() -> Result<()> {
    everything_documented(Engine::Postgres, &WHO[2..]).await
}

/// As these, in a usual run; at night as all.
async fn everything_documented(engine: Engine, who: &[&str]) -> Result<()> {
    let who = if nightly() { &WHO[..] } else { who };
    let cast = Cast::gather(engine).await?;
    let address = format!("http://{}", cast.shop.setup.address());
    let document = format!("{address}/api/openapi.json");
    let mut cases = 0;
    for round in 1_u64.. {
        for name in who {
            let actor = cast.actor(name)?;
            let mut run = Run::new(&address, &document, cast.shop.setup.folder())?;
            run.examples = if nightly() { NIGHTLY } else { USUAL };
            if nightly() {
                run.seed = rand::random_range(1..1_000_000);
            }
            if let Some(token) = &actor.token {
                run.headers.push(format!("Authorization: Bearer {token}"));
                run.skips = Some(NOT_AS_SOMEBODY);
            }
            run.things(&cast)?;
            eprintln!("as {name}, seed {}", run.seed);
            let found = run.go().await.with_context(|| format!("as {name}"))?;
            ensure!(found.cases > 1_000, "only {} cases as {name}", found.cases);
            ensure!(
                found.wrong.is_empty(),
                "as {name} on {engine:?}, seed {}:\n{}",
                run.seed,
                found.wrong
            );
            cases += found.cases;
        }
        if !nightly() || cases >= NIGHTLY_CASES / 2 {
            eprintln!("{cases} cases in {round} rounds");
            break;
        }
    }
    cast.shop.client().get("/api/products").expect(200).await?;
    crate::audit::clean(&cast.shop).await
}

/// One call of the program.
struct Run {
    program: PathBuf,
    address: String,
    document: String,
    folder: PathBuf,
    headers: Vec<String>,
    skips: Option<&'static str>,
    examples: usize,
    seed: u64,
}

struct Found {
    cases: u64,
    /// What it tells of failures; empty if there are none.
    wrong: String,
}

impl Run {
    fn new(address: &str, document: &str, folder: &Path) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let program = root.join(PROGRAM);
        ensure!(
            program.is_file(),
            "schemathesis is missing from {PROGRAM}; `cargo xtask test` gets it, and without that so \
             does pip, in a virtual environment there, as xtask/src/tools.rs has it"
        );
        Ok(Self {
            program,
            address: address.to_owned(),
            document: document.to_owned(),
            folder: folder.to_owned(),
            headers: Vec::new(),
            skips: None,
            examples: USUAL,
            seed: 1,
        })
    }

    /// Ids of what there is, so that not every answer is that there is no such thing.
    fn things(&self, cast: &Cast) -> Result<()> {
        let things = &cast.things;
        let mut text = String::new();
        for (place, name, id) in [
            ("orders", "id", &things.order.id),
            ("products", "id", &things.product.product_id),
            ("stock", "variant_id", &things.product.variant_id),
            ("categories", "handle", &things.category),
            ("carts", "id", &things.cart),
            ("discounts", "code", &things.discount),
        ] {
            text.push_str(&format!(
                "[[operations]]\ninclude-path-regex = \"^/api/{place}/\\\\{{[a-z_]+\\\\}}\"\n\
                 parameters = {{ {name} = \"{id}\" }}\n"
            ));
        }
        Ok(std::fs::write(self.config(), text)?)
    }

    fn config(&self) -> PathBuf {
        self.folder.join("schemathesis.toml")
    }

    async fn go(&self) -> Result<Found> {
        let report = self.folder.join("schemathesis.json");
        let _ = std::fs::remove_file(&report);
        let mut command = Command::new(&self.program);
        if self.config().is_file() {
            command.arg("--config-file").arg(self.config());
        }
        command
            .args(["run", &self.document, "--url", &self.address])
            .args(["--checks", CHECKS])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--max-examples", &self.examples.to_string()])
            .args(["--seed", &self.seed.to_string()])
            // A browser of the shop's own pages: what others may do is a test of its own.
            .args(["--header", &format!("Origin: {}", self.address)])
            .args(["--workers", "1", "--no-shrink", "--continue-on-failure"])
            .args(["--request-timeout", "60", "--warnings", "off"])
            .args(["--report", "json", "--report-json-path"])
            .arg(&report)
            // What it remembers of other runs would make this one depend on them.
            .current_dir(&self.folder)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        for header in &self.headers {
            command.args(["--header", header]);
        }
        if let Some(paths) = self.skips {
            command.args(["--exclude-path-regex", paths]);
        }
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        let report = std::fs::read(&report).with_context(|| format!("{said}\n{errors}"))?;
        let report: Value = serde_json::from_slice(&report)?;
        let cases = report["test_cases"]["generated"].as_u64();
        Ok(Found {
            cases: cases.with_context(|| report["test_cases"].to_string())?,
            wrong: match output.status.success() {
                true => String::new(),
                false => failures(&said),
            },
        })
    }
}

/// What it says about failures, without how it came there.
fn failures(said: &str) -> String {
    let from = ["= ERRORS =", "= FAILURES ="];
    let begin = from.iter().filter_map(|mark| said.find(mark)).min();
    let told = &said[begin.unwrap_or(0)..];
    let told: String = told.chars().take(12_000).collect();
    told
}

/// An interface that breaks each of the promises once: each is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_found() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 64 * 1024];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let path = path.split('?').next().unwrap_or_default();
                let (status, kind, body) = match path {
                    "/fault" => ("500 Internal Server Error", "application/json", "{}"),
                    "/status" => ("418 I'm a teapot", "application/json", "{}"),
                    "/type" => ("200 OK", "text/plain", "{\"count\": 1}"),
                    "/shape" => ("200 OK", "application/json", "{\"count\": \"one\"}"),
                    _ => ("200 OK", "application/json", "{\"count\": 1}"),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    let folder = techcommerce_testkit::folder();
    for (path, told) in [
        ("/fault", "Server error"),
        ("/status", "Undocumented status code"),
        ("/type", "Undocumented Content-Type"),
        ("/shape", "Response violates schema"),
        ("/taken", "Schema-violating request accepted"),
        ("/right", ""),
    ] {
        let file = folder.path().join("document.json");
        std::fs::write(&file, document(path).to_string())?;
        let run = Run::new(&address, &file.display().to_string(), folder.path())?;
        let found = run.go().await?;
        ensure!(
            found.wrong.is_empty() == told.is_empty(),
            "{path}: {}",
            found.wrong
        );
        let wrong = found.wrong.to_lowercase();
        ensure!(wrong.contains(&told.to_lowercase()), "{path}: {wrong}");
    }
    Ok(())
}

/// A document of one operation.
fn document(path: &str) -> Value {
    let parameters = match path {
        "/taken" => serde_json::json!([{
            "name": "limit", "in": "query", "required": true,
            "schema": {"type": "integer", "minimum": 1, "maximum": 100},
        }]),
        _ => serde_json::json!([]),
    };
    serde_json::json!({
        "openapi": "3.1.0",
        "info": {"title": "planted", "version": "1"},
        "paths": {path: {"get": {
            "parameters": parameters,
            "responses": {"200": {"description": "It.", "content": {"application/json": {"schema": {
                "type": "object",
                "required": ["count"],
                "properties": {"count": {"type": "integer"}},
            }}}}},
        }}},
    })
}
