//! `techcommerce openapi`: the document of the public interface.

use std::process::ExitCode;

use techcommerce_kernel::Error;

use crate::{compose, say};

/// Prints the document.
pub fn run() -> Result<ExitCode, Error> {
    say(compose::document::whole()?.text().trim_end());
    Ok(ExitCode::SUCCESS)
}
