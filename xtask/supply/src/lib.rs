//! What comes into the product and what goes out of it: known flaws, secrets, the parts of the program,
//! who may sign, what keeps dependencies fresh. docs/supply-chain.md has the whole of it.

#![allow(
    clippy::disallowed_methods,
    reason = "tooling reads the environment and the clock of its machine"
)]

pub mod advisories;
pub mod elf;
pub mod finding;
pub mod parts;
pub mod run;
pub mod sbom;
pub mod secrets;
pub mod signer;
pub mod sources;
pub mod threats;
pub mod tools;
pub mod trivyignore;
pub mod updates;
