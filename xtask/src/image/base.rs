//! The base that the Dockerfile builds on. Where images can be pulled it is the pinned one; where
//! they cannot, one that is made here from Debian's packages and this machine's Rust stands in,
//! under the same name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use techcommerce_testservers::is_root;

use super::engine::Engine;
use crate::program::{output, run, target};

/// The label of what was made here.
const STAND_IN: &str = "techcommerce.stand-in";

/// What a build needs beside Rust; as the real one has it.
const PACKAGES: &str = "ca-certificates,gcc,libc6-dev,procps";

/// The name of a base with Rust that is here.
pub fn rust(engine: &Engine) -> Result<String> {
    let pinned = pinned()?;
    let name = pinned.split('@').next().unwrap_or(&pinned).to_owned();
    if engine.has_image(&pinned) {
        return Ok(pinned);
    }
    if engine.has_image(&name) {
        let stand_in = engine.inspect(
            "image",
            &name,
            &format!("{{{{index .Labels {STAND_IN:?}}}}}"),
        );
        // Somebody's real one serves; one of ours only while it is of this compiler.
        if stand_in.is_ok_and(|version| {
            version == "<no value>" || version == compiler().unwrap_or_default()
        }) {
            return Ok(name);
        }
    }
    if output(engine.podman().args(["pull", "--quiet", &pinned])).is_ok() {
        return Ok(pinned);
    }
    println!("{name} cannot be pulled; making one from Debian's packages and this machine's Rust");
    make(engine, &name)?;
    Ok(name)
}

/// As the Dockerfile says it.
fn pinned() -> Result<String> {
    let dockerfile = fs::read_to_string("Dockerfile")?;
    let line = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("ARG RUST_IMAGE="))
        .context("the Dockerfile has no ARG RUST_IMAGE")?;
    Ok(line.to_owned())
}

fn compiler() -> Result<String> {
    Ok(output(Command::new("rustc").arg("--version"))?
        .trim()
        .to_owned())
}

/// A small Debian with these packages in a folder.
pub fn debian(root: &Path, packages: &str) -> Result<()> {
    run(Command::new("debootstrap")
        .args([
            "--variant=minbase",
            &format!("--include={packages}"),
            "bookworm",
        ])
        .arg(root)
        .stdout(std::process::Stdio::null()))
}

fn make(engine: &Engine, name: &str) -> Result<()> {
    if !is_root() {
        bail!("making a base image needs root; or pull {name} first");
    }
    let root = target().join("tools/containers/rust-base");
    let _ = fs::remove_dir_all(&root);
    debian(&root, PACKAGES)?;
    let _ = fs::remove_dir_all(root.join("var/cache/apt/archives"));
    toolchain(&root)?;

    let container = output(engine.buildah().args(["from", "--pull-never", "scratch"]))?;
    let container = container.trim();
    let made = fill(engine, container, &root, name);
    let _ = output(engine.buildah().args(["rm", container]));
    let _ = fs::remove_dir_all(&root);
    made
}

fn fill(engine: &Engine, container: &str, root: &Path, name: &str) -> Result<()> {
    run(engine
        .buildah()
        .args(["add", "--quiet", container])
        .arg(root)
        .arg("/"))?;
    let label = format!("{STAND_IN}={}", compiler()?);
    run(engine.buildah().args([
        "config",
        "--env=PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "--env=CARGO_HOME=/usr/local/cargo",
        "--env=RUSTUP_HOME=/usr/local/rustup",
        // A machine behind a proxy trusts more than Debian does; the image must not.
        "--env=CARGO_HTTP_CAINFO=/etc/ssl/machine.crt",
        &format!("--label={label}"),
        container,
    ]))?;
    run(engine
        .buildah()
        .args(["commit", "--quiet", container, name]))
}

/// What of this machine's Rust compiles programs.
fn toolchain(root: &Path) -> Result<()> {
    let sysroot = PathBuf::from(output(Command::new("rustc").args(["--print", "sysroot"]))?.trim());
    let to = root.join("usr/local/rustup/toolchain");
    fs::create_dir_all(to.join("bin"))?;
    copy(&sysroot.join("lib"), &to)?;
    let programs = root.join("usr/local/cargo/bin");
    fs::create_dir_all(&programs)?;
    fs::create_dir_all(root.join("usr/local/cargo/registry"))?;
    for program in ["rustc", "cargo"] {
        copy(&sysroot.join("bin").join(program), &to.join("bin"))?;
        std::os::unix::fs::symlink(
            Path::new("/usr/local/rustup/toolchain/bin").join(program),
            programs.join(program),
        )?;
    }
    let trusted = std::env::var_os("SSL_CERT_FILE").map_or_else(
        || "/etc/ssl/certs/ca-certificates.crt".into(),
        PathBuf::from,
    );
    fs::copy(&trusted, root.join("etc/ssl/machine.crt"))
        .with_context(|| trusted.display().to_string())?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    run(Command::new("cp").arg("-a").arg(from).arg(to))
}
