//! The steps of `test` and `check`, in order.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::pipeline::{Options, Pipeline, Report, Step};
use crate::program::{cargo, output, run, target, techcommerce};
use crate::{
    dashboards, drill, faults, image, layering, licences, manifests, migrations, monitoring,
    nextest, postgres_versions, sizes, supply, tools, workflows,
};

/// Committed files that the program writes, each with what makes it do so.
const GENERATED: &[(&str, &[&str])] = &[
    ("docs/openapi.json", &["openapi"]),
    ("docs/configuration.md", &["config", "--reference"]),
    ("docs/metrics.md", &["metrics", "--reference"]),
];

pub const TOOLS: Step = Step {
    name: "tools",
    needs: &[],
    run: |context| Ok(Report::ok(tools::prepare(!context.options.no_install)?)),
};

const FORMAT: Step = Step {
    name: "format",
    needs: &[],
    run: |_| {
        run(cargo().args(["fmt", "--all", "--check"]))?;
        Ok(Report::ok("cargo fmt --check"))
    },
};

const LAYERING: Step = Step {
    name: "layering",
    needs: &[],
    run: |_| {
        let packages = layering::check()?;
        Ok(Report::ok(format!(
            "{packages} packages, dependencies point one way"
        )))
    },
};

const SIZES: Step = Step {
    name: "sizes",
    needs: &[],
    run: |_| Ok(Report::ok(sizes::check()?)),
};

const LICENCES: Step = Step {
    name: "licences",
    needs: &["tools"],
    run: |_| Ok(Report::ok(licences::check()?)),
};

const LINTS: Step = Step {
    name: "lints",
    needs: &[],
    run: |_| {
        let mut command = cargo();
        command.args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
        ]);
        run(command.args(["--", "-D", "warnings"]))?;
        Ok(Report::ok("cargo clippy, no warnings"))
    },
};

/// One build for all that follows: the program and every test, with one set of features, so
/// that nothing is built twice.
pub const BUILD: Step = Step {
    name: "build",
    needs: &[],
    run: |_| {
        run(cargo().args(["build", "--workspace", "--all-targets", "--locked"]))?;
        Ok(Report::ok("the program and all tests"))
    },
};

const TESTS: Step = Step {
    name: "tests",
    needs: &["tools", "build"],
    run: |context| {
        // The planted mistakes are found with the tools that the step `manifests` brings.
        let others = "not package(techcommerce-tests) and not package(techcommerce-migrations) and not package(techcommerce-manifests) and not package(techcommerce-monitoring) and not package(techcommerce-supply)";
        nextest::run(context, others)
    },
};

/// What is committed is what the program says: nobody reads a document that is out of date.
const GENERATED_STEP: Step = Step {
    name: "generated",
    needs: &["build"],
    run: |_| {
        for (file, arguments) in GENERATED {
            let committed = fs::read_to_string(file).with_context(|| (*file).to_owned())?;
            if committed != said(arguments)? {
                bail!("{file} is not what the program says; run `cargo xtask generate`");
            }
        }
        dashboards::check()?;
        Ok(Report {
            passed: GENERATED.len() + dashboards::files().len(),
            failed: 0,
            detail: format!(
                "{} files are what the program says, {} dashboards what the code says",
                GENERATED.len(),
                dashboards::files().len()
            ),
        })
    },
};

const JOURNEYS: Step = Step {
    name: "journeys",
    needs: &["tools", "build"],
    run: |context| {
        tools::schemathesis(!context.options.no_install)?;
        nextest::run_whole(
            context,
            "package(techcommerce-tests) and not test(/^browser::/)",
        )
    },
};

const BROWSER: Step = Step {
    name: "browser",
    needs: &["tools", "build"],
    run: |context| {
        nextest::run_whole(
            context,
            "package(techcommerce-tests) and test(/^browser::/)",
        )
    },
};

/// The tests on the versions of PostgreSQL that are not the system's.
const POSTGRES: Step = Step {
    name: "postgresql",
    needs: &["tools", "build"],
    run: postgres_versions::check,
};

/// Faults in a running shop, told by its alerts.
const DRILL: Step = Step {
    name: "drill",
    needs: &["tools", "build"],
    run: drill::check,
};

/// Faults in a split shop under traffic, held against what its clients were told.
const FAULTS: Step = Step {
    name: "faults",
    needs: &["tools", "build"],
    run: faults::check,
};

/// What a cluster would be sent, checked without one and against the program.
const MANIFESTS: Step = Step {
    name: "manifests",
    needs: &["tools", "build"],
    run: manifests::check,
};

/// The migrations' files.
const MIGRATIONS: Step = Step {
    name: "migrations",
    needs: &["tools", "build"],
    run: migrations::check,
};

/// Alerts, their tests and the tests of those, runbooks, routes.
const MONITORING: Step = Step {
    name: "monitoring",
    needs: &["tools", "build"],
    run: monitoring::check,
};

/// Secrets, known flaws, who signs, what keeps dependencies fresh, and the files of a release.
const SUPPLY_CHAIN: Step = Step {
    name: "supply-chain",
    needs: &["tools"],
    run: supply::check,
};

/// What GitHub runs for us, and the scripts behind it.
const WORKFLOWS: Step = Step {
    name: "workflows",
    needs: &["build"],
    run: workflows::check,
};

/// The image is built from the Dockerfile as it is, and run.
const IMAGE: Step = Step {
    name: "image",
    needs: &[],
    run: image::check,
};

/// Everything.
pub static ALL: [Step; 20] = [
    TOOLS,
    FORMAT,
    LAYERING,
    SIZES,
    LICENCES,
    LINTS,
    BUILD,
    TESTS,
    GENERATED_STEP,
    JOURNEYS,
    BROWSER,
    POSTGRES,
    FAULTS,
    DRILL,
    MANIFESTS,
    MIGRATIONS,
    MONITORING,
    SUPPLY_CHAIN,
    WORKFLOWS,
    IMAGE,
];

/// What one runs between two thoughts: no browser, no whole program.
pub static QUICK: [Step; 7] = [TOOLS, FORMAT, LAYERING, SIZES, LINTS, BUILD, TESTS];

/// Writes the generated files anew.
pub fn generate() -> Result<bool> {
    // First, since nothing has to be built for it.
    dashboards::write()?;
    run(cargo().args(["build", "--package", "techcommerce"]))?;
    fs::create_dir_all("docs")?;
    for (file, arguments) in GENERATED {
        fs::write(file, said(arguments)?)?;
        println!("{file} is written");
    }
    Ok(true)
}

fn said(arguments: &[&str]) -> Result<String> {
    output(Command::new(techcommerce()).args(arguments))
}

/// Runs the simulation.
pub fn simulate(arguments: &[String]) -> Result<bool> {
    run(cargo()
        .args(["run", "--quiet", "--locked"])
        .args(["--package", "techcommerce-simulation", "--"])
        .args(arguments))?;
    Ok(true)
}

/// Builds the program and the measurements as they are released, and runs them.
pub fn bench(arguments: &[String]) -> Result<bool> {
    tools::prepare(true)?;
    let packages = [
        "--package",
        "techcommerce",
        "--package",
        "techcommerce-bench",
    ];
    run(cargo()
        .args(["build", "--release", "--locked"])
        .args(packages))?;
    let folder = target().join("release");
    let (what, arguments) = match arguments.split_first() {
        Some((first, rest)) if first == "flash-sale" => ("flash-sale", rest),
        _ => ("run", arguments),
    };
    run(Command::new(folder.join("techcommerce-bench"))
        .args([what, "--program"])
        .arg(folder.join("techcommerce"))
        .args(arguments))?;
    Ok(true)
}

/// Takes the README's picture with the browser of the tests.
pub fn picture() -> Result<bool> {
    static PICTURE: [Step; 3] = [
        TOOLS,
        BUILD,
        Step {
            name: "picture",
            needs: &["tools", "build"],
            run: |context| {
                let file = Path::new("docs/images/storefront.png");
                let _ = fs::remove_file(file);
                let report = nextest::run_ignored(
                    context,
                    "package(techcommerce-tests) and test(=browser::picture::the_storefront)",
                )?;
                if report.failed == 0 && !file.is_file() {
                    bail!("{} was not written", file.display());
                }
                Ok(report)
            },
        },
    ];
    Pipeline::new(Options::default(), &PICTURE).run()
}
