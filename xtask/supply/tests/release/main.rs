//! The scripts behind a release, tried with real programs: what they pack, sign and verify, what they
//! refuse, and what the installer leaves behind.

mod image;
mod install;
mod pack;
mod place;
mod secrets;
mod tampered;
