//! Each command by itself: what it says of itself, what it refuses, what it does without changing anything.

use super::shop::{Has, NEW, OLD, Shop, image, last_words, manifests};
use crate::deploy_tests::double::Machine;

const COMMANDS: [&str; 13] = [
    "backup_now",
    "check_tag",
    "image",
    "kubeconfig",
    "mutation",
    "protect",
    "release",
    "render",
    "rollback",
    "smoke",
    "traffic",
    "wait",
    "watch",
];

/// Calls that change something in a cluster.
fn changes(call: &str) -> bool {
    [" apply ", " create ", " replace ", " delete "]
        .iter()
        .any(|verb| call.contains(verb))
}

#[test]
fn each_says_what_it_does_and_refuses_what_it_does_not_know() {
    let shop = Shop::empty();
    for command in COMMANDS {
        let script = format!("scripts/{command}.sh");
        let help = shop.machine.run(&script, &["--help"], None).succeeds();
        assert!(help.calls.is_empty(), "{command}: {:?}", help.calls);
        for part in ["Usage: ", "--dry-run", "-h, --help", &script] {
            assert!(help.out.contains(part), "{command}: {part}: {}", help.out);
        }
        let wrong = shop.machine.run(&script, &["--nonsense"], None);
        assert!(
            !wrong.ok && wrong.err.starts_with("\nerror: "),
            "{}",
            wrong.err
        );
        assert!(!wrong.calls.iter().any(|call| changes(call)));
    }
}

#[test]
fn bad_arguments_are_refused_with_the_mend() {
    let shop = Shop::new();
    let tag = "ghcr.io/techcommerce/techcommerce:latest";
    let file = shop.file("new.yaml");
    for (command, arguments, with) in [
        ("release", vec![], "--overlay or --manifests is needed"),
        (
            "release",
            vec!["--manifests", "nowhere"],
            "There is no file nowhere",
        ),
        ("release", vec!["--manifests"], "--manifests needs a value"),
        (
            "release",
            vec!["--overlay", "dev", "--image", tag],
            "is no image by its digest",
        ),
        (
            "release",
            vec!["--manifests", &file, "--overlay", "dev"],
            "two ways to say the same",
        ),
        (
            "release",
            vec!["--manifests", &file, "--timeout", "soon"],
            "soon is not a time",
        ),
        (
            "release",
            vec!["--manifests", &file, "--watch", "long"],
            "long is not a time",
        ),
        ("render", vec!["--overlay", "dev"], "--output is needed"),
        (
            "render",
            vec!["--overlay", "mars", "--output", "x"],
            "There is no overlay mars",
        ),
        (
            "rollback",
            vec!["--namespace", "shop", "--to", "99"],
            "There is no release 99",
        ),
        (
            "rollback",
            vec!["--namespace", "shop"],
            "There is no release previous",
        ),
        ("smoke", vec!["--address", "shop.example"], "is no address"),
        ("watch", vec!["--burn", "fast"], "fast is no number"),
        (
            "wait",
            vec!["--namespace", "elsewhere-else", "--timeout", "0s"],
            "0s is not a time",
        ),
        (
            "image",
            vec!["name", "--only", "redis"],
            "There is no image redis",
        ),
        ("image", vec!["tag", "--digest", "latest"], "is no digest"),
        ("check_tag", vec!["--tag", "1.0"], "is no version"),
    ] {
        let script = format!("scripts/{command}.sh");
        let run = shop
            .machine
            .run_wrong(&script, &arguments, None)
            .fails(with);
        assert!(
            !run.calls.iter().any(|call| changes(call)),
            "{:?}",
            run.calls
        );
    }
    assert_eq!(shop.has(), Has::Old);
}

#[test]
fn a_dry_run_changes_nothing() {
    let shop = Shop::updated();
    let file = shop.file("old.yaml");
    let output = shop.file("written.yaml");
    for (script, arguments) in [
        (
            "release",
            vec![
                "--manifests",
                &file,
                "--backup",
                "--watch",
                "1m",
                "--dry-run",
            ],
        ),
        ("rollback", vec!["--namespace", "shop", "--dry-run"]),
        ("wait", vec!["--manifests", &file, "--dry-run"]),
        ("smoke", vec!["--manifests", &file, "--dry-run"]),
        ("watch", vec!["--dry-run"]),
        ("backup_now", vec!["--dry-run"]),
        (
            "render",
            vec!["--overlay", "dev", "--output", &output, "--dry-run"],
        ),
    ] {
        shop.machine.put("rendered.yaml", &manifests(OLD));
        let script = format!("scripts/{script}.sh");
        let run = shop.machine.run(&script, &arguments, None).succeeds();
        assert_eq!(
            run.calls.iter().find(|call| changes(call)),
            None,
            "{script}"
        );
        assert_eq!(shop.has(), Has::New, "{script}");
    }
    assert!(!std::path::Path::new(&output).exists());
}

#[test]
fn what_is_rendered_is_what_is_applied() {
    let shop = Shop::new();
    shop.machine.put("rendered.yaml", &manifests(NEW));
    let output = shop.file("written.yaml");
    let reference = image(NEW);
    let arguments = [
        "--overlay",
        "production",
        "--image",
        &reference,
        "--output",
        &output,
    ];
    let run = shop.machine.run("scripts/render.sh", &arguments, None);
    let run = run.succeeds();
    assert!(!run.called("--context"), "no cluster is asked");
    let kustomization = shop.machine.read("kustomization.yaml");
    assert!(
        kustomization.contains(&format!("    digest: sha256:{NEW}")),
        "{kustomization}"
    );
    assert_eq!(shop.machine.read("written.yaml"), manifests(NEW));
    shop.release("written.yaml", &[], None).succeeds();
    assert_eq!(shop.has(), Has::New);
}

#[test]
fn a_release_can_be_named_in_four_ways() {
    let digest = format!("sha256:{OLD}");
    for to in ["1", "previous", &digest] {
        let shop = Shop::updated();
        let run = shop.rollback(&["--to", to], None).succeeds();
        assert_eq!(
            (shop.has(), shop.says("current").as_str()),
            (Has::Old, "1"),
            "{to}"
        );
        assert_eq!(shop.says("previous"), "2");
        assert!(!run.called("migrate"), "migrations are not run again");
        assert!(last_words(&run).contains("back on the earlier release: release 1"));
    }
    // By its commit: the latest that was built from it.
    let shop = Shop::updated();
    let run = shop.rollback(&["--to", "abcdef0"], None).succeeds();
    assert!(run.out.contains("The shop runs release 2"), "{}", run.out);
    assert!(run.out.contains("already"), "{}", run.out);
}

#[test]
fn the_list_tells_what_there_is() {
    let shop = Shop::updated();
    let run = shop.rollback(&["--list"], None).succeeds();
    assert!(
        run.out.contains("* 2  ") && run.out.contains("  1  "),
        "{}",
        run.out
    );
    assert!(run.out.contains(&image(OLD)), "{}", run.out);
    assert!(!run.calls.iter().any(|call| changes(call)));
}

#[test]
fn waiting_shopping_and_backing_up_by_themselves() {
    let shop = Shop::new();
    let here = ["--namespace", "shop"];
    let run = shop.machine.run("scripts/wait.sh", &here, None).succeeds();
    assert!(run.called("rollout status deployment/worker"));
    let run = shop.machine.run("scripts/smoke.sh", &here, None).succeeds();
    assert!(run.out.contains("and paid") && run.called("port-forward"));
    let outside = ["--namespace", "shop", "--address", "https://shop.example"];
    let run = shop
        .machine
        .run("scripts/smoke.sh", &outside, None)
        .succeeds();
    assert!(!run.called("port-forward") && run.called("https://shop.example/api/carts"));
    shop.machine.put("cluster/CronJob.backup", "");
    let named = ["--namespace", "shop", "--name", "by-hand"];
    let run = shop.machine.run("scripts/backup_now.sh", &named, None);
    assert!(
        run.succeeds()
            .called("create job by-hand --from=cronjob/backup")
    );
    // Somebody changed an image by hand.
    shop.machine.put("cluster/Deployment.api", &image(NEW));
    let run = shop.machine.run("scripts/wait.sh", &here, None);
    run.fails("Not every Deployment has the image of the release.");
}

#[test]
fn old_records_are_forgotten_but_not_the_one_that_runs() {
    let mut shop = Shop::new();
    for number in 2..40 {
        let line = format!("{number} 2026-01-01T00:00:00Z abc image");
        shop.machine.put(&format!("cluster/record.{number}"), &line);
    }
    shop.keep();
    let run = shop.release("new.yaml", &[], None).succeeds();
    let deleted = |number: usize| run.called(&format!("delete configmap release-{number} "));
    assert!(
        deleted(5) && !deleted(1) && !deleted(38),
        "{:#?}",
        run.calls
    );
}

#[test]
fn images_are_built_named_and_looked_into() {
    let machine = Machine::new();
    let script = "scripts/image.sh";
    let run = machine.run(script, &["name"], None).succeeds();
    assert_eq!(run.out, "ghcr.io/techcommerce/techcommerce\n");
    let digest = format!("sha256:{NEW}");
    let arguments = [
        "tag", "--digest", &digest, "--tag", "abcdef0", "--tag", "latest",
    ];
    let run = machine.run(script, &arguments, None).succeeds();
    let call = format!(
        "docker buildx imagetools create --tag ghcr.io/techcommerce/techcommerce:abcdef0 \
         --tag ghcr.io/techcommerce/techcommerce:latest ghcr.io/techcommerce/techcommerce@{digest}"
    );
    assert!(run.called(&call), "{:?}", run.calls);
    let to = machine.folder().join("program").display().to_string();
    let arguments = [
        "program", "--digest", &digest, "--arch", "arm64", "--output", &to,
    ];
    let run = machine.run(script, &arguments, None).succeeds();
    assert!(run.called("docker create --platform linux/arm64") && run.called("docker cp"));
}

#[test]
fn a_kubeconfig_is_written_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    let shop = Shop::empty();
    let file = shop.file("kubeconfig");
    let write = |secret: &str| {
        Command::new("bash")
            .arg(shop.machine.root().join("scripts/kubeconfig.sh"))
            .args(["--output", &file])
            .env("PATH", shop.machine.bin())
            .env("DOUBLE", shop.machine.folder())
            .env("KUBE_CONFIG", secret)
            .output()
            .expect("bash")
    };
    for secret in ["", "%%%", "bm9uc2Vuc2U="] {
        let output = write(secret);
        assert!(!output.status.success(), "{secret}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(secret.is_empty() || !said.contains(secret), "{said}");
    }
    assert!(!std::path::Path::new(&file).exists());
    // clusters: [] / users: []
    assert!(write("Y2x1c3RlcnM6IFtdCnVzZXJzOiBbXQo=").status.success());
    let mode = std::fs::metadata(&file).expect("the file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}
