//! deploy.sh against doubles of everything that it calls: each flag, and a failure of each call.

mod chaos;
mod delivery;
mod double;
mod infra;

use double::{Machine, RENDERED, Run};

/// Calls that change the cluster or the machine.
fn changes(call: &str) -> bool {
    [
        " apply ",
        " delete ",
        " undo ",
        "docker build",
        "docker tag",
        " load",
        "minikube start",
        "minikube addons",
        "kind create",
    ]
    .iter()
    .any(|part| call.contains(part))
}

fn order(run: &Run, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let found = run.calls[from..]
            .iter()
            .position(|call| call.contains(part));
        let Some(found) = found else {
            panic!("after call {from} there is no {part}: {:#?}", run.calls);
        };
        from += found + 1;
    }
}

#[test]
fn help_lists_the_options_and_does_nothing() {
    let run = Machine::new().deploy(&["--help"]).succeeds();
    for option in [
        "-c, --cluster",
        "--overlay",
        "--image",
        "--no-build",
        "--cleanup ",
        "--cleanup-only",
        "--yes",
        "--no-smoke",
        "--timeout",
        "--dry-run",
        "--help",
    ] {
        assert!(run.out.contains(option), "{option}: {}", run.out);
    }
    assert!(run.calls.is_empty());
}

#[test]
fn bad_arguments_are_refused_with_the_mend() {
    let machine = Machine::new();
    for (arguments, with) in [
        (vec!["--nonsense"], "There is no option --nonsense"),
        (vec!["-c"], "-c needs a value"),
        (vec!["-c", "cloud"], "It is minikube, kind or current"),
        (vec!["--timeout", "soon"], "soon is not a time"),
        (
            vec!["--image", "registry:5000/shop"],
            "neither tag nor digest",
        ),
        (
            vec!["--overlay", "mars"],
            "overlays/dev overlays/production combinations/big",
        ),
    ] {
        let run = machine.deploy(&arguments).fails(with);
        assert!(
            !run.calls.iter().any(|call| changes(call)),
            "{:?}",
            run.calls
        );
    }
}

#[test]
fn minikube_is_the_default() {
    let run = Machine::new().deploy(&[]).succeeds();
    order(
        &run,
        &[
            "minikube status",
            "minikube addons enable metrics-server",
            "docker build --tag ghcr.io/techcommerce/techcommerce:local ROOT",
            "minikube image load ghcr.io/techcommerce/techcommerce:local-0123456789ab",
            "kubectl --context minikube apply --filename",
            "rollout status statefulset/postgres",
            "rollout status deployment/frontend",
            "port-forward service/frontend",
            "/api/orders/o1?access_token=t",
        ],
    );
    assert!(!run.called("minikube start"));
    for text in [
        "http://localhost:30000",
        "get secret admin",
        "order 1001 is placed",
        "and paid",
    ] {
        assert!(run.out.contains(text), "{text}: {}", run.out);
    }
    let outside =
        |call: &&String| call.starts_with("kubectl --context") && !call.contains("minikube");
    assert_eq!(
        run.calls.iter().find(outside),
        None,
        "another cluster is spoken to"
    );
}

#[test]
fn on_minikube_the_shop_is_where_its_ports_are() {
    let machine = Machine::new();
    machine.deploy(&[]).succeeds();
    let kustomization = machine.read("kustomization.yaml");
    for line in [
        "    namespace: shop",
        "      - TECHCOMMERCE_PUBLIC_URL=http://192.168.49.2:30000",
        "    newTag: \"local-0123456789ab\"",
    ] {
        assert!(kustomization.contains(line), "{kustomization}");
    }
    let elsewhere = RENDERED.replace("http://localhost:30000", "https://shop.example");
    machine.put("rendered.yaml", &elsewhere);
    let run = machine.deploy(&[]).succeeds();
    assert!(!run.called("minikube ip"));
}

#[test]
fn minikube_is_started_if_it_does_not_run() {
    let machine = Machine::new().answers("minikube status*|1|");
    let run = machine.deploy(&[]).succeeds();
    assert!(run.called("minikube start --profile minikube --cpus=4 --memory=8192 --cni=calico"));
}

#[test]
fn kind_is_made_once_and_gets_the_image() {
    let machine = Machine::new().answers("kind get clusters*|0|other");
    let run = machine.deploy(&["-c", "kind"]).succeeds();
    order(
        &run,
        &[
            "kind create cluster --name dev-assessment --config ROOT/scripts/deploy/kind.yaml",
            "kind load docker-image ghcr.io/techcommerce/techcommerce:local-0123456789ab --name dev-assessment",
            "kubectl --context kind-dev-assessment apply",
        ],
    );
    let again = Machine::new().deploy(&["-c", "kind"]).succeeds();
    assert!(!again.called("kind create"));
}

#[test]
fn podman_loads_by_an_archive() {
    let machine = Machine::new().without("docker");
    machine.double("podman");
    let run = machine.deploy(&["-c", "kind"]).succeeds();
    order(
        &run,
        &[
            "podman build",
            "podman save --output",
            "kind load image-archive",
        ],
    );
}

#[test]
fn another_cluster_pulls_its_image() {
    let run = Machine::new()
        .deploy(&["-c", "current", "--overlay", "production"])
        .succeeds();
    assert!(run.called("kubectl --context elsewhere apply"));
    assert!(!run.called("docker"));
    let machine = Machine::new().answers("kubectl config current-context*|0|kind-mine");
    let run = machine.deploy(&["-c", "current"]).succeeds();
    assert!(
        run.called("--name mine"),
        "kind's clusters are known by their context"
    );
}

#[test]
fn an_image_can_be_named() {
    let machine = Machine::new();
    machine
        .deploy(&["-c", "current", "--image", "registry:5000/shop:v2"])
        .succeeds();
    let kustomization = machine.read("kustomization.yaml");
    for line in [
        "  - ../overlays/dev",
        "  - name: ghcr.io/techcommerce/techcommerce",
        "    newName: registry:5000/shop",
        "    newTag: \"v2\"",
    ] {
        assert!(kustomization.contains(line), "{kustomization}");
    }
    let digest = "shop@sha256:0000000000000000000000000000000000000000000000000000000000000000";
    machine
        .deploy(&["-c", "current", "--overlay", "big", "--image", digest])
        .succeeds();
    let kustomization = machine.read("kustomization.yaml");
    assert!(
        kustomization.contains("  - ../combinations/big"),
        "{kustomization}"
    );
    assert!(
        kustomization.contains("    digest: sha256:0000"),
        "{kustomization}"
    );
}

#[test]
fn without_building_the_image_that_is_there_serves() {
    let run = Machine::new().deploy(&["--no-build"]).succeeds();
    assert!(!run.called("docker build"));
    assert!(run.called("minikube image load"));
    let machine = Machine::new().answers("docker image inspect*|1|");
    let run = machine.deploy(&["--no-build"]).succeeds();
    assert!(
        !run.called("image load"),
        "none is there: the overlay's is taken"
    );
}

#[test]
fn cleaning_up() {
    let run = Machine::new().deploy(&["--cleanup"]).succeeds();
    order(
        &run,
        &["delete namespace shop --ignore-not-found", " apply "],
    );
    let run = Machine::new()
        .deploy(&["-c", "kind", "--cleanup-only"])
        .succeeds();
    assert!(run.called("delete namespace shop"));
    assert!(!run.called(" apply ") && !run.called("docker"));
    let only = ["-c", "current", "--cleanup-only"];
    let run = Machine::new().deploy(&only).fails("say so: --yes");
    assert!(!run.called("delete"));
    let run = Machine::new()
        .deploy(&[&only[..], &["--yes"]].concat())
        .succeeds();
    assert!(run.called("delete namespace shop"));
}

#[test]
fn a_dry_run_changes_nothing() {
    for arguments in [
        &["--dry-run"][..],
        &["-c", "kind", "--cleanup", "--dry-run"],
    ] {
        let machine = Machine::empty().answers("minikube status*|1|\nkind get clusters*|0|");
        let run = machine.deploy(arguments).succeeds();
        assert!(
            !run.calls.iter().any(|call| changes(call)),
            "{:#?}",
            run.calls
        );
        for shown in ["build --tag", "apply --filename", "deployment/frontend"] {
            assert!(run.out.contains(shown), "{shown}: {}", run.out);
        }
    }
}

#[test]
fn again_is_the_same() {
    let machine = Machine::new();
    let stable = |run: Run| -> Vec<String> {
        let plain = |call: String| match call.find(".deploy.") {
            Some(at) => format!("{}{}", &call[..at], &call[at + 14..]),
            None => call,
        };
        run.calls.into_iter().map(plain).collect()
    };
    let first = stable(machine.deploy(&[]).succeeds());
    assert_eq!(first, stable(machine.deploy(&[]).succeeds()));
}

/// Calls whose failure is no failure of the deployment: what they say otherwise is expected.
const MAY_FAIL: &[&str] = &["minikube status", "minikube addons"];

#[test]
fn a_failure_of_any_call_is_explained_and_what_was_there_is_put_back() {
    let calls = Machine::new().deploy(&[]).succeeds().calls;
    assert!(calls.len() > 20, "{calls:#?}");
    for (index, call) in calls.iter().enumerate() {
        if MAY_FAIL.iter().any(|part| call.contains(part)) {
            continue;
        }
        let run = Machine::new().run("deploy.sh", &[], Some(index + 1));
        let applied = run.calls[..=index]
            .iter()
            .any(|call| call.contains(" apply "));
        let run = run.fails("error: ");
        assert!(run.err.contains("(while: "), "{call}: {}", run.err);
        let explained = run.called("get events") && run.called("describe pod frontend-1");
        assert_eq!(explained, applied, "{call}: {:#?}", run.calls);
        let restored = run.calls.iter().any(|call| call.ends_with("/before.yaml"));
        assert_eq!(restored, applied, "{call}: {:#?}", run.calls);
        if applied {
            assert!(
                run.err.contains("The shop is as it was before."),
                "{call}: {}",
                run.err
            );
            assert!(run.err.contains("a line of its log"), "{call}: {}", run.err);
        }
    }
}

#[test]
fn a_first_installation_that_fails_is_left_to_be_looked_at() {
    let machine =
        Machine::empty().answers("*rollout status deployment*|1|exceeded its progress deadline");
    let run = machine
        .deploy(&[])
        .fails("deployment/frontend did not come up");
    assert!(
        run.err.contains("left as it is") && run.err.contains("--cleanup-only"),
        "{}",
        run.err
    );
    assert!(run.called("logs frontend-1 --all-containers --previous"));
    assert!(!run.called("/before.yaml") && !run.called("undo"));
}

#[test]
fn a_migration_that_fails_ends_the_deployment() {
    let machine = Machine::new().answers("*get job migrate*|0|migrate FailureTarget Failed");
    let run = machine.deploy(&[]).fails("The job migrate failed.");
    assert!(run.called("delete job migrate"), "it may run again");
    let machine = Machine::new().answers("*get job migrate*|0|migrate");
    machine
        .deploy(&["--timeout", "1s"])
        .fails("The job migrate is not done after 1s.");
}

#[test]
fn rollouts_are_undone_where_the_old_configuration_is_refused() {
    let machine = Machine::new()
        .answers("*rollout status deployment*|1|stuck\n*apply --filename *before.yaml|1|refused");
    let run = machine.deploy(&[]).fails("did not come up");
    assert!(run.called("rollout undo deployment/frontend"));
}

#[test]
fn what_the_shop_answers_decides() {
    let shop = |lines: &str| Machine::new().shop(lines);
    let run = shop("GET */api/products*|200|{\"items\":[]}")
        .deploy(&[])
        .succeeds();
    assert!(run.out.contains("the catalogue is empty"));
    assert!(!run.called("/api/carts"));

    let machine = Machine::new();
    machine.put(
        "rendered.yaml",
        &RENDERED.replace("test; invoice", "invoice"),
    );
    let run = machine.deploy(&[]).succeeds();
    assert!(run.out.contains("no test payment") && !run.called("/api/orders"));

    shop("GET */|503|{\"code\":\"unavailable\"}")
        .deploy(&[])
        .fails("GET / answered 503");
    shop("POST */api/orders|409|{\"code\":\"out_of_stock\"}")
        .deploy(&[])
        .fails("out_of_stock");
    let run = shop("GET */api/orders/*|200|{\"payment_status\":\"failed\"}")
        .deploy(&[])
        .fails("The test payment of the order failed");
    assert!(run.err.contains("The shop is as it was before."));
    let run = shop("*|500|").deploy(&["--no-smoke"]).succeeds();
    assert!(!run.called("curl"));
}
