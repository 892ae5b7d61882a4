//! The migrations' files, by the package techcommerce-migrations, which reads them as the program
//! does.

use anyhow::Result;

use crate::checker;
use crate::nextest;
use crate::pipeline::{Context, Options, Pipeline, Report, Step};
use crate::program::run;
use crate::{steps, tools};

const PACKAGE: &str = "techcommerce-migrations";

/// The step of `cargo xtask test`.
pub fn check(context: &Context) -> Result<Report> {
    let install = !context.options.no_install;
    tools::python(install)?;
    if install {
        run(checker::program(PACKAGE).arg("--install"))?;
    }
    checker::check(context, PACKAGE)
}

/// The chore by itself.
pub fn chore() -> Result<bool> {
    tools::python(true)?;
    checker::build(PACKAGE)?;
    run(checker::program(PACKAGE).arg("--install"))?;
    checker::chore(PACKAGE, &[])
}

/// Makes the data set of the version that is about to be released, on both engines.
pub fn release_data() -> Result<bool> {
    static DATA: [Step; 3] = [
        steps::TOOLS,
        steps::BUILD,
        Step {
            name: "release-data",
            needs: &["tools", "build"],
            run: |context| {
                nextest::run_ignored(
                    context,
                    "package(techcommerce-tests) and test(=upgrades::make::a_data_set)",
                )
            },
        },
    ];
    Pipeline::new(Options::default(), &DATA).run()
}
