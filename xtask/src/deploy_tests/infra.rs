//! deploy_infra.sh, make_certificate.sh and seal_secrets.sh against the same doubles.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::double::Machine;
use super::{changes, order};

const SCRIPT: &str = "scripts/deploy_infra.sh";

#[test]
fn everything_comes_up_in_order() {
    let machine = Machine::new().answers("*get secret grafana-admin*|1|");
    let run = machine
        .run(SCRIPT, &["-c", "minikube", "--no-build"], None)
        .succeeds();
    order(
        &run,
        &[
            "minikube addons enable ingress",
            "apply --kustomize ROOT/k8s/monitoring/rbac",
            "apply --kustomize ROOT/k8s/monitoring/alertmanager",
            "create secret generic grafana-admin",
            "helm repo add prometheus-community",
            "helm upgrade kps prometheus-community/kube-prometheus-stack --install --version 75.13.0",
            "apply --kustomize ROOT/k8s/monitoring",
            "create secret tls shop-tls",
            "apply --kustomize ROOT/k8s/logging",
            "--namespace logging rollout status statefulset/loki",
            "--namespace logging rollout status daemonset/fluent-bit",
            "apply --kustomize ROOT/k8s/tracing",
            "--namespace tracing rollout status statefulset/tempo",
            "--namespace tracing rollout status deployment/otel-collector",
            "kubectl --context minikube apply --filename",
            "rollout status deployment/frontend",
        ],
    );
    assert!(
        run.out.contains("service/kps-grafana 3030:80"),
        "{}",
        run.out
    );
    let kustomization = machine.read("kustomization.yaml");
    assert!(
        kustomization.contains("namespace: shop\ncomponents:\n  - ../components/tracing"),
        "the shop sends its traces: {kustomization}"
    );
    let told = run.calls.iter().chain([&run.out, &run.err]);
    let key = |text: &&String| text.contains("admin-password=") && !text.contains("/dev/fd/");
    assert_eq!(told.filter(key).count(), 0, "Grafana's password is shown");
}

#[test]
fn parts_can_be_left_out() {
    let arguments = [
        "-c",
        "current",
        "--no-monitoring",
        "--no-logging",
        "--no-tracing",
        "--overlay",
        "production",
    ];
    let run = Machine::new().run(SCRIPT, &arguments, None).succeeds();
    assert!(!run.called("helm") && !run.called("minikube") && !run.called("monitoring"));
    assert!(!run.called("k8s/logging") && !run.called("k8s/tracing"));
    assert!(
        run.called("kustomize ROOT/k8s/overlays/production"),
        "the rest is handed on"
    );
}

#[test]
fn what_is_there_stays() {
    let run = Machine::new().run(SCRIPT, &["-c", "kind"], None).succeeds();
    assert!(!run.called("grafana-admin --from"));
    assert!(
        run.called("grafana.service.nodePort=30030"),
        "kind publishes it on this machine"
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let machine = Machine::empty().answers("*get secret*|1|");
    let run = machine
        .run(SCRIPT, &["-c", "kind", "--dry-run"], None)
        .succeeds();
    let changed =
        |call: &&String| changes(call) || call.contains("helm") || call.contains(" create ");
    assert_eq!(run.calls.iter().find(changed), None);
}

#[test]
fn a_failure_ends_it() {
    let machine = Machine::new().answers("helm upgrade*|1|timed out");
    let run = machine
        .run(SCRIPT, &["-c", "kind"], None)
        .fails("Monitoring does not come up.");
    assert!(!run.called(" apply --filename"), "the shop is not begun");
    let machine = Machine::new().answers("*rollout status daemonset/fluent-bit*|1|");
    let run = machine
        .run(SCRIPT, &["-c", "kind", "--no-monitoring"], None)
        .fails("daemonset/fluent-bit in logging does not come up.");
    assert!(!run.called("k8s/tracing") && !run.called(" apply --filename"));
    let machine = Machine::new().without("helm");
    machine
        .run(SCRIPT, &["-c", "kind"], None)
        .fails("helm is not installed.");
}

#[test]
fn it_can_be_removed() {
    Machine::new()
        .run(SCRIPT, &["--cleanup-only"], None)
        .fails("is deploy.sh's");
    let run = Machine::new()
        .run(SCRIPT, &["-c", "kind", "--remove"], None)
        .succeeds();
    order(
        &run,
        &[
            "helm uninstall kps",
            "delete namespace monitoring",
            "delete --kustomize ROOT/k8s/logging",
            "delete --kustomize ROOT/k8s/tracing",
        ],
    );
    assert!(!run.called("delete namespace shop"));
}

#[test]
fn components_can_be_added() {
    let machine = Machine::new();
    machine
        .run(
            "deploy.sh",
            &["-c", "current", "--component", "tracing"],
            None,
        )
        .succeeds();
    let kustomization = machine.read("kustomization.yaml");
    assert!(
        kustomization.contains(
            "  - ../overlays/dev\nnamespace: shop\ncomponents:\n  - ../components/tracing\n"
        ),
        "{kustomization}"
    );
    machine
        .run(
            "deploy.sh",
            &["-c", "current", "--component", "tracking"],
            None,
        )
        .fails("There is no component tracking.");
}

#[test]
fn a_certificate_for_the_local_names() {
    let machine = Machine::new();
    let script = "scripts/make_certificate.sh";
    let folder = machine.root().join("certificates");
    machine
        .run(script, &["--apply", "shop", "--reflect"], None)
        .succeeds();
    let mode = fs::metadata(folder.join("tls.key"))
        .expect("a key")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "others read the key");
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-ext", "subjectAltName", "-in"])
        .arg(folder.join("tls.crt"))
        .output()
        .expect("openssl");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for host in ["shop", "api", "auth", "images", "monitoring"] {
        assert!(shown.contains(&format!("DNS:{host}.test")), "{shown}");
    }
    let before = fs::read(folder.join("tls.crt")).expect("a certificate");
    machine.run(script, &[], None).succeeds();
    assert_eq!(
        before,
        fs::read(folder.join("tls.crt")).expect("a certificate"),
        "it is kept"
    );
    machine.run(script, &["--force"], None).succeeds();
    assert_ne!(
        before,
        fs::read(folder.join("tls.crt")).expect("a certificate")
    );
    machine
        .run(script, &["--apply"], None)
        .fails("--apply needs a value");
}

#[test]
fn secrets_are_sealed_or_nothing_is_left() {
    let script = "scripts/seal_secrets.sh";
    let machine = Machine::new().answers("kubeseal *|0|kind: SealedSecret");
    let file = machine.root().join("sealed.yaml");
    let arguments = [
        "--namespace",
        "shop",
        "--output",
        &file.display().to_string(),
    ];
    let run = machine.run(script, &arguments, None).succeeds();
    assert!(run.called("docker run --rm --network none"));
    assert_eq!(
        fs::read_to_string(&file).expect("the file"),
        "kind: SealedSecret\n"
    );
    machine
        .run(script, &arguments, None)
        .fails("is there already");

    let machine = Machine::new().answers("kubeseal *|1|no controller");
    let file = machine.root().join("sealed.yaml");
    let arguments = [
        "--namespace",
        "shop",
        "--output",
        &file.display().to_string(),
    ];
    machine
        .run(script, &arguments, None)
        .fails("cannot be sealed");
    assert!(!file.exists() && !file.with_extension("yaml.part").exists());
}
