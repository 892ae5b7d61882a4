//! A repository of its own with the scripts as they are, and what a workflow would say around them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What a release is made from.
const FILES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "CHANGELOG.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "packaging",
    "scripts/lib.sh",
    "scripts/release",
    "scripts/verify.sh",
];

pub const VERSION: &str = "0.1.0";

/// The workspace that these tests are in.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

pub fn cosign() -> PathBuf {
    techcommerce_supply::tools::find(&workspace(), "cosign").unwrap()
}

pub struct Place {
    folder: TempDir,
    /// Of the runner; tests change them.
    pub variables: Vec<(&'static str, String)>,
}

/// What a command did.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    #[track_caller]
    pub fn succeeds(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    pub fn fails(self, with: &str) {
        assert_eq!(self.code, 1, "{}\n{}", self.out, self.err);
        assert!(self.err.contains(with), "not `{with}`: {}", self.err);
    }
}

impl Place {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut place = Self {
            folder,
            variables: Vec::new(),
        };
        let (from, to) = (workspace(), place.repository());
        for file in FILES {
            fs::create_dir_all(to.join(file).parent().unwrap()).unwrap();
            let status = Command::new("cp")
                .arg("-R")
                .arg(from.join(file))
                .arg(to.join(file))
                .status();
            assert!(status.unwrap().success(), "{file}");
        }
        // The version of today, whatever it is, is not what these tests are about.
        let manifest = fs::read_to_string(to.join("Cargo.toml")).unwrap();
        let (before, after) = manifest
            .split_once("[workspace.package]\nversion = \"")
            .unwrap();
        let after = after.split_once('"').unwrap().1;
        let manifest = format!("{before}[workspace.package]\nversion = \"{VERSION}\"{after}");
        fs::write(to.join("Cargo.toml"), manifest).unwrap();
        fs::write(
            to.join("CHANGELOG.md"),
            format!("# Changes\n\n## {VERSION}\n\nIt sells.\n"),
        )
        .unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place.commit("The sources");
        place.variables = place.runner("release.yaml", &format!("refs/tags/v{VERSION}"));
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.repository())
            .args([
                "-c",
                "user.name=Somebody",
                "-c",
                "user.email=somebody@example.com",
            ])
            .args([
                "-c",
                "commit.gpgsign=false",
                "-c",
                "core.hooksPath=/dev/null",
            ])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Everything as it is, and its id.
    pub fn commit(&mut self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// What GitHub tells a job of this workflow.
    pub fn runner(&self, workflow: &str, on: &str) -> Vec<(&'static str, String)> {
        let of = |path: &str| format!("techcommerce/techcommerce{path}");
        vec![
            ("GITHUB_SERVER_URL", "https://github.com".into()),
            ("GITHUB_REPOSITORY", of("")),
            ("GITHUB_REPOSITORY_ID", "1".into()),
            ("GITHUB_REPOSITORY_OWNER_ID", "2".into()),
            ("GITHUB_REF", on.into()),
            ("GITHUB_SHA", self.head()),
            (
                "GITHUB_WORKFLOW_REF",
                format!("{}@{on}", of(&format!("/.github/workflows/{workflow}"))),
            ),
            ("GITHUB_EVENT_NAME", "push".into()),
            ("GITHUB_RUN_ID", "3".into()),
            ("GITHUB_RUN_ATTEMPT", "1".into()),
        ]
    }

    pub fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(there, _)| *there != name);
        self.variables.push((name, value.to_owned()));
    }

    /// A script of the repository.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new("bash");
        command
            .arg(self.repository().join(script))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(
                ["PATH", "HOME", "TMPDIR"]
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .env("COSIGN", cosign())
            .env("COSIGN_PASSWORD", "")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A program that starts, of the commit that is checked out. What it says is `NAME`.
    pub fn program(&self, name: &str) -> PathBuf {
        let mut bytes = fs::read("/bin/true").unwrap();
        bytes.extend(format!("\0{name} {}\0", self.head()).bytes());
        let file = self.path(name);
        fs::write(&file, bytes).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&file, mode).unwrap();
        file
    }

    /// An archive of it in the folder `to`, of this machine's architecture.
    pub fn pack(&self, program: &Path, to: &str) -> Ended {
        let tag = format!("v{}", self.version());
        self.run(
            "scripts/release/pack.sh",
            &[
                "--program",
                program.to_str().unwrap(),
                "--arch",
                machine(),
                "--tag",
                &tag,
                "--out",
                to,
            ],
        )
    }

    pub fn version(&self) -> String {
        let manifest = fs::read_to_string(self.repository().join("Cargo.toml")).unwrap();
        let after = manifest
            .split_once("[workspace.package]\nversion = \"")
            .unwrap()
            .1;
        after.split_once('"').unwrap().0.to_owned()
    }

    /// The name of an archive.
    pub fn archive(&self) -> String {
        format!("techcommerce-{}-linux-{}.tar.gz", self.version(), machine())
    }

    /// Moves the sources on to another version.
    pub fn next_version(&mut self, version: &str) {
        let file = self.repository().join("Cargo.toml");
        let manifest = fs::read_to_string(&file).unwrap();
        let from = format!("[workspace.package]\nversion = \"{}\"", self.version());
        let to = format!("[workspace.package]\nversion = \"{version}\"");
        fs::write(file, manifest.replace(&from, &to)).unwrap();
        let file = self.repository().join("CHANGELOG.md");
        let changes = fs::read_to_string(&file).unwrap();
        let changes = changes.replacen("## ", &format!("## {version}\n\nIt sells more.\n\n## "), 1);
        fs::write(file, changes).unwrap();
        self.commit(&format!("Version {version}"));
        self.variables = self.runner("release.yaml", &format!("refs/tags/v{version}"));
    }

    /// A pair of keys in the folder of this name; the paths of both.
    pub fn keys(&self, name: &str) -> (String, String) {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let output = Command::new(cosign())
            .arg("generate-key-pair")
            .current_dir(&folder)
            .env("COSIGN_PASSWORD", "")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let path = |file: &str| folder.join(file).to_str().unwrap().to_owned();
        (path("cosign.key"), path("cosign.pub"))
    }
}

/// As releases name it.
pub fn machine() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    }
}

/// What `packaging/systemd` holds: units, and the settings to begin with.
pub fn units() -> Vec<String> {
    let folder = fs::read_dir(workspace().join("packaging/systemd")).unwrap();
    let mut names: Vec<String> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
