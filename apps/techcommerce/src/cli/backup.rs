//! The options of `techcommerce backup` and `techcommerce restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use techcommerce_kernel::Timestamp;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Backup {
    #[command(subcommand)]
    pub what: Option<About>,
    /// The folder that backups are kept in; each gets a folder of its own there
    #[arg(long, value_name = "FOLDER", default_value = "backups")]
    pub to: PathBuf,
    /// Keep so many and remove older ones; without it none is removed
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Also try it, as `techcommerce backup verify` does
    #[arg(long)]
    pub verify: bool,
}

#[derive(Debug, Subcommand)]
pub enum About {
    /// Try a backup: every byte, and its databases opened and recomputed somewhere else
    Verify(VerifyBackup),
    /// Print what proves that nothing is missing: chains of hashes over orders and ledgers, the rows
    /// of all tables, what does not add up; as JSON
    Prove(ProveBackup),
    /// Note that a backup was taken; with --verified-at, that it was restored and found whole
    Record(RecordBackup),
    /// Show the last ones
    List,
}

#[derive(Debug, Args)]
pub struct VerifyBackup {
    /// The backup, or the folder that backups are kept in: then its newest one
    pub from: PathBuf,
    /// Where its databases are opened; else beside it
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
    /// Note in the shop's list that it was found whole
    #[arg(long)]
    pub record: bool,
}

#[derive(Debug, Args)]
pub struct ProveBackup {
    /// Of orders and ledgers only what was written up to then, as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,
    /// Fail if fewer orders are there
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub at_least: u64,
}

#[derive(Debug, Args)]
pub struct RecordBackup {
    /// What was committed before is in it: as 2026-11-21T08:00:00Z, or in seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment, required_unless_present = "pgbackrest")]
    pub taken_at: Option<Moment>,
    /// How large it is
    #[arg(long, value_name = "NUMBER", required_unless_present = "pgbackrest")]
    pub bytes: Option<u64>,
    /// Both as `pgbackrest info --output=json` says them of its newest backup
    #[arg(long, value_name = "FILE", conflicts_with_all = ["taken_at", "bytes"])]
    pub pgbackrest: Option<PathBuf>,
    /// When it was restored somewhere and found whole
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub verified_at: Option<Moment>,
    /// It was restored and found whole just now
    #[arg(long, conflicts_with = "verified_at")]
    pub verified: bool,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// The backup, or the folder that backups are kept in: then its newest one
    pub from: PathBuf,
    /// The data folder; else that of the settings
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
    /// The newest backup that is not after this time, as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Moment>,
    /// Move aside what is in the data folder
    #[arg(long)]
    pub replace: bool,
}

/// A time on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        let micros = seconds.checked_mul(1_000_000);
        return micros
            .map(|micros| Moment(Timestamp::from_micros(micros)))
            .ok_or_else(|| "is out of range".to_owned());
    }
    let time = text.parse().map(Moment);
    time.map_err(|_| "write it as 2026-11-21T08:00:00Z, or in seconds since 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_both_ways() {
        let both = ["2026-11-21T08:00:00Z", "1795248000"].map(moment);
        assert_eq!(both[0], both[1]);
        assert!(moment("yesterday").is_err());
        assert!(moment("9999999999999999").is_err());
    }
}
