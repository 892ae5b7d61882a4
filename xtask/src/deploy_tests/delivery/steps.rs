//! What a release does in which order, and what makes it go back.

use super::shop::{Has, NEW, OLD, Shop, image, last_words};
use crate::deploy_tests::order;

#[test]
fn what_the_services_need_comes_first() {
    let shop = Shop::new();
    shop.machine.put("cluster/CronJob.backup", "");
    let more = ["--backup", "--watch", "1s"];
    let run = shop.release("new.yaml", &more, None).succeeds();
    order(
        &run,
        &[
            "query=shop%3Aobjective_budget%3Aratio",
            "get configmap releases",
            "replace --filename",
            "create --filename",
            "create job backup-before-2-",
            "get job backup-before-2-",
            "apply --filename ROOT/k8s/.deploy.",
            "get job migrate-22222",
            "rendered.yaml",
            "rollout status statefulset/postgres",
            "rollout status deployment/api",
            "rollout status deployment/worker",
            "get deployments",
            "port-forward service/frontend",
            "/api/orders/o1?access_token=t",
            "query=%28",
            "replace --filename",
        ],
    );
    assert_eq!(shop.has(), Has::New);
    assert_eq!(shop.says("current"), "2");
    assert_eq!(shop.says("previous"), "1");
    assert_eq!(shop.says("under-way"), "");
    let words = last_words(&run);
    for part in ["new release: release 2", &image(NEW), "abcdef0"] {
        assert!(words.contains(part), "{words}");
    }
    let outside = |call: &&String| {
        call.starts_with("kubectl")
            && !call.contains("--context elsewhere")
            && !call.contains("current-context")
    };
    assert_eq!(run.calls.iter().find(outside), None);
}

#[test]
fn secrets_are_not_recorded() {
    let shop = Shop::new();
    let archive = shop.machine.folder().join("cluster/archive.1");
    let unpack = r#"base64 --decode <"$0" | gzip -dc"#;
    let output = std::process::Command::new("bash")
        .args(["-c", unpack])
        .arg(archive)
        .output()
        .expect("bash");
    let record = String::from_utf8(output.stdout).expect("a text");
    assert!(
        record.contains(OLD) && record.contains("kind: Job"),
        "{record}"
    );
    assert!(
        !record.contains("aGlkZGVu") && !record.contains("kind: Secret"),
        "{record}"
    );
    // The same again is no new release, although its Secret is not in the record.
    let again = shop.release("old.yaml", &[], None).succeeds();
    assert!(last_words(&again).contains("that ran before: release 1"));
    assert_eq!(shop.says("last"), "1");
}

#[test]
fn a_migration_that_fails_touches_no_service() {
    let mut shop = Shop::new();
    shop.machine.put(
        "answers",
        "*get job migrate-22222*|0|migrate-22222 Failed\n",
    );
    shop.keep();
    let run = shop.release("new.yaml", &[], None);
    let run = run.fails("The job migrate-22222 failed.");
    assert!(!run.called("rendered.yaml"), "{:#?}", run.calls);
    assert_eq!(shop.has(), Has::Old);
    assert!(last_words(&run).contains("old release: release 1"));
}

#[test]
fn a_shop_that_does_not_sell_is_taken_back() {
    let shop = Shop::new();
    shop.machine
        .put("shop", "POST */api/orders|500|{\"code\":\"internal\"}\n");
    let run = shop.release("new.yaml", &[], None);
    let run = run.fails("POST /api/orders answered 500");
    assert_eq!(shop.has(), Has::Old);
    assert!(run.err.contains("a line of its log") || run.called("get events"));
    assert!(last_words(&run).contains("old release: release 1"));
}

const SLOW: &str =
    r#"{"metric":{"namespace":"shop","objective":"checkout","sli":"latency"},"value":[1,"20.5"]}"#;
const ALERT: &str =
    r#"{"metric":{"alertname":"CheckoutFails","namespace":"shop"},"value":[1,"1"]}"#;

#[test]
fn objectives_that_break_take_it_back() {
    for (broken, named) in [(SLOW, "checkout (latency)"), (ALERT, "alert CheckoutFails")] {
        let shop = Shop::new();
        shop.machine.put("broken", broken);
        shop.machine.put("broken-with", NEW);
        let run = shop.release("new.yaml", &["--watch", "5s"], None);
        let run = run.fails("The objectives are broken");
        assert!(run.err.contains(named), "{}", run.err);
        assert_eq!(shop.has(), Has::Old);
        // Without watching nobody sees it.
        shop.reset();
        shop.release("new.yaml", &[], None).succeeds();
    }
}

#[test]
fn what_was_broken_before_is_not_held_against_it() {
    let shop = Shop::new();
    shop.machine.put("broken", SLOW);
    let run = shop.release("new.yaml", &["--watch", "1s"], None);
    let run = run.succeeds();
    assert!(run.out.contains("broken before the release"), "{}", run.out);
    let watch = ["--namespace", "shop", "--for", "1s"];
    shop.machine
        .run("scripts/watch.sh", &watch, None)
        .fails("checkout (latency)");
}

#[test]
fn who_cannot_look_does_not_release() {
    let shop = Shop::new();
    shop.machine.put("answers", "*get --raw*|1|\n");
    let run = shop.release("new.yaml", &["--watch", "1s"], None);
    let run = run.fails("Prometheus does not answer.");
    assert!(!run.called("replace") && !run.called(" apply "));
    assert!(last_words(&run).contains("Nothing was changed"));
    shop.machine.put("answers", "");
    let nobody = ["--watch", "1s", "--need-requests"];
    shop.release("new.yaml", &nobody, None)
        .fails("Nobody asked the shop anything");
    assert_eq!(shop.has(), Has::Old);
}

#[test]
fn a_backup_that_fails_ends_it_before_anything_is_changed() {
    let shop = Shop::new();
    let run = shop.release("new.yaml", &["--backup"], None);
    let run = run.fails("There is no CronJob backup");
    assert!(!run.called(" apply "));
    shop.reset();
    shop.machine.put("cluster/CronJob.backup", "");
    shop.machine
        .put("answers", "*get job backup-*|0|backup Failed\n");
    let run = shop.release("new.yaml", &["--backup"], None);
    let run = run.fails("The backup failed.");
    assert!(!run.called(" apply "));
    assert_eq!(shop.says("under-way"), "");
}

#[test]
fn an_image_that_is_not_signed_is_not_released() {
    let shop = Shop::new();
    let verify = shop.machine.root().join("scripts/verify.sh");
    let file = shop.file("new.yaml");
    let arguments = ["--manifests", &file, "--revision", "abcdef0", "--key", "k"];
    let release = |text: &str| {
        std::fs::write(&verify, text).expect("a script");
        shop.machine
            .run_wrong("scripts/release.sh", &arguments, None)
    };
    let run = release("#!/bin/sh\nexit 1\n").fails("not what the pipeline built and signed");
    assert!(!run.called("apply") && !run.called("replace"));
    let run = release("#!/bin/sh\necho verified: \"$@\"\n").succeeds();
    let asked = format!("verified: image {} --commit abcdef0 --key k", image(NEW));
    assert!(run.out.contains(&asked), "{}", run.out);
}

#[test]
fn two_at_once_do_not_mix() {
    let mut shop = Shop::new();
    // Cut off in the middle, so that its lock stays.
    let cut = shop.release("new.yaml", &[], Some((10, "kill")));
    assert!(!cut.ok);
    let lock = shop.says("under-way");
    assert_eq!(lock, "2");
    shop.keep();
    for run in [
        shop.release("new.yaml", &[], None),
        shop.rollback(&["--to", "1", "--no-smoke"], None),
    ] {
        // Going back to what counts as current is nothing to do; else it is refused.
        let run = run.fails("is under way since");
        assert!(!run.called(" apply ") && !run.called("replace"));
    }
    shop.release("new.yaml", &["--take-over"], None).succeeds();
    assert_eq!(
        (shop.has(), shop.says("under-way").as_str()),
        (Has::New, "")
    );
    shop.reset();
    // After four hours it is dead.
    let since = shop.says("since");
    let text = shop.machine.read("cluster/ConfigMap.releases");
    shop.machine
        .put("cluster/ConfigMap.releases", &text.replace(&since, "1000"));
    shop.release("new.yaml", &[], None).succeeds();
}

#[test]
fn somebody_who_is_quicker_wins() {
    let shop = Shop::new();
    shop.machine
        .put("answers", "*replace --filename*|1|Conflict\n");
    let run = shop.release("new.yaml", &[], None);
    let run = run.fails("The ConfigMap releases cannot be written.");
    assert!(!run.called(" apply "));
    assert!(last_words(&run).contains("Nothing was changed"));
}

#[test]
fn a_shop_that_nobody_recorded_can_be_gone_back_to() {
    let mut shop = Shop::new();
    for name in [
        "ConfigMap.releases",
        "ConfigMap.release-1",
        "record.1",
        "archive.1",
    ] {
        std::fs::remove_file(shop.machine.folder().join("cluster").join(name)).expect("a file");
    }
    let what_runs = super::shop::manifests(OLD);
    shop.machine.put("before-as-yaml", &what_runs);
    shop.keep();
    shop.machine.put("stuck", NEW);
    let run = shop.release("new.yaml", &[], None);
    let run = run.fails("deployment/worker did not come up");
    assert_eq!(shop.has(), Has::Old);
    assert!(last_words(&run).contains("old release: release 1"));
    // What was not applied by kubectl cannot be put back by it.
    shop.reset();
    shop.machine.put("before.yaml", "");
    let run = shop.release("new.yaml", &[], None);
    run.fails("there is nothing to go back to");
}

#[test]
fn a_first_release_that_fails_is_left_to_be_looked_at() {
    let shop = Shop::empty();
    shop.machine.put("stuck", OLD);
    let run = shop.release("old.yaml", &[], None);
    let run = run.fails("deployment/worker did not come up");
    assert!(last_words(&run).starts_with("There was no release before"));
    assert_eq!(
        (shop.says("current"), shop.says("under-way")),
        (String::new(), String::new())
    );
    std::fs::remove_file(shop.machine.folder().join("stuck")).expect("a file");
    shop.release("old.yaml", &[], None).succeeds();
}

#[test]
fn what_only_the_new_one_has_goes_with_it() {
    let shop = Shop::new();
    let more = super::shop::manifests(NEW)
        + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: zeppelin\nspec:\n  \
           template:\n    spec:\n      containers:\n      - image: z@sha256:1\n";
    shop.machine.put("new.yaml", &more);
    shop.machine.put("stuck", NEW);
    let run = shop.release("new.yaml", &[], None);
    let run = run.fails("did not come up");
    assert!(run.called("delete Deployment zeppelin --ignore-not-found"));
    assert_eq!(shop.machine.read("cluster/Deployment.zeppelin"), "");
}

#[test]
fn canaries_are_waited_for_and_failed_ones_taken_back() {
    let canary = "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: api\n";
    let shop = Shop::new();
    let new = super::shop::manifests(NEW) + canary;
    shop.machine.put("new.yaml", &new);
    let run = shop.release("new.yaml", &[], None).succeeds();
    order(&run, &["rendered.yaml", "get rollout api"]);
    shop.reset();
    let failed = "*get rollout api*|0|Degraded 7 abc def\n";
    shop.machine.put("answers", failed);
    shop.release("new.yaml", &[], None)
        .fails("its analysis failed");
    assert_eq!(shop.has(), Has::Old);
    // Healthy, but of the version before: the controller has not seen the new one yet.
    shop.reset();
    shop.machine
        .put("answers", "*get rollout api*|0|Healthy 6 abc abc\n");
    let first = shop.machine.root().join("scripts/deploy/rollout.sh");
    let text = std::fs::read_to_string(&first).expect("a script");
    std::fs::write(&first, text.replace("SECONDS + 1800", "SECONDS + 1")).expect("a script");
    shop.release("new.yaml", &[], None)
        .fails("is not healthy after half an hour");
}
