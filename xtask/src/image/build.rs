//! Builds the image from the Dockerfile, unmodified.

use std::fs;
use std::time::Instant;

use anyhow::Result;

use super::engine::Engine;
use super::{Checks, NAME};
use crate::program::{output, run};

/// An image that was built.
pub struct Image {
    pub name: String,
    pub commit: String,
    pub created: String,
}

/// Unoptimised, with whatever layers are there: says whether the Dockerfile works.
pub fn quick(engine: &Engine, base: &str) -> Result<Image> {
    build(engine, base, "quick", "quick", &["--layers"])
}

/// As it is shipped, twice from nothing: the same commit has to be the same image.
///
/// Compared is the digest that a registry gives it in the OCI format: in Docker's, buildah also writes
/// which container it was built in.
pub fn twice(engine: &Engine, base: &str, checks: &mut Checks) -> Result<Image> {
    let mut digests = Vec::new();
    for tag in ["first", "second"] {
        let begin = Instant::now();
        let image = build(engine, base, "dist", tag, &["--no-cache"])?;
        let digest = digest(engine, &image)?;
        let minutes = begin.elapsed().as_secs_f64() / 60.0;
        println!("  {tag}: {digest} in {minutes:.1} minutes");
        digests.push(digest);
    }
    checks.same(
        "two builds of one commit are the same image",
        &digests[0],
        &digests[1],
    );
    named("first")
}

fn digest(engine: &Engine, image: &Image) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("digest");
    run(engine
        .podman()
        .args(["push", "--quiet", "--format=oci", "--digestfile"])
        .arg(&file)
        .arg(&image.name)
        .arg(format!("dir:{}", folder.path().join("image").display())))?;
    Ok(fs::read_to_string(file)?)
}

fn named(tag: &str) -> Result<Image> {
    let git = |arguments: &[&str]| -> Result<String> {
        let said = output(std::process::Command::new("git").args(arguments))?;
        Ok(said.trim().to_owned())
    };
    Ok(Image {
        name: format!("{NAME}:{tag}"),
        commit: git(&["rev-parse", "HEAD"])?,
        created: git(&[
            "log",
            "-1",
            "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
            "--format=%cd",
        ])?,
    })
}

/// Seconds since 1970 of the commit.
fn epoch() -> Result<String> {
    let said = output(std::process::Command::new("git").args(["log", "-1", "--format=%ct"]))?;
    Ok(said.trim().to_owned())
}

fn build(engine: &Engine, base: &str, profile: &str, tag: &str, more: &[&str]) -> Result<Image> {
    let image = named(tag)?;
    let epoch = epoch()?;
    let mut command = engine.buildah();
    // The format of Docker: that of OCI has no place for a health check.
    command.args([
        "bud",
        "--format=docker",
        "--pull-never",
        "--identity-label=false",
        "--timestamp",
        &epoch,
    ]);
    command.args(more);
    for (name, value) in [
        ("RUST_IMAGE", base),
        ("PROFILE", profile),
        ("REVISION", &image.commit),
        ("CREATED", &image.created),
        ("SOURCE_DATE_EPOCH", &epoch),
    ] {
        command.args(["--build-arg", &format!("{name}={value}")]);
    }
    run(command
        .args(["--tag", &image.name, "."])
        .stdout(std::process::Stdio::null()))?;
    Ok(image)
}
