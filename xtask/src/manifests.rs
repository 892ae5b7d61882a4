//! `k8s/` without a cluster, by the package techcommerce-manifests: of its own, because the types of
//! Kubernetes take longer to compile than all the other chores.

use anyhow::Result;

use crate::checker;
use crate::pipeline::{Context, Report};
use crate::program::run;
use crate::tools;

const PACKAGE: &str = "techcommerce-manifests";

/// The step of `cargo xtask test`.
pub fn check(context: &Context) -> Result<Report> {
    let install = !context.options.no_install;
    tools::manifests(install)?;
    if install {
        run(checker::program(PACKAGE).arg("--install"))?;
    }
    checker::check(context, PACKAGE)
}

/// The chore by itself: builds what it needs, then the same with what the user says.
pub fn chore(arguments: &[String]) -> Result<bool> {
    tools::manifests(true)?;
    checker::build(PACKAGE)?;
    run(checker::program(PACKAGE).arg("--install"))?;
    checker::chore(PACKAGE, arguments)
}
