//! scripts/chaos.sh against the same doubles: each fault is made and undone, whichever call fails.

use super::double::{Machine, Run};

const SCRIPT: &str = "scripts/chaos.sh";

/// Each fault, a call that makes it, and one that undoes it.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "pod-killed",
        "delete pod/order-api-1 --wait=false --grace-period=0 --force",
        "rollout status deployment/order-api",
    ),
    (
        "service-gone",
        "scale deployment/order-api --replicas=0",
        "scale deployment/order-api --replicas=2",
    ),
    (
        "worker-gone",
        "scale deployment/worker --replicas=0",
        "scale deployment/worker --replicas=2",
    ),
    (
        "database-gone",
        "scale statefulset/postgres --replicas=0",
        "scale statefulset/postgres --replicas=2",
    ),
    (
        "redis-gone",
        "scale deployment/redis --replicas=0",
        "scale deployment/redis --replicas=2",
    ),
    ("partition", r#""value":"nobody""#, r#""value":"order-api""#),
    ("node-drained", "drain node-a", "uncordon node-a"),
    ("node-cordoned", " cordon node-a", "uncordon node-a"),
    (
        "cpu-stress",
        "run chaos-stress-4",
        "delete pods --selector chaos=stress",
    ),
    (
        "secret-removed",
        "delete secret order-api-key",
        "get secret order-api-key --output name",
    ),
    (
        "bad-image",
        "set image deployment/api",
        "rollout undo deployment/api",
    ),
    ("quota-used", r#""pods":"20""#, r#""pods":"120""#),
];

/// A cluster with two nodes, that says what the faults ask it.
fn machine() -> Machine {
    Machine::new().answers(
        "*get nodes --output name*|0|node/a\\nnode/b\n\
         *get pods --selector *--output name*|0|pod/order-api-1\n\
         *jsonpath={.spec.nodeName}*|0|node-a\n\
         *jsonpath={.spec.replicas}*|0|2\n\
         *jsonpath={.items?0?.metadata.name}*|0|techcommerce\n\
         *jsonpath={.items?0?.spec.hard.pods}*|0|120\n\
         *jsonpath={.items?0?.status.used.pods}*|0|20\n\
         *get secret order-api-key --output json*|0|{\"kind\":\"Secret\"}",
    )
}

fn chaos(machine: &Machine, fault: &str, more: &[&str], fail_at: Option<usize>) -> Run {
    let usual = [
        "--fault",
        fault,
        "--yes",
        "--for",
        "2",
        "--namespace",
        "shop",
    ];
    machine.run(SCRIPT, &[usual.as_slice(), more].concat(), fail_at)
}

fn changes(call: &str) -> bool {
    [
        " delete ", " scale ", " patch ", " run ", " set ", " cordon ", " drain ", " create ",
    ]
    .iter()
    .any(|verb| call.contains(verb))
}

#[test]
fn the_list_has_them_all_and_does_nothing() {
    let machine = machine();
    for arguments in [["--list"], ["--help"]] {
        let run = machine.run(SCRIPT, &arguments, None).succeeds();
        assert!(run.calls.is_empty(), "{:?}", run.calls);
    }
    let run = machine.run(SCRIPT, &["--list"], None);
    let listed = run.out.lines().filter(|line| !line.starts_with(' '));
    let listed: Vec<&str> = listed.filter_map(|line| line.split(' ').next()).collect();
    let known: Vec<&str> = FAULTS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(listed, known);
}

#[test]
fn each_alert_is_one_of_ours() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../k8s/monitoring/rules");
    let rules: String = std::fs::read_dir(rules)
        .expect("rules")
        .map(|entry| std::fs::read_to_string(entry.expect("a file").path()).expect("a text"))
        .collect();
    let run = machine().run(SCRIPT, &["--list"], None);
    let seen = run
        .out
        .lines()
        .filter_map(|line| line.split_once("seen:  "));
    for (_, alert) in seen.filter(|(_, alert)| *alert != "no alert") {
        assert!(rules.contains(&format!("- alert: {alert}\n")), "{alert}");
    }
}

#[test]
fn every_fault_is_made_seen_and_undone() {
    for (fault, made, undone) in FAULTS {
        let run = chaos(&machine(), fault, &[], None).succeeds();
        let at = run.position(made);
        let at = at.unwrap_or_else(|| panic!("{fault}: {:#?}", run.calls));
        let after = run.calls[at..].iter().any(|call| call.contains(undone));
        assert!(after, "{fault}: {:#?}", run.calls);
        let outside = |call: &&String| {
            call.starts_with("kubectl")
                && !call.contains("--context elsewhere")
                && !call.contains("current-context")
        };
        assert_eq!(
            run.calls.iter().find(outside),
            None,
            "another cluster is spoken to"
        );
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    for (fault, ..) in FAULTS {
        let run = chaos(&machine(), fault, &["--dry-run"], None).succeeds();
        assert_eq!(run.calls.iter().find(|call| changes(call)), None, "{fault}");
        assert!(run.out.contains("would"), "{fault}: {}", run.out);
    }
}

/// Whichever call fails, what was changed is put back.
#[test]
fn a_failure_anywhere_is_undone() {
    let from_then_on = |fault: &str, made: &str, undone: &str| {
        let whole = chaos(&machine(), fault, &[], None).calls;
        let first = whole.iter().position(|call| call.contains(made));
        // What fails before something is changed leaves nothing to undo; asking the shop is no change.
        for (number, call) in whole.iter().enumerate().skip(first.expect(made)) {
            if call.starts_with("curl") {
                continue;
            }
            let run = chaos(&machine(), fault, &[], Some(number + 1));
            let Some(at) = run.position(made) else {
                continue;
            };
            let tried = run.calls[at..].iter().any(|call| call.contains(undone));
            assert!(
                tried,
                "{fault}, call {} fails: {:#?}",
                number + 1,
                run.calls
            );
        }
    };
    std::thread::scope(|all| {
        for (fault, made, undone) in FAULTS {
            all.spawn(move || from_then_on(fault, made, undone));
        }
    });
}

#[test]
fn what_does_not_hold_is_told_and_undone() {
    let machine = machine();
    machine.put("broken", "POST *|503|{}\n");
    let run = chaos(&machine, "worker-gone", &["--no-alert"], None).fails("carts did not hold");
    assert!(run.called("scale deployment/worker --replicas=2"));
    // Where carts are not promised, it is no failure.
    chaos(&machine, "service-gone", &[], None).succeeds();
    machine.put("broken", "GET *|500|{}\n");
    chaos(&machine, "service-gone", &["--no-alert"], None).fails("pages did not hold");
}

#[test]
fn an_alert_that_does_not_fire_is_told() {
    let machine = machine()
        .answers("*get --raw *|0|{\"data\":{\"result\":[]}}\n*jsonpath={.spec.replicas}*|0|2");
    let run =
        chaos(&machine, "worker-gone", &[], None).fails("ServiceDown did not fire within 2 s");
    assert!(run.called("scale deployment/worker --replicas=2"));
}

#[test]
fn what_is_not_well_before_is_left_alone() {
    let machine = machine().shop("GET *|500|{}");
    let run = chaos(&machine, "service-gone", &[], None).fails("even before the fault");
    assert_eq!(run.calls.iter().find(|call| changes(call)), None);
    let machine = Machine::new().answers("*get --raw *|0|{\"value\":1}");
    let run = chaos(&machine, "service-gone", &[], None).fails("ServiceDown fires already");
    assert_eq!(run.calls.iter().find(|call| changes(call)), None);
}

#[test]
fn bad_arguments_are_refused_with_the_mend() {
    let machine = machine();
    for (arguments, with) in [
        (vec!["--nonsense"], "There is no option --nonsense"),
        (vec![], "--fault is needed"),
        (
            vec!["--fault", "earthquake"],
            "There is no fault earthquake",
        ),
        (
            vec!["--fault", "pod-killed", "--for", "soon"],
            "soon is no number",
        ),
        (vec!["--fault", "pod-killed"], "Nobody is there to ask"),
        (vec!["--fault"], "--fault needs a value"),
    ] {
        let run = machine.run(SCRIPT, &arguments, None).fails(with);
        assert_eq!(run.calls.iter().find(|call| changes(call)), None);
    }
}

#[test]
fn one_node_is_not_drained() {
    let machine = Machine::new().answers("*get nodes*|0|node/a");
    let run = chaos(&machine, "node-drained", &[], None).fails("The cluster has one node");
    assert!(!run.called(" drain "));
}
