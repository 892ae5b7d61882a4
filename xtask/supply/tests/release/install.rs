//! The installer, in a root of its own.

use std::fs;
use std::path::PathBuf;

use crate::place::{Ended, Place, units};

struct Machine {
    place: Place,
}

impl Machine {
    /// With the files of a first release in `dist`; unsigned, and no cosign on the machine.
    fn new() -> Self {
        let mut place = Place::new();
        fs::create_dir_all(place.path("root")).unwrap();
        place.set("COSIGN", "/nowhere/cosign");
        let machine = Self { place };
        machine.release("first", "dist");
        machine
    }

    fn release(&self, program: &str, to: &str) {
        self.place.pack(&self.place.program(program), to).succeeds();
        self.list(to);
    }

    /// SHA256SUMS of what is there.
    fn list(&self, folder: &str) {
        let archive = self.place.archive();
        let said = std::process::Command::new("sha256sum")
            .arg(&archive)
            .current_dir(self.place.path(folder))
            .output()
            .unwrap();
        fs::write(self.place.path(folder).join("SHA256SUMS"), said.stdout).unwrap();
    }

    fn install(&self, arguments: &[&str]) -> Ended {
        let root = self.place.path("root");
        let own = ["--root", root.to_str().unwrap()];
        self.place
            .run("packaging/install.sh", &[&own[..], arguments].concat())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.place.path("root").join(path)
    }

    /// Which program lies there, by the mark at its end.
    fn program(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.at("usr/local/bin").join(name)).ok()?;
        let text = String::from_utf8_lossy(&bytes[bytes.len() - 64..]).into_owned();
        let mark = text.trim_end_matches('\0').rsplit('\0').next()?;
        Some(mark.split(' ').next()?.to_owned())
    }

    /// Every file below the root.
    fn files(&self) -> Vec<String> {
        fn walk(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found)
                } else {
                    found.push(path)
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.place.path("root"), &mut found);
        let root = self.place.path("root");
        let mut names: Vec<String> = found
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
            .collect();
        names.sort();
        names
    }
}

/// What is there afterwards.
fn installed() -> Vec<String> {
    let mut names: Vec<String> = units()
        .into_iter()
        .filter(|name| !name.ends_with(".toml"))
        .map(|name| format!("etc/systemd/system/{name}"))
        .collect();
    names.push("etc/techcommerce/techcommerce.toml".into());
    names.push("usr/local/bin/techcommerce".into());
    names
}

#[test]
fn it_installs_once_and_again_changes_nothing() {
    let machine = Machine::new();
    let said = machine.install(&["--from", "dist"]).succeeds();
    assert!(said.contains("who made them is not"), "{said}");
    assert_eq!(machine.files(), installed());
    assert_eq!(machine.program("techcommerce").unwrap(), "first");
    fs::write(
        machine.at("etc/techcommerce/techcommerce.toml"),
        "mine = true\n",
    )
    .unwrap();
    let said = machine
        .install(&["--from", "dist", "--version", "0.1.0"])
        .succeeds();
    assert!(
        said.contains("is there already") && said.contains("stays as it is"),
        "{said}"
    );
    assert_eq!(machine.files(), installed());
    let settings = fs::read_to_string(machine.at("etc/techcommerce/techcommerce.toml")).unwrap();
    assert_eq!(settings, "mine = true\n");
}

#[test]
fn a_new_version_keeps_the_one_before_and_one_can_go_back() {
    let mut machine = Machine::new();
    machine.install(&["--from", "dist"]).succeeds();
    machine.install(&["--back"]).fails("to go back to");
    machine.place.next_version("0.2.0");
    machine.place.set("COSIGN", "/nowhere/cosign");
    machine.release("second", "newer");
    machine.install(&["--from", "newer"]).succeeds();
    let both = |machine: &Machine| {
        (
            machine.program("techcommerce").unwrap(),
            machine.program("techcommerce.old").unwrap(),
        )
    };
    assert_eq!(both(&machine), ("second".into(), "first".into()));
    machine.install(&["--back"]).succeeds();
    assert_eq!(both(&machine), ("first".into(), "second".into()));
    machine.install(&["--back"]).succeeds();
    assert_eq!(both(&machine), ("second".into(), "first".into()));
    assert_eq!(machine.files().len(), installed().len() + 1);
}

#[test]
fn what_is_damaged_or_does_not_run_changes_nothing() {
    let machine = Machine::new();
    machine.install(&["--from", "dist"]).succeeds();
    let dist = machine.place.path("dist");
    let archive = dist.join(machine.place.archive());
    let sound = fs::read(&archive).unwrap();
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&archive, damaged).unwrap();
    machine
        .install(&["--from", "dist"])
        .fails("damaged or was changed");
    fs::write(&archive, sound).unwrap();
    machine
        .install(&["--from", "dist", "--version", "0.3.0"])
        .fails("not of version 0.3.0");
    machine
        .install(&["--from", "nowhere"])
        .fails("There is no SHA256SUMS in nowhere");

    // A program for this machine by its head, and nothing behind it.
    let head = fs::read("/bin/true").unwrap()[..64].to_vec();
    let broken = machine.place.path("broken-program");
    fs::write(
        &broken,
        [head, format!("\0{}\0", machine.place.head()).into_bytes()].concat(),
    )
    .unwrap();
    machine.place.pack(&broken, "broken").succeeds();
    machine.list("broken");
    machine
        .install(&["--from", "broken"])
        .fails("does not run on this machine; nothing was changed");
    assert_eq!(machine.program("techcommerce").unwrap(), "first");
    assert_eq!(machine.files(), installed());
}

#[test]
fn who_signed_is_asked_where_cosign_is() {
    let mut machine = Machine::new();
    machine
        .install(&["--from", "dist", "--signed"])
        .fails("cosign is not installed");
    let (key, public) = machine.place.keys("keys");
    let (_, strange) = machine.place.keys("others");
    let cosign = crate::place::cosign();
    machine.place.set("COSIGN", cosign.to_str().unwrap());
    machine
        .install(&["--from", "dist", "--key", &public])
        .fails("SHA256SUMS has no signature");
    machine
        .place
        .run("scripts/release/sign.sh", &["dist", "--key", &key])
        .succeeds();
    machine
        .install(&["--from", "dist", "--key", &strange])
        .fails("not signed by who makes TechCommerce");
    assert_eq!(machine.files(), [""; 0]);
    let said = machine
        .install(&["--from", "dist", "--key", &public, "--signed"])
        .succeeds();
    assert!(said.contains("SHA256SUMS is signed by"), "{said}");
    assert_eq!(machine.files(), installed());
}

#[test]
fn uninstalling_leaves_settings_and_data() {
    let machine = Machine::new();
    machine.install(&["--from", "dist"]).succeeds();
    fs::create_dir_all(machine.at("var/lib/techcommerce")).unwrap();
    fs::write(machine.at("var/lib/techcommerce/order.sqlite"), "orders").unwrap();
    let said = machine.install(&["--uninstall", "--dry-run"]).succeeds();
    assert!(said.contains("would run: rm"), "{said}");
    assert_eq!(machine.files().len(), installed().len() + 1);
    let said = machine.install(&["--uninstall"]).succeeds();
    assert!(said.contains("What is left is yours"), "{said}");
    assert_eq!(
        machine.files(),
        [
            "etc/techcommerce/techcommerce.toml",
            "var/lib/techcommerce/order.sqlite"
        ]
    );
    machine.install(&["--uninstall"]).succeeds();
}

#[test]
fn a_dry_run_changes_nothing_and_help_says_how() {
    let machine = Machine::new();
    let said = machine.install(&["--from", "dist", "--dry-run"]).succeeds();
    assert!(said.contains("would run: mv"), "{said}");
    assert_eq!(machine.files(), [""; 0]);
    let said = machine.install(&["--help"]).succeeds();
    assert!(said.contains("Usage: install.sh"), "{said}");
    machine
        .install(&["--frobnicate"])
        .fails("There is no option --frobnicate");
    machine.install(&["--from"]).fails("--from needs a value");
}
