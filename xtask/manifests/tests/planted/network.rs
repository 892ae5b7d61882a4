//! Mistakes in policies, as our own check and as network-config-analyzer see them.

use serde_json::json;
use techcommerce_manifests::outside::flows;
use techcommerce_manifests::rendered::Rendered;

use crate::rig::{all_found, drop_object, edit, plant, rendered, root, set};

#[test]
fn policies() {
    all_found(
        "policies",
        &[
            plant(
                "no default",
                |r| drop_object(r, "NetworkPolicy/default-deny"),
                &["denies ingress"],
            ),
            plant(
                "one direction by default",
                |r| {
                    set(
                        r,
                        "NetworkPolicy/default-deny",
                        "/spec/policyTypes",
                        json!(["Ingress"]),
                    )
                },
                &["denies egress"],
            ),
            plant(
                "everybody",
                |r| {
                    edit(r, "NetworkPolicy/api", |policy| {
                        drop(
                            policy["spec"]["ingress"][0]
                                .as_object_mut()
                                .unwrap()
                                .remove("from"),
                        )
                    })
                },
                &["NetworkPolicy/api", "everybody"],
            ),
            plant(
                "every namespace",
                |r| {
                    set(
                        r,
                        "NetworkPolicy/api",
                        "/spec/ingress/0/from",
                        json!([{"namespaceSelector": {}}]),
                    )
                },
                &["every pod of every namespace"],
            ),
            plant(
                "every pod",
                |r| {
                    set(
                        r,
                        "NetworkPolicy/api",
                        "/spec/ingress/0/from",
                        json!([{"podSelector": {}}]),
                    )
                },
                &["every pod of the namespace"],
            ),
            plant(
                "all ports",
                |r| {
                    edit(r, "NetworkPolicy/api", |policy| {
                        drop(
                            policy["spec"]["ingress"][0]
                                .as_object_mut()
                                .unwrap()
                                .remove("ports"),
                        )
                    })
                },
                &["all ports"],
            ),
            plant(
                "the cloud's metadata",
                |r| {
                    edit(r, "NetworkPolicy/worker", |policy| {
                        for rule in policy["spec"]["egress"].as_array_mut().unwrap() {
                            for peer in rule["to"].as_array_mut().into_iter().flatten() {
                                if let Some(block) = peer.get_mut("ipBlock") {
                                    block.as_object_mut().unwrap().remove("except");
                                }
                            }
                        }
                    })
                },
                &["NetworkPolicy/worker", "those inside as well"],
            ),
            plant(
                "a port that nobody has",
                |r| {
                    set(
                        r,
                        "NetworkPolicy/api",
                        "/spec/ingress/0/ports/0/port",
                        json!(8001),
                    )
                },
                &["has the port 8001"],
            ),
            plant(
                "rules without their type",
                |r| {
                    set(
                        r,
                        "NetworkPolicy/api",
                        "/spec/policyTypes",
                        json!(["Ingress"]),
                    )
                },
                &["does not name Egress"],
            ),
        ],
    );
}

/// Each is seen by network-config-analyzer as a flow too many or too few.
#[test]
fn allowed_flows() {
    type Mistake = (&'static str, fn(&mut Rendered), &'static str);
    let mistakes: [Mistake; 5] = [
        (
            "a flow is missing",
            |r| {
                edit(r, "NetworkPolicy/order-api", |policy| {
                    policy["spec"]["egress"] = json!([])
                })
            },
            "order-api → product-api (TCP 5000): is needed",
        ),
        (
            "no policy for names",
            |r| drop_object(r, "NetworkPolicy/dns"),
            "kube-system/kube-dns (UDP 53): is needed",
        ),
        (
            "the frontend may ask for stock",
            |r| {
                edit(r, "NetworkPolicy/frontend", |policy| {
                    let to = json!({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "product-api"}}});
                    let rule = json!({"to": [to], "ports": [{"port": 5000, "protocol": "TCP"}]});
                    policy["spec"]["egress"].as_array_mut().unwrap().push(rule);
                });
                edit(r, "NetworkPolicy/product-api", |policy| {
                    let from = json!({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "frontend"}}});
                    policy["spec"]["ingress"][0]["from"]
                        .as_array_mut()
                        .unwrap()
                        .push(from);
                });
            },
            "frontend → product-api (TCP 5000): is allowed",
        ),
        (
            "anybody reaches the database",
            |r| {
                edit(
                    r,
                    "NetworkPolicy/postgres",
                    |policy| policy["spec"]["ingress"] = json!([{"from": [{"namespaceSelector": {}}], "ports": [{"port": 5432, "protocol": "TCP"}]}]),
                )
            },
            "elsewhere/stranger → postgres (TCP 5432): is allowed",
        ),
        (
            "metrics for nobody",
            |r| drop_object(r, "NetworkPolicy/monitoring"),
            "monitoring/any → api (TCP 9464): is needed",
        ),
    ];
    let scratch = std::env::temp_dir().join(format!(
        "techcommerce-manifests-flows-{}",
        std::process::id()
    ));
    std::fs::create_dir_all(&scratch).unwrap();
    let good = rendered("k8s/overlays/production");
    let found = flows::check(&root(), &good, &scratch).unwrap();
    assert!(found.is_empty(), "without any mistake: {found:#?}");
    for (what, plant, expected) in mistakes {
        let mut bad = good.clone();
        plant(&mut bad);
        let found = flows::check(&root(), &bad, &scratch).unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let named = found.iter().any(|text| {
            text.replace("): ", "):")
                .contains(&expected.replace("): ", "):"))
                || text.contains(expected)
        });
        assert!(named, "{what}: no `{expected}` among {found:#?}");
    }
    std::fs::remove_dir_all(&scratch).unwrap();
}
