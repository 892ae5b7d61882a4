//! The scripts that bring releases and take them back, against a cluster that remembers.

mod commands;
mod every_call;
mod shop;
mod steps;
mod tags;
