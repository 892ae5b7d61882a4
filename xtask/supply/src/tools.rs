//! Programs of others: Debian 13's, unpacked and not installed, so that every machine signs and searches by
//! the same version; and cargo-audit from crates.io, where there is a list of flaws to use it with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use techcommerce_testservers::{find_program, unpack};

use crate::run::{cargo, output};

/// What signs and what finds secrets; a registry for the test of images.
const PACKAGES: &[&str] = &["cosign", "gitleaks", "docker-registry"];

/// A program of crates.io.
struct Crate {
    program: &'static str,
    version: &'static str,
}

const AUDIT: Crate = Crate {
    program: "cargo-audit",
    version: "0.22.2",
};

/// Where `cosign`, `gitleaks` or `docker-registry` is: unpacked, or, where there is no apt, that of
/// the system.
///
/// # Errors
/// It is neither here nor to be had; the message says how to install it.
pub fn find(root: &Path, program: &str) -> Result<PathBuf> {
    let unpacked = || -> Result<PathBuf> {
        let folder = root.join("target/tools/supply");
        fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        // Tests that start at once unpack it once.
        let lock = fs::File::create(folder.join("lock"))?;
        lock.lock()?;
        let there = folder.join("root");
        let stamp = there.join("packages");
        let wanted = PACKAGES.join(" ");
        if !fs::read_to_string(&stamp).is_ok_and(|packages| packages == wanted) {
            unpack(PACKAGES, &there)?;
            fs::write(stamp, wanted)?;
        }
        let found = there.join("usr/bin").join(program);
        found
            .is_file()
            .then_some(found)
            .with_context(|| format!("{program} is not in Debian's packages"))
    };
    unpacked().or_else(|missing| {
        find_program(program).with_context(|| {
            format!(
                "{program} is missing: install it (Debian 13: apt-get install {program}; Homebrew: brew install {program}). \
                 Unpacking Debian's failed: {missing:#}"
            )
        })
    })
}

/// Where cargo-audit is.
///
/// # Errors
/// It is not there; the message says how to install it.
pub fn audit(root: &Path) -> Result<PathBuf> {
    let ours = root.join("target/tools/bin").join(AUDIT.program);
    if ours.is_file() {
        return Ok(ours);
    }
    find_program(AUDIT.program).with_context(|| {
        format!(
            "{} is missing; install it with: cargo install --locked {} --version {}",
            AUDIT.program, AUDIT.program, AUDIT.version
        )
    })
}

/// Installs what is missing: cargo-audit takes minutes and is wanted only where there is a list of flaws.
///
/// # Errors
/// Something cannot be had.
pub fn install(root: &Path, with_audit: bool) -> Result<()> {
    find(root, "cosign")?;
    cyclonedx(root)?;
    schemas(root)?;
    if !with_audit || audit(root).is_ok() {
        return Ok(());
    }
    let mut install = cargo();
    install
        .current_dir(root)
        .args(["install", "--locked", "--debug", "--root", "target/tools"])
        .args([AUDIT.program, "--version", AUDIT.version])
        .args(["--no-default-features"])
        .env("CARGO_TARGET_DIR", "target/tools/build")
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    output(&mut install)?;
    let _ = fs::remove_dir_all(root.join("target/tools/build"));
    Ok(())
}

/// A package of PyPI in an environment of its own.
struct Python {
    package: &'static str,
    version: &'static str,
    extras: &'static str,
}

/// Knows the schema of CycloneDX.
const CYCLONEDX: Python = Python {
    package: "cyclonedx-python-lib",
    version: "11.12.0",
    extras: "[json-validation]",
};

/// Knows the schema of `renovate.json`.
const SCHEMAS: Python = Python {
    package: "check-jsonschema",
    version: "0.39.0",
    extras: "",
};

impl Python {
    /// Where its programs are; installed, if this version is not there.
    fn programs(&self, root: &Path) -> Result<PathBuf> {
        let folder = root.join("target/tools/py").join(self.package);
        let stamp = folder.join(format!("{}.version", self.version));
        let programs = folder.join("bin");
        if !stamp.is_file() {
            let system = find_program("python3").context(
                "python3 is missing; install it with: sudo apt-get install -y python3 python3-venv",
            )?;
            output(Command::new(system).args(["-m", "venv"]).arg(&folder))?;
            output(
                Command::new(programs.join("python"))
                    .args(["-m", "pip", "install", "--quiet"])
                    .arg("--disable-pip-version-check")
                    .arg(format!("{}{}=={}", self.package, self.extras, self.version)),
            )?;
            fs::write(stamp, "")?;
        }
        Ok(programs)
    }
}

/// The Python that has CycloneDX's schemas.
///
/// # Errors
/// There is no Python, or the package cannot be had.
pub fn cyclonedx(root: &Path) -> Result<PathBuf> {
    Ok(CYCLONEDX.programs(root)?.join("python"))
}

/// Holds a file against a schema that it knows.
///
/// # Errors
/// There is no Python, or the package cannot be had.
pub fn schemas(root: &Path) -> Result<PathBuf> {
    Ok(SCHEMAS.programs(root)?.join("check-jsonschema"))
}
