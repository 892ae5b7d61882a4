//! The options of `techcommerce traffic`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use techcommerce_traffic::Shares;

/// How arrivals are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Arrivals {
    /// As people come, independent of each other
    Poisson,
    /// Each as long after the one before
    Even,
}

/// How orders are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Payment {
    /// With the cards of the provider for trials
    Test,
    /// By invoice: the orders hold stock until staff cancel them
    Invoice,
}

#[derive(Debug, Args)]
pub struct Traffic {
    /// The shop's public address, as https://shop.example.com
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub shop: url::Url,
    /// Shoppers a second, whatever the shop does
    #[arg(long, default_value_t = 5.0)]
    pub rate: f64,
    /// How long shoppers arrive: 90s, 10m, 2h
    #[arg(long, value_parser = duration, default_value = "60s")]
    pub duration: Duration,
    /// How long the rate takes to rise from nothing; a part of --duration
    #[arg(long, value_parser = duration, default_value = "0s")]
    pub ramp: Duration,
    /// How arrivals are spaced
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson)]
    pub arrivals: Arrivals,
    /// The same seed sends the same shoppers at the same times
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Who comes for what, as browse=50,search=20,guest=10; what is not named is left out
    #[arg(long, value_name = "SHARES", default_value_t = Shares::default())]
    pub journeys: Shares,
    /// How long a shopper looks at a page, on average
    #[arg(long, value_parser = duration, default_value = "1s")]
    pub think: Duration,
    /// How many shoppers may be in the shop at once; who comes beyond is turned away and counted
    #[arg(long, default_value_t = 1000)]
    pub in_flight: usize,
    /// How long one answer may take
    #[arg(long, value_parser = duration, default_value = "10s")]
    pub timeout: Duration,
    /// How long the shop has at the end until every order is settled
    #[arg(long, value_parser = duration, default_value = "90s")]
    pub settle: Duration,
    /// How many customers are registered for signed-in orders
    #[arg(long, default_value_t = 4)]
    pub customers: usize,
    /// A discount code that the shop takes
    #[arg(long, value_name = "CODE")]
    pub discount: Option<String>,
    /// A file with an API key of staff, for an exact account of orders and stock
    #[arg(long, value_name = "FILE")]
    pub staff_key: Option<PathBuf>,
    /// How orders are paid
    #[arg(long, value_enum, default_value_t = Payment::Test)]
    pub payment: Payment,
    /// Order also where the shop takes real money
    #[arg(long)]
    pub live_shop: bool,
    /// Others buy there meanwhile: the stock that anybody sees is told, but proves nothing
    #[arg(long)]
    pub shared: bool,
    /// How many of a hundred requests may fail
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    pub most_failed: f64,
    /// The run's name in mail addresses and keys, small letters and digits; else a random one
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Write the whole report as JSON into this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Believe these authorities (PEM) and no others
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Say nothing until the end
    #[arg(long)]
    pub quiet: bool,
}

/// A time as 500ms, 90s, 10m or 2h; a number alone is of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("write a time as 500ms, 90s, 10m or 2h".into()),
    };
    let number: Option<f64> = digits.parse().ok();
    number
        .and_then(|number| Duration::try_from_secs_f64(number * factor).ok())
        .ok_or_else(|| "write a time as 500ms, 90s, 10m or 2h".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let read = |text| duration(text).ok().map(|time| time.as_millis());
        for (text, millis) in [
            ("500ms", 500),
            ("90s", 90_000),
            ("1.5m", 90_000),
            ("2h", 7_200_000),
            ("3", 3000),
        ] {
            assert_eq!(read(text), Some(millis), "{text}");
        }
        for wrong in ["", "s", "-1s", "1 day", "5d", "NaNs", "1e400s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
