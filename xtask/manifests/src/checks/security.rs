//! Pod Security `restricted`, and what we ask beyond it: a read-only root, nothing of the node.

use serde_json::Value;

use crate::checks::names::BESIDE;
use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "security";

/// Kinds of volumes that `restricted` allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Who reads what is the node's: its log files, as root without any capability. Each with the folders
/// of the node that it sees, and whether it may write there.
const READS_THE_NODE: &[(&str, &[(&str, bool)])] = &[(
    "DaemonSet/fluent-bit",
    &[
        ("/var/log/containers", false),
        ("/var/log/pods", false),
        ("/var/lib/docker/containers", false),
        ("/var/lib/techcommerce-fluent-bit", true),
    ],
)];

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        found.extend(match folders_of_the_node(&workload) {
            Some(folders) => reader(&workload, folders),
            None => pod(&workload),
        });
        for (name, value) in containers(&workload) {
            found.extend(container(&workload, &name, value));
        }
    }
    for namespace in rendered.of("Namespace") {
        found.extend(enforced(namespace, rendered));
    }
    for secret in rendered.of("Secret") {
        found.extend(committed(secret));
    }
    found
}

fn enforced(namespace: &Object, rendered: &Rendered) -> Option<Finding> {
    let labels = namespace.texts("/metadata/labels");
    let ours = rendered.namespace() == Some(namespace.name.as_str())
        || BESIDE.contains(&namespace.name.as_str());
    let level = labels
        .get("pod-security.kubernetes.io/enforce")
        .map(String::as_str);
    // The level that admits what is in it, and no lower one.
    let workloads = rendered.workloads();
    let reads_the_node = workloads.iter().any(|workload| {
        workload.object.namespace.as_deref() == Some(&namespace.name)
            && folders_of_the_node(workload).is_some()
    });
    let wanted = if reads_the_node {
        "privileged"
    } else {
        "restricted"
    };
    (ours && level != Some(wanted)).then(|| {
        Finding::at(
            NAME,
            namespace,
            "metadata.labels",
            format!(
                "pod-security.kubernetes.io/enforce is {}",
                level.unwrap_or("missing")
            ),
            wanted,
        )
    })
}

fn folders_of_the_node(workload: &Workload<'_>) -> Option<&'static [(&'static str, bool)]> {
    let name = format!("{}/{}", workload.object.kind, workload.name());
    let mut all = READS_THE_NODE.iter();
    all.find(|(reader, _)| *reader == name)
        .map(|(_, folders)| *folders)
}

/// What [`pod`] says, less what reading the node's log files needs.
fn reader(workload: &Workload<'_>, folders: &[(&str, bool)]) -> Vec<Finding> {
    let mut value = workload.raw.clone();
    let mut found = Vec::new();
    let mounts: Vec<Value> = value["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|container| container["volumeMounts"].as_array().cloned())
        .flatten()
        .collect();
    let volumes = value["spec"]["volumes"].take();
    let mut others = Vec::new();
    for volume in volumes.as_array().into_iter().flatten() {
        let Some(path) = volume["hostPath"]["path"].as_str() else {
            others.push(volume.clone());
            continue;
        };
        let field = format!("spec.volumes[{}]", volume["name"].as_str().unwrap_or("?"));
        let known = folders.iter().find(|(folder, _)| *folder == path);
        let written = mounts
            .iter()
            .filter(|mount| mount["name"] == volume["name"])
            .any(|mount| mount["readOnly"] != Value::Bool(true));
        if known.is_none_or(|(_, may_write)| written && !may_write) {
            found.push(at(
                workload,
                &field,
                format!(
                    "sees {path} of the node{}",
                    if written { " and may write there" } else { "" }
                ),
                "its log files alone, readOnly; what it needs goes into READS_THE_NODE",
            ));
        }
    }
    value["spec"]["volumes"] = Value::Array(others);
    let context = &mut value["spec"]["securityContext"];
    // Log files are root's. Without capabilities that is all it may.
    if context["runAsUser"] == 0 {
        context["runAsUser"] = 1.into();
        context["runAsNonRoot"] = true.into();
    }
    let held = Workload {
        raw: &value,
        ..workload.clone()
    };
    found.extend(pod(&held));
    found
}

/// Secrets with nothing secret in them, because who reads them takes nothing else: Alertmanager's
/// configuration, whose passwords come by files (docs/alerts.md).
const CONFIGURATION: &[&str] = &["alertmanager-shop"];

/// A value of a Secret in the repository is no secret.
fn committed(secret: &Object) -> Option<Finding> {
    if CONFIGURATION.contains(&secret.name.as_str())
        && secret.namespace.as_deref() == Some("monitoring")
    {
        return None;
    }
    let filled = ["/data", "/stringData"].iter().any(|pointer| {
        let values = secret.value.pointer(pointer).and_then(Value::as_object);
        values.is_some_and(|map| map.values().any(|value| value.as_str() != Some("")))
    });
    filled.then(|| {
        Finding::at(
            NAME,
            secret,
            "data",
            "is in the repository, where everybody reads it",
            "let the Job `secrets`, External Secrets or Sealed Secrets bring it",
        )
    })
}

fn at(workload: &Workload<'_>, field: &str, wrong: impl Into<String>, mend: &str) -> Finding {
    Finding::at(NAME, workload.object, &workload.field(field), wrong, mend)
}

fn pod(workload: &Workload<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let spec = &workload.raw["spec"];
    for field in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
        if spec[field] == Value::Bool(true) && field != "hostUsers" {
            found.push(at(
                workload,
                &format!("spec.{field}"),
                "is the node's",
                "take it out",
            ));
        }
    }
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let kind = volume
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str());
        for kind in kind.filter(|key| *key != "name" && !VOLUMES.contains(key)) {
            found.push(at(
                workload,
                &format!(
                    "spec.volumes[{}]",
                    volume["name"].as_str().unwrap_or_default()
                ),
                format!("is a {kind}, which Pod Security `restricted` refuses"),
                "a claim, an emptyDir, a ConfigMap or a Secret",
            ));
        }
    }
    let context = &spec["securityContext"];
    if context["runAsNonRoot"] != Value::Bool(true) {
        found.push(at(
            workload,
            "spec.securityContext.runAsNonRoot",
            "is not true",
            "true",
        ));
    }
    if context["runAsUser"].as_i64().is_none_or(|id| id == 0) {
        found.push(at(
            workload,
            "spec.securityContext.runAsUser",
            "is no number but root's",
            "1001 for ours; the kubelet cannot see by a name that it is not root",
        ));
    }
    let seccomp = context["seccompProfile"]["type"].as_str();
    if !matches!(seccomp, Some("RuntimeDefault" | "Localhost")) {
        found.push(at(
            workload,
            "spec.securityContext.seccompProfile",
            "is missing",
            "type: RuntimeDefault",
        ));
    }
    for sysctl in context["sysctls"].as_array().into_iter().flatten() {
        found.push(at(
            workload,
            "spec.securityContext.sysctls",
            format!("{} is set", sysctl["name"]),
            "take it out",
        ));
    }
    found
}

/// Each container with its place below the pod.
fn containers<'a>(workload: &Workload<'a>) -> Vec<(String, &'a Value)> {
    let raw = workload.raw;
    ["initContainers", "containers", "ephemeralContainers"]
        .iter()
        .flat_map(|list| {
            let containers = raw["spec"][*list].as_array().into_iter().flatten();
            containers.map(move |container| {
                let name = container["name"].as_str().unwrap_or_default();
                (format!("{list}[{name}]"), container)
            })
        })
        .collect()
}

fn container(workload: &Workload<'_>, name: &str, container: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let context = &container["securityContext"];
    let mut say = |field: &str, wrong: String, mend: &str| {
        found.push(at(workload, &format!("spec.{name}.{field}"), wrong, mend));
    };
    if context["privileged"] == Value::Bool(true) {
        say(
            "securityContext.privileged",
            "is true".into(),
            "take it out",
        );
    }
    if context["allowPrivilegeEscalation"] != Value::Bool(false) {
        say(
            "securityContext.allowPrivilegeEscalation",
            "is not false".into(),
            "false",
        );
    }
    if context["readOnlyRootFilesystem"] != Value::Bool(true) {
        say(
            "securityContext.readOnlyRootFilesystem",
            "is not true".into(),
            "true; what must be written gets an emptyDir",
        );
    }
    let dropped = context["capabilities"]["drop"]
        .as_array()
        .into_iter()
        .flatten();
    if !dropped.into_iter().any(|name| name == "ALL") {
        say(
            "securityContext.capabilities.drop",
            "is not [ALL]".into(),
            "drop: [ALL]",
        );
    }
    for added in context["capabilities"]["add"]
        .as_array()
        .into_iter()
        .flatten()
    {
        say(
            "securityContext.capabilities.add",
            format!("has {added}"),
            "`restricted` allows NET_BIND_SERVICE alone, and nothing here needs it",
        );
    }
    if context["runAsNonRoot"] == Value::Bool(false) || context["runAsUser"].as_i64() == Some(0) {
        say("securityContext.runAsUser", "is root".into(), "take it out");
    }
    if context["seccompProfile"]["type"] == "Unconfined" {
        say(
            "securityContext.seccompProfile",
            "is Unconfined".into(),
            "take it out",
        );
    }
    if let Some(mount) = context.get("procMount").filter(|mount| *mount != "Default") {
        say(
            "securityContext.procMount",
            format!("is {mount}"),
            "take it out",
        );
    }
    for port in container["ports"].as_array().into_iter().flatten() {
        if !port["hostPort"].is_null() {
            say(
                "ports",
                "take a port of the node (hostPort)".into(),
                "a Service leads to it",
            );
        }
    }
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let secret = secret_volume(workload, mount["name"].as_str().unwrap_or_default());
        if secret && !mount["subPath"].is_null() {
            say(
                "volumeMounts",
                format!("{} mounts a Secret by subPath", mount["mountPath"]),
                "mount the folder: a subPath is not updated when the Secret is",
            );
        }
        if secret && mount["readOnly"] != Value::Bool(true) {
            say(
                "volumeMounts",
                format!("{} is not readOnly", mount["mountPath"]),
                "readOnly: true",
            );
        }
    }
    found
}

fn secret_volume(workload: &Workload<'_>, name: &str) -> bool {
    let mut volumes = workload.pod.volumes.iter().flatten();
    volumes.any(|volume| {
        volume.name == name
            && (volume.secret.is_some()
                || volume
                    .projected
                    .iter()
                    .flat_map(|p| p.sources.iter().flatten())
                    .any(|s| s.secret.is_some()))
    })
}
