//! What is sent, held against the specification's own libraries, where `cargo xtask test` could get
//! them; its summary says where it could not.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use techcommerce_kernel::Env;
use techcommerce_testkit::on_both_engines;

use super::{
    receiver::{Heard, Receiver},
    shop::Shop,
    webhooks::{admin, hook, settings, trial},
};
use crate::MIGRATOR;

/// The libraries, each with a program that asks it.
#[allow(
    clippy::disallowed_methods,
    reason = "where they are is a matter of the machine"
)]
fn libraries() -> Vec<(&'static str, Command)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = std::env::var_os("TECHCOMMERCE_TEST_WEBHOOKS").map(PathBuf::from);
    let tools = tools.unwrap_or_else(|| here.join("../../target/tools/webhooks"));
    let scripts = here.join("src/tests");
    let python = tools.join("python/bin/python");
    let npm = tools.join("npm/node_modules/standardwebhooks");
    let mut found = Vec::new();
    if tools.join("python/installed").is_file() {
        let mut command = Command::new(python);
        command.arg(scripts.join("verify.py"));
        found.push(("Python", command));
    }
    if npm.is_dir() {
        let mut command = Command::new("node");
        command.arg(scripts.join("verify.cjs")).arg(npm);
        found.push(("JavaScript", command));
    }
    found
}

fn asked(mut library: Command, messages: &[Value]) -> Vec<String> {
    let child = library.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let text = serde_json::to_string(messages).unwrap();
    // Its end closes the pipe.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let answer = child.wait_with_output().unwrap();
    assert!(answer.status.success());
    serde_json::from_slice(&answer.stdout).unwrap()
}

fn message(heard: &Heard, secret: &str) -> Value {
    json!({"secret": secret, "body": heard.body, "headers": heard.headers})
}

on_both_engines! { MIGRATOR;
    async fn the_specifications_own_libraries_take_what_is_ours_and_nothing_else(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        // They look at the time, too.
        shop.clock.set(Env::system().now());
        let receiver = Receiver::start().await;
        let hook = hook(&shop, &receiver.url(), json!([])).await;
        shop.paid_order().await;
        let first = receiver.take();
        let path = hook.path("/rotate-secret");
        let (_, rotated) = shop.send(admin(), http::Method::POST, &path, None, None).await;
        let new = rotated["secret"].as_str().unwrap();
        trial(&shop, &hook).await;
        shop.jobs.drain().await.unwrap();
        let both = receiver.take();
        shop.clock.advance(Duration::from_hours(25));
        trial(&shop, &hook).await;
        shop.jobs.drain().await.unwrap();
        let late = receiver.take();

        let mut forged = first[0].clone();
        forged.body = forged.body.replace("\"version\":1", "\"version\":2");
        assert_ne!(forged.body, first[0].body);
        let mut renamed = first[0].clone();
        renamed.headers.insert("webhook-id".into(), "evt_other".into());
        let mut wrong = first[0].clone();
        let signature = wrong.header("webhook-signature").to_owned();
        let turned = if signature.as_bytes()[3] == b'A' { "v1,B" } else { "v1,A" };
        let signature = format!("{turned}{}", &signature[4..]);
        wrong.headers.insert("webhook-signature".into(), signature);

        let mut messages: Vec<Value> = first.iter().map(|one| message(one, &hook.secret)).collect();
        messages.extend([message(&both[0], &hook.secret), message(&both[0], new)]);
        let good = messages.len();
        assert!(good >= 5, "{good}");
        messages.extend([
            message(&forged, &hook.secret),
            message(&renamed, &hook.secret),
            message(&wrong, &hook.secret),
            message(&first[0], new),
            // Signed a day from now.
            message(&late[0], new),
        ]);
        for (name, library) in libraries() {
            let verdicts = asked(library, &messages);
            assert_eq!(verdicts.len(), messages.len(), "{name}");
            for (number, verdict) in verdicts.iter().enumerate() {
                let right = match number < good {
                    true => verdict == "taken",
                    false => verdict == "WebhookVerificationError",
                };
                assert!(right, "{name} says {verdict} of {}", messages[number]);
            }
        }
    }
}
