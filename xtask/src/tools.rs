//! What the tests need beside Rust: found, else installed, else told how to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use techcommerce_testservers::{Kind, find_program, is_root};

use crate::program::{cargo, output, run, show};

/// A cargo program, built from crates.io into `target/tools` where the machine has none.
pub struct Tool {
    program: &'static str,
    version: &'static str,
    /// Of the crate; empty if the program is in it anyway.
    features: &'static str,
}

impl Tool {
    /// Runs tests, each in a process of its own.
    pub const NEXTEST: Self = Self {
        program: "cargo-nextest",
        version: "0.9.143",
        features: "",
    };
    /// Checks licences and sources.
    pub const DENY: Self = Self {
        program: "cargo-deny",
        version: "0.20.2",
        features: "",
    };
    /// Runs the targets of `fuzz/`, for that chore alone.
    pub const FUZZ: Self = Self {
        program: "cargo-fuzz",
        version: "0.13.2",
        features: "",
    };
    /// An S3 server that checks signatures, for the tests of pictures.
    pub const S3: Self = Self {
        program: "s3s-fs",
        version: "0.14.1",
        features: "binary",
    };

    /// Where it is.
    pub fn find(&self) -> Result<PathBuf> {
        self.found().with_context(|| {
            format!(
                "{} is missing; install it with: {}",
                self.program,
                show(&self.install())
            )
        })
    }

    /// Where it is; installed if it is nowhere.
    pub fn get(&self) -> Result<PathBuf> {
        if self.found().is_none() {
            run(&mut self.install())?;
            let _ = std::fs::remove_dir_all("target/tools/build");
        }
        self.find()
    }

    fn found(&self) -> Option<PathBuf> {
        let ours = Path::new("target/tools/bin").join(self.program);
        if ours.is_file() {
            return ours.canonicalize().ok();
        }
        find_program(self.program).or_else(|| {
            let home = std::env::var_os("CARGO_HOME").map(PathBuf::from)?;
            Some(home.join("bin").join(self.program)).filter(|file| file.is_file())
        })
    }

    fn install(&self) -> Command {
        let mut command = cargo();
        // Unoptimised, it is built in a minute and quick enough for what it does.
        command
            .args(["install", "--locked", "--debug", "--root", "target/tools"])
            .args([self.program, "--version", self.version])
            .args(["--features", self.features])
            .env("CARGO_TARGET_DIR", "target/tools/build")
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        command
    }
}

/// Programs of the system, each with its packages.
struct Need {
    what: &'static str,
    found: fn() -> bool,
    /// Package sets to try in turn: the names differ between Debian and Ubuntu.
    apt: &'static [&'static [&'static str]],
    dnf: &'static str,
    brew: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        what: "PostgreSQL",
        found: || Kind::Postgres.program().is_ok(),
        apt: &[&["postgresql"]],
        dnf: "postgresql-server",
        brew: "postgresql@17",
    },
    Need {
        what: "pgBackRest",
        found: || find_program("pgbackrest").is_some(),
        apt: &[&["pgbackrest"]],
        dnf: "pgbackrest",
        brew: "pgbackrest",
    },
    Need {
        what: "Redis",
        found: || Kind::Redis.program().is_ok(),
        apt: &[&["redis-server"]],
        dnf: "valkey",
        brew: "redis",
    },
    Need {
        what: "jq",
        found: || find_program("jq").is_some(),
        apt: &[&["jq"]],
        dnf: "jq",
        brew: "jq",
    },
    Need {
        what: "Chromium",
        found: || chromium().is_some(),
        apt: &[&["chromium"], &["chromium-browser"]],
        dnf: "chromium",
        brew: "--cask chromium",
    },
    Need {
        what: "the driver of Chromium",
        found: || chromedriver().is_some(),
        apt: &[&["chromium-driver"], &["chromium-chromedriver"]],
        dnf: "chromedriver",
        brew: "--cask chromedriver",
    },
];

/// What builds and runs containers, for the step `image` alone.
const CONTAINERS: &[Need] = &[Need {
    what: "buildah, podman and debootstrap",
    found: || {
        let programs = ["buildah", "podman", "runc", "iptables", "debootstrap"];
        programs.iter().all(|name| find_program(name).is_some())
    },
    apt: &[&[
        "buildah",
        "podman",
        "runc",
        "iptables",
        "netavark",
        "aardvark-dns",
        "catatonit",
        "debootstrap",
    ]],
    dnf: "buildah podman runc iptables debootstrap",
    brew: "buildah podman",
}];

/// What installs programs from PyPI, each in an environment of its own.
const PYTHON: &[Need] = &[Need {
    what: "Python with venv",
    found: || {
        let venv = ["-c", "import venv, ensurepip"];
        find_program("python3").is_some_and(|it| output(Command::new(it).args(venv)).is_ok())
    },
    apt: &[&["python3", "python3-venv"]],
    dnf: "python3",
    brew: "python",
}];

/// What installs schemas from npm.
const NODE: &[Need] = &[Need {
    what: "Node.js with npm",
    found: || find_program("node").is_some() && find_program("npm").is_some(),
    apt: &[&["nodejs", "npm"]],
    dnf: "nodejs-npm",
    brew: "node",
}];

/// The nightly run starts a daemon of its own.
const DOCKER: &[Need] = &[Need {
    what: "Docker",
    found: || find_program("dockerd").is_some() && find_program("docker").is_some(),
    apt: &[&["docker.io"]],
    dnf: "moby-engine",
    brew: "--cask docker",
}];

/// The browser, under whichever name.
pub fn chromium() -> Option<PathBuf> {
    [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]
    .into_iter()
    .find_map(find_program)
    .or_else(|| {
        let app = Path::new("/Applications/Chromium.app/Contents/MacOS/Chromium");
        app.is_file().then(|| app.to_path_buf())
    })
}

/// The browser's driver.
pub fn chromedriver() -> Option<PathBuf> {
    find_program("chromedriver").or_else(|| find_program("chromium.chromedriver"))
}

/// axe-core, which knows far more about accessible pages than our own checks. It needs npm, so
/// a machine without npm does without it and the summary says so.
const AXE: &str = "target/tools/npm/node_modules/axe-core/axe.min.js";
const AXE_PACKAGE: &str = "axe-core@4.14.1";

/// The script, if it could be had.
pub fn axe() -> Option<PathBuf> {
    Path::new(AXE).canonicalize().ok()
}

fn install_axe() {
    let _ = npm("target/tools/npm", AXE_PACKAGE);
}

/// Puts a package of npm into a folder of its own, without running anything of it: npm takes away
/// what it did not install there.
pub fn npm(folder: impl AsRef<Path>, package: &str) -> Result<()> {
    let npm =
        find_program("npm").with_context(|| format!("npm is missing, which gets {package}"))?;
    let mut npm = Command::new(npm);
    npm.args(["install", "--prefix"]).arg(folder.as_ref());
    npm.args(["--ignore-scripts", "--no-save", "--no-audit", "--no-fund"]);
    output(npm.arg(package)).map(drop)
}

/// Puts a package of PyPI into an environment of its own.
fn pip(folder: impl AsRef<Path>, package: &str) -> Result<()> {
    let folder = folder.as_ref();
    let python = find_program("python3")
        .with_context(|| format!("Python is missing, which gets {package}"))?;
    output(Command::new(python).args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    output(pip.arg(package)).map(drop)
}

/// The Standard Webhooks specification's own libraries, for Python and JavaScript: what the shop
/// sends is verified with them. A machine without Python or npm does without, and the summary says
/// so.
const WEBHOOKS: &str = "target/tools/webhooks";
const WEBHOOKS_PYTHON: &str = "standardwebhooks==1.1.0";
const WEBHOOKS_NPM: &str = "standardwebhooks@1.1.1";

/// The folder with both, if they could be had.
pub fn webhooks() -> Option<PathBuf> {
    let folder = Path::new(WEBHOOKS).canonicalize().ok()?;
    let both = ["python/installed", "npm/node_modules/standardwebhooks"];
    both.iter()
        .all(|part| folder.join(part).exists())
        .then_some(folder)
}

fn install_webhooks() {
    let folder = Path::new(WEBHOOKS);
    let python = folder.join("python");
    if pip(&python, WEBHOOKS_PYTHON).is_ok() {
        let _ = std::fs::write(python.join("installed"), WEBHOOKS_PYTHON);
    }
    let _ = npm(folder.join("npm"), WEBHOOKS_NPM);
}

/// Finds or installs everything; one line for the summary.
pub fn prepare(install: bool) -> Result<String> {
    packages(NEEDS, install)?;
    components(install)?;
    for tool in [Tool::NEXTEST, Tool::DENY, Tool::S3] {
        if tool.found().is_none() && install {
            run(&mut tool.install())?;
        }
        tool.find()?;
    }
    // What one compiled serves the next; then it is hundreds of megabytes that nobody needs again.
    let _ = std::fs::remove_dir_all("target/tools/build");
    if axe().is_none() && install {
        install_axe();
    }
    if webhooks().is_none() && install {
        install_webhooks();
    }
    // Rules and the dashboards' queries are tried with them.
    techcommerce_testservers::monitoring("promtool")?;
    let postgres = output(Command::new(Kind::Postgres.program()?).arg("--version"))?;
    let version = postgres.split_whitespace().nth(2).unwrap_or("?");
    let axe = if axe().is_some() {
        "axe-core"
    } else {
        "no axe-core (npm gets it)"
    };
    let webhooks = if webhooks().is_some() {
        "standardwebhooks"
    } else {
        "no standardwebhooks (Python and npm get them)"
    };
    Ok(format!(
        "PostgreSQL {version}, pgBackRest, Redis, s3s-fs, Chromium, Prometheus, cargo-nextest, cargo-deny, {axe}, {webhooks}"
    ))
}

/// Finds or installs what builds and runs containers.
pub fn containers(install: bool) -> Result<()> {
    packages(CONTAINERS, install)
}

/// Finds or installs what the checks of manifests are made with.
pub fn manifests(install: bool) -> Result<()> {
    python(install)?;
    packages(NODE, install)
}

/// Finds or installs what installs programs from PyPI.
pub fn python(install: bool) -> Result<()> {
    packages(PYTHON, install)
}

/// Tries the interface as it is documented, in an environment of its own.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Finds or installs what the interface is tried with.
pub fn schemathesis(install: bool) -> Result<()> {
    const FOLDER: &str = "target/tools/py/schemathesis";
    let stamp = Path::new(FOLDER).join("version");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == SCHEMATHESIS) {
        return Ok(());
    }
    if !install {
        bail!(
            "schemathesis is missing; get it with: python3 -m venv {FOLDER} && \
             {FOLDER}/bin/pip install {SCHEMATHESIS}"
        );
    }
    python(true)?;
    pip(FOLDER, SCHEMATHESIS)?;
    Ok(std::fs::write(stamp, SCHEMATHESIS)?)
}

/// Finds or installs Docker.
pub fn docker(install: bool) -> Result<()> {
    packages(DOCKER, install)
}

fn packages(needs: &'static [Need], install: bool) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.found)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_apt = install
        .then(apt)
        .flatten()
        .map(|apt| apt.install(&missing))
        .transpose()?;
    if by_apt.is_none() || !missing.iter().all(|need| (need.found)()) {
        bail!("{}", how_to_install(&missing));
    }
    Ok(())
}

/// The parts of Rust that a minimal installation leaves out.
fn components(install: bool) -> Result<()> {
    for (name, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let there = || output(cargo().args([name, "--version"])).is_ok();
        if there() {
            continue;
        }
        if install {
            // Where there is no rustup, the message below says what is missing.
            let _ = run(Command::new("rustup").args(["component", "add", component]));
        }
        if !there() {
            bail!("{component} is missing; install it with: rustup component add {component}");
        }
    }
    Ok(())
}

/// A way to call apt-get as root without asking anybody.
struct Apt {
    sudo: bool,
}

fn apt() -> Option<Apt> {
    find_program("apt-get")?;
    if is_root() {
        return Some(Apt { sudo: false });
    }
    output(Command::new("sudo").args(["-n", "true"]))
        .is_ok()
        .then_some(Apt { sudo: true })
}

impl Apt {
    fn install(&self, missing: &[&Need]) -> Result<()> {
        // A list that is out of date leads to packages that are gone.
        run(self.get().arg("update"))?;
        for need in missing {
            let done = need.apt.iter().any(|packages| {
                let mut command = self.get();
                command.args(["install", "-y", "--no-install-recommends"]);
                run(command.args(*packages)).is_ok()
            });
            if !done {
                bail!("apt-get did not install {}", need.what);
            }
        }
        Ok(())
    }

    fn get(&self) -> Command {
        let mut command = Command::new(if self.sudo { "sudo" } else { "env" });
        if self.sudo {
            command.args(["-n", "env"]);
        }
        // RUNLEVEL=1: the packages' own servers are not started, the tests start theirs.
        command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]);
        command
    }
}

fn how_to_install(missing: &[&Need]) -> String {
    let join = |names: fn(&Need) -> String| {
        missing
            .iter()
            .map(|need| names(need))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let what: Vec<_> = missing.iter().map(|need| need.what).collect();
    let apt = join(|need| need.apt[0].join(" "));
    let dnf = join(|need| need.dnf.to_owned());
    let brew: Vec<_> = missing
        .iter()
        .map(|need| format!("brew install {}", need.brew))
        .collect();
    format!(
        "the tests need {}, which cannot be installed from here. Run one of these, then try again:\n  \
         Debian, Ubuntu: sudo apt-get update && sudo apt-get install -y {apt}\n  \
         Fedora, RHEL:   sudo dnf install -y {dnf}\n  \
         macOS:          {}",
        what.join(", "),
        brew.join(" && "),
    )
}
