//! How many pods a workload has, at least and at most.

use crate::object::Object;
use crate::rendered::Rendered;
use crate::workload::Workload;

/// Least and most, as an autoscaler decides if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    pub least: i64,
    pub most: i64,
}

/// The autoscalers that aim at a workload.
pub fn scalers<'a>(rendered: &'a Rendered, workload: &Workload<'_>) -> Vec<&'a Object> {
    let hpas = rendered.of("HorizontalPodAutoscaler");
    let keda = rendered.of("ScaledObject");
    hpas.chain(keda)
        .filter(|scaler| {
            let kind = scaler
                .text("/spec/scaleTargetRef/kind")
                .unwrap_or("Deployment");
            scaler.namespace == workload.object.namespace
                && scaler.text("/spec/scaleTargetRef/name") == Some(workload.name())
                && kind == workload.object.kind
        })
        .collect()
}

/// Of one workload.
pub fn of(rendered: &Rendered, workload: &Workload<'_>) -> Replicas {
    let fixed = workload.replicas();
    let mut replicas = Replicas {
        least: fixed,
        most: fixed,
    };
    for scaler in scalers(rendered, workload) {
        let (least, most) = match scaler.kind.as_str() {
            "ScaledObject" => (
                scaler.number("/spec/minReplicaCount").unwrap_or(0),
                scaler.number("/spec/maxReplicaCount").unwrap_or(100),
            ),
            _ => (
                scaler.number("/spec/minReplicas").unwrap_or(1),
                scaler.number("/spec/maxReplicas").unwrap_or(1),
            ),
        };
        replicas = Replicas { least, most };
    }
    replicas
}

/// How many pods a rolling update adds to so many.
pub fn surge(workload: &Workload<'_>, replicas: i64) -> i64 {
    let pointer = match workload.object.kind.as_str() {
        "Deployment" if workload.object.text("/spec/strategy/type") == Some("Recreate") => {
            return 0;
        }
        "Deployment" => "/spec/strategy/rollingUpdate/maxSurge",
        "Rollout" => "/spec/strategy/canary/maxSurge",
        _ => return 0,
    };
    match workload.object.value.pointer(pointer) {
        Some(value) => scaled(value, replicas).unwrap_or(0),
        None => (replicas + 3) / 4,
    }
}

/// A number or a percentage of so many, rounded up.
pub fn scaled(value: &serde_json::Value, of: i64) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    Some((of * percent + 99) / 100)
}
