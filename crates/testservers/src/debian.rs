//! Programs of Debian 13, unpacked beside the system: nothing is installed, nobody has to be root.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, absolute};
use std::process::Command;

use crate::host::run;

const SOURCE: &str = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
     http://deb.debian.org/debian trixie main\n";

/// Unpacks `packages` into the folder `root`, in place of what was there. They come by the system's
/// own apt, with lists of their own; what they depend on does not come along.
///
/// # Errors
/// There is no apt or no network, or Debian has no such package. `root` is then as it was.
pub fn unpack(packages: &[&str], root: &Path) -> io::Result<()> {
    let root = absolute(root)?;
    let work = root.with_extension("half");
    let _ = fs::remove_dir_all(&work);
    let (lists, unpacked) = (work.join("lists"), work.join("root"));
    fs::create_dir_all(lists.join("partial"))?;
    let source = work.join("sources.list");
    fs::write(&source, SOURCE)?;
    let apt = || {
        let mut command = Command::new("apt-get");
        command
            .current_dir(&work)
            .arg(format!(
                "--option=Dir::Etc::SourceList={}",
                source.display()
            ))
            .arg("--option=Dir::Etc::SourceParts=/dev/null")
            .arg(format!("--option=Dir::State::Lists={}", lists.display()))
            .args([
                "--option=Dir::Cache::pkgcache=",
                "--option=Dir::Cache::srcpkgcache=",
            ]);
        command
    };
    run(apt().arg("update"))?;
    run(apt().arg("download").args(packages))?;
    for entry in fs::read_dir(&work)?.flatten() {
        if entry.path().extension().is_some_and(|end| end == "deb") {
            run(Command::new("dpkg-deb")
                .arg("--extract")
                .arg(entry.path())
                .arg(&unpacked))?;
        }
    }
    fs::set_permissions(&unpacked, PermissionsExt::from_mode(0o755))?;
    let _ = fs::remove_dir_all(&root);
    fs::rename(&unpacked, &root)?;
    fs::remove_dir_all(&work)
}
