//! The options of `techcommerce backup`.

use clap::{Args, Subcommand};
use techcommerce_kernel::Timestamp;

#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Note that a backup was taken; with --verified-at, that it was restored and found whole
    Record(RecordBackup),
    /// Show the last ones
    List,
}

#[derive(Debug, Args)]
pub struct RecordBackup {
    /// What was committed before is in it: as 2026-11-21T08:00:00Z, or in seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub taken_at: Moment,
    /// How large it is
    #[arg(long, value_name = "NUMBER")]
    pub bytes: u64,
    /// When it was restored somewhere and found whole
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub verified_at: Option<Moment>,
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
