//! The step `image`: builds the Dockerfile as it is, looks into the image, runs it as a cluster
//! would, and checks docker-compose.yml (docs/containers.md).

mod base;
mod build;
mod compose;
mod contents;
mod docker;
mod engine;
mod lint;
mod live;
mod up;

use anyhow::Result;

use crate::pipeline::{Context, Report};

/// The image of this test.
const NAME: &str = "localhost/techcommerce-test";

/// Builds and checks. Every day in a quick profile; in the nightly run as it is shipped, twice, with
/// the sizes and digests compared.
pub fn check(context: &Context) -> Result<Report> {
    let nightly = context.options.nightly;
    let install = !context.options.no_install;
    let mut checks = Checks::default();
    lint::dockerfile(&mut checks, install)?;

    let engine = engine::Engine::prepare(install)?;
    let base = base::rust(&engine)?;
    let image = if nightly {
        build::twice(&engine, &base, &mut checks)?
    } else {
        build::quick(&engine, &base)?
    };
    let size = contents::check(&engine, &image, nightly, &mut checks)?;
    live::check(&engine, &image, &mut checks)?;
    compose::check(&engine, &image, &base, install, &mut checks)?;
    if nightly {
        up::check(
            &engine,
            &image,
            lint::compose(install)?,
            install,
            &mut checks,
        )?;
    }
    Ok(checks.report(&size))
}

/// What was checked, each said as it is known.
#[derive(Default)]
struct Checks {
    passed: usize,
    failed: Vec<String>,
}

impl Checks {
    /// One check: what should be so, and whether it is.
    fn is(&mut self, what: &str, so: bool) {
        self.note(what, if so { Ok(()) } else { Err(String::new()) });
    }

    /// One check that says what it found instead.
    fn note(&mut self, what: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("  ok     {what}");
            }
            Err(found) => {
                println!("  WRONG  {what}: {found}");
                self.failed.push(what.to_owned());
            }
        }
    }

    /// Two things that should be equal.
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, wanted: &T) {
        let outcome = (found == wanted)
            .then_some(())
            .ok_or_else(|| format!("{found:?} instead of {wanted:?}"));
        self.note(what, outcome);
    }

    fn report(self, size: &str) -> Report {
        Report {
            passed: self.passed,
            failed: self.failed.len(),
            detail: match self.failed.first() {
                None => format!("{} checks; {size}", self.passed),
                Some(first) => format!("{} wrong, as: {first}", self.failed.len()),
            },
        }
    }
}
