//! What is packed, and what is not.

use std::fs;
use std::process::Command;

use crate::place::{Place, VERSION, machine, units};

#[test]
fn the_same_program_gives_the_same_bytes() {
    let place = Place::new();
    let program = place.program("techcommerce");
    place.pack(&program, "first").succeeds();
    // Another time, another folder, other rights.
    let again = place.path("again");
    fs::copy(&program, &again).unwrap();
    Command::new("chmod")
        .arg("700")
        .arg(&again)
        .status()
        .unwrap();
    Command::new("touch")
        .args(["-d", "2001-02-03"])
        .arg(place.repository().join("LICENSE"))
        .status()
        .unwrap();
    Command::new("chmod")
        .arg("600")
        .arg(place.repository().join("README.md"))
        .status()
        .unwrap();
    let mut elsewhere = place;
    elsewhere.set("TZ", "Pacific/Auckland");
    elsewhere.set("LC_ALL", "C.UTF-8");
    elsewhere.set("GZIP", "");
    elsewhere.pack(&again, "second").succeeds();
    let bytes = |folder: &str| fs::read(elsewhere.path(folder).join(elsewhere.archive())).unwrap();
    assert!(bytes("first") == bytes("second"));
}

#[test]
fn the_archive_has_these_files() {
    let place = Place::new();
    place
        .pack(&place.program("techcommerce"), "dist")
        .succeeds();
    let listed = Command::new("tar")
        .args(["--list", "--verbose", "--numeric-owner", "--file"])
        .arg(place.path("dist").join(place.archive()))
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let top = format!("techcommerce-{VERSION}-linux-{}", machine());
    let found: Vec<String> = listed
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[1], "0/0", "{line}");
            assert_eq!(words[3..5], ["2026-01-02", "03:04"], "{line}");
            format!("{} {}", words[0], words[5].strip_prefix(&top).unwrap())
        })
        .collect();
    let mut wanted = vec![
        "drwxr-xr-x /".to_owned(),
        "-rw-r--r-- /LICENSE".to_owned(),
        "-rw-r--r-- /README.md".to_owned(),
        "drwxr-xr-x /systemd/".to_owned(),
    ];
    wanted.extend(
        units()
            .iter()
            .map(|name| format!("-rw-r--r-- /systemd/{name}")),
    );
    wanted.push("-rwxr-xr-x /techcommerce".to_owned());
    assert_eq!(found, wanted);
    for beside in ["install.sh", "verify.sh"] {
        assert!(place.path("dist").join(beside).is_file(), "{beside}");
    }
}

#[test]
fn what_is_not_this_release_is_refused() {
    let place = Place::new();
    let program = place.program("techcommerce");
    let pack = |program: &str, arch: &str, tag: &str| {
        let arguments = [
            "--program",
            program,
            "--arch",
            arch,
            "--tag",
            tag,
            "--out",
            "dist",
        ];
        place.run("scripts/release/pack.sh", &arguments)
    };
    let own = program.to_str().unwrap();
    let other = if machine() == "amd64" {
        "arm64"
    } else {
        "amd64"
    };
    pack(own, other, "v0.1.0").fails(&format!("is not for {other}"));
    pack(own, "riscv64", "v0.1.0").fails("no release for riscv64");
    pack(own, machine(), "v0.2.0").fails("Cargo.toml says 0.1.0");
    pack(own, machine(), "0.1.0").fails("no tag of a release");
    pack("/bin/true", machine(), "v0.1.0").fails("was not built from");
    pack("repository/LICENSE", machine(), "v0.1.0").fails("no program for Linux");
    fs::write(place.repository().join("LICENSE"), "Mine").unwrap();
    pack(own, machine(), "v0.1.0").fails("changed and not committed");
    assert!(!place.path("dist").exists());
}

#[test]
fn a_dry_run_writes_nothing_and_help_says_how() {
    let place = Place::new();
    let program = place.program("techcommerce");
    let arguments = [
        "--program",
        program.to_str().unwrap(),
        "--arch",
        machine(),
        "--tag",
        "v0.1.0",
        "--out",
        "dist",
    ];
    let said = place
        .run(
            "scripts/release/pack.sh",
            &[&arguments[..], &["--dry-run"]].concat(),
        )
        .succeeds();
    assert!(
        said.contains("would write dist/techcommerce-0.1.0"),
        "{said}"
    );
    assert!(!place.path("dist").exists());
    for script in ["pack", "notes", "sign", "sign_image"] {
        let script = format!("scripts/release/{script}.sh");
        let said = place.run(&script, &["--help"]).succeeds();
        assert!(
            said.contains("Usage: ") && said.contains("--dry-run"),
            "{script}: {said}"
        );
        place
            .run(&script, &["--nonsense"])
            .fails("There is no option --nonsense");
    }
}

#[test]
fn notes_tell_what_is_new_since_the_release_before() {
    let mut place = Place::new();
    let notes = |place: &Place, tag: &str| {
        place.run(
            "scripts/release/notes.sh",
            &["--tag", tag, "--out", "dist", "--dry-run"],
        )
    };
    let first = notes(&place, "v0.1.0").succeeds();
    assert!(
        first.contains("It sells.") && first.contains("The first release"),
        "{first}"
    );
    place.git(&["tag", "v0.1.0"]);
    place.commit("A fix");
    place.next_version("0.2.0");
    place.git(&["tag", "v0.2.0"]);
    let second = notes(&place, "v0.2.0").succeeds();
    assert!(
        second.contains("It sells more.") && !second.contains("It sells.\n"),
        "{second}"
    );
    assert!(
        second.contains("Commits since v0.1.0") && second.contains("- A fix ("),
        "{second}"
    );
    assert!(!second.contains("The sources"), "{second}");
    fs::write(
        place.repository().join("CHANGELOG.md"),
        "# Changes\n\n## 0.1.0\n\nIt sells.\n",
    )
    .unwrap();
    notes(&place, "v0.2.0").fails("CHANGELOG.md says nothing of 0.2.0");
}
