//! What a container would find in its pod: its variables, and the files of its volumes, here under
//! a folder of our own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Container, EnvVarSource, Volume};

use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::Workload;

/// The values of Secrets: name, then key.
pub type SecretValues = BTreeMap<String, BTreeMap<String, String>>;

/// A container's surroundings.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Its variables; those that name a mounted place name ours instead.
    pub variables: BTreeMap<String, String>,
    /// Where its file system would begin.
    pub root: PathBuf,
}

/// Variables as the pod has them, before any place is moved.
pub fn variables(
    rendered: &Rendered,
    workload: &Workload<'_>,
    container: &Container,
    program: &Program,
    secrets: &SecretValues,
) -> BTreeMap<String, String> {
    let namespace = workload.object.namespace.as_deref();
    let map = |name: &str| {
        rendered
            .find("ConfigMap", namespace, name)
            .map(|object| object.texts("/data"))
            .unwrap_or_default()
    };
    let mut all = program.image_variables.clone();
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.clone().unwrap_or_default();
        let pairs = match (&from.config_map_ref, &from.secret_ref) {
            (Some(source), _) => map(&source.name),
            (_, Some(source)) => secrets.get(&source.name).cloned().unwrap_or_default(),
            _ => continue,
        };
        all.extend(
            pairs
                .into_iter()
                .map(|(key, value)| (format!("{prefix}{key}"), value)),
        );
    }
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => expand(value, &all),
            (None, Some(from)) => {
                let Some(value) = value_from(from, workload, &map, secrets) else {
                    continue;
                };
                value
            }
            (None, None) => String::new(),
        };
        all.insert(variable.name.clone(), value);
    }
    all
}

/// `$(NAME)` stands for a variable that was set before; `$$` for a dollar.
fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in known {
        out = out.replace(&format!("$({name})"), value);
    }
    out.replace("$$", "$")
}

fn value_from(
    from: &EnvVarSource,
    workload: &Workload<'_>,
    map: &dyn Fn(&str) -> BTreeMap<String, String>,
    secrets: &SecretValues,
) -> Option<String> {
    if let Some(source) = &from.config_map_key_ref {
        return map(&source.name).get(&source.key).cloned();
    }
    if let Some(source) = &from.secret_key_ref {
        return secrets.get(&source.name)?.get(&source.key).cloned();
    }
    let field = from.field_ref.as_ref()?;
    Some(match field.field_path.as_str() {
        "metadata.name" => format!("{}-0", workload.name()),
        "metadata.namespace" => workload.object.namespace.clone().unwrap_or_default(),
        "status.podIP" | "status.hostIP" => "127.0.0.1".to_owned(),
        "spec.nodeName" => "node".to_owned(),
        _ => return None,
    })
}

/// Makes the files of the container's volumes below `root`, and points its variables there.
pub fn surroundings(
    rendered: &Rendered,
    workload: &Workload<'_>,
    container: &Container,
    program: &Program,
    secrets: &SecretValues,
    root: &Path,
) -> Result<Surroundings> {
    let mut variables = variables(rendered, workload, container, program, secrets);
    let namespace = workload.object.namespace.as_deref();
    let mut places = Vec::new();
    for mount in container.volume_mounts.iter().flatten() {
        let place = root.join(mount.mount_path.trim_start_matches('/'));
        fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
        places.push(mount.mount_path.trim_end_matches('/').to_owned());
        let volume = workload
            .pod
            .volumes
            .iter()
            .flatten()
            .find(|v| v.name == mount.name);
        for (file, text) in volume
            .map(|v| files(rendered, namespace, v, secrets))
            .unwrap_or_default()
        {
            let file = match &mount.sub_path {
                // The one file of a subPath is at the mount's own place.
                Some(_) => continue,
                None => place.join(file),
            };
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&file, text).with_context(|| file.display().to_string())?;
        }
    }
    for value in variables.values_mut() {
        if places
            .iter()
            .any(|place| value == place || value.starts_with(&format!("{place}/")))
        {
            *value = root
                .join(value.trim_start_matches('/'))
                .display()
                .to_string();
        }
    }
    Ok(Surroundings {
        variables,
        root: root.to_path_buf(),
    })
}

/// The files that a volume of ConfigMaps and Secrets holds.
fn files(
    rendered: &Rendered,
    namespace: Option<&str>,
    volume: &Volume,
    secrets: &SecretValues,
) -> Vec<(String, String)> {
    use k8s_openapi::api::core::v1::KeyToPath;
    let pick =
        |all: BTreeMap<String, String>, items: &Option<Vec<KeyToPath>>| -> Vec<(String, String)> {
            match items {
                None => all.into_iter().collect(),
                Some(items) => items
                    .iter()
                    .filter_map(|item| Some((item.path.clone(), all.get(&item.key)?.clone())))
                    .collect(),
            }
        };
    let map = |name: &str| {
        rendered
            .find("ConfigMap", namespace, name)
            .map(|object| object.texts("/data"))
            .unwrap_or_default()
    };
    let secret = |name: &str| secrets.get(name).cloned().unwrap_or_default();
    let mut all = Vec::new();
    if let Some(source) = &volume.config_map {
        all.extend(pick(map(&source.name), &source.items));
    }
    if let Some(source) = &volume.secret {
        all.extend(pick(
            secret(source.secret_name.as_deref().unwrap_or_default()),
            &source.items,
        ));
    }
    for source in volume
        .projected
        .iter()
        .flat_map(|p| p.sources.iter().flatten())
    {
        if let Some(source) = &source.config_map {
            all.extend(pick(map(&source.name), &source.items));
        }
        if let Some(source) = &source.secret {
            all.extend(pick(secret(&source.name), &source.items));
        }
    }
    all
}

/// Values that have the right form, for those who only ask whether the settings are sound.
pub fn stand_ins(workload: &Workload<'_>, program: &Program) -> SecretValues {
    let mut values = SecretValues::new();
    for (name, secret) in &program.secrets {
        let keys = secret
            .keys
            .iter()
            .map(|key| (key.clone(), stand_in(name, key)));
        values.insert(name.clone(), keys.collect());
    }
    // Those that somebody else brings.
    for volume in workload.pod.volumes.iter().flatten() {
        let direct = volume
            .secret
            .iter()
            .filter_map(|s| Some((s.secret_name.clone()?, s.items.clone())));
        let projected = volume
            .projected
            .iter()
            .flat_map(|p| p.sources.iter().flatten())
            .filter_map(|s| s.secret.clone())
            .map(|s| (s.name, s.items));
        for (name, items) in direct.chain(projected) {
            let keys = values.entry(name.clone()).or_default();
            for item in items.iter().flatten() {
                keys.entry(item.key.clone())
                    .or_insert_with(|| stand_in(&name, &item.key));
            }
            if keys.is_empty() {
                for key in [
                    "url",
                    "uri",
                    "username",
                    "password",
                    "access-key",
                    "secret-key",
                    "key.json",
                ] {
                    keys.insert(key.to_owned(), stand_in(&name, key));
                }
            }
        }
    }
    values
}

fn stand_in(name: &str, key: &str) -> String {
    match (name, key) {
        ("redis", "url") => "redis://:secret@redis:6379".to_owned(),
        ("smtp", "url") => "smtp://mail.example.com".to_owned(),
        (_, "url" | "uri") => "postgres://user:secret@postgres:5432/techcommerce".to_owned(),
        _ => "a-secret-of-enough-length".to_owned(),
    }
}
