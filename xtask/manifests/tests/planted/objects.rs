//! Mistakes in single objects and in what they name.

use serde_json::json;

use crate::rig::{CONTAINER, all_found, all_found_in, drop_object, edit, plant, remove, set};

#[test]
fn fields_and_kinds() {
    all_found(
        "typed",
        &[
            plant(
                "a field that nobody knows",
                |r| set(r, "Deployment/api", "/spec/replicaz", json!(2)),
                &["Deployment/api", "spec.replicaz"],
            ),
            plant(
                "a field of another place",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/spec/containers/0/priorityClassName",
                        json!("x"),
                    )
                },
                &["priorityClassName"],
            ),
            plant(
                "a text for a number",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/spec/maxReplicas",
                        json!("ten"),
                    )
                },
                &["HorizontalPodAutoscaler/api", "does not parse"],
            ),
            plant(
                "a version that is gone",
                |r| {
                    set(
                        r,
                        "HorizontalPodAutoscaler/api",
                        "/apiVersion",
                        json!("autoscaling/v2beta2"),
                    )
                },
                &["autoscaling/v2beta2"],
            ),
            plant(
                "a misspelt kind",
                |r| set(r, "Service/api", "/kind", json!("Servic")),
                &["Servic"],
            ),
            plant(
                "a misspelt probe",
                |r| {
                    edit(r, "Deployment/api", |object| {
                        let container = object.pointer_mut(CONTAINER).unwrap();
                        container["readynessProbe"] = container["readinessProbe"].take();
                        container.as_object_mut().unwrap().remove("readinessProbe");
                    });
                },
                &["readynessProbe"],
            ),
        ],
    );
}

#[test]
fn names_and_namespaces() {
    all_found(
        "names",
        &[
            plant(
                "two of one name",
                |r| {
                    let copy = crate::rig::object(r, "Service/api").clone();
                    r.objects.push(copy);
                },
                &["Service/api", "two of this kind"],
            ),
            plant(
                "another namespace",
                |r| set(r, "Service/auth", "/metadata/namespace", json!("default")),
                &["Service/auth", "default"],
            ),
            plant(
                "no namespace",
                |r| remove(r, "Service/auth", "/metadata/namespace"),
                &["Service/auth", "missing"],
            ),
            plant(
                "a capital letter",
                |r| set(r, "Service/auth", "/metadata/name", json!("Auth")),
                &["Auth"],
            ),
            plant(
                "no Namespace",
                |r| drop_object(r, "Namespace/techcommerce"),
                &["Namespace"],
            ),
        ],
    );
}

#[test]
fn references() {
    all_found(
        "references",
        &[
            plant(
                "a ConfigMap that is not there",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/envFrom/0/configMapRef/name"),
                        json!("tech"),
                    )
                },
                &["Deployment/api", "no ConfigMap `tech`"],
            ),
            plant(
                "a Secret that nobody makes",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/spec/volumes/0/secret/secretName",
                        json!("api-keys"),
                    )
                },
                &["no Secret `api-keys`"],
            ),
            plant(
                "a key that the Secret has not",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/spec/volumes/0/secret/items",
                        json!([{"key": "private.key", "path": "api.key"}]),
                    )
                },
                &["no key `private.key`"],
            ),
            plant(
                "a mount without a volume",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/volumeMounts/0/name"),
                        json!("kee"),
                    )
                },
                &["no volume `kee`"],
            ),
            plant(
                "an account that is not there",
                |r| drop_object(r, "ServiceAccount/api"),
                &["Deployment/api", "no ServiceAccount"],
            ),
            plant(
                "a priority that is not there",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/spec/priorityClassName",
                        json!("high"),
                    )
                },
                &["no PriorityClass `high`"],
            ),
            plant(
                "a role that is not there",
                |r| set(r, "RoleBinding/secrets", "/roleRef/name", json!("secret")),
                &["RoleBinding/secrets", "no Role `secret`"],
            ),
            plant(
                "a subject of another namespace",
                |r| {
                    set(
                        r,
                        "RoleBinding/secrets",
                        "/subjects/0/namespace",
                        json!("default"),
                    )
                },
                &["no ServiceAccount"],
            ),
            plant(
                "nobody makes the Secrets",
                |r| drop_object(r, "Job/secrets"),
                &["there is no Secret `order-api-database`"],
            ),
            plant(
                "a claim that is not there",
                |r| drop_object(r, "PersistentVolumeClaim/pictures"),
                &["no PersistentVolumeClaim"],
            ),
        ],
    );
}

#[test]
fn claims_of_stateful_sets() {
    all_found_in(
        "k8s/combinations/backup-pgbackrest",
        "references",
        &[plant(
            "the volume of a replica that is not there",
            |r| {
                set(
                    r,
                    "CronJob/backup",
                    "/spec/jobTemplate/spec/template/spec/volumes/6/persistentVolumeClaim/claimName",
                    json!("data-postgres-1"),
                )
            },
            &["no PersistentVolumeClaim `data-postgres-1`"],
        )],
    );
}

#[test]
fn selectors() {
    all_found(
        "selectors",
        &[
            plant(
                "a label of the pods is misspelt",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/metadata/labels/app.kubernetes.io~1name",
                        json!("apis"),
                    )
                },
                &[
                    "Deployment/api",
                    "does not match the labels of its own pods",
                ],
            ),
            plant(
                "two Deployments with one selector",
                |r| {
                    for pointer in [
                        "/spec/selector/matchLabels",
                        "/spec/template/metadata/labels",
                    ] {
                        set(
                            r,
                            "Deployment/auth",
                            &format!("{pointer}/app.kubernetes.io~1name"),
                            json!("api"),
                        );
                    }
                },
                &["Deployment/api", "matches the pods of Deployment/auth too"],
            ),
            plant(
                "a Service that leads nowhere",
                |r| {
                    set(
                        r,
                        "Service/api",
                        "/spec/selector/app.kubernetes.io~1name",
                        json!("ap"),
                    )
                },
                &["Service/api", "no workload"],
            ),
            plant(
                "a Service that leads to all",
                |r| remove(r, "Service/api", "/spec/selector/app.kubernetes.io~1name"),
                &["Service/api", "several"],
            ),
            plant(
                "a budget for nobody",
                |r| {
                    set(
                        r,
                        "PodDisruptionBudget/api",
                        "/spec/selector/matchLabels/app.kubernetes.io~1name",
                        json!("apo"),
                    )
                },
                &["PodDisruptionBudget/api"],
            ),
            plant(
                "a policy for nobody",
                |r| {
                    set(
                        r,
                        "NetworkPolicy/api",
                        "/spec/podSelector/matchLabels/app.kubernetes.io~1name",
                        json!("apo"),
                    )
                },
                &["NetworkPolicy/api", "no pod"],
            ),
            plant(
                "a peer that is nobody",
                |r| {
                    set(
                        r,
                        "NetworkPolicy/images",
                        "/spec/ingress/0/from/0/podSelector/matchLabels/app.kubernetes.io~1name",
                        json!("front"),
                    )
                },
                &["NetworkPolicy/images", "no pod"],
            ),
            plant(
                "spread over others",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels/app.kubernetes.io~1name",
                        json!("web"),
                    )
                },
                &["topologySpreadConstraints"],
            ),
        ],
    );
}

#[test]
fn services_and_ports() {
    all_found(
        "services",
        &[
            plant(
                "a target that no pod has",
                |r| set(r, "Service/api", "/spec/ports/0/targetPort", json!("https")),
                &["Service/api", "has no port \"https\""],
            ),
            plant(
                "the port of another service",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/ports/0/containerPort"),
                        json!(8080),
                    )
                },
                &["Deployment/api", "listens on 8000"],
            ),
            plant(
                "a port that the settings change",
                |r| {
                    crate::rig::add_variable(
                        r,
                        "Deployment/api",
                        "TECHCOMMERCE_LISTEN_PORT",
                        "8001",
                    )
                },
                &["Deployment/api", "listens on 8001"],
            ),
            plant(
                "loopback",
                |r| {
                    crate::rig::add_variable(
                        r,
                        "Deployment/api",
                        "TECHCOMMERCE_LISTEN_ADDRESS",
                        "127.0.0.1",
                    )
                },
                &["nobody outside of the pod reaches it"],
            ),
            plant(
                "two ports of one name",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/ports/1/name"),
                        json!("http"),
                    )
                },
                &["two ports"],
            ),
        ],
    );
}
