//! The room where files are kept.

use std::path::PathBuf;

use techcommerce_contracts::Service;
use techcommerce_telemetry::{Gauges, Label, Telemetry};

use crate::ground::Ground;

pub(super) struct Disks {
    size: Gauges<1>,
    free: Gauges<1>,
    paths: Vec<(&'static str, PathBuf)>,
}

impl Disks {
    /// The folders that this process keeps something in.
    pub fn of(ground: &Ground) -> Self {
        let mut paths = Vec::new();
        if let Ok(folder) = ground.folder() {
            paths.push(("data", folder.path().to_owned()));
            let store = ground.settings.images.store.as_str();
            let keeps = ground.here.has(Service::Images) || ground.here.has(Service::Worker);
            if keeps && !store.contains("://") {
                let pictures = match store {
                    "" => folder.path().join("images"),
                    store => PathBuf::from(store),
                };
                paths.push(("pictures", pictures));
            }
        }
        Self::new(&ground.telemetry, paths)
    }

    pub fn new(telemetry: &Telemetry, paths: Vec<(&'static str, PathBuf)>) -> Self {
        let label = || [Label::one_of("path", &["data", "pictures"])];
        Self {
            size: telemetry.gauges(
                "techcommerce_disk_size_bytes",
                "How large the disk is that the data folder, or that of the pictures, is on",
                label(),
            ),
            free: telemetry.gauges(
                "techcommerce_disk_free_bytes",
                "How much of that disk this process may still fill",
                label(),
            ),
            paths,
        }
    }

    /// Asks the system, which may take its time where the disk is far away.
    pub async fn look(&self) {
        for (name, path) in &self.paths {
            let path = path.clone();
            let asked = tokio::task::spawn_blocking(move || room(&path)).await;
            if let Ok(Some((size, free))) = asked {
                self.size.with([name]).set(size);
                self.free.with([name]).set(free);
            }
        }
    }
}

/// Size and free bytes of the disk that a path is on.
#[cfg(unix)]
fn room(path: &std::path::Path) -> Option<(i64, i64)> {
    let found = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| i64::try_from(blocks.checked_mul(found.f_frsize)?).ok();
    Some((bytes(found.f_blocks)?, bytes(found.f_bavail)?))
}

#[cfg(not(unix))]
fn room(_path: &std::path::Path) -> Option<(i64, i64)> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_disk_has_a_size_and_some_room() {
        let telemetry = Telemetry::new("0", "0");
        let gone = PathBuf::from("/nowhere/at/all");
        let paths = vec![("data", std::env::temp_dir()), ("pictures", gone)];
        let disks = Disks::new(&telemetry, paths);
        disks.look().await;
        let size = disks.size.with(["data"]).get();
        let free = disks.free.with(["data"]).get();
        assert!(
            size > 1_000_000 && (0..=size).contains(&free),
            "{free} of {size}"
        );
        let text = telemetry.encode();
        assert!(!text.contains(r#"path="pictures""#), "not known: {text}");
    }
}
