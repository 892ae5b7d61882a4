//! Custom resources against the schemas of those who define them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use techcommerce_testservers::find_program;

use crate::finding::Finding;
use crate::outside::tool::SCHEMAS_FOLDER;
use crate::rendered::Rendered;

pub const NAME: &str = "crds";

/// Groups whose schemas a package of npm has: all their kinds and versions are looked up there.
const WITH_SCHEMA: &[(&str, &str)] = &[
    ("cert-manager.io", "cert-manager"),
    ("acme.cert-manager.io", "cert-manager"),
    ("gateway.networking.k8s.io", "gateway-api"),
    ("keda.sh", "keda"),
    ("external-secrets.io", "external-secrets"),
    ("bitnami.com", "sealed-secrets"),
    ("source.toolkit.fluxcd.io", "flux-cd"),
    ("kustomize.toolkit.fluxcd.io", "flux-cd"),
    ("notification.toolkit.fluxcd.io", "flux-cd"),
    ("security.istio.io", "istio"),
    ("networking.istio.io", "istio"),
    ("telemetry.istio.io", "istio"),
    ("monitoring.coreos.com", "prometheus-operator"),
];

/// Kinds of one group that two projects share.
const ARGO: &[(&str, &str)] = &[
    ("Application", "argo-cd"),
    ("AppProject", "argo-cd"),
    ("ApplicationSet", "argo-cd"),
    ("Rollout", "argo-rollouts"),
    ("AnalysisTemplate", "argo-rollouts"),
    ("ClusterAnalysisTemplate", "argo-rollouts"),
    ("Experiment", "argo-rollouts"),
];

/// Kinds that no package describes: the top fields of their `spec`, from their projects' own
/// documentation.
const BY_HAND: &[(&str, &str, &[&str])] = &[
    (
        "postgresql.cnpg.io/v1",
        "Cluster",
        &[
            "affinity",
            "backup",
            "bootstrap",
            "certificates",
            "description",
            "enablePDB",
            "enableSuperuserAccess",
            "imageName",
            "imagePullPolicy",
            "instances",
            "logLevel",
            "managed",
            "maxSyncReplicas",
            "minSyncReplicas",
            "monitoring",
            "postgresUID",
            "postgresGID",
            "postgresql",
            "primaryUpdateMethod",
            "primaryUpdateStrategy",
            "priorityClassName",
            "replicationSlots",
            "resources",
            "seccompProfile",
            "smartShutdownTimeout",
            "stopDelay",
            "storage",
            "superuserSecret",
            "switchoverDelay",
            "topologySpreadConstraints",
            "walStorage",
            "inheritedMetadata",
        ],
    ),
    (
        "postgresql.cnpg.io/v1",
        "Pooler",
        &[
            "cluster",
            "instances",
            "type",
            "pgbouncer",
            "template",
            "monitoring",
            "deploymentStrategy",
            "serviceTemplate",
        ],
    ),
    (
        "postgresql.cnpg.io/v1",
        "ScheduledBackup",
        &[
            "schedule",
            "cluster",
            "backupOwnerReference",
            "immediate",
            "method",
            "suspend",
        ],
    ),
    (
        "kyverno.io/v1",
        "ClusterPolicy",
        &[
            "rules",
            "background",
            "validationFailureAction",
            "admission",
            "failurePolicy",
            "webhookConfiguration",
            "emitWarning",
        ],
    ),
    (
        "kyverno.io/v1",
        "Policy",
        &[
            "rules",
            "background",
            "validationFailureAction",
            "admission",
            "failurePolicy",
            "webhookConfiguration",
            "emitWarning",
        ],
    ),
    ("policies.kyverno.io/v1", "ValidatingPolicy", KYVERNO),
    (
        "policies.kyverno.io/v1",
        "NamespacedValidatingPolicy",
        KYVERNO,
    ),
    ("policies.kyverno.io/v1", "ImageValidatingPolicy", KYVERNO),
    (
        "policies.kyverno.io/v1",
        "NamespacedImageValidatingPolicy",
        KYVERNO,
    ),
    (
        "templates.gatekeeper.sh/v1",
        "ConstraintTemplate",
        &["crd", "targets"],
    ),
];

const KYVERNO: &[&str] = &[
    "matchConstraints",
    "matchConditions",
    "validations",
    "variables",
    "validationActions",
    "failurePolicy",
    "evaluation",
    "auditAnnotations",
    "autogen",
    "webhookConfiguration",
    "attestors",
    "attestations",
    "matchImageReferences",
    "credentials",
    "images",
    "validationConfigurations",
];

fn package(version: &str, kind: &str) -> Option<&'static str> {
    let group = version.rsplit_once('/')?.0;
    if group == "argoproj.io" {
        return ARGO
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, package)| *package);
    }
    WITH_SCHEMA
        .iter()
        .find(|(known, _)| *known == group)
        .map(|(_, package)| *package)
}

fn by_hand(version: &str, kind: &str) -> Option<&'static [&'static str]> {
    BY_HAND
        .iter()
        .find(|(known, of, _)| {
            *of == kind
                && (*known == version
                    || (known.starts_with("policies.kyverno.io")
                        && version.starts_with("policies.kyverno.io/")))
        })
        .map(|(_, _, fields)| *fields)
}

/// Whether a kind is one that somebody describes.
pub fn is_known(version: &str, kind: &str) -> bool {
    package(version, kind).is_some()
        || by_hand(version, kind).is_some()
        || version.starts_with("constraints.gatekeeper.sh/")
}

/// Custom resources of all renderings, each distinct one once.
pub fn check(root: &Path, renderings: &[Rendered]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut asked: BTreeMap<String, Value> = BTreeMap::new();
    for rendered in renderings {
        for object in &rendered.objects {
            let (version, kind) = (object.api_version.as_str(), object.kind.as_str());
            if let Some(package) = package(version, kind) {
                let request = json!({"package": package, "object": object.value});
                asked.insert(request.to_string(), request);
            } else if let Some(fields) = by_hand(version, kind) {
                let spec = object.value.get("spec").and_then(Value::as_object);
                for field in spec.into_iter().flatten().map(|(key, _)| key) {
                    if !fields.contains(&field.as_str()) {
                        found.push(Finding::at(
                            NAME,
                            object,
                            &format!("spec.{field}"),
                            "is a field that this kind does not know",
                            "mend its name",
                        ));
                    }
                }
            }
        }
    }
    if !asked.is_empty() {
        found.extend(by_schema(root, asked.into_values().collect())?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn by_schema(root: &Path, requests: Vec<Value>) -> Result<Vec<Finding>> {
    let Some(node) = find_program("node") else {
        bail!("node is missing; install it with: sudo apt-get install -y nodejs npm");
    };
    let modules = root.join(SCHEMAS_FOLDER).join("node_modules");
    if !modules.is_dir() {
        bail!(
            "the schemas of custom resources are missing; get them with: cargo run -p techcommerce-manifests -- --install"
        );
    }
    let mut child = Command::new(node)
        .arg(root.join("xtask/manifests/src/outside/crds.mjs"))
        .arg(&modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("its input")?;
    input.write_all(Value::Array(requests).to_string().as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("crds.mjs ended with {}", output.status);
    }
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    let text = |answer: &Value, field: &str| answer[field].as_str().unwrap_or_default().to_owned();
    Ok(answers
        .iter()
        .map(|answer| {
            Finding::of(
                NAME,
                text(answer, "place"),
                text(answer, "wrong"),
                "see the project's reference of this kind",
            )
        })
        .collect())
}
