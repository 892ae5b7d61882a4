//! A small disk of one's own, to be filled up.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use techcommerce_testkit::is_root;

/// A file system at this folder with these options of tmpfs, if we may mount one. Should we be killed,
/// it does not stay behind.
pub fn mount(folder: &Path, options: &str) -> bool {
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", options, "none"])
        .arg(folder);
    let mounted = is_root() && mount.output().is_ok_and(|output| output.status.success());
    if mounted {
        let script =
            "while kill -0 \"$0\" 2>/dev/null; do sleep 2; done; umount -l \"$1\" 2>/dev/null";
        let _ = Command::new("sh")
            .args(["-c", script, &std::process::id().to_string()])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
    }
    mounted
}

/// Takes it away, also while somebody still uses it.
pub fn unmount(folder: &Path) {
    let _ = Command::new("umount").arg("--lazy").arg(folder).status();
}
