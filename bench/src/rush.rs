//! A rush: one row that all want, a flash sale, and more than can be done.

use std::{fmt::Write, path::PathBuf, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    flash::{self, Sale},
    hot::{self, Hot},
    machine,
    overload::{self, LOADS, Round},
    shop,
    stats::{Sample, Spread, each},
};

/// How much is measured.
#[derive(clap::Args)]
pub struct Arguments {
    /// The program that is measured.
    #[arg(long, default_value = "target/release/techcommerce")]
    program: PathBuf,
    /// Where the report goes.
    #[arg(long, default_value = "docs/flash-sale.md")]
    report: PathBuf,
    /// How often each is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each load lasts in a round, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many units there are in the sale.
    #[arg(long, default_value_t = 500)]
    units: usize,
    /// How many want one.
    #[arg(long, default_value_t = 1_000)]
    buyers: usize,
    /// How often they try, all together.
    #[arg(long, default_value_t = 50_000)]
    tries: usize,
    /// How many tries a second.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Measures only this and writes no report.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Decisions on one row, together and alone.
    Hot,
    /// The sale.
    Sale,
    /// More than can be done.
    Overload,
}

/// What every measurement is told.
pub struct Size {
    pub program: PathBuf,
    pub rounds: usize,
    pub each: Duration,
    pub units: usize,
    pub buyers: usize,
    pub tries: usize,
    pub rate: f64,
}

/// Measures all of it, or a part.
pub async fn run(arguments: Arguments) -> Result<()> {
    let size = Size {
        program: std::path::absolute(&arguments.program)?,
        rounds: arguments.rounds.max(1),
        each: Duration::from_secs(arguments.seconds.max(1)),
        units: arguments.units,
        buyers: arguments.buyers.max(1),
        tries: arguments.tries,
        rate: arguments.rate,
    };
    // Whoever has an order does not come back, and some of them pay nothing.
    ensure!(
        size.buyers >= size.units + size.units / 4,
        "there must be more buyers than units"
    );
    let postgres = shop::postgres()?;
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let mut page = head(&size)?;
    if wanted(Part::Hot) {
        page.push_str(&hot_row(&hot::measure(&size, &postgres).await?)?);
    }
    if wanted(Part::Sale) {
        let sales = flash::measure(&size, &postgres).await?;
        page.push_str(&sale(&size, &sales)?);
        judge(&size, &sales)?;
    }
    if wanted(Part::Overload) {
        page.push_str(&overloaded(&overload::measure(&size, &postgres).await?)?);
    }
    println!("{page}");
    if arguments.only.is_none() {
        std::fs::write(&arguments.report, &page)?;
        println!("written to {}", arguments.report.display());
    }
    Ok(())
}

/// What may not depend on the machine.
fn judge(size: &Size, sales: &[Sale]) -> Result<()> {
    for sale in sales {
        let units = i64::try_from(size.units)?;
        ensure!(
            sale.paid == units && sale.left == (0, 0),
            "of {units} units {} were sold and {:?} are left on hand and reserved",
            sale.paid,
            sale.left
        );
    }
    Ok(())
}

fn head(size: &Size) -> Result<String> {
    let mut page = String::new();
    write!(
        page,
        "# Flash sale and overload\n\n\
         Written by `cargo xtask bench -- flash-sale`, all in one run on one machine: {}. The load\n\
         generator and PostgreSQL share the cores with the shop, which is a release build with its usual\n\
         settings: access log on, everything durable. {} rounds; a figure is the median of the rounds,\n\
         with the lowest and the highest in brackets. Why the shop does it so is in\n\
         [decision 36](decisions/0036-flash-sale-and-overload.md).\n",
        machine::describe(),
        size.rounds,
    )?;
    Ok(page)
}

fn hot_row(hot: &Hot) -> Result<String> {
    let mut page = String::from(
        "\n## One row that all want\n\n\
         64 clients each have one unit of the same variant held, again and again. *Together*: product-api\n\
         as a process of its own, over HTTP, with tokens, JSON and the rest; whoever waits at the same\n\
         time is decided in one transaction. *Alone*: the same statements from a minimal program without\n\
         HTTP, in one transaction for each try, over as many connections as the service has. *Least*: the\n\
         same, but only the two statements that cannot be left out, a conditional `UPDATE` of the row and\n\
         the `INSERT` of the reservation.\n\n\
         | | a second | together : this | p50 | p99 |\n|---|---|---|---|---|\n",
    );
    for (what, samples) in [
        ("together", &hot.together),
        ("alone", &hot.alone),
        ("least", &hot.least),
    ] {
        let ratio = hot.together.iter().zip(samples);
        let ratio = Spread::of(ratio.map(|(together, this)| together.rate / this.rate));
        let millis = |time: fn(&Sample) -> Duration| {
            each(samples, |sample| time(sample).as_secs_f64() * 1000.0)
        };
        writeln!(
            page,
            "| {what} | {} | {ratio} | {} ms | {} ms |",
            each(samples, |sample| sample.rate),
            millis(|sample| sample.p50),
            millis(|sample| sample.p99),
        )?;
    }
    Ok(page)
}

fn sale(size: &Size, sales: &[Sale]) -> Result<String> {
    let mut page = String::new();
    write!(
        page,
        "\n## A flash sale\n\n\
         {} units of one variant; {} buyers with a cart each, who try to order {} times in all, {} times a\n\
         second, through HTTP at the whole shop on PostgreSQL, its worker included. Nobody waits for\n\
         another one's answer (an open model), and a try's time counts from the moment in which it was to\n\
         begin. Whoever has an order does not come back; whoever has none does. One buyer in ten has a\n\
         card that is refused after the order was placed: that unit comes back and is sold again. All\n\
         times were kept and sorted, so the percentiles are exact.\n\n\
         | | |\n|---|---|\n",
        size.units, size.buyers, size.tries, size.rate
    )?;
    let number = |of: fn(&Sale) -> f64| Spread::of(sales.iter().map(of));
    let whole = |of: fn(&Sale) -> f64| {
        let spread = number(of);
        format!(
            "{:.0} ({:.0}–{:.0})",
            spread.median(),
            spread.min(),
            spread.max()
        )
    };
    for (what, value) in [
        ("tries a second", number(|sale| sale.rate).to_string()),
        ("tries", whole(|sale| sale.tries as f64)),
        ("orders (201)", whole(|sale| sale.orders as f64)),
        (
            "refused: sold out (409)",
            whole(|sale| sale.sold_out as f64),
        ),
        ("refused: busy (503)", whole(|sale| sale.busy as f64)),
        ("units paid in the end", whole(|sale| sale.paid as f64)),
        ("on hand in the end", whole(|sale| sale.left.0 as f64)),
        ("reserved in the end", whole(|sale| sale.left.1 as f64)),
    ] {
        writeln!(page, "| {what} | {value} |")?;
    }
    page.push_str("\n| | p50 | p90 | p99 | p99.9 | longest |\n|---|---|---|---|---|---|\n");
    for (what, times) in [
        (
            "all tries",
            (|sale| &sale.all) as fn(&Sale) -> &crate::open::Times,
        ),
        ("those that became orders", |sale| &sale.of_orders),
    ] {
        write!(page, "| {what} |")?;
        for share in [0.5, 0.9, 0.99, 0.999, 1.0] {
            let spread = Spread::of(sales.iter().map(|sale| times(sale).at(share)));
            write!(page, " {spread} ms |")?;
        }
        page.push('\n');
    }
    page.push_str(
        "\nAfter each round `techcommerce doctor --audit` computed every balance anew and found nothing.\n",
    );
    Ok(page)
}

fn overloaded(rounds: &[Round]) -> Result<String> {
    let mut page = String::from(
        "\n## More than can be done\n\n\
         Checkouts (a cart, three lines, an order) that begin at even distances whatever becomes of those\n\
         before, at the whole shop on PostgreSQL. The capacity is what 16 clients do who wait for their\n\
         answers. Whoever is refused (503) leaves. *Done*: checkouts that ended with an order in a second.\n\
         *Of the best*: of the most that any load of the round did.\n\n",
    );
    let capacity = Spread::of(rounds.iter().map(|round| round.capacity));
    write!(page, "Capacity: {capacity} checkouts a second.\n\n")?;
    page.push_str(
        "| offered | a second | done | of the best | refused at the cart | refused later | p50 | p99 | p99 of a refusal |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for (index, load) in LOADS.iter().enumerate() {
        let number = |of: &dyn Fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
        let share = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        writeln!(
            page,
            "| {load}× | {} | {} | {} | {} % | {} % | {} ms | {} ms | {} ms |",
            number(&|round| round.levels[index].offered),
            number(&|round| round.levels[index].goodput),
            number(&|round| round.levels[index].goodput / round.best()),
            number(&|round| share(round.levels[index].refused.0, round.levels[index].begun)),
            number(&|round| share(round.levels[index].refused.1, round.levels[index].begun)),
            number(&|round| round.levels[index].took.at(0.5)),
            number(&|round| round.levels[index].took.at(0.99)),
            number(&|round| round.levels[index].refusals.at(0.99)),
        )?;
    }
    Ok(page)
}
