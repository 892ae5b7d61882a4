//! `techcommerce traffic`: shoppers for a shop that runs somewhere else. It needs no settings, no
//! data folder and no database, only the shop's public address.

use std::{fs, io::IsTerminal, path::Path, process::ExitCode};

use techcommerce_http::outward::{Trusted, connector};
use techcommerce_kernel::{Env, Error};
use techcommerce_traffic::{
    Arrivals, Payments, Plan, Report, Stop,
    live::{Lines, Unseen, View},
};

use crate::{
    cli::{self, Traffic},
    say,
};

/// Sends them. Succeeds when every answer was right and the account balances.
pub async fn run(arguments: Traffic) -> Result<ExitCode, Error> {
    let trusted = arguments.ca_file.as_deref();
    let trusted = trusted.map_or(Trusted::Usual, Trusted::Only);
    let connector = connector(trusted, arguments.timeout)?;
    let report_to = arguments.report.clone();
    // Before an hour of traffic, not after it.
    if let Some(file) = &report_to {
        fs::write(file, "").map_err(|error| cannot("write", file, &error))?;
    }
    let quiet = arguments.quiet;
    let plan = plan(arguments)?;
    let error_output = std::io::stderr();
    let terminal = error_output.is_terminal();
    let mut view: Box<dyn View> = match quiet {
        true => Box::new(Unseen),
        false => Box::new(Lines::new(error_output, terminal)),
    };
    let stop = Stop::default();
    let watch = tokio::spawn(interrupted(stop.clone()));
    let report = techcommerce_traffic::run(plan, connector, stop, view.as_mut()).await;
    watch.abort();
    let report = report?;
    if let Some(file) = &report_to {
        write(&report, file)?;
    }
    say(report.text());
    Ok(match report.ok {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn plan(arguments: Traffic) -> Result<Plan, Error> {
    let random = || {
        let bytes: [u8; 5] = Env::system().random_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let staff_key = arguments.staff_key.as_deref().map(|file| {
        let key = fs::read_to_string(file).map_err(|error| cannot("read", file, &error))?;
        Ok::<_, Error>(key.trim().to_owned())
    });
    let plan = Plan::new(arguments.shop, arguments.run.unwrap_or_else(random));
    Ok(Plan {
        rate: arguments.rate,
        duration: arguments.duration,
        ramp: arguments.ramp,
        arrivals: match arguments.arrivals {
            cli::Arrivals::Poisson => Arrivals::Poisson,
            cli::Arrivals::Even => Arrivals::Even,
        },
        seed: arguments.seed,
        shares: arguments.journeys,
        think: arguments.think,
        in_flight: arguments.in_flight,
        timeout: arguments.timeout,
        settle: arguments.settle,
        customers: arguments.customers,
        discount: arguments.discount,
        staff_key: staff_key.transpose()?,
        payments: match arguments.payment {
            cli::Payment::Test => Payments::Test,
            cli::Payment::Invoice => Payments::Invoice,
        },
        live_shop: arguments.live_shop,
        shared: arguments.shared,
        most_failed: arguments.most_failed,
        ..plan
    })
}

/// The first Ctrl-C closes the doors, the second sends everybody home; the account is made all
/// the same.
async fn interrupted(stop: Stop) {
    for token in [stop.doors, stop.visits] {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        token.cancel();
    }
}

fn write(report: &Report, file: &Path) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(report).map_err(Error::internal)?;
    fs::write(file, json).map_err(|error| cannot("write", file, &error))
}

fn cannot(what: &str, file: &Path, error: &std::io::Error) -> Error {
    Error::invalid(
        "traffic",
        format!("cannot {what} {}: {error}", file.display()),
    )
}
