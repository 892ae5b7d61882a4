//! Each variable is one that the program knows, and `techcommerce config` takes a pod's variables
//! and mounted files as they are.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::core::v1::Container;

use crate::finding::Finding;
use crate::program::Program;
use crate::program::effective::Effective;
use crate::program::pod;
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "environment";

/// Variables of others that the program or its libraries read.
const FOREIGN: &[&str] = &[
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SSL_CERT_FILE",
    "TZ",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_REGION",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
];

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        for (field, container) in workload.containers() {
            found.extend(twice(&workload, &field, container));
        }
        for (field, container) in workload.ours() {
            found.extend(one(rendered, &workload, &field, container, program));
        }
    }
    found
}

/// The settings that are in force in a container of ours, or what the program complains of.
pub fn effective(
    rendered: &Rendered,
    workload: &Workload<'_>,
    container: &Container,
    program: &Program,
) -> Result<Effective, String> {
    let secrets = pod::stand_ins(workload, program);
    let root = root();
    let made = pod::surroundings(rendered, workload, container, program, &secrets, &root);
    let mut made = made.map_err(|error| format!("{error:#}"))?;
    // The folder changes with every call, what it means does not: the same pods are asked once.
    let steady = std::env::temp_dir().join("techcommerce-manifests-pod");
    let judged = (|| {
        let hash = fingerprint(&made.variables, &root);
        let steady = steady.join(hash);
        if !steady.exists() {
            std::fs::create_dir_all(steady.parent()?).ok()?;
            // Somebody else may have been faster with the same content.
            let _ = std::fs::rename(&root, &steady);
        }
        for value in made.variables.values_mut() {
            if let Some(rest) = value.strip_prefix(&root.display().to_string()) {
                *value = format!("{}{rest}", steady.display());
            }
        }
        Some(program.config(&made.variables))
    })();
    let _ = std::fs::remove_dir_all(&root);
    let answer = judged.unwrap_or_else(|| Err("no temporary folder".to_owned()));
    answer.map_err(|text| plain(&text, &steady))
}

/// The program's words with the pod's own paths.
fn plain(text: &str, steady: &std::path::Path) -> String {
    let start = format!("{}/", steady.display());
    let mut out = String::new();
    for (index, part) in text.split(&start).enumerate() {
        match part.split_once('/') {
            Some((_, rest)) if index > 0 => {
                out.push('/');
                out.push_str(rest);
            }
            _ => out.push_str(part),
        }
    }
    out
}

fn root() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!(
        "techcommerce-manifests-{}-{count}",
        std::process::id()
    ))
}

/// A name for variables and files that are the same.
fn fingerprint(
    variables: &std::collections::BTreeMap<String, String>,
    root: &std::path::Path,
) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for (name, value) in variables {
        let value = value.replace(&root.display().to_string(), "");
        (name, value).hash(&mut hasher);
    }
    let mut files = Vec::new();
    walk(root, &mut files);
    files.sort();
    for file in files {
        let text = std::fs::read(&file).unwrap_or_default();
        (file.strip_prefix(root).ok(), text).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

fn walk(folder: &std::path::Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Whether another variable of the container is made of this one, as `$(POD_NAME)`.
fn is_part(name: &str, container: &Container) -> bool {
    let part = format!("$({name})");
    let values = container.env.iter().flatten();
    values
        .filter_map(|variable| variable.value.as_ref())
        .any(|value| value.contains(&part))
}

fn one(
    rendered: &Rendered,
    workload: &Workload<'_>,
    field: &str,
    container: &Container,
    program: &Program,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let secrets = pod::stand_ins(workload, program);
    let variables = pod::variables(rendered, workload, container, program, &secrets);
    let mounts: Vec<&str> = container
        .volume_mounts
        .iter()
        .flatten()
        .map(|mount| mount.mount_path.trim_end_matches('/'))
        .collect();
    for (name, value) in &variables {
        let at = |wrong: String, mend: &str| {
            Finding::at(
                NAME,
                workload.object,
                &format!("{field}.env[{name}]"),
                wrong,
                mend,
            )
        };
        let bare = name.strip_suffix("_FILE").unwrap_or(name);
        match program
            .settings
            .get(bare)
            .or_else(|| program.settings.get(name))
        {
            Some(setting) if setting.secret && bare == name => found.push(at(
                "is a secret in the environment".to_owned(),
                "mount the Secret and name its file with …_FILE",
            )),
            Some(_) => {}
            None if FOREIGN.contains(&name.as_str()) || is_part(name, container) => {}
            None => {
                found.push(at(
                    "is no setting of the program".to_owned(),
                    &format!("{}see docs/configuration.md", nearest(name, program)),
                ));
                continue;
            }
        }
        let is_file = value.starts_with("/etc/") || name.ends_with("_FILE");
        if is_file
            && !mounts
                .iter()
                .any(|mount| value.starts_with(&format!("{mount}/")) || value == mount)
        {
            found.push(at(
                format!("names {value}, where nothing is mounted"),
                &format!("mounts: {}", mounts.join(", ")),
            ));
        }
    }
    if found.is_empty()
        && let Err(complaint) = effective(rendered, workload, container, program)
    {
        let lines: Vec<&str> = complaint.lines().map(str::trim).collect();
        found.push(Finding::at(
            NAME,
            workload.object,
            &format!("{field}.env"),
            format!(
                "`techcommerce config` with these variables says: {}",
                lines.join(" ")
            ),
            "see docs/configuration.md",
        ));
    }
    found
}

/// A variable that stands twice: the later one silently wins.
fn twice(workload: &Workload<'_>, field: &str, container: &Container) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let names = container
        .env
        .iter()
        .flatten()
        .map(|variable| &variable.name);
    names
        .filter(|name| !seen.insert((*name).clone()))
        .map(|name| {
            Finding::at(
                NAME,
                workload.object,
                &format!("{field}.env[{name}]"),
                "stands there twice",
                "keep one",
            )
        })
        .collect()
}

/// The known variable with the longest common beginning.
fn nearest(name: &str, program: &Program) -> String {
    let common = |other: &str| {
        name.bytes()
            .zip(other.bytes())
            .take_while(|(a, b)| a == b)
            .count()
    };
    program
        .settings
        .keys()
        .max_by_key(|other| common(other))
        .filter(|other| common(other) > "TECHCOMMERCE_".len())
        .map_or(String::new(), |near| format!("perhaps {near}; "))
}
