//! A migration that was released stays as it was: schemas are out there that were made by it.

use std::{fs, path::Path};

use serde_json::Value;
use sqlx::migrate::Migrator;

use crate::{here::WITH_DATABASE, stores::migrator};

/// What the program of a released version wrote down of its migrations that this one's are not.
fn changed(released: &Value, of: impl Fn(&str) -> Option<&'static Migrator>) -> Vec<String> {
    let mut wrong = Vec::new();
    let services = released["migrations"].as_object().into_iter().flatten();
    for (service, all) in services {
        let present = of(service);
        for one in all.as_array().into_iter().flatten() {
            let name = one["name"].as_str().unwrap_or_default();
            let name = format!("{service}: {} {name}", one["version"]);
            let found = present.and_then(|migrator| {
                let mut all = migrator.iter();
                all.find(|migration| one["version"] == migration.version)
            });
            let sha384 = found.map(|migration| {
                let bytes = migration.checksum.iter();
                bytes.map(|byte| format!("{byte:02x}")).collect::<String>()
            });
            match sha384 {
                None => wrong.push(format!("{name} was removed")),
                Some(sha384) if one["sha384"] != sha384.as_str() => {
                    wrong.push(format!("{name} was changed"));
                }
                Some(_) => {}
            }
        }
    }
    wrong
}

fn present(service: &str) -> Option<&'static Migrator> {
    let service = WITH_DATABASE
        .into_iter()
        .find(|known| known.name() == service)?;
    migrator(service)
}

/// The manifests below `tests/upgrades`.
fn manifests() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upgrades");
    let mut all = Vec::new();
    for version in fs::read_dir(root).unwrap() {
        for engine in fs::read_dir(version.unwrap().path()).unwrap() {
            let file = engine.unwrap().path().join("manifest.json");
            let text = fs::read_to_string(&file).unwrap();
            all.push((
                file.display().to_string(),
                serde_json::from_str(&text).unwrap(),
            ));
        }
    }
    all
}

#[test]
fn no_released_migration_was_changed_or_removed() {
    let all = manifests();
    assert!(all.len() >= 2, "no version was released");
    for (file, manifest) in all {
        let wrong = changed(&manifest, present);
        assert!(
            wrong.is_empty(),
            "{file}: {wrong:?}: put it back, and change the schema by another migration"
        );
        for service in WITH_DATABASE {
            let known = manifest["migrations"][service.name()]
                .as_array()
                .map(Vec::len);
            assert!(known > Some(2), "{file} says nothing of {service}");
        }
    }
}

#[test]
fn one_that_was_changed_or_removed_is_found() {
    let (_, mut manifest) = manifests().remove(0);
    let auth = &mut manifest["migrations"]["auth"];
    auth[0]["sha384"] = "00".into();
    auth[1]["version"] = 77.into();
    let wrong = changed(&manifest, present);
    assert_eq!(
        wrong,
        ["auth: 1 accounts was changed", "auth: 77 staff was removed"]
    );
}
