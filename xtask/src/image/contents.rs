//! What is in the image, and what it says of itself.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Checks;
use super::build::Image;
use super::engine::{Engine, Mount};
use crate::program::output;
use crate::supply;

/// What an image may weigh, unpacked.
const LIMIT: u64 = 40_000_000;

const PROGRAM: &str = "usr/local/bin/techcommerce";

/// Names the folder of apps/techcommerce/src/trial.rs.
const TRIAL: &str = "TRIAL_TECHCOMMERCE_FAULTS";

/// Every file and folder of the image: mode, owner, path. A shell, a secret or a source that slips in
/// is one more.
const FILES: &[(u32, u32, &str)] = &[
    (0o755, 0, "etc"),
    (0o644, 0, "etc/group"),
    (0o644, 0, "etc/nsswitch.conf"),
    (0o644, 0, "etc/passwd"),
    (0o755, 0, "etc/ssl"),
    (0o755, 0, "etc/ssl/certs"),
    (0o644, 0, "etc/ssl/certs/ca-certificates.crt"),
    (0o755, 0, "etc/techcommerce"),
    (0o1777, 0, "tmp"),
    (0o755, 0, "usr"),
    (0o755, 0, "usr/local"),
    (0o755, 0, "usr/local/bin"),
    (0o755, 0, PROGRAM),
    (0o755, 0, "var"),
    (0o755, 0, "var/lib"),
    (0o750, 1001, "var/lib/techcommerce"),
];

/// Checks it; gives its sizes in words.
pub fn check(engine: &Engine, image: &Image, shipped: bool, checks: &mut Checks) -> Result<String> {
    let mount = Mount::of(engine, &image.name)?;
    let mut found = Vec::new();
    walk(&mount.folder, &mount.folder, &mut found)?;
    found.sort();
    let mut wanted: Vec<_> = FILES
        .iter()
        .map(|(mode, owner, path)| ((*path).to_owned(), *mode, *owner))
        .collect();
    wanted.sort();
    checks.same("the image holds its files and no other", &found, &wanted);

    let program = mount.folder.join(PROGRAM);
    checks.note(
        "the program says which crates are in it, and Cargo.lock says the same",
        supply::parts(&program).map_err(|error| format!("{error:#}")),
    );
    checks.is(
        "the program needs no library of a system",
        !contains(&program, "/lib64/ld-linux") && !contains(&program, "/lib/ld-linux"),
    );
    checks.is(
        "the program does not say where it was built",
        !contains(&program, "/usr/local/cargo/registry"),
    );
    // One that is built to try the Dockerfile has it, which shows that it would be found.
    checks.same(
        "only a program for trials can be told to die or what time it is",
        &contains(&program, TRIAL),
        &!shipped,
    );
    describes_itself(engine, image, checks)?;

    let unpacked: u64 = found
        .iter()
        .filter_map(|(path, ..)| fs::metadata(mount.folder.join(path)).ok())
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum();
    let beside = unpacked - fs::metadata(&program)?.len();
    checks.is("all but the program is small", beside < 1_000_000);
    if !shipped {
        return Ok("unoptimised, so its size is not looked at".to_owned());
    }
    checks.note(
        "the image is at most 40 MB, unpacked",
        (unpacked <= LIMIT)
            .then_some(())
            .ok_or_else(|| megabytes(unpacked)),
    );
    let packed = compressed(engine, image)?;
    Ok(format!(
        "{} unpacked, {} compressed",
        megabytes(unpacked),
        megabytes(packed)
    ))
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, u32, u32)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        let name = path.strip_prefix(root)?.display().to_string();
        found.push((name, about.permissions().mode() & 0o7777, about.uid()));
        if about.is_dir() {
            walk(root, &path, found)?;
        }
    }
    Ok(())
}

fn describes_itself(engine: &Engine, image: &Image, checks: &mut Checks) -> Result<()> {
    let said = output(engine.podman().args(["image", "inspect", &image.name]))?;
    let said: Value = serde_json::from_str(&said)?;
    let said = &said[0];
    let config = &said["Config"];
    checks.same(
        "it runs as a user that is a number",
        &config["User"],
        &"1001:1001".into(),
    );
    checks.same(
        "it starts the program without a shell",
        &config["Entrypoint"],
        &serde_json::json!(["/usr/local/bin/techcommerce"]),
    );
    checks.same(
        "a bare start serves the whole shop",
        &config["Cmd"],
        &serde_json::json!(["serve"]),
    );
    // Its place differs between the versions of podman.
    let places = [
        &said["Healthcheck"],
        &said["HealthCheck"],
        &config["Healthcheck"],
    ];
    let health = places.into_iter().find(|place| !place.is_null());
    checks.same(
        "its health check is the program itself",
        &health.map(|health| health["Test"].clone()),
        &Some(serde_json::json!([
            "CMD",
            "/usr/local/bin/techcommerce",
            "health"
        ])),
    );
    let version = workspace_version()?;
    for (label, wanted) in [
        ("version", version.as_str()),
        ("revision", &image.commit),
        ("created", &image.created),
        ("licenses", "Apache-2.0"),
        ("source", "https://github.com/techcommerce/techcommerce"),
    ] {
        let found = config["Labels"][format!("org.opencontainers.image.{label}")].clone();
        checks.same(&format!("its label {label}"), &found, &wanted.into());
    }
    Ok(())
}

fn workspace_version() -> Result<String> {
    let manifest = fs::read_to_string("Cargo.toml")?;
    let section = manifest
        .split_once("[workspace.package]")
        .context("no workspace.package")?
        .1;
    let line = section
        .lines()
        .find_map(|line| line.strip_prefix("version = "));
    Ok(line.context("no version")?.trim_matches('"').to_owned())
}

/// Bytes that a registry would keep and a node would fetch.
fn compressed(engine: &Engine, image: &Image) -> Result<u64> {
    let mut save = engine
        .podman()
        .args(["save", "--format=docker-archive", &image.name])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let from = save.stdout.take().context("no output")?;
    let packed = Command::new("gzip").stdin(from).output()?;
    save.wait()?;
    Ok(packed.stdout.len() as u64)
}

/// Over a hundred megabytes, which grep reads in no time.
fn contains(file: &Path, what: &str) -> bool {
    output(
        Command::new("grep")
            .args(["--text", "--quiet", "--fixed-strings", what])
            .arg(file),
    )
    .is_ok()
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
