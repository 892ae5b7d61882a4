//! `techcommerce openapi`: the document of the public interface, made from the handlers.

use std::process::ExitCode;

use techcommerce_kernel::Error;

use crate::{compose, say};

/// Prints the document.
pub fn run() -> Result<ExitCode, Error> {
    say(compose::openapi()
        .to_pretty_json()
        .map_err(Error::internal)?);
    Ok(ExitCode::SUCCESS)
}
