//! `techcommerce migrate`, on the command line.

use clap::Args;
use techcommerce_contracts::Service;

#[derive(Debug, Args)]
pub struct Migrate {
    /// Only these: frontend, api, product-api, order-api, auth, images, worker
    #[arg(value_name = "SERVICE")]
    pub services: Vec<Service>,
    /// Say what would be done and do nothing: 0 nothing, 10 something, 1 it would be refused
    #[arg(long)]
    pub check: bool,
    /// Say it as JSON
    #[arg(long, requires = "check")]
    pub json: bool,
    /// The shop is closed: let a migration hold its tables for as long as it takes
    #[arg(long, conflicts_with = "check")]
    pub closed: bool,
}
