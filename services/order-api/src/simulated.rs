//! What the simulation (tests/simulation) runs of this service as it is: the loops of the checkout
//! and of the job, and the rules of the provider for trials. For nobody else.

pub use crate::{
    checkout::flow::{Desk, Fixed, Forgotten, Written, in_doubt, place},
    faults::Point,
    payment::{Answer, Charge, Reply, TestProvider, books},
    saga::{
        execute::Outcome as Happened,
        walk::{Hands, walk},
    },
};
