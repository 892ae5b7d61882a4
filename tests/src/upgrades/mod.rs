//! Data of every released version opens in this one. For each there is a small set that its own
//! program made, on each engine: `tests/upgrades/VERSION/ENGINE` (docs/upgrading.md).

mod make;
mod open;
mod set;
