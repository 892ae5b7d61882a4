//! What comes into the product and what goes out of it, by the package techcommerce-supply
//! (docs/supply-chain.md).

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::checker;
use crate::pipeline::{Context, Report};
use crate::program::{cargo, output, run};
use crate::tools;

const PACKAGE: &str = "techcommerce-supply";

/// The step of `cargo xtask test`: what its tests plant is found, then what there is.
pub fn check(context: &Context) -> Result<Report> {
    // Python, for the schema of lists of parts.
    tools::manifests(!context.options.no_install)?;
    build()?;
    if !context.options.no_install {
        run(program().arg("install"))?;
    }
    checker::check_by(context, PACKAGE, program())
}

/// The chore by itself, with what the user says; whether it found nothing.
pub fn chore(arguments: &[String]) -> Result<bool> {
    build()?;
    let status = program().args(arguments).status()?;
    Ok(status.success())
}

fn build() -> Result<()> {
    run(cargo().args(["build", "--package", PACKAGE, "--quiet"]))
}

/// Whether the crates that a program lists are those of Cargo.lock, and a list of parts can be made of them.
pub fn parts(file: &Path) -> Result<()> {
    build()?;
    output(program().args(["sbom", "--program"]).arg(file)).map(drop)
}

fn program() -> Command {
    checker::program(PACKAGE)
}
