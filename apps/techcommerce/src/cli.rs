//! The command line.

mod backup;
mod migrate;
mod traffic;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use techcommerce_config::{Loaded, Sources};
use techcommerce_contracts::Service;
use techcommerce_kernel::{EmailAddress, Error};

pub use backup::{About, Backup, ProveBackup, RecordBackup, Restore, VerifyBackup};
pub use migrate::Migrate;
pub use traffic::{Arrivals, Payment, Traffic};

/// A shop platform in one binary.
///
/// Without a command it serves the shop. Settings come from a file, the environment and flags;
/// `techcommerce config` shows them.
#[derive(Debug, Parser)]
#[command(name = "techcommerce", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Args)]
pub struct Global {
    /// The configuration file; else techcommerce.toml in this folder, if it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets one setting, as --set listen.port=8080; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the shop: all services in this process, or only those that are named
    Serve(Services),
    /// Bring all databases up to date, and end; --check says what that would do
    Migrate(Migrate),
    /// Import a catalogue as Shopify, WooCommerce or this program exports it
    Import(Import),
    /// Export the catalogue as a file
    Export(Export),
    /// Manage the shop's admins
    #[command(subcommand)]
    Admin(Admin),
    /// Make the keys that services which run apart know each other by
    Keys(Keys),
    /// Prepare a Kubernetes cluster for the shop, from a pod inside
    #[command(subcommand)]
    Cluster(Cluster),
    /// Send shoppers to a shop, check every answer, and account for every order
    Traffic(Box<Traffic>),
    /// Try every dependency in the configuration, and say what is wrong and how to mend it
    Doctor(Doctor),
    /// Ask the process on this machine whether it is ready (for a container's health check)
    Health(Health),
    /// Show the settings in force and where each came from; secrets are hidden
    Config(Config),
    /// Copy the whole shop while it serves, or say what is known of its backups
    Backup(Backup),
    /// Bring a backup of a shop on one machine back, and prove that it is whole
    Restore(Restore),
    /// Print the names of all metrics that can be scraped, and which services tell them
    Metrics(Metrics),
    /// Print the OpenAPI document of the public interface
    Openapi,
}

#[derive(Debug, Args)]
pub struct Services {
    /// Only these: frontend, api, product-api, order-api, auth, images, worker
    #[arg(value_name = "SERVICE")]
    pub services: Vec<Service>,
}

#[derive(Debug, Args)]
pub struct Keys {
    /// The folder for the keys; those that are there stay
    pub folder: PathBuf,
    /// Give this service a second key, to take the place of its first
    #[arg(long, value_name = "SERVICE")]
    pub rotate: Option<Service>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The file; standard output if none is given
    pub file: Option<PathBuf>,
    /// shopify is CSV with Shopify's columns; jsonl has all of a product as JSON on each line
    #[arg(long, value_enum, default_value_t = ExportFormat::Shopify)]
    pub format: ExportFormat,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    Shopify,
    Jsonl,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The file: CSV of Shopify or WooCommerce, or JSON Lines
    pub file: PathBuf,
    /// Only report what would be done
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make an admin, or make an existing account one, and print a one-time password
    Create {
        /// The mail address to sign in with
        #[arg(long)]
        email: EmailAddress,
    },
}

#[derive(Debug, Subcommand)]
pub enum Cluster {
    /// Make the Secrets that are missing, at random; those that are there stay as they are
    Secrets(Secrets),
    /// Set how many replicas Deployments have, as for the night; each is tried, whatever the others say
    Scale(Scale),
}

/// Which cluster, and who we are in it.
#[derive(Debug, Args)]
pub struct Inside {
    /// The namespace; else that of the pod
    #[arg(long)]
    pub namespace: Option<String>,
    /// The cluster's interface, as https://10.96.0.1:443; else as the pod's environment says
    #[arg(long, value_name = "URL")]
    pub api_server: Option<String>,
    /// The folder with token, ca.crt and namespace of the pod's ServiceAccount
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount"
    )]
    pub service_account: PathBuf,
}

#[derive(Debug, Args)]
pub struct Scale {
    /// How many
    pub replicas: u32,
    /// Of which Deployments
    #[arg(required = true, value_name = "DEPLOYMENT")]
    pub deployments: Vec<String>,
    #[command(flatten)]
    pub inside: Inside,
}

#[derive(Debug, Args)]
pub struct Secrets {
    /// Where PostgreSQL is; else as Secret postgres-admin says, if it is there, or postgres:5432
    #[arg(long, value_name = "HOST:PORT")]
    pub postgres: Option<String>,
    /// The database's name; else as Secret postgres-admin says, if it is there, or techcommerce
    #[arg(long, value_name = "NAME")]
    pub postgres_database: Option<String>,
    /// Where Redis is
    #[arg(long, value_name = "HOST:PORT", default_value = "redis:6379")]
    pub redis: String,
    /// Also Secret object-store, for a store of pictures that runs in the cluster
    #[arg(long)]
    pub object_store: bool,
    /// Never make this Secret, but wait until others have; may be repeated
    #[arg(long, value_name = "SECRET")]
    pub given: Vec<String>,
    /// Ask the cluster what is missing, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print names and keys as JSON; no cluster is asked
    #[arg(long, conflicts_with_all = ["dry_run", "print"])]
    pub list: bool,
    /// Print all as manifests with fresh values, for kubeseal and the like; no cluster is asked
    #[arg(long, conflicts_with = "dry_run")]
    pub print: bool,
    #[command(flatten)]
    pub inside: Inside,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Doctor {
    #[command(subcommand)]
    pub trial: Option<Trial>,
    /// Only what these services need; else what those need whose keys are here, or all
    #[arg(value_name = "SERVICE")]
    pub services: Vec<Service>,
    /// Also recompute every stock level, reservation, order and payment from its books
    #[arg(long)]
    pub audit: bool,
}

/// One thing to try, where there is no shell with `getent`, `nc` and `wget`.
#[derive(Debug, Subcommand)]
pub enum Trial {
    /// Look a name up
    Dns(Probe),
    /// Connect to HOST:PORT
    Tcp(Probe),
    /// Ask an address; 2xx and 3xx are well
    Http {
        #[command(flatten)]
        probe: Probe,
        /// Believe these authorities (PEM) and no others
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Probe {
    /// What to try
    pub target: String,
    /// Seconds that each step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    pub timeout: u32,
}

#[derive(Debug, Args)]
pub struct Health {
    /// Only whether it runs
    #[arg(long)]
    pub live: bool,
    /// Seconds that it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    pub timeout: u32,
}

#[derive(Debug, Args)]
pub struct Config {
    /// Print the reference of all settings (docs/configuration.md) instead
    #[arg(long)]
    pub reference: bool,
}

#[derive(Debug, Args)]
pub struct Metrics {
    /// Print the reference of all metrics (docs/metrics.md) instead
    #[arg(long)]
    pub reference: bool,
}

impl Global {
    /// Reads the settings from all their sources.
    pub fn load(&self) -> Result<Loaded, Error> {
        #[allow(
            clippy::disallowed_methods,
            reason = "here the environment becomes settings"
        )]
        let environment = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        techcommerce_config::load(&Sources {
            file: self.config.clone(),
            environment,
            flags: self.set.clone(),
        })
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| "write it as key=value, as listen.port=8080".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["techcommerce", "--set", "listen.port"]).is_err());
        let cli = Cli::try_parse_from(["techcommerce", "serve", "--set", "a=b=c"]).unwrap();
        assert_eq!(cli.global.set, [("a".to_owned(), "b=c".to_owned())]);
    }
}
