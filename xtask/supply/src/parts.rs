//! The crates that are in a program: what `cargo auditable` wrote into it, and what Cargo would build.
//! Neither is believed without the other.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::elf;
use crate::finding::Finding;
use crate::run::{cargo, output};

/// The section that `cargo auditable` writes.
const SECTION: &str = ".dep-v0";
/// Far more than any list of crates takes; a section that unpacks into more is none.
const MOST: u64 = 8 << 20;

/// What the section says, packed by zlib.
#[derive(Debug, Deserialize)]
pub struct Listed {
    /// Every crate; they name each other by their place here.
    pub packages: Vec<Crate>,
}

/// One crate in a program.
#[derive(Debug, Clone, Deserialize)]
pub struct Crate {
    /// As on crates.io.
    pub name: String,
    /// As in Cargo.lock.
    pub version: String,
    /// `crates.io` or `local`.
    pub source: String,
    /// Only ran while it was built: a build script's, or a macro.
    #[serde(default)]
    pub kind: Kind,
    /// Places in the list of what it needs.
    #[serde(default)]
    pub dependencies: Vec<usize>,
    /// The program itself.
    #[serde(default)]
    pub root: bool,
}

/// Whether code of a crate is in the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It made code, and is not in it itself.
    Build,
    /// It is.
    #[default]
    Runtime,
}

/// Reads what a program says of itself.
///
/// # Errors
/// It is no program, or was not built by `cargo auditable`.
pub fn of_program(file: &[u8]) -> Result<Listed> {
    let section = elf::section(file, SECTION)?.with_context(|| {
        format!("it has no section {SECTION}: build it with `cargo auditable build`")
    })?;
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(section)
        .take(MOST)
        .read_to_string(&mut text)
        .with_context(|| format!("its section {SECTION} cannot be unpacked"))?;
    serde_json::from_str(&text)
        .with_context(|| format!("its section {SECTION} is no list of crates"))
}

/// Cargo's name of what an architecture of ours is built for.
#[must_use]
pub fn target(architecture: &str) -> String {
    let machine = match architecture {
        "arm64" => "aarch64",
        _ => "x86_64",
    };
    format!("{machine}-unknown-linux-gnu")
}

/// What Cargo says of the program's crates, as names with versions.
#[derive(Debug, Default, Clone)]
pub struct Cargo {
    /// What it would build into `techcommerce`.
    pub builds: BTreeSet<(String, String)>,
    /// All of Cargo.lock.
    pub locks: BTreeSet<(String, String)>,
}

impl Cargo {
    /// Asks it, for a target.
    ///
    /// # Errors
    /// It cannot say, or Cargo.lock cannot be read.
    pub fn ask(root: &Path, target: &str) -> Result<Self> {
        let said = output(
            cargo()
                .current_dir(root)
                .args(["tree", "--locked", "--package", "techcommerce"])
                .args(["--edges", "normal,build", "--prefix", "none"])
                .args(["--target", target, "--format", "{p}"]),
        )?;
        let lock: Lock = toml::from_str(&fs::read_to_string(root.join("Cargo.lock"))?)?;
        let locked = lock.package.into_iter().map(|it| (it.name, it.version));
        Ok(Self {
            builds: said.lines().filter_map(named).collect(),
            locks: locked.collect(),
        })
    }

    /// Whether it would build this crate. `cargo auditable` also lists crates that only features ask for
    /// which nobody switched on: it cannot tell, and says rather too much.
    #[must_use]
    pub fn builds(&self, part: &Crate) -> bool {
        self.builds
            .contains(&(part.name.clone(), part.version.clone()))
    }
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
}

/// `serde v1.0.0 (proc-macro)` as its name and version.
fn named(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    Some((name.to_owned(), version.to_owned()))
}

/// What is in the program and comes from elsewhere, and what should be in it and is not.
#[must_use]
pub fn compare(program: &Listed, cargo: &Cargo) -> Vec<Finding> {
    let listed: BTreeSet<(String, String)> = program
        .packages
        .iter()
        .map(|part| (part.name.clone(), part.version.clone()))
        .collect();
    let found = |(name, version): &(String, String), wrong: &str, mend: &str| {
        Finding::new(format!("{name} {version}"), wrong, mend)
    };
    let strange = listed.difference(&cargo.locks).map(|it| {
        found(
            it,
            "the program says that it is in it, and Cargo.lock knows nothing of it",
            "The program was built from other sources than these: build it anew.",
        )
    });
    let missing = cargo.builds.difference(&listed).map(|it| {
        found(
            it,
            "Cargo builds it into the program, and the program does not list it",
            "The program was built from other sources than these, or its list was changed.",
        )
    });
    let mut all: Vec<_> = strange.chain(missing).collect();
    all.sort();
    all
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write as _;

    use super::*;

    /// A program that lists these.
    pub(crate) fn program(list: &serde_json::Value) -> Vec<u8> {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(list.to_string().as_bytes()).unwrap();
        elf::tests::with_section(SECTION, &packed.finish().unwrap())
    }

    fn says() -> Cargo {
        let own = |(name, version): &(&str, &str)| ((*name).to_owned(), (*version).to_owned());
        let builds = [
            ("serde", "1.0.1"),
            ("serde_derive", "1.0.1"),
            ("techcommerce", "0.1.0"),
        ];
        let builds: BTreeSet<_> = builds.iter().map(own).collect();
        let mut locks = builds.clone();
        locks.insert(own(&("sqlx-mysql", "0.9.0")));
        Cargo { builds, locks }
    }

    fn list() -> serde_json::Value {
        serde_json::json!({"packages": [
            {"name": "serde", "version": "1.0.1", "source": "crates.io", "dependencies": [1]},
            {"name": "serde_derive", "version": "1.0.1", "source": "crates.io", "kind": "build"},
            {"name": "techcommerce", "version": "0.1.0", "source": "local", "dependencies": [0], "root": true},
        ]})
    }

    #[test]
    fn a_program_that_says_what_cargo_says_is_believed() {
        let listed = of_program(&program(&list())).unwrap();
        assert_eq!(compare(&listed, &says()), []);
        assert_eq!(listed.packages[1].kind, Kind::Build);
    }

    #[test]
    fn too_much_too_little_and_another_version_are_found() {
        let places = |list: &serde_json::Value| -> Vec<String> {
            let listed = of_program(&program(list)).unwrap();
            compare(&listed, &says())
                .into_iter()
                .map(|found| found.place)
                .collect()
        };
        let mut more = list();
        more["packages"]
            .as_array_mut()
            .unwrap()
            .push(serde_json::json!({"name": "xz", "version": "5.6.1", "source": "crates.io"}));
        assert_eq!(places(&more), ["xz 5.6.1"]);
        let mut fewer = list();
        fewer["packages"].as_array_mut().unwrap().remove(1);
        assert_eq!(places(&fewer), ["serde_derive 1.0.1"]);
        let mut other = list();
        other["packages"][0]["version"] = "1.0.2".into();
        assert_eq!(places(&other), ["serde 1.0.1", "serde 1.0.2"]);
    }

    #[test]
    fn what_only_might_have_been_built_is_no_mistake_and_known_as_such() {
        let mut more = list();
        let mysql =
            serde_json::json!({"name": "sqlx-mysql", "version": "0.9.0", "source": "crates.io"});
        more["packages"].as_array_mut().unwrap().push(mysql);
        let listed = of_program(&program(&more)).unwrap();
        assert_eq!(compare(&listed, &says()), []);
        assert!(!says().builds(&listed.packages[3]) && says().builds(&listed.packages[0]));
    }

    #[test]
    fn a_program_without_a_list_says_how_to_get_one() {
        let bare = elf::tests::with_section(".text", b"");
        let error = of_program(&bare).unwrap_err().to_string();
        assert!(error.contains("cargo auditable"), "{error}");
        let garbled = elf::tests::with_section(SECTION, b"garbled");
        assert!(of_program(&garbled).is_err());
    }
}
