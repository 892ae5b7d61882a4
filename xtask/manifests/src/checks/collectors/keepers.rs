//! What keeps lines and traces.

use serde_json::Value;

use crate::finding::Finding;
use crate::object::Object;
use crate::rendered::Rendered;
use crate::workload::Workload;

use super::{NAME, listens};

/// Loki and Tempo: the port that the Service leads to, and data below the volume.
pub fn kept(
    rendered: &Rendered,
    object: &Object,
    name: &str,
    config: &Value,
    data: &str,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(workload) = rendered
        .find("StatefulSet", None, name)
        .and_then(Workload::of)
    else {
        return found;
    };
    let port = config["server"]["http_listen_port"].to_string();
    found.extend(listens(&workload, name, "server.http_listen_port", &port));
    let mounts = workload
        .pod
        .containers
        .iter()
        .flat_map(|it| it.volume_mounts.iter().flatten());
    let mounts: Vec<&str> = mounts.map(|mount| mount.mount_path.as_str()).collect();
    for pointer in [
        data,
        "/ingester/wal/dir",
        "/compactor/working_directory",
        "/storage/trace/local/path",
    ] {
        let Some(path) = config.pointer(pointer).and_then(Value::as_str) else {
            continue;
        };
        let inside = |mount: &&&str| path == **mount || path.starts_with(&format!("{mount}/"));
        if !mounts.iter().any(|mount| inside(&mount)) {
            found.push(Finding::at(
                NAME,
                object,
                pointer,
                format!("{path} goes with the pod"),
                "below the volume",
            ));
        }
    }
    found
}

pub fn retention(object: &Object, loki: &Value) -> Option<Finding> {
    let bounded = loki["compactor"]["retention_enabled"] == true
        && loki["limits_config"]["retention_period"]
            .as_str()
            .is_some_and(|it| it != "0s");
    (!bounded).then(|| {
        Finding::at(
            NAME,
            object,
            "compactor.retention_enabled",
            "keeps logs until the volume is full",
            "true, with limits_config.retention_period",
        )
    })
}
