//! Each pod is watched in three ways, and each probe asks what the program answers.

use k8s_openapi::api::core::v1::{Container, HTTPGetAction, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::workload::{Workload, is_ours};

pub const NAME: &str = "probes";

/// What each kind of probe is for (docs/operations.md): a liveness probe that asks a store would
/// restart every pod when the store is away.
const PATHS: &[(&str, &[&str])] = &[
    ("startupProbe", &["/live", "/healthz"]),
    ("livenessProbe", &["/healthz", "/live"]),
    ("readinessProbe", &["/readyz"]),
];

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for workload in rendered.workloads().iter().filter(|w| w.is_lasting()) {
        for container in &workload.pod.containers {
            found.extend(one(workload, container, program));
        }
    }
    found
}

/// A container's probes by the name of the field.
pub fn probes(container: &Container) -> [(&'static str, Option<&Probe>); 3] {
    [
        ("startupProbe", container.startup_probe.as_ref()),
        ("livenessProbe", container.liveness_probe.as_ref()),
        ("readinessProbe", container.readiness_probe.as_ref()),
    ]
}

/// The number of the port that a probe means.
pub fn port(container: &Container, action: &HTTPGetAction) -> Option<i64> {
    match &action.port {
        IntOrString::Int(number) => Some(i64::from(*number)),
        IntOrString::String(name) => container
            .ports
            .iter()
            .flatten()
            .find(|port| port.name.as_deref() == Some(name))
            .map(|port| i64::from(port.container_port)),
    }
}

fn one(workload: &Workload<'_>, container: &Container, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let ours = is_ours(container);
    for (kind, probe) in probes(container) {
        let field = workload.field(&format!("spec.containers[{}].{kind}", container.name));
        let mut say = |wrong: String, mend: &str| {
            found.push(Finding::at(NAME, workload.object, &field, wrong, mend));
        };
        let Some(probe) = probe else {
            // A store's own start is covered by a patient liveness probe.
            if ours || kind != "startupProbe" {
                say(
                    "is missing".to_owned(),
                    "every container has a startup (ours), a liveness and a readiness probe",
                );
            }
            continue;
        };
        if kind != "readinessProbe" && probe.success_threshold.is_some_and(|n| n != 1) {
            say(
                "successThreshold must be 1".to_owned(),
                "the API server refuses another",
            );
        }
        let Some(action) = &probe.http_get else {
            if ours && probe.exec.is_none() {
                say("asks no path".to_owned(), "httpGet");
            }
            continue;
        };
        let path = action.path.clone().unwrap_or_else(|| "/".to_owned());
        let Some(number) = port(container, action) else {
            say(
                format!("names a port that the container has not: {:?}", action.port),
                "name one of its ports",
            );
            continue;
        };
        if !ours {
            continue;
        }
        let good = PATHS
            .iter()
            .find(|(name, _)| *name == kind)
            .map_or(&[][..], |(_, paths)| paths);
        if !good.contains(&path.as_str()) {
            say(format!("asks {path}"), &format!("ask {}", good[0]));
        }
        if action
            .scheme
            .as_deref()
            .is_some_and(|scheme| scheme != "HTTP")
        {
            say("speaks TLS, the program does not".to_owned(), "scheme HTTP");
        }
        if let Some(service) = workload.service()
            && let Some(answered) = program.answers.0.get(service)
            && answered.status.get(&(number, path.clone())) != Some(&200)
        {
            let status = answered.status.get(&(number, path.clone()));
            say(
                format!(
                    "asks :{number}{path}, which {service} with this pod's settings {}",
                    status.map_or_else(
                        || "does not answer".to_owned(),
                        |status| format!("answers with {status}")
                    ),
                ),
                "ask what the program serves: /live, /healthz, /readyz on `http` or `management`",
            );
        }
    }
    found.extend(patience(workload, container));
    found
}

/// A pod that starts slowly is not killed for it; one that hangs is.
fn patience(workload: &Workload<'_>, container: &Container) -> Option<Finding> {
    let probe = container
        .startup_probe
        .as_ref()
        .filter(|_| is_ours(container))?;
    let patience = probe.initial_delay_seconds.unwrap_or(0)
        + probe.period_seconds.unwrap_or(10) * probe.failure_threshold.unwrap_or(3);
    (patience < 60).then(|| {
        Finding::at(
            NAME,
            workload.object,
            &workload.field(&format!("spec.containers[{}].startupProbe", container.name)),
            format!("gives {patience} s, while a service waits a minute for its database"),
            "periodSeconds × failureThreshold of at least 60",
        )
    })
}
