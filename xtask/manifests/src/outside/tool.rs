//! Where the programs of others are: in `target/tools`, each in a virtual environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use techcommerce_testservers::{find_program, unpack};

/// A program from PyPI.
#[derive(Debug, Clone, Copy)]
pub struct Python {
    /// The package.
    pub package: &'static str,
    /// The version that we tried.
    pub version: &'static str,
    /// The program that it brings.
    pub program: &'static str,
}

pub const KUBERNETES_VALIDATE: Python = Python {
    package: "kubernetes-validate",
    version: "1.37.0",
    program: "kubernetes-validate",
};
pub const CHECKOV: Python = Python {
    package: "checkov",
    version: "3.3.30",
    program: "checkov",
};
pub const PIPELINE_CHECK: Python = Python {
    package: "pipeline-check",
    version: "1.19.0",
    program: "pipeline_check",
};
pub const NCA: Python = Python {
    package: "network-config-analyzer",
    version: "2.1.0",
    program: "nca",
};

/// Evaluates the expressions of admission policies; a library too.
pub const CEL: Python = Python {
    package: "cel-python",
    version: "0.5.0",
    program: "python",
};
/// Evaluates Gatekeeper's templates; a library, so any Python of its environment is its program.
pub const REGO: Python = Python {
    package: "regopy",
    version: "1.5.2",
    program: "python",
};

/// All from PyPI.
pub const PYTHON: [Python; 6] = [KUBERNETES_VALIDATE, CHECKOV, PIPELINE_CHECK, NCA, CEL, REGO];

/// Schemas of custom resources, from npm.
pub const SCHEMAS: &[&str] = &[
    "@kubernetes-models/argo-cd@4.0.0",
    "@kubernetes-models/argo-rollouts@2.0.0",
    "@kubernetes-models/cert-manager@6.0.0",
    "@kubernetes-models/external-secrets@2.0.0",
    "@kubernetes-models/flux-cd@4.0.0",
    "@kubernetes-models/gateway-api@2.0.0",
    "@kubernetes-models/istio@3.0.1",
    "@kubernetes-models/keda@2.0.0",
    "@kubernetes-models/prometheus-operator@6.0.0",
    "@kubernetes-models/sealed-secrets@6.0.0",
];

/// Where npm puts them.
pub const SCHEMAS_FOLDER: &str = "target/tools/npm-k8s";

impl Python {
    fn folder(self, root: &Path) -> PathBuf {
        root.join("target/tools/py").join(self.package)
    }

    /// A command that runs it.
    pub fn command(self, root: &Path) -> Result<Command> {
        let program = self.folder(root).join("bin").join(self.program);
        if !program.is_file() {
            let folder = format!("target/tools/py/{}", self.package);
            bail!(
                "{} is missing; get it with: python3 -m venv {folder} && {folder}/bin/pip install {}=={}",
                self.package,
                self.package,
                self.version
            );
        }
        let mut command = Command::new(program);
        command.current_dir(root);
        Ok(command)
    }

    /// Its Python, for a script of ours that uses the package.
    pub fn python(self, root: &Path) -> Result<Command> {
        self.command(root)?;
        let mut command = Command::new(self.folder(root).join("bin/python"));
        command.current_dir(root);
        Ok(command)
    }

    /// Installs it, if this version is not there.
    fn install(self, root: &Path) -> Result<()> {
        let folder = self.folder(root);
        let stamp = folder.join(format!("{}.version", self.version));
        if stamp.is_file() {
            return Ok(());
        }
        let Some(python) = find_program("python3") else {
            bail!(
                "python3 is missing; install it with: sudo apt-get install -y python3 python3-venv"
            );
        };
        run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
        let requirement = format!("{}=={}", self.package, self.version);
        run(Command::new(folder.join("bin/pip")).args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            &requirement,
        ]))?;
        std::fs::write(stamp, "")?;
        Ok(())
    }
}

/// Installs all that can be had; the error says what to do by hand.
pub fn install(root: &Path) -> Result<()> {
    for tool in PYTHON {
        tool.install(root)?;
    }
    install_schemas(root)?;
    install_kustomize(root)
}

fn install_schemas(root: &Path) -> Result<()> {
    let folder = root.join(SCHEMAS_FOLDER);
    let stamp = folder.join("versions");
    let wanted = SCHEMAS.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    let Some(npm) = find_program("npm") else {
        bail!("npm is missing; install it with: sudo apt-get install -y nodejs npm");
    };
    std::fs::create_dir_all(&folder)?;
    run(Command::new(npm)
        .arg("install")
        .arg("--prefix")
        .arg(&folder)
        .args([
            "--ignore-scripts",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--silent",
        ])
        .args(SCHEMAS))?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// Debian 13's package, unpacked.
fn install_kustomize(root: &Path) -> Result<()> {
    if crate::render::Kustomize::find(root).is_ok() {
        return Ok(());
    }
    // Without it the error below says what to do.
    let _ = unpack(&["kustomize"], &root.join("target/tools/kustomize"));
    crate::render::Kustomize::find(root).map(drop)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
