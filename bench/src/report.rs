//! What was found, as a page for people.

use std::fmt::Write;

use anyhow::Result;

use crate::{
    Plan,
    checkout::Checkouts,
    machine,
    reads::Read,
    start::Start,
    stats::{Sample, Spread, each},
};

const MEGABYTE: f64 = 1_000_000.0;

/// The page.
pub fn write(plan: &Plan, start: &Start, reads: &[Read], checkouts: &Checkouts) -> Result<String> {
    let mut page = String::new();
    let out = &mut page;
    write!(
        out,
        "# Performance\n\n\
         Written by `cargo xtask bench`, all in one run on one machine: {}. The load generator and\n\
         PostgreSQL share the cores with the shop. {} clients ask one after another, each on one\n\
         connection; every pair was measured in turns, {} rounds of {} s each. A figure is the median of\n\
         the rounds, with the lowest and the highest in brackets. Ratios are made within a round. The\n\
         shop is a release build with its usual settings: access log on, everything durable; PostgreSQL\n\
         flushes as it does by default.\n\n",
        machine::describe(),
        plan.clients,
        plan.rounds,
        plan.each.as_secs(),
    )?;
    write!(
        out,
        "## Reading, with {} products\n\n\
         Against an axum handler without middleware that answers with the same bytes. *Service*:\n\
         product-api as a process of its own. *Shop*: all seven services in one process, through the\n\
         storefront's port, the edge (limits, identity, headers) and product-api. Pages are what a browser\n\
         without a session gets, made anew each time and not compressed.\n\n",
        plan.products
    )?;
    out.push_str(&self::reads(reads)?);
    page.push_str(&self::checkouts(checkouts)?);
    let out = &mut page;
    write!(
        out,
        "\n## Start and memory\n\n\
         | | |\n|---|---|\n\
         | size of the program, pictures of the demo catalogue included | {:.0} MB |\n\
         | first start: empty folder, demo catalogue, until the first answer | {} |\n\
         | every other start | {} |\n\
         | resident memory after a start | {} |\n\
         | resident memory under reading load, {} products | {} |\n",
        start.program as f64 / MEGABYTE,
        milliseconds(&start.first),
        milliseconds(&start.again),
        megabytes(&start.idle),
        plan.products,
        reads
            .first()
            .map_or_else(String::new, |read| megabytes(&each(
                &read.shop,
                |sample| sample.memory as f64
            ))),
    )?;
    page.push_str(CONTEXT);
    Ok(page)
}

/// What was found about checkouts.
pub fn checkouts(checkouts: &Checkouts) -> Result<String> {
    let mut page = String::new();
    let out = &mut page;
    let minimal = &checkouts.minimal;
    write!(
        out,
        "\n## Checkouts: a cart, three lines, an order\n\n\
         Against the same SQL from a minimal program over the same driver at the same server, without\n\
         HTTP, JSON, rules or prices. The shop sends {:.1} statements for a checkout (and reads the change\n\
         feed), the minimal program {:.1}. *Placing*: six services in one process; taking the payment, which\n\
         the worker does afterwards, is left out on both sides. *Whole shop*: with the worker, which authorises,\n\
         claims the stock, captures and writes a mail for each order meanwhile.\n\n\
         | | a second | : minimal | p50 | p99 | CPU seconds for 1,000 | of them PostgreSQL | resident memory |\n\
         |---|---|---|---|---|---|---|---|\n",
        checkouts.statements.0, checkouts.statements.1
    )?;
    for (what, samples, compared) in [
        ("minimal program, PostgreSQL", minimal, false),
        ("placing, PostgreSQL", &checkouts.postgres, true),
        ("whole shop, PostgreSQL", &checkouts.postgres_whole, true),
        ("whole shop, SQLite", &checkouts.sqlite_whole, false),
    ] {
        writeln!(
            out,
            "| {what} | {} | {} | {} | {} | {} | {} | {} |",
            rate(samples),
            if compared {
                ratio(samples, minimal)
            } else {
                "–".to_owned()
            },
            milliseconds(&each(samples, |sample| sample.p50.as_secs_f64() * 1000.0)),
            latency(samples),
            each(samples, |sample| sample.cpu + sample.database_cpu),
            each(samples, |sample| sample.database_cpu),
            megabytes(&each(samples, |sample| sample.memory as f64)),
        )?;
    }
    Ok(page)
}

/// The table of the reads.
pub fn reads(reads: &[Read]) -> Result<String> {
    let mut table = String::from(
        "| answer | bytes | axum, a second | service, a second | shop, a second | service : axum | shop : axum | p99 of the shop | CPU µs: axum | service | shop |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    // Seconds for a thousand are milliseconds for one.
    let cpu = |samples: &[Sample]| each(samples, |sample| sample.cpu * 1000.0);
    for read in reads {
        writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            read.what,
            read.bytes,
            rate(&read.bare),
            known(&read.service, rate),
            rate(&read.shop),
            known(&read.service, |service| ratio(service, &read.bare)),
            ratio(&read.shop, &read.bare),
            latency(&read.shop),
            cpu(&read.bare),
            known(&read.service, |service| cpu(service).to_string()),
            cpu(&read.shop),
        )?;
    }
    Ok(table)
}

/// A dash for what was not measured.
fn known(samples: &[Sample], say: impl FnOnce(&[Sample]) -> String) -> String {
    match samples {
        [] => "–".to_owned(),
        samples => say(samples),
    }
}

/// Figures that are not of this run.
const CONTEXT: &str = "\n## What others do\n\n\
Measured by us earlier on two cores that generator and database shared, 8 clients, not in the run\n\
above: Express with pg 3,260 lists, 3,950 details and 790 single-transaction orders a second in\n\
200 MB; Flask 1,410, 1,860 and 475; Vendure 16 lists and 4.3 checkouts; Medusa 9 and 0.7; a bare axum\n\
handler 78,900; PostgreSQL 2,570 order transactions of 8 round trips, 4,050 as one statement, 340 to\n\
760 on one hot row; SQLite 7,160. Machines differ: compare ratios of one run, not figures of two.\n";

fn rate(samples: &[Sample]) -> String {
    each(samples, |sample| sample.rate).to_string()
}

/// Round by round.
fn ratio(ours: &[Sample], theirs: &[Sample]) -> String {
    let pairs = ours.iter().zip(theirs);
    Spread::of(pairs.map(|(ours, theirs)| ours.rate / theirs.rate)).to_string()
}

fn latency(samples: &[Sample]) -> String {
    milliseconds(&each(samples, |sample| sample.p99.as_secs_f64() * 1000.0))
}

fn milliseconds(spread: &Spread) -> String {
    format!("{spread} ms")
}

fn megabytes(bytes: &Spread) -> String {
    format!("{} MB", bytes.scaled(1.0 / MEGABYTE))
}
