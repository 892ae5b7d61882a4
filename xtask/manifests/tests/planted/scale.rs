//! Mistakes in how much there is of what: quota, budgets, autoscalers, rollouts.

use serde_json::json;

use crate::rig::{CONTAINER, all_found, drop_object, edit, plant, remove, set};

#[test]
fn the_quota() {
    all_found(
        "quota",
        &[
            plant(
                "too little memory",
                |r| {
                    set(
                        r,
                        "ResourceQuota/techcommerce",
                        "/spec/hard/limits.memory",
                        json!("4Gi"),
                    )
                },
                &["ResourceQuota", "limits.memory", "less than"],
            ),
            plant(
                "too few pods",
                |r| {
                    set(
                        r,
                        "ResourceQuota/techcommerce",
                        "/spec/hard/pods",
                        json!("20"),
                    )
                },
                &["pods"],
            ),
            plant(
                "an autoscaler that grew",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/maxReplicas",
                        json!(200),
                    )
                },
                &["ResourceQuota", "less than"],
            ),
            plant(
                "no room for the Secrets",
                |r| {
                    set(
                        r,
                        "ResourceQuota/techcommerce",
                        "/spec/hard/secrets",
                        json!("2"),
                    )
                },
                &["secrets"],
            ),
            plant(
                "no quota",
                |r| drop_object(r, "ResourceQuota/techcommerce"),
                &["no ResourceQuota"],
            ),
            plant(
                "a pod that the quota refuses",
                |r| {
                    set(
                        r,
                        "ResourceQuota/techcommerce",
                        "/spec/hard/limits.cpu",
                        json!("1000"),
                    );
                    remove(r, "LimitRange/techcommerce", "/spec/limits");
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/limits/cpu"),
                    );
                },
                &["Deployment/api", "limits.cpu"],
            ),
        ],
    );
}

#[test]
fn budgets() {
    all_found(
        "disruption",
        &[
            plant(
                "no pod may go",
                |r| {
                    set(
                        r,
                        "PodDisruptionBudget/api",
                        "/spec/maxUnavailable",
                        json!(0),
                    )
                },
                &["PodDisruptionBudget/api", "drain waits for ever"],
            ),
            plant(
                "all must stay",
                |r| {
                    set(
                        r,
                        "PodDisruptionBudget/api",
                        "/spec",
                        json!({"minAvailable": "100%", "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": {"matchLabels": {"app.kubernetes.io/name": "api"}}}),
                    )
                },
                &["drain waits for ever"],
            ),
            plant(
                "the last may go",
                |r| {
                    set(
                        r,
                        "PodDisruptionBudget/api",
                        "/spec/maxUnavailable",
                        json!("100%"),
                    )
                },
                &["lets the last"],
            ),
            plant(
                "fewer replicas than the budget keeps",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/minReplicas",
                        json!(1),
                    )
                },
                &["PodDisruptionBudget/api"],
            ),
            plant(
                "no budget",
                |r| drop_object(r, "PodDisruptionBudget/api"),
                &["Deployment/api", "no PodDisruptionBudget"],
            ),
            plant(
                "two budgets",
                |r| {
                    let mut copy = crate::rig::object(r, "PodDisruptionBudget/api").clone();
                    copy.name = "api-2".to_owned();
                    r.objects.push(copy);
                },
                &["Deployment/api", "2 PodDisruptionBudgets"],
            ),
        ],
    );
}

#[test]
fn autoscalers() {
    all_found(
        "scaling",
        &[
            plant(
                "a part of no request",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/requests/cpu"),
                    )
                },
                &["HorizontalPodAutoscaler/api", "request"],
            ),
            plant(
                "a target that is not there",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/scaleTargetRef/name",
                        json!("apo"),
                    )
                },
                &["no Deployment `apo`"],
            ),
            plant(
                "a target of another kind",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/scaleTargetRef/kind",
                        json!("StatefulSet"),
                    )
                },
                &["no StatefulSet"],
            ),
            plant(
                "a target of another version",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/scaleTargetRef/apiVersion",
                        json!("v1"),
                    )
                },
                &["apiVersion"],
            ),
            plant(
                "less than the least",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/maxReplicas",
                        json!(1),
                    )
                },
                &["less than the minimum"],
            ),
            plant(
                "one replica in production",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/minReplicas",
                        json!(1),
                    )
                },
                &["less than two"],
            ),
            plant(
                "a number beside the autoscaler",
                |r| set(r, "Deployment/api", "/spec/replicas", json!(2)),
                &["Deployment/api", "set it back"],
            ),
            plant(
                "no autoscaler",
                |r| drop_object(r, "HorizontalPodAutoscaler/auth"),
                &["Deployment/auth", "no autoscaler"],
            ),
            plant(
                "nothing to go by",
                |r| set(r, "HorizontalPodAutoscaler/api", "/spec/metrics", json!([])),
                &["spec.metrics"],
            ),
        ],
    );
}

#[test]
fn rollouts() {
    all_found(
        "rollout",
        &[
            plant(
                "below capacity",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/strategy/rollingUpdate/maxUnavailable",
                        json!(1),
                    )
                },
                &["Deployment/api", "below capacity"],
            ),
            plant(
                "a quarter below, by default",
                |r| remove(r, "Deployment/api", "/spec/strategy"),
                &["below capacity"],
            ),
            plant(
                "nothing moves",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/strategy/rollingUpdate/maxSurge",
                        json!(0),
                    )
                },
                &["no update begins"],
            ),
            plant(
                "all at once",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/strategy",
                        json!({"type": "Recreate"}),
                    )
                },
                &["stops all pods"],
            ),
            plant(
                "killed too early",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/spec/terminationGracePeriodSeconds",
                        json!(10),
                    )
                },
                &["terminationGracePeriodSeconds"],
            ),
            plant(
                "no way back",
                |r| set(r, "Deployment/api", "/spec/revisionHistoryLimit", json!(0)),
                &["rolled back"],
            ),
        ],
    );
}

#[test]
fn metrics() {
    all_found(
        "metrics",
        &[
            plant(
                "a metric that nobody exports",
                |r| {
                    edit(r, "HorizontalPodAutoscaler/api", |object| {
                        let metric = json!({"type": "Pods", "pods": {"metric": {"name": "http_server_requests_per_secnd"}, "target": {"type": "AverageValue", "averageValue": "10"}}});
                        object["spec"]["metrics"]
                            .as_array_mut()
                            .unwrap()
                            .push(metric);
                    });
                },
                &[
                    "HorizontalPodAutoscaler/api",
                    "http_server_requests_per_secnd",
                ],
            ),
            plant(
                "a query with a misspelt metric",
                |r| {
                    let scaled = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "worker", "namespace": "techcommerce"},
                "spec": {"triggers": [{"type": "prometheus", "metadata": {"query": "sum(rate(http_server_request_duration_second_bucket{service=\"api\"}[5m]))"}}]}});
                    r.objects
                        .push(techcommerce_manifests::object::Object::new(scaled).unwrap());
                },
                &[
                    "ScaledObject/worker",
                    "http_server_request_duration_second_bucket",
                    "perhaps",
                ],
            ),
            plant(
                "a query with a value that no label has",
                |r| {
                    let scaled = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "worker", "namespace": "techcommerce"},
                "spec": {"triggers": [{"type": "prometheus", "metadata": {"query": "max(techcommerce_jobs{state=\"redy\"})"}}]}});
                    r.objects
                        .push(techcommerce_manifests::object::Object::new(scaled).unwrap());
                },
                &["ScaledObject/worker", "techcommerce_jobs", "redy"],
            ),
        ],
    );
}
