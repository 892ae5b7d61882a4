//! Mistakes that only the program knows: settings, mounted secrets, probes.

use serde_json::json;

use crate::rig::{CONTAINER, add_variable, all_found, edit, plant, remove, set, variable};

#[test]
fn variables() {
    all_found(
        "environment",
        &[
            plant(
                "a misspelt variable",
                |r| {
                    variable(r, "Deployment/api", "TECHCOMMERCE_REDIS_URL_FILE", |v| {
                        v["name"] = json!("TECHCOMMERCE_REDIS_ULR_FILE")
                    })
                },
                &[
                    "Deployment/api",
                    "TECHCOMMERCE_REDIS_ULR_FILE",
                    "no setting",
                ],
            ),
            plant(
                "a misspelt variable in the ConfigMap",
                |r| {
                    edit(r, "ConfigMap/techcommerce", |map| {
                        map["data"]["TECHCOMMERCE_SHOP_NAM"] = json!("x")
                    })
                },
                &["TECHCOMMERCE_SHOP_NAM", "no setting"],
            ),
            plant(
                "a value that the program refuses",
                |r| {
                    edit(r, "ConfigMap/techcommerce", |map| {
                        map["data"]["TECHCOMMERCE_SHUTDOWN_GRACE_SECONDS"] = json!("soon")
                    })
                },
                &["techcommerce config", "shutdown.grace_seconds"],
            ),
            plant(
                "a file where nothing is mounted",
                |r| {
                    variable(r, "Deployment/api", "TECHCOMMERCE_REDIS_URL_FILE", |v| {
                        v["value"] = json!("/etc/redis/url")
                    })
                },
                &["/etc/redis/url", "nothing is mounted"],
            ),
            plant(
                "a file that the Secret has not",
                |r| {
                    variable(r, "Deployment/api", "TECHCOMMERCE_REDIS_URL_FILE", |v| {
                        v["value"] = json!("/etc/techcommerce/redis/uri")
                    })
                },
                &["techcommerce config", "redis_url_file"],
            ),
            plant(
                "a secret in the environment",
                |r| {
                    add_variable(
                        r,
                        "Deployment/api",
                        "TECHCOMMERCE_DATABASE_URL",
                        "postgres://u:p@h/d",
                    )
                },
                &["is a secret in the environment"],
            ),
            plant(
                "a variable twice",
                |r| {
                    add_variable(
                        r,
                        "Deployment/api",
                        "TECHCOMMERCE_KEYS_PRIVATE",
                        "/etc/techcommerce/keys",
                    )
                },
                &["twice"],
            ),
            plant(
                "somebody else's variable",
                |r| add_variable(r, "Deployment/api", "NODE_ENV", "production"),
                &["NODE_ENV", "no setting"],
            ),
        ],
    );
}

#[test]
fn what_each_needs() {
    all_found(
        "needs",
        &[
            plant(
                "no database",
                |r| {
                    gone(
                        r,
                        "Deployment/order-api",
                        "TECHCOMMERCE_DATABASES_ORDER_API_FILE",
                    )
                },
                &["Deployment/order-api", "databases.order_api"],
            ),
            plant(
                "no Redis",
                |r| gone(r, "Deployment/auth", "TECHCOMMERCE_REDIS_URL_FILE"),
                &["Deployment/auth", "redis_url"],
            ),
            plant(
                "no key",
                |r| gone(r, "Deployment/images", "TECHCOMMERCE_KEYS_PRIVATE"),
                &["Deployment/images", "keys.private"],
            ),
            plant(
                "one database of the worker's is missing",
                |r| gone(r, "Deployment/worker", "TECHCOMMERCE_DATABASES_IMAGES_FILE"),
                &["Deployment/worker", "databases.images"],
            ),
            plant(
                "another's database",
                |r| {
                    edit(r, "Deployment/frontend", |object| {
                        let volumes = object.pointer_mut("/spec/template/spec/volumes").unwrap();
                        volumes
                            .as_array_mut()
                            .unwrap()
                            .push(json!({"name": "x", "secret": {"secretName": "auth-database"}}));
                    });
                },
                &["Deployment/frontend", "auth-database"],
            ),
            plant(
                "another's key",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        "/spec/template/spec/volumes/0/secret/secretName",
                        json!("auth-key"),
                    )
                },
                &["Deployment/api", "auth-key"],
            ),
            plant(
                "every pod migrates",
                |r| {
                    edit(r, "ConfigMap/techcommerce", |map| {
                        map["data"]["TECHCOMMERCE_DATABASE_MIGRATE"] = json!("true")
                    })
                },
                &["Deployment/auth", "migrate the database"],
            ),
            plant(
                "a service is missing",
                |r| crate::rig::drop_object(r, "Deployment/images"),
                &["serve images"],
            ),
        ],
    );
}

fn gone(rendered: &mut techcommerce_manifests::rendered::Rendered, which: &str, name: &str) {
    edit(rendered, which, |object| {
        let list = object
            .pointer_mut("/spec/template/spec/containers/0/env")
            .unwrap();
        list.as_array_mut()
            .unwrap()
            .retain(|variable| variable["name"] != name);
    });
}

#[test]
fn probes() {
    all_found(
        "probes",
        &[
            plant(
                "a path that nobody answers",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/readinessProbe/httpGet/path"),
                        json!("/ready"),
                    )
                },
                &["Deployment/api", "/ready", "does not answer"],
            ),
            plant(
                "a port that is not there",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/livenessProbe/httpGet/port"),
                        json!("metrics"),
                    )
                },
                &["a port that the container has not"],
            ),
            plant(
                "a number of another port",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/livenessProbe/httpGet/port"),
                        json!(9465),
                    )
                },
                &[":9465/healthz"],
            ),
            plant(
                "liveness that asks the database",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/livenessProbe/httpGet/path"),
                        json!("/readyz"),
                    )
                },
                &["livenessProbe", "asks /readyz"],
            ),
            plant(
                "no readiness",
                |r| remove(r, "Deployment/api", &format!("{CONTAINER}/readinessProbe")),
                &["readinessProbe", "missing"],
            ),
            plant(
                "TLS",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/readinessProbe/httpGet/scheme"),
                        json!("HTTPS"),
                    )
                },
                &["TLS"],
            ),
            plant(
                "no patience",
                |r| {
                    set(
                        r,
                        "Deployment/api",
                        &format!("{CONTAINER}/startupProbe/failureThreshold"),
                        json!(3),
                    )
                },
                &["startupProbe", "a minute"],
            ),
        ],
    );
}
