//! docker-compose.yml: read by compose itself, held against what docs/containers.md promises, and its
//! keys and secrets really made.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Checks;
use super::build::Image;
use super::engine::Engine;
use crate::program::{output, target};

/// The seven, each with its port and whether the machine's port is led to it.
pub(super) const SERVICES: &[(&str, Option<(&str, u64)>)] = &[
    ("frontend", Some(("8080", 3000))),
    ("api", Some(("3000", 8000))),
    ("product-api", None),
    ("order-api", None),
    ("auth", None),
    ("images", None),
    ("worker", None),
];

/// Checks the file and what its one-off containers make.
pub fn check(
    engine: &Engine,
    image: &Image,
    base: &str,
    install: bool,
    checks: &mut Checks,
) -> Result<()> {
    let compose = super::lint::compose(install)?;
    let said =
        output(Command::new(compose).args(["--profile=monitoring", "config", "--format=json"]))?;
    let file: Value = serde_json::from_str(&said)?;
    let services = file["services"].as_object().context("no services")?;
    let known = variables()?;
    for (name, port) in SERVICES {
        let Some(service) = services.get(*name) else {
            checks.is(&format!("compose has {name}"), false);
            continue;
        };
        checks.note(
            &format!("compose: {name} is as it should be"),
            one(name, *port, service),
        );
    }
    for (name, service) in services {
        checks.note(
            &format!("compose: {name} is kept within bounds"),
            bounds(&file, service),
        );
        checks.note(
            &format!("compose: {name} is told only what the program knows"),
            told(service, &known),
        );
    }
    checks.note(
        "compose: who waits for whom has no circle, and each can be waited for",
        order(&file),
    );
    secrets(engine, image, base, &file, checks)
}

/// Every variable of the program; those of secrets also as a file.
fn variables() -> Result<Vec<String>> {
    let reference = fs::read_to_string("docs/configuration.md")?;
    let mut known = Vec::new();
    for line in reference.lines() {
        let Some(name) = line
            .split('`')
            .find(|word| word.starts_with("TECHCOMMERCE_"))
        else {
            continue;
        };
        known.push(name.to_owned());
        if line.contains("Secret.") {
            known.push(format!("{name}_FILE"));
        }
    }
    Ok(known)
}

fn ensure(so: bool, what: &str) -> Result<(), String> {
    so.then_some(()).ok_or_else(|| what.to_owned())
}

/// What each of the seven has in common.
fn one(name: &str, port: Option<(&str, u64)>, service: &Value) -> Result<(), String> {
    ensure(
        service["command"] == serde_json::json!(["serve", name]),
        "it serves something else",
    )?;
    ensure(
        service["image"]
            .as_str()
            .is_some_and(|image| image.starts_with("ghcr.io/techcommerce/techcommerce:")),
        "it is another image",
    )?;
    ensure(service["user"] == "1001:1001", "it has no user of its own")?;
    ensure(
        service["mem_limit"].as_str().is_some(),
        "its memory has no limit",
    )?;
    ensure(
        service["restart"] == "unless-stopped",
        "it does not come back",
    )?;
    ensure(
        service["stop_grace_period"] == "35s",
        "it is killed before it has finished",
    )?;
    ensure(
        service["healthcheck"]["test"][2] == "health",
        "its health is not asked",
    )?;
    let ports = service["ports"].as_array().cloned().unwrap_or_default();
    match port {
        None => ensure(ports.is_empty(), "it is open to the outside")?,
        Some((outside, inside)) => {
            ensure(ports.len() == 1, "it has not one port")?;
            ensure(
                ports[0]["published"] == outside,
                "its port outside is another",
            )?;
            ensure(ports[0]["target"] == inside, "its port inside is another")?;
            ensure(
                ports[0]["host_ip"] == "127.0.0.1",
                "it is open to the world by default",
            )?;
        }
    }
    // Its own secrets and nobody else's; nothing of the machine.
    for volume in service["volumes"].as_array().into_iter().flatten() {
        let from = volume["source"].as_str().unwrap_or_default();
        let at = volume["target"].as_str().unwrap_or_default();
        ensure(
            volume["type"] == "volume",
            "it sees a folder of the machine",
        )?;
        ensure(
            (at == "/etc/techcommerce"
                && from == format!("{name}-secrets")
                && volume["read_only"] == true)
                || (at == "/var/lib/techcommerce" && from == name),
            &format!("{from} is no volume of its own"),
        )?;
    }
    Ok(())
}

fn bounds(file: &Value, service: &Value) -> Result<(), String> {
    let image = service["image"].as_str().unwrap_or_default();
    let ours = image.starts_with("ghcr.io/techcommerce/");
    let says = |list: &Value, what: &str| {
        list.as_array()
            .is_some_and(|list| list.iter().any(|entry| entry == what))
    };
    ensure(
        image
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains(':')),
        "its image has no tag",
    )?;
    ensure(
        !image.ends_with(":latest"),
        "its image changes under its feet",
    )?;
    ensure(
        says(&service["security_opt"], "no-new-privileges:true"),
        "it can gain privileges",
    )?;
    ensure(service["privileged"] != true, "it is privileged")?;
    if ours {
        ensure(says(&service["cap_drop"], "ALL"), "it has capabilities")?;
        ensure(service["read_only"] == true, "it can write into its image")?;
    }
    for port in service["ports"].as_array().into_iter().flatten() {
        ensure(
            port["host_ip"] == "127.0.0.1",
            "it is open to the world by default",
        )?;
    }
    for volume in service["volumes"].as_array().into_iter().flatten() {
        let source = volume["source"].as_str().unwrap_or_default();
        match volume["type"].as_str() {
            Some("volume") => ensure(
                file["volumes"].get(source).is_some(),
                "a volume without a name",
            )?,
            _ => ensure(
                Path::new(source).exists() && volume["read_only"] == true,
                &format!("{source} is not there, or can be written to"),
            )?,
        }
    }
    for (name, value) in service["environment"].as_object().into_iter().flatten() {
        let secret = ["PASSWORD", "SECRET", "ACCESS_KEY", "TOKEN"]
            .iter()
            .any(|word| name.contains(word));
        let by_file = value
            .as_str()
            .is_some_and(|value| value.starts_with("/etc/techcommerce/"));
        ensure(!secret || by_file, &format!("{name} is in the file"))?;
    }
    Ok(())
}

fn told(service: &Value, known: &[String]) -> Result<(), String> {
    for name in service["environment"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        if name.starts_with("TECHCOMMERCE_") {
            ensure(known.contains(name), &format!("there is no setting {name}"))?;
        }
    }
    Ok(())
}

/// Whoever is waited for has a health check or ends, and nobody waits for itself.
fn order(file: &Value) -> Result<(), String> {
    let services = file["services"].as_object().ok_or("no services")?;
    let mut waits: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, service) in services {
        for (other, how) in service["depends_on"].as_object().into_iter().flatten() {
            waits.entry(name).or_default().push(other);
            let target = services
                .get(other)
                .ok_or_else(|| format!("{name} waits for {other}, which is not there"))?;
            let ends = target["restart"].is_null();
            match how["condition"].as_str() {
                Some("service_completed_successfully") => {
                    ensure(ends, &format!("{other} does not end"))?
                }
                Some("service_healthy") => ensure(
                    target["healthcheck"]["test"].is_array(),
                    &format!("{other} has no health check"),
                )?,
                _ => return Err(format!("{name} does not wait until {other} is there")),
            }
        }
    }
    let mut open: Vec<&str> = services.keys().map(String::as_str).collect();
    while !open.is_empty() {
        let before = open.len();
        let left = open.clone();
        open.retain(|name| {
            waits
                .get(name)
                .into_iter()
                .flatten()
                .any(|other| left.contains(other))
        });
        ensure(
            open.len() < before,
            &format!("{} wait for each other", open.join(", ")),
        )?;
    }
    Ok(())
}

/// Runs `keys` and `secrets` as compose would, twice: every file that a service is told of is there,
/// readable by it alone, and the second run changes nothing.
fn secrets(
    engine: &Engine,
    image: &Image,
    base: &str,
    file: &Value,
    checks: &mut Checks,
) -> Result<()> {
    let root = std::path::absolute(target().join("tools/containers/secrets"))?;
    let _ = fs::remove_dir_all(&root);
    let keys = root.join("keys");
    fs::create_dir_all(&keys)?;
    std::os::unix::fs::chown(&keys, Some(1001), Some(1001))?;
    let run = |mount: &Path, at: &str, more: &[&str]| {
        let mut command = engine.podman();
        command.args([
            "run",
            "--rm",
            "--pull=never",
            "--network=none",
            "--read-only",
            "--cap-drop=all",
        ]);
        command.args(["--security-opt=no-new-privileges"]);
        output(
            command
                .arg(format!("--volume={}:{at}", mount.display()))
                .args(more),
        )
    };
    let script = format!(
        "--volume={}:/compose:ro",
        std::path::absolute("compose")?.display()
    );
    let mut seen = Vec::new();
    for _ in 0..2 {
        run(
            &keys,
            "/var/lib/techcommerce",
            &[&image.name, "keys", "/var/lib/techcommerce"],
        )?;
        run(
            &root,
            "/secrets",
            &[
                "--user=0:0",
                "--cap-add=chown",
                "--cap-add=dac_override",
                "--cap-add=fowner",
                &script,
                base,
                "sh",
                "/compose/secrets.sh",
            ],
        )?;
        seen.push(snapshot(&root)?);
    }
    checks.is("compose: secrets are made once", seen[0] == seen[1]);
    checks.note(
        "compose: every service finds its secrets, and only it can read them",
        delivered(&root, file),
    );
    let shown = run(
        &root,
        "/secrets",
        &[
            "--user=0:0",
            "--cap-add=dac_override",
            &script,
            base,
            "sh",
            "/compose/secrets.sh",
            "admin",
        ],
    )?;
    checks.is(
        "compose: the first admin's password can be shown",
        shown.trim().len() == 48,
    );
    fs::remove_dir_all(&root)?;
    Ok(())
}

fn snapshot(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(snapshot(&path)?);
        } else {
            files.insert(path.clone(), fs::read(&path)?);
        }
    }
    Ok(files)
}

fn delivered(root: &Path, file: &Value) -> Result<(), String> {
    for (service, about) in file["services"].as_object().into_iter().flatten() {
        let volumes = about["volumes"].as_array().into_iter().flatten();
        let own = volumes.filter(|volume| volume["target"] == "/etc/techcommerce");
        let Some(own) = own.filter_map(|volume| volume["source"].as_str()).next() else {
            continue;
        };
        let folder = root.join(own.trim_end_matches("-secrets"));
        for value in about["environment"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, value)| value)
        {
            let Some(path) = value
                .as_str()
                .and_then(|value| value.strip_prefix("/etc/techcommerce/"))
            else {
                continue;
            };
            let path = folder.join(path);
            let found =
                fs::metadata(&path).map_err(|_| format!("{service} has no {}", path.display()))?;
            if found.is_file() && about["user"] == "1001:1001" {
                ensure(
                    found.uid() == 1001,
                    &format!("{} is not {service}'s", path.display()),
                )?;
                ensure(
                    found.permissions().mode() & 0o077 == 0,
                    &format!("{} is open", path.display()),
                )?;
            }
        }
    }
    Ok(())
}
