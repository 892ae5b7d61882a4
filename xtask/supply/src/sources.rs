//! What Cargo knows of the crates' sources: licences, checksums, and the libraries of others that come
//! along inside them in C.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use regex::Regex;
use serde_json::Value;

use crate::finding::Finding;
use crate::parts::{Kind, Listed};
use crate::run::{cargo, output};

/// What is known of one crate.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// An SPDX expression.
    pub licence: Option<String>,
    /// SHA-256 of what crates.io gave, by Cargo.lock.
    pub checksum: Option<String>,
    /// Where its files are.
    pub folder: PathBuf,
}

/// By name and version.
pub type Sources = BTreeMap<(String, String), Source>;

/// A library in C that a crate compiles into the program. Advisories about it name it, not the crate.
#[derive(Debug)]
pub struct Bundled {
    /// The crate that brings it.
    pub by: &'static str,
    /// Its own name.
    pub name: &'static str,
    /// Vendor and product, as the lists of flaws know it.
    pub cpe: &'static str,
    /// The file of the crate that says the version, empty for the crate's own version.
    file: &'static str,
    /// What the version is in that text.
    version: &'static str,
    /// What a reader of its version should know.
    pub notes: &'static str,
}

/// All of them. A `-sys` crate that is in the program and not here fails the check.
pub const BUNDLED: &[Bundled] = &[
    Bundled {
        by: "libsqlite3-sys",
        name: "sqlite",
        cpe: "sqlite:sqlite",
        file: "sqlite3/sqlite3.h",
        version: r#"#define SQLITE_VERSION\s+"([0-9.]+)""#,
        notes: "",
    },
    Bundled {
        by: "libwebp-sys",
        name: "libwebp",
        cpe: "webmproject:libwebp",
        file: "vendor/configure.ac",
        version: r"AC_INIT\(\[libwebp\], \[([0-9.]+)\]",
        notes: "A snapshot after this version, with the fix of CVE-2023-4863; only its encoder is called.",
    },
    Bundled {
        by: "zstd-sys",
        name: "zstd",
        cpe: "facebook:zstandard",
        file: "",
        version: r"\+zstd\.([0-9.]+)$",
        notes: "",
    },
    Bundled {
        by: "libmimalloc-sys",
        name: "mimalloc",
        cpe: "microsoft:mimalloc",
        file: "c_src/mimalloc/v3/include/mimalloc.h",
        version: r"#define MI_MALLOC_VERSION\s+([0-9]+)",
        notes: "",
    },
];

/// `-sys` crates that bring no code of others: they only say how the system is called.
pub const NOTHING_BUNDLED: &[&str] = &["linux-raw-sys"];

impl Bundled {
    /// Which version comes with this crate.
    ///
    /// # Errors
    /// The crate does not say it where we look.
    pub fn version(&self, crate_version: &str, source: &Source) -> Result<String> {
        let text = if self.file.is_empty() {
            crate_version.to_owned()
        } else {
            let file = source.folder.join(self.file);
            fs::read_to_string(&file).with_context(|| file.display().to_string())?
        };
        let found = Regex::new(self.version)?
            .captures(&text)
            .and_then(|found| found.get(1))
            .with_context(|| {
                format!(
                    "{} {crate_version} does not say its version of {} where it used to",
                    self.by, self.name
                )
            })?;
        Ok(dotted(found.as_str()))
    }
}

/// Crates of a program that may bring a library of others, and of which it is not known.
#[must_use]
pub fn unknown(listed: &Listed) -> Vec<Finding> {
    let known =
        |name: &str| BUNDLED.iter().any(|it| it.by == name) || NOTHING_BUNDLED.contains(&name);
    listed
        .packages
        .iter()
        .filter(|part| part.kind == Kind::Runtime && part.name.ends_with("-sys"))
        .filter(|part| !known(&part.name))
        .map(|part| {
            Finding::new(
                format!("{} {}", part.name, part.version),
                "nobody has said which library in C comes with it",
                "Name it in BUNDLED or NOTHING_BUNDLED of xtask/supply/src/sources.rs.",
            )
        })
        .collect()
}

/// mimalloc writes 3.3.2 as 30302.
fn dotted(version: &str) -> String {
    match version.parse::<u32>() {
        Ok(number) if !version.contains('.') => {
            format!(
                "{}.{}.{}",
                number / 10_000,
                number / 100 % 100,
                number % 100
            )
        }
        _ => version.to_owned(),
    }
}

/// Everything that Cargo knows here.
///
/// # Errors
/// Cargo cannot say, or Cargo.lock cannot be read.
pub fn read(root: &Path) -> Result<Sources> {
    let said =
        output(
            cargo()
                .current_dir(root)
                .args(["metadata", "--locked", "--format-version=1"]),
        )?;
    let said: Value = serde_json::from_str(&said)?;
    let mut sources = Sources::new();
    for package in said["packages"].as_array().into_iter().flatten() {
        let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
        let folder = PathBuf::from(text("manifest_path"));
        let source = Source {
            // Older crates write "or" as a stroke.
            licence: package["license"]
                .as_str()
                .map(|said| said.replace('/', " OR ")),
            checksum: None,
            folder: folder.parent().unwrap_or(&folder).to_path_buf(),
        };
        sources.insert((text("name"), text("version")), source);
    }
    let lock: toml::Table = fs::read_to_string(root.join("Cargo.lock"))?.parse()?;
    for package in lock
        .get("package")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |field: &str| {
            package
                .get(field)
                .and_then(toml::Value::as_str)
                .map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (text("name"), text("version"), text("checksum"))
            && let Some(source) = sources.get_mut(&(name, version))
        {
            source.checksum = Some(checksum);
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Crate;

    #[test]
    fn a_crate_that_may_bring_a_library_has_to_be_known() {
        let part = |name: &str, kind| Crate {
            name: name.into(),
            version: "1.0.0".into(),
            source: "crates.io".into(),
            kind,
            dependencies: Vec::new(),
            root: false,
        };
        let packages = vec![
            part("zstd-sys", Kind::Runtime),
            part("linux-raw-sys", Kind::Runtime),
            part("bzip2-sys", Kind::Build),
            part("lzma-sys", Kind::Runtime),
        ];
        let found = unknown(&Listed { packages });
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "lzma-sys 1.0.0");
    }

    #[test]
    fn versions_of_bundled_libraries_are_read() {
        let zstd = BUNDLED.iter().find(|it| it.by == "zstd-sys").unwrap();
        let version = zstd
            .version("2.1.2+zstd.1.5.7", &Source::default())
            .unwrap();
        assert_eq!(version, "1.5.7");
        let error = zstd
            .version("2.1.2", &Source::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("does not say its version of zstd"),
            "{error}"
        );
        assert_eq!(dotted("30302"), "3.3.2");
        assert_eq!(dotted("1.3.1"), "1.3.1");
    }
}
