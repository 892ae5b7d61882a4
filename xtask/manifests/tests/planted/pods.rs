//! Mistakes in pods: hardening, images, accounts, resources, Jobs, storage.

use serde_json::json;

use crate::rig::{CONTAINER, all_found, drop_object, plant, remove, set};

const POD: &str = "/spec/template/spec";

#[test]
fn security() {
    all_found(
        "security",
        &[
            plant(
                "privileged",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/securityContext/privileged"),
                        json!(true),
                    )
                },
                &["Deployment/api", "privileged"],
            ),
            plant(
                "a folder of the node",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{POD}/volumes/0"),
                        json!({"name": "key", "hostPath": {"path": "/"}}),
                    )
                },
                &["hostPath"],
            ),
            plant(
                "root",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{POD}/securityContext/runAsUser"),
                        json!(0),
                    )
                },
                &["runAsUser"],
            ),
            plant(
                "root in the container",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/securityContext/runAsUser"),
                        json!(0),
                    )
                },
                &["is root"],
            ),
            plant(
                "perhaps root",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{POD}/securityContext/runAsNonRoot"),
                    )
                },
                &["runAsNonRoot"],
            ),
            plant(
                "a writable root",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/securityContext/readOnlyRootFilesystem"),
                    )
                },
                &["readOnlyRootFilesystem"],
            ),
            plant(
                "capabilities",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/securityContext/capabilities"),
                    )
                },
                &["capabilities.drop"],
            ),
            plant(
                "one more capability",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/securityContext/capabilities/add"),
                        json!(["SYS_ADMIN"]),
                    )
                },
                &["SYS_ADMIN"],
            ),
            plant(
                "escalation",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/securityContext/allowPrivilegeEscalation"),
                        json!(true),
                    )
                },
                &["allowPrivilegeEscalation"],
            ),
            plant(
                "no seccomp",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{POD}/securityContext/seccompProfile"),
                    )
                },
                &["seccompProfile"],
            ),
            plant(
                "the node's network",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{POD}/hostNetwork"),
                        json!(true),
                    )
                },
                &["hostNetwork"],
            ),
            plant(
                "the node's port",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/ports/0/hostPort"),
                        json!(8000),
                    )
                },
                &["hostPort"],
            ),
            plant(
                "baseline",
                |r| {
                    set(
                        r,
                        "Namespace/techcommerce",
                        "/metadata/labels/pod-security.kubernetes.io~1enforce",
                        json!("baseline"),
                    )
                },
                &["Namespace/techcommerce", "baseline"],
            ),
            plant(
                "a secret's value in the repository",
                |r| {
                    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "techcommerce"}, "stringData": {"password": "hunter2"}});
                    r.objects
                        .push(techcommerce_manifests::object::Object::new(secret).unwrap());
                },
                &["Secret/x", "everybody reads it"],
            ),
            plant(
                "a Secret by subPath",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/volumeMounts/0/subPath"),
                        json!("api.key"),
                    )
                },
                &["subPath"],
            ),
        ],
    );
}

#[test]
fn accounts() {
    all_found(
        "accounts",
        &[
            plant(
                "a token in the pod",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{POD}/automountServiceAccountToken"),
                    )
                },
                &["Deployment/api", "automountServiceAccountToken"],
            ),
            plant(
                "a token for the account",
                |r| remove(r, "ServiceAccount/api", "/automountServiceAccountToken"),
                &["ServiceAccount/api"],
            ),
            plant(
                "the default account",
                |r| remove(r, "Deployment/api", &format!("{POD}/serviceAccountName")),
                &["default account"],
            ),
            plant(
                "all verbs",
                |r| set(r, "Role/secrets", "/rules/0/verbs", json!(["*"])),
                &["Role/secrets", "`*`"],
            ),
        ],
    );
}

#[test]
fn what_all_pods_have() {
    all_found(
        "pods",
        &[
            plant(
                "service links",
                |r| remove(r, "Deployment/api", &format!("{POD}/enableServiceLinks")),
                &["enableServiceLinks"],
            ),
            plant(
                "no priority",
                |r| remove(r, "Deployment/api", &format!("{POD}/priorityClassName")),
                &["priorityClassName"],
            ),
            plant(
                "another service's arguments",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/args"),
                        json!(["serve", "auth"]),
                    )
                },
                &["Deployment/api", "serves `auth`"],
            ),
            plant(
                "no spread",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{POD}/topologySpreadConstraints"),
                    )
                },
                &["topologySpreadConstraints"],
            ),
            plant(
                "a shell",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/command"),
                        json!(["sh", "-c"]),
                    )
                },
                &["entry point"],
            ),
        ],
    );
}

#[test]
fn images() {
    all_found(
        "images",
        &[
            plant(
                "latest",
                |r| {
                    set(
                        r,
                        "StatefulSet/postgres",
                        &format!("{CONTAINER}/image"),
                        json!("docker.io/library/postgres:latest"),
                    )
                },
                &["StatefulSet/postgres", "moves"],
            ),
            plant(
                "no tag",
                |r| {
                    set(
                        r,
                        "StatefulSet/postgres",
                        &format!("{CONTAINER}/image"),
                        json!("postgres"),
                    )
                },
                &["neither tag nor digest"],
            ),
            plant(
                "another registry",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/image"),
                        json!("docker.io/someone/techcommerce:1.0"),
                    )
                },
                &["not the name of our image"],
            ),
            plant(
                "two versions",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/image"),
                        json!("ghcr.io/techcommerce/techcommerce:0.0.9"),
                    )
                },
                &["different versions"],
            ),
            plant(
                "half a digest",
                |r| {
                    set(
                        r,
                        "StatefulSet/postgres",
                        &format!("{CONTAINER}/image"),
                        json!("postgres@sha256:abc"),
                    )
                },
                &["64 hexadecimal"],
            ),
        ],
    );
}

#[test]
fn resources() {
    all_found(
        "resources",
        &[
            plant(
                "no request",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/requests/cpu"),
                    )
                },
                &["Deployment/api", "no request of cpu"],
            ),
            plant(
                "no limit of memory",
                |r| {
                    remove(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/limits/memory"),
                    )
                },
                &["no limit of memory"],
            ),
            plant(
                "more asked than allowed",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/requests/memory"),
                        json!("1Gi"),
                    )
                },
                &["than its limit"],
            ),
            plant(
                "thousandths of a byte",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/requests/memory"),
                        json!("128m"),
                    )
                },
                &["128m"],
            ),
            plant(
                "no unit of Kubernetes",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/limits/memory"),
                        json!("256MB"),
                    )
                },
                &["no quantity"],
            ),
            plant(
                "beyond the LimitRange",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/resources/limits/memory"),
                        json!("64Gi"),
                    )
                },
                &["LimitRange"],
            ),
        ],
    );
}

#[test]
fn jobs() {
    all_found(
        "jobs",
        &[
            plant(
                "tried for ever",
                |r| remove(r, "Job/migrate", "/spec/backoffLimit"),
                &["Job/migrate", "backoffLimit"],
            ),
            plant(
                "hanging for ever",
                |r| remove(r, "Job/migrate", "/spec/activeDeadlineSeconds"),
                &["activeDeadlineSeconds"],
            ),
            plant(
                "staying for ever",
                |r| remove(r, "Job/secrets", "/spec/ttlSecondsAfterFinished"),
                &["Job/secrets", "ttlSecondsAfterFinished"],
            ),
            plant(
                "Always",
                |r| {
                    set(
                        r,
                        "Job/migrate",
                        "/spec/template/spec/restartPolicy",
                        json!("Always"),
                    )
                },
                &["restartPolicy"],
            ),
            plant(
                "no migration",
                |r| drop_object(r, "Job/migrate"),
                &["runs `migrate`"],
            ),
        ],
    );
}

#[test]
fn storage() {
    all_found(
        "storage",
        &[
            plant(
                "a folder without bound",
                |r| {
                    crate::rig::edit(r, "Deployment/api", |object| {
                        let volumes = object.pointer_mut("/spec/template/spec/volumes").unwrap();
                        volumes
                            .as_array_mut()
                            .unwrap()
                            .push(json!({"name": "tmp", "emptyDir": {}}));
                    });
                },
                &["sizeLimit"],
            ),
            plant(
                "pods of several nodes on one volume",
                |r| {
                    for which in ["Deployment/images", "Deployment/worker"] {
                        remove(r, which, "/spec/template/spec/affinity");
                    }
                },
                &["PersistentVolumeClaim/pictures", "ReadWriteMany"],
            ),
            plant(
                "nowhere to write",
                |r| {
                    crate::rig::edit(r, "Deployment/images", |object| {
                        let mounts = object
                            .pointer_mut("/spec/template/spec/containers/0/volumeMounts")
                            .unwrap();
                        mounts.as_array_mut().unwrap().retain(|mount| {
                            !mount["mountPath"].as_str().unwrap().starts_with("/var/lib")
                        });
                    });
                },
                &["Deployment/images", "data folder"],
            ),
            plant(
                "no governing Service",
                |r| set(r, "StatefulSet/postgres", "/spec/serviceName", json!("pg")),
                &["StatefulSet/postgres", "no Service `pg`"],
            ),
        ],
    );
}
