//! Mistakes that others' programs have to find: schemas, custom resources, hardening.

use std::path::PathBuf;

use serde_json::json;
use techcommerce_manifests::object::Object;
use techcommerce_manifests::outside::{crds, schemas};
use techcommerce_manifests::rendered::Rendered;

use crate::rig::{rendered, root, set};

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!(
        "techcommerce-manifests-{name}-{}",
        std::process::id()
    ));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn schemas_of_kubernetes() {
    let scratch = scratch("schemas");
    let mut bad = rendered("k8s/overlays/production");
    let found = schemas::check(&root(), std::slice::from_ref(&bad), &scratch).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    set(
        &mut bad,
        "Deployment/api",
        "/spec/template/spec/dnsPolici",
        json!("Default"),
    );
    set(&mut bad, "Service/api", "/spec/ports/0/port", json!("http"));
    let found = schemas::check(&root(), &[bad], &scratch).unwrap();
    for expected in ["deployment/api", "service/api"] {
        let count = found
            .iter()
            .filter(|finding| finding.place == expected)
            .count();
        assert_eq!(count, schemas::VERSIONS.len(), "{expected}: {found:#?}");
    }
    std::fs::remove_dir_all(&scratch).unwrap();
}

#[test]
fn schemas_of_custom_resources() {
    let object = |value| Object::new(value).unwrap();
    let scaled = |spec| {
        object(
            json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "worker"}, "spec": spec}),
        )
    };
    let good = json!({"scaleTargetRef": {"name": "worker"}, "maxReplicaCount": 5, "triggers": [{"type": "prometheus", "metadata": {"query": "x"}}]});
    let ask = |object| {
        let rendered = Rendered {
            folder: "x".to_owned(),
            objects: vec![object],
        };
        let found = crds::check(&root(), &[rendered]).unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(ask(scaled(good.clone())), Vec::<String>::new());
    for (pointer, value, expected) in [
        ("maxReplicaCout", json!(5), "spec.maxReplicaCout"),
        ("maxReplicaCount", json!("five"), "maxReplicaCount"),
        ("triggers", json!(null), "triggers"),
    ] {
        let mut bad = good.clone();
        if value.is_null() {
            bad.as_object_mut().unwrap().remove(pointer);
        } else {
            bad[pointer] = value;
        }
        let found = ask(scaled(bad));
        assert!(
            found.iter().any(|text| text.contains(expected)),
            "{expected}: {found:#?}"
        );
    }
    let other = object(
        json!({"apiVersion": "keda.sh/v1", "kind": "ScaledObject", "metadata": {"name": "worker"}, "spec": good}),
    );
    assert!(ask(other)[0].contains("there is no ScaledObject in keda.sh/v1"));
}
