//! Which tags may become a release: the script in a repository of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A repository in which v1.2.3 lacks nothing.
fn repository() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("Cargo.toml", "[workspace.package]\nversion = \"1.2.3\"\n"),
        ("CHANGELOG.md", "# Changelog\n\n## 1.2.3\n\nBetter.\n"),
        ("tests/upgrades/1.2.3/sqlite/shop.db.gz", ""),
        ("tests/upgrades/1.2.3/postgres/database.sql.gz", ""),
    ] {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(home.path().join("scripts")).unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    for name in ["check_tag.sh", "lib.sh"] {
        fs::copy(ours.join(name), home.path().join("scripts").join(name)).unwrap();
    }
    git(home.path(), &["init", "--quiet", "--initial-branch=main"]);
    commit(home.path());
    git(home.path(), &["tag", "v1.2.3"]);
    home
}

fn git(home: &Path, arguments: &[&str]) {
    let who = [
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let done = Command::new("git")
        .current_dir(home)
        .args(who)
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

fn commit(home: &Path) {
    git(home, &["add", "."]);
    git(home, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
}

/// Whether it may, and what was said.
fn checked(home: &TempDir, tag: &str) -> (bool, String) {
    let done = Command::new("bash")
        .arg(home.path().join("scripts/check_tag.sh"))
        .args(["--tag", tag])
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_whole_release_may_be() {
    let (may, said) = checked(&repository(), "v1.2.3");
    assert!(may && said.contains("v1.2.3 may be released"), "{said}");
}

#[test]
fn what_is_not_whole_may_not() {
    type Change = fn(&Path);
    let cases: [(Change, &str, &str); 5] = [
        (|_| {}, "v1.2.4", "is not the version of Cargo.toml, 1.2.3"),
        (
            |home| fs::write(home.join("CHANGELOG.md"), "# Changelog\n").unwrap(),
            "v1.2.3",
            "CHANGELOG.md has no section of 1.2.3",
        ),
        (
            |home| fs::remove_dir_all(home.join("tests/upgrades/1.2.3/postgres")).unwrap(),
            "v1.2.3",
            "no data of 1.2.3 on postgres",
        ),
        (
            |home| git(home, &["tag", "--delete", "v1.2.3"]),
            "v1.2.3",
            "There is no tag v1.2.3",
        ),
        (
            |home| {
                git(home, &["switch", "--quiet", "--create", "other"]);
                commit(home);
                git(home, &["tag", "--force", "v1.2.3"]);
            },
            "v1.2.3",
            "v1.2.3 is not on main",
        ),
    ];
    for (change, tag, with) in cases {
        let home = repository();
        change(home.path());
        let (may, said) = checked(&home, tag);
        assert!(!may && said.contains(with), "{with}: {said}");
    }
}
