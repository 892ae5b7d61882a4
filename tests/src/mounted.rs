//! Files that are mounted as a cluster mounts Secrets: the folder's name stays, and what it points
//! to is replaced in one step.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::Result;

/// A folder that holds a Secret.
pub struct Mounted(PathBuf);

impl Mounted {
    /// At this place, yet empty.
    pub fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Where the key `name` of the Secret is read.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Puts another content there, as kubelet does: all keys at once.
    pub fn put(&self, keys: &[(&str, &str)]) -> Result<()> {
        let next = format!("..{:016x}", rand::random::<u64>());
        fs::create_dir_all(self.0.join(&next))?;
        for (name, value) in keys {
            fs::write(self.0.join(&next).join(name), value)?;
        }
        let fresh = self.0.join("..data_tmp");
        symlink(&next, &fresh)?;
        let before = fs::read_link(self.0.join("..data")).ok();
        fs::rename(&fresh, self.0.join("..data"))?;
        match before {
            Some(before) => fs::remove_dir_all(self.0.join(before))?,
            None => {
                for (name, _) in keys {
                    symlink(format!("..data/{name}"), self.0.join(name))?;
                }
            }
        }
        Ok(())
    }
}
