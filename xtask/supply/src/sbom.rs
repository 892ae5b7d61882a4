//! The list of parts of a program or an image, as CycloneDX 1.6. What is in it comes from the program; what
//! is said of each part (licence, checksum) from Cargo. The same program gives the same bytes.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::parts::{Cargo, Crate, Kind, Listed};
use crate::sources::{BUNDLED, Bundled, Source, Sources};

/// What the list is of.
#[derive(Debug)]
pub enum Subject {
    /// The program of an architecture.
    Program {
        /// `amd64` or `arm64`.
        architecture: String,
    },
    /// An image, by `REPOSITORY@sha256:DIGEST`.
    Image {
        /// As `ghcr.io/techcommerce/techcommerce`.
        repository: String,
        /// As `sha256:…`.
        digest: String,
    },
}

/// What the C library in a static program says of itself.
const GLIBC: &[u8] = b"GNU C Library (";

/// Writes the list.
///
/// # Errors
/// A part of the program is unknown to Cargo, or a library inside it does not say its version.
pub fn write(
    program: &[u8],
    listed: &Listed,
    cargo: &Cargo,
    sources: &Sources,
    subject: &Subject,
) -> Result<Value> {
    let root = listed
        .packages
        .iter()
        .find(|part| part.root)
        .context("the program does not say which crate it is")?;
    let digest = hex(&Sha256::digest(program));
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for part in &listed.packages {
        let source = sources
            .get(&(part.name.clone(), part.version.clone()))
            .with_context(|| format!("Cargo does not know {} {}", part.name, part.version))?;
        let mut on: Vec<String> = part
            .dependencies
            .iter()
            .filter_map(|place| listed.packages.get(*place))
            .map(reference)
            .collect();
        let inside = part.kind == Kind::Runtime && cargo.builds(part);
        for bundled in BUNDLED.iter().filter(|it| inside && it.by == part.name) {
            let component = library(bundled, &bundled.version(&part.version, source)?);
            on.push(component["bom-ref"].as_str().unwrap_or_default().to_owned());
            components.push(component);
        }
        on.sort();
        on.dedup();
        dependencies.push(json!({"ref": reference(part), "dependsOn": on}));
        // Of a list of a program it is the head, of one of an image a part.
        if part.root {
            if matches!(subject, Subject::Image { .. }) {
                components.push(application(part, source, &digest));
            }
        } else {
            components.push(component(part, source, inside));
        }
    }
    if let Some(glibc) = glibc(program) {
        components.push(glibc);
    }
    let own = sources
        .get(&(root.name.clone(), root.version.clone()))
        .cloned()
        .unwrap_or_default();
    let head = match subject {
        Subject::Program { architecture } => {
            let mut head = application(root, &own, &digest);
            head["properties"] =
                json!([{"name": "techcommerce:architecture", "value": architecture}]);
            head
        }
        Subject::Image { repository, digest } => {
            let head = image(repository, digest);
            dependencies.push(json!({"ref": head["bom-ref"], "dependsOn": [reference(root)]}));
            head
        }
    };
    sort(&mut components, "bom-ref");
    sort(&mut dependencies, "ref");
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(&head.to_string(), &digest),
        "version": 1,
        "metadata": {
            "tools": {"components": [{
                "type": "application",
                "name": "techcommerce-supply",
                "version": env!("CARGO_PKG_VERSION"),
            }]},
            "component": head,
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

fn sort(list: &mut [Value], by: &str) {
    list.sort_by(|a, b| a[by].as_str().cmp(&b[by].as_str()));
}

fn reference(part: &Crate) -> String {
    // Pluses would be blanks in an address.
    format!(
        "pkg:cargo/{}@{}",
        part.name,
        part.version.replace('+', "%2B")
    )
}

fn component(part: &Crate, source: &Source, inside: bool) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(part),
        "name": part.name,
        "version": part.version,
        // A macro or a build script made code and is not in the program itself; nor is what only a
        // feature asks for that nobody switched on.
        "scope": if inside { "required" } else { "excluded" },
    });
    if part.source != "local" {
        component["purl"] = reference(part).into();
    }
    if let Some(checksum) = &source.checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    if let Some(licence) = &source.licence {
        component["licenses"] = json!([{"expression": licence}]);
    }
    component
}

fn application(part: &Crate, source: &Source, digest: &str) -> Value {
    let mut application = component(part, source, true);
    application["type"] = "application".into();
    application["hashes"] = json!([{"alg": "SHA-256", "content": digest}]);
    if let Some(members) = application.as_object_mut() {
        members.remove("scope");
    }
    application
}

fn image(repository: &str, digest: &str) -> Value {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let address = format!(
        "pkg:oci/{name}@{}?repository_url={repository}",
        digest.replace(':', "%3A")
    );
    json!({
        "type": "container",
        "bom-ref": address,
        "name": repository,
        "version": digest,
        "purl": address,
    })
}

fn library(bundled: &Bundled, version: &str) -> Value {
    let mut library = json!({
        "type": "library",
        "bom-ref": format!("pkg:generic/{}@{version}", bundled.name),
        "name": bundled.name,
        "version": version,
        "scope": "required",
        "purl": format!("pkg:generic/{}@{version}", bundled.name),
        "cpe": format!("cpe:2.3:a:{}:{version}:*:*:*:*:*:*:*", bundled.cpe),
        "description": format!("compiled in by the crate {}", bundled.by),
    });
    if !bundled.notes.is_empty() {
        library["pedigree"] = json!({"notes": bundled.notes});
    }
    library
}

/// The C library of a static program, as it names itself: `GNU C Library (Debian GLIBC 2.36-9+deb12u10)`.
fn glibc(program: &[u8]) -> Option<Value> {
    let at = program
        .windows(GLIBC.len())
        .position(|window| window == GLIBC)?;
    let rest = program.get(at + GLIBC.len()..)?;
    let end = rest.iter().take(100).position(|byte| *byte == b')')?;
    let said = std::str::from_utf8(rest.get(..end)?).ok()?;
    let package = said.rsplit(' ').next()?;
    let version = package.split('-').next()?;
    let address = if said.starts_with("Debian") {
        format!("pkg:deb/debian/glibc@{}", package.replace('+', "%2B"))
    } else {
        format!("pkg:generic/glibc@{version}")
    };
    Some(json!({
        "type": "library",
        "bom-ref": address,
        "name": "glibc",
        "version": package,
        "scope": "required",
        "purl": address,
        "cpe": format!("cpe:2.3:a:gnu:glibc:{version}:*:*:*:*:*:*:*"),
        "description": "linked in statically",
    }))
}

/// A UUID that follows from what the list is of.
fn serial(head: &str, digest: &str) -> String {
    let mut bytes = Sha256::digest(format!("{head}\n{digest}"));
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes[..16]);
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// In small letters.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;

    fn sources() -> Sources {
        let source = |licence: &str| Source {
            licence: Some(licence.to_owned()),
            checksum: Some("ab".repeat(32)),
            ..Source::default()
        };
        Sources::from([
            (
                ("techcommerce".into(), "0.1.0".into()),
                source("Apache-2.0"),
            ),
            (
                ("zstd-sys".into(), "2.1.2+zstd.1.5.7".into()),
                source("MIT OR Apache-2.0"),
            ),
        ])
    }

    fn program() -> Vec<u8> {
        let mut program = parts::tests::program(&json!({"packages": [
            {"name": "techcommerce", "version": "0.1.0", "source": "local", "dependencies": [1], "root": true},
            {"name": "zstd-sys", "version": "2.1.2+zstd.1.5.7", "source": "crates.io"},
        ]}));
        program.extend(
            b"\0GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\n\0",
        );
        program
    }

    fn cargo() -> Cargo {
        let builds = sources().into_keys().collect();
        Cargo {
            builds,
            locks: sources().into_keys().collect(),
        }
    }

    fn made(subject: &Subject) -> Value {
        let program = program();
        let listed = parts::of_program(&program).unwrap();
        write(&program, &listed, &cargo(), &sources(), subject).unwrap()
    }

    fn names(sbom: &Value) -> Vec<&str> {
        let components = sbom["components"].as_array().unwrap();
        components
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn it_names_crates_the_libraries_in_them_and_the_c_library() {
        let sbom = made(&Subject::Program {
            architecture: "amd64".into(),
        });
        assert_eq!(names(&sbom), ["zstd-sys", "glibc", "zstd"]);
        let head = &sbom["metadata"]["component"];
        assert_eq!(head["name"], "techcommerce");
        assert_eq!(
            head["hashes"][0]["content"],
            hex(&Sha256::digest(program()))
        );
        assert_eq!(sbom["components"][2]["version"], "1.5.7");
        assert_eq!(sbom["components"][1]["version"], "2.36-9+deb12u10");
        assert_eq!(
            sbom["components"][0]["hashes"][0]["content"],
            "ab".repeat(32)
        );
        assert_eq!(
            sbom,
            made(&Subject::Program {
                architecture: "amd64".into()
            })
        );
    }

    #[test]
    fn that_of_an_image_is_of_its_digest_and_holds_the_program() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let sbom = made(&Subject::Image {
            repository: "ghcr.io/techcommerce/techcommerce".into(),
            digest: digest.clone(),
        });
        assert_eq!(sbom["metadata"]["component"]["version"], digest);
        assert!(names(&sbom).contains(&"techcommerce"));
    }

    #[test]
    fn a_part_that_cargo_does_not_know_is_an_error() {
        let program = program();
        let listed = parts::of_program(&program).unwrap();
        let subject = Subject::Program {
            architecture: "amd64".into(),
        };
        let error = write(&program, &listed, &cargo(), &Sources::new(), &subject).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("Cargo does not know techcommerce 0.1.0"),
            "{error}"
        );
    }
}
