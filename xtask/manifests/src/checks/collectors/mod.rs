//! What collects logs and traces is told what it knows, and what the manifests have: settings that its
//! version has, folders that are mounted, ports, Services, variables.

mod keepers;
mod lines;
mod spans;

use serde_json::Value;

use crate::finding::Finding;
use crate::fluent_bit::{CONFIG_MAP, Config};
use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "collectors";

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    match Config::of(rendered) {
        Some(Ok(config)) => found.extend(lines::check(rendered, &config)),
        Some(Err(error)) => found.push(of(
            CONFIG_MAP,
            "",
            format!("cannot be read: {error:#}"),
            "mend the file; kustomize edits the ConfigMap by its name",
        )),
        None => {}
    }
    for object in rendered.of("ConfigMap") {
        let files = object.texts("/data");
        let read = |name: &str| serde_norway::from_str::<Value>(files.get(name)?).ok();
        if let Some(loki) = read("loki.yaml") {
            found.extend(keepers::kept(
                rendered,
                object,
                "loki",
                &loki,
                "/common/path_prefix",
            ));
            found.extend(keepers::retention(object, &loki));
        }
        if let Some(tempo) = read("tempo.yaml") {
            found.extend(keepers::kept(
                rendered,
                object,
                "tempo",
                &tempo,
                "/storage/trace/wal/path",
            ));
        }
        if let Some(collector) = read("collector.yaml") {
            found.extend(spans::check(rendered, object, &collector));
        }
    }
    found
}

fn of(which: &str, field: &str, wrong: String, mend: &str) -> Finding {
    Finding::of(
        NAME,
        format!("{which} {field}").trim().to_owned(),
        wrong,
        mend,
    )
}

/// Where something is sent inside the cluster, a Service of the rendering listens.
fn reached(rendered: &Rendered, who: &str, host: &str, port: &str) -> Option<Finding> {
    let name = host.split('.').next().unwrap_or_default();
    let inside = !host.contains('.') || host.ends_with(".svc.cluster.local");
    if host.starts_with("${") || !inside {
        return None;
    }
    let service = rendered.find("Service", None, name);
    let listens = service.is_some_and(|service| {
        let mut ports = service.list("/spec/ports").iter();
        ports.any(|one| one["port"].as_u64() == port.parse().ok())
    });
    (!listens).then(|| {
        of(
            who,
            "",
            format!("sends to {host}:{port}, where no Service is"),
            "a Service's name and port",
        )
    })
}

/// What a program is told to listen on, its container has as a port.
fn listens(workload: &Workload<'_>, who: &str, field: &str, port: &str) -> Option<Finding> {
    let mut ports = workload
        .pod
        .containers
        .iter()
        .flat_map(|it| it.ports.iter().flatten());
    let has = ports.any(|one| one.container_port.to_string() == port);
    (!has).then(|| {
        of(
            who,
            field,
            format!("is {port}, which is no port of the container"),
            "one of its ports",
        )
    })
}
