//! Dependencies point one way: apps → services → contracts → telemetry → kernel, and services →
//! crates. Telemetry stands below the rest because measuring points are everywhere; for the same
//! reason it must bring nothing of ours along but the kernel.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::program::{cargo, output};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    App,
    Service,
    Contracts,
    Telemetry,
    Kernel,
    Crate,
    /// Test helpers: whatever they pull in must not reach the product.
    Testkit,
    Tests,
    /// Runs parts of services as they are, and is held against others.
    Simulation,
    Xtask,
}

/// What the contracts must not bring to everyone who speaks to a service.
const NOT_IN_CONTRACTS: &[&str] = &["sqlx", "axum"];

/// Checks every package of the workspace; how many there are.
pub fn check() -> Result<usize> {
    let metadata = output(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let root = metadata["workspace_root"].as_str().context("a root")?;
    let packages = metadata["packages"].as_array().context("packages")?;
    let wrong = violations(root, packages)?;
    if !wrong.is_empty() {
        bail!("dependencies against the layers:\n  {}", wrong.join("\n  "));
    }
    Ok(packages.len())
}

fn violations(root: &str, packages: &[Value]) -> Result<Vec<String>> {
    let layer_of = |path: &str| -> Result<Layer> {
        let path = path.strip_prefix(root).unwrap_or(path);
        layer(path.trim_start_matches('/'))
            .with_context(|| format!("{path}: the layers do not know this place"))
    };
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a name")?;
        let from = layer_of(package["manifest_path"].as_str().context("a path")?)?;
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().context("a name")?;
            let for_tests = dependency["kind"] == "dev";
            match dependency["path"].as_str() {
                Some(path) => {
                    let to = layer_of(&format!("{path}/Cargo.toml"))?;
                    if !allowed(from, to, for_tests) {
                        wrong.push(format!("{name} ({from:?}) → {on} ({to:?})"));
                    }
                }
                None if from == Layer::Contracts
                    && !for_tests
                    && NOT_IN_CONTRACTS.contains(&on) =>
                {
                    wrong.push(format!(
                        "{name} → {on}: contracts carry types, no servers or stores"
                    ));
                }
                None => {}
            }
        }
    }
    Ok(wrong)
}

fn layer(path: &str) -> Option<Layer> {
    let (first, rest) = path.split_once('/')?;
    Some(match (first, rest.split('/').next()?) {
        ("apps", _) => Layer::App,
        ("services", _) => Layer::Service,
        ("contracts", _) => Layer::Contracts,
        ("crates", "kernel") => Layer::Kernel,
        ("crates", "telemetry") => Layer::Telemetry,
        ("crates", "testkit" | "testservers") => Layer::Testkit,
        ("crates", _) => Layer::Crate,
        ("tests", "simulation") => Layer::Simulation,
        ("tests" | "bench", _) => Layer::Tests,
        // Reads migrations as the program does.
        ("xtask", "migrations") => Layer::Tests,
        ("xtask", _) => Layer::Xtask,
        _ => return None,
    })
}

fn allowed(from: Layer, to: Layer, for_tests: bool) -> bool {
    use Layer::{
        App, Contracts, Crate, Kernel, Service, Simulation, Telemetry, Testkit, Tests, Xtask,
    };
    match (from, to) {
        (_, Tests | Simulation | Xtask | App) => false,
        (Tests | Simulation | Testkit | Xtask, Testkit) => true,
        (_, Testkit) => for_tests && from != Kernel,
        (App | Simulation, Service) => true,
        (_, Service) => false,
        (Kernel, _) => false,
        (Telemetry, to) => to == Kernel,
        (Contracts, to) => to == Kernel || to == Telemetry,
        (Xtask, _) => false,
        (
            App | Service | Crate | Testkit | Tests | Simulation,
            Contracts | Telemetry | Kernel | Crate,
        ) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, at: &str, on: &[(&str, &str, Option<&str>)]) -> Value {
        let dependencies: Vec<Value> = on
            .iter()
            .map(|(name, path, kind)| {
                let path = (!path.is_empty()).then(|| format!("/repo/{path}"));
                json!({"name": name, "path": path, "kind": kind})
            })
            .collect();
        json!({
            "name": name,
            "manifest_path": format!("/repo/{at}/Cargo.toml"),
            "dependencies": dependencies,
        })
    }

    fn found(packages: &[Value]) -> Vec<String> {
        violations("/repo", packages).unwrap()
    }

    #[test]
    fn the_right_way_is_fine() {
        assert!(
            found(&[
                package("app", "apps/app", &[("auth", "services/auth", None)]),
                package(
                    "auth",
                    "services/auth",
                    &[
                        ("contracts", "contracts", None),
                        ("store", "crates/store", None),
                        ("testkit", "crates/testkit", Some("dev")),
                    ]
                ),
                package(
                    "contracts",
                    "contracts",
                    &[
                        ("kernel", "crates/kernel", None),
                        ("telemetry", "crates/telemetry", None),
                    ]
                ),
                package(
                    "telemetry",
                    "crates/telemetry",
                    &[("kernel", "crates/kernel", None)]
                ),
            ])
            .is_empty()
        );
    }

    #[test]
    fn the_wrong_ways_are_found() {
        for (at, on) in [
            ("services/auth", ("order", "services/order-api", None)),
            (
                "services/auth",
                ("order", "services/order-api", Some("dev")),
            ),
            ("services/auth", ("testkit", "crates/testkit", None)),
            ("contracts", ("store", "crates/store", None)),
            ("contracts", ("sqlx", "", None)),
            ("crates/http", ("auth", "services/auth", None)),
            ("crates/kernel", ("contracts", "contracts", None)),
            ("crates/kernel", ("telemetry", "crates/telemetry", None)),
            ("crates/telemetry", ("contracts", "contracts", None)),
            ("crates/telemetry", ("store", "crates/store", None)),
            ("apps/app", ("tests", "tests", None)),
            (
                "services/auth",
                ("simulation", "tests/simulation", Some("dev")),
            ),
            ("tests", ("auth", "services/auth", None)),
            ("bench", ("auth", "services/auth", None)),
        ] {
            assert_eq!(found(&[package("a", at, &[on])]).len(), 1, "{at} → {on:?}");
        }
    }
}
