//! A machine whose kubectl, docker and so on are doubles that write down what they are asked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

const PROGRAMS: &[&str] = &[
    "kubectl", "kind", "minikube", "docker", "helm", "curl", "kubeseal",
];

/// All else that the scripts may find, so that no docker of the machine's own is ever called.
const USUAL: &[&str] = &[
    "awk", "base64", "bash", "cat", "chmod", "cp", "cut", "date", "dirname", "grep", "gzip",
    "head", "mkdir", "mktemp", "mv", "od", "openssl", "rm", "sed", "sleep", "sort", "tail", "tr",
    "wc",
];

/// As `kubectl kustomize` writes an overlay, cut down to one of each.
pub const RENDERED: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  labels:
    name: not-this
  name: shop
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: techcommerce-5hc2k
data:
  TECHCOMMERCE_ORDERS_PAYMENT_METHODS: test; invoice
  TECHCOMMERCE_PUBLIC_URL: http://localhost:30000
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: frontend
spec:
  template:
    metadata:
      name: not-this-either
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: postgres
---
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
";

/// What `remember` finds where a shop is.
const BEFORE: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{},"name":"frontend","namespace":"shop"}}
---
"#;

/// A copy of the scripts, and doubles of all that they call.
pub struct Machine {
    folder: TempDir,
}

/// What a run did.
pub struct Run {
    pub ok: bool,
    pub out: String,
    pub err: String,
    /// What the doubles were asked, the folder of the copy written as `ROOT`.
    pub calls: Vec<String>,
}

impl Machine {
    /// A machine with a cluster that holds a shop.
    pub fn new() -> Self {
        let machine = Self {
            folder: TempDir::new().expect("a folder"),
        };
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = machine.root();
        for kind in [
            "overlays/dev",
            "overlays/production",
            "combinations/big",
            "components/tracing",
        ] {
            let folder = root.join("k8s").join(kind);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("kustomization.yaml"), "").expect("a file");
        }
        copy(&repository.join("scripts"), &root.join("scripts"));
        fs::copy(repository.join("deploy.sh"), root.join("deploy.sh")).expect("deploy.sh");
        fs::create_dir_all(machine.bin()).expect("a folder");
        for program in PROGRAMS {
            machine.double(program);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        for program in USUAL {
            let found = std::env::split_paths(&path)
                .map(|folder| folder.join(program))
                .find(|file| file.is_file())
                .unwrap_or_else(|| panic!("{program} is not installed"));
            symlink(found, machine.bin().join(program)).expect("a link");
        }
        machine.put("rendered.yaml", RENDERED);
        machine.put("before.yaml", BEFORE);
        machine.put("answers", "");
        machine.put("shop", "");
        machine
    }

    /// The same with an empty cluster.
    pub fn empty() -> Self {
        let machine = Self::new();
        machine.put("before.yaml", "");
        machine
    }

    /// Calls that match the pattern end with the status and print the text.
    pub fn answers(self, lines: &str) -> Self {
        self.put("answers", &format!("{lines}\n"));
        self
    }

    /// Requests to the shop that match the pattern get the status and the body.
    pub fn shop(self, lines: &str) -> Self {
        self.put("shop", &format!("{lines}\n"));
        self
    }

    /// A double under this name.
    pub fn double(&self, program: &str) {
        let double = self.root().join("scripts/tests/double.sh");
        symlink(double, self.bin().join(program)).expect("a link");
    }

    /// kubectl with a cluster that remembers what it was told.
    pub fn remembering(self) -> Self {
        fs::remove_file(self.bin().join("kubectl")).expect("the link");
        let double = self.root().join("scripts/tests/cluster.sh");
        symlink(double, self.bin().join("kubectl")).expect("a link");
        fs::create_dir_all(self.folder.path().join("cluster")).expect("a folder");
        self
    }

    pub fn without(self, program: &str) -> Self {
        fs::remove_file(self.bin().join(program)).expect("the link");
        self
    }

    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Where the doubles keep what they know.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    pub fn deploy(&self, arguments: &[&str]) -> Run {
        self.run("deploy.sh", arguments, None)
    }

    /// Runs a script; the call of this number, from 1, fails.
    pub fn run(&self, script: &str, arguments: &[&str], fail_at: Option<usize>) -> Run {
        let run = self.run_wrong(script, arguments, fail_at.map(|number| (number, "once")));
        assert_eq!(self.workplaces(), 0, "a workplace is left behind");
        run
    }

    /// The same; the call goes wrong as scripts/tests/cluster.sh knows it.
    pub fn run_wrong(&self, script: &str, arguments: &[&str], wrong: Option<(usize, &str)>) -> Run {
        self.put("calls", "");
        let mut command = Command::new("bash");
        command
            // So that a double can end the script.
            .args(["-c", r#"echo $$ >"$DOUBLE/pid"; exec bash "$0" "$@""#])
            .arg(self.root().join(script))
            .args(arguments)
            .env("PATH", self.bin())
            .env("DOUBLE", self.folder.path())
            .env("DEPLOY_POLL_SECONDS", "0.002")
            .env_remove("DOUBLE_FAIL_AT")
            .env_remove("REGISTRY")
            .env_remove("RELEASE_RUN")
            .stdin(Stdio::null());
        if let Some((number, how)) = wrong {
            command
                .env("DOUBLE_FAIL_AT", number.to_string())
                .env("DOUBLE_FAIL_HOW", how);
        }
        let output = command.output().expect("bash");
        let root = self.root().display().to_string();
        let calls = self.read("calls").replace(&root, "ROOT");
        Run {
            ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            calls: calls.lines().map(str::to_owned).collect(),
        }
    }

    /// How many workplaces there are that a script should have removed.
    pub fn workplaces(&self) -> usize {
        let ours = |entry: std::io::Result<fs::DirEntry>| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().starts_with(".deploy")
        };
        let all = fs::read_dir(self.root().join("k8s")).expect("k8s");
        all.filter_map(|entry| ours(entry).then_some(())).count()
    }
}

impl Run {
    /// Whether a call has this in it.
    pub fn called(&self, part: &str) -> bool {
        self.position(part).is_some()
    }

    /// Which call it was.
    pub fn position(&self, part: &str) -> Option<usize> {
        self.calls.iter().position(|call| call.contains(part))
    }

    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert!(self.ok, "{}\n{}\n{:#?}", self.out, self.err, self.calls);
        self
    }

    #[track_caller]
    pub fn fails(self, with: &str) -> Self {
        assert!(!self.ok, "{}\n{:#?}", self.out, self.calls);
        assert!(self.err.contains(with), "{}", self.err);
        self
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("a copy");
        }
    }
}
