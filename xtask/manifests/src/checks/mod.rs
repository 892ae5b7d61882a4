//! The checks that need nothing but a rendering and the program: one file each, each a pure
//! function, so that a planted mistake is a unit test.

mod accounts;
mod collectors;
mod components;
mod disruption;
mod environment;
mod images;
mod jobs;
mod metrics;
mod names;
mod needs;
mod pods;
mod policies;
mod probes;
mod quota;
mod references;
mod resources;
mod rollout;
mod scaling;
mod security;
mod selectors;
mod services;
mod storage;
mod typed;

pub use components::{changes, check_components};
pub use environment::effective;
pub use probes::{port as probe_port, probes as probes_of};

use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;

/// Looks at one rendering.
pub type Check = fn(&Rendered, &Program) -> Vec<Finding>;

/// All of them by name.
pub const ALL: &[(&str, Check)] = &[
    (typed::NAME, typed::check),
    (names::NAME, names::check),
    (references::NAME, references::check),
    (selectors::NAME, selectors::check),
    (services::NAME, services::check),
    (environment::NAME, environment::check),
    (needs::NAME, needs::check),
    (probes::NAME, probes::check),
    (pods::NAME, pods::check),
    (security::NAME, security::check),
    (accounts::NAME, accounts::check),
    (images::NAME, images::check),
    (resources::NAME, resources::check),
    (quota::NAME, quota::check),
    (disruption::NAME, disruption::check),
    (scaling::NAME, scaling::check),
    (metrics::NAME, metrics::check),
    (rollout::NAME, rollout::check),
    (jobs::NAME, jobs::check),
    (policies::NAME, policies::check),
    (storage::NAME, storage::check),
    (collectors::NAME, collectors::check),
];

/// Everything that the checks say about a rendering, in order.
pub fn run(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found: Vec<Finding> = ALL
        .iter()
        .flat_map(|(_, check)| check(rendered, program))
        .collect();
    found.sort();
    found.dedup();
    found
}
