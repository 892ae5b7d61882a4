//! What is told of a run: to programs as JSON, to people as text.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde::Serialize;

use crate::{account::Account, live::short, measure::Counts, numbers::Told, shopper::Market};

/// How late the generator may be at the 99th percentile before its numbers are its own.
const LATE_MILLIS: f64 = 50.0;

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Names the run; all its orders have `traffic-<run>` in their mail address.
    pub run: String,
    /// The shop's address.
    pub shop: String,
    /// The seed of its shoppers.
    pub seed: u64,
    /// What may be relied on: nothing was wrong, all balances, few requests failed.
    pub ok: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// Who came.
    pub arrivals: Come,
    /// Every journey.
    pub journeys: Vec<Visited>,
    /// Every kind of request.
    pub steps: Vec<Asked>,
    /// All requests.
    pub requests: Requests,
    /// Answers that must not be.
    pub wrong: Wrong,
    /// What was ordered, held against the shop.
    pub account: Account,
}

/// Who came.
#[derive(Debug, Clone, Serialize)]
pub struct Come {
    /// Shoppers a second that were asked for.
    pub rate_asked: f64,
    /// Shoppers a second who came in.
    pub rate_achieved: f64,
    /// How long the doors were open.
    pub seconds: f64,
    /// How many were to come.
    pub planned: u64,
    /// How many came in.
    pub started: u64,
    /// How many were not let in, because `--in-flight` were there.
    pub turned_away: u64,
    /// Whether somebody ended the run early.
    pub ended_early: bool,
    /// Whether the generator was the limit, so that the shop had less to do than was asked for.
    pub generator_was_the_limit: bool,
    /// How late the generator sent shoppers off.
    pub lateness_ms: Told,
}

/// A journey.
#[derive(Debug, Clone, Serialize)]
pub struct Visited {
    /// Its name.
    pub journey: &'static str,
    /// How many began it.
    pub started: u64,
    /// How many came to its end.
    pub done: u64,
    /// How many found nothing left to buy.
    pub sold_out: u64,
    /// How many were asked to come back later.
    pub refused: u64,
    /// How many got no answer.
    pub failed: u64,
    /// How many got a wrong answer.
    pub wrong: u64,
    /// How many were sent home when the run ended.
    pub given_up: u64,
    /// How long it took, from the moment the shopper was to come, thinking included.
    pub latency_ms: Told,
}

/// A kind of request.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// Its name.
    pub step: &'static str,
    /// From the moment it was to be sent.
    pub latency_ms: Told,
    /// By status: asked to come back later.
    pub refused: BTreeMap<u16, u64>,
    /// By kind.
    pub failed: BTreeMap<String, u64>,
}

/// All requests.
#[derive(Debug, Clone, Serialize)]
pub struct Requests {
    /// A second.
    pub rate: f64,
    /// From the moment each was to be sent.
    pub latency_ms: Told,
    /// How many were refused for now (429, 503).
    pub refused: u64,
    /// How many failed.
    pub failed: u64,
}

/// Wrong answers.
#[derive(Debug, Clone, Serialize)]
pub struct Wrong {
    /// How many.
    pub count: u64,
    /// Some of them, in words.
    pub examples: Vec<String>,
}

/// How the run went by the clock.
pub struct Course {
    pub planned: u64,
    pub opened: Duration,
    pub ended_early: bool,
}

/// The report of a run that is over.
pub fn make(market: &Market, account: Account, course: Course) -> Report {
    let counts = market.measure.snapshot();
    let plan = &market.plan;
    let whole = if course.ended_early {
        course.opened
    } else {
        plan.duration
    };
    let seconds = whole.as_secs_f64().max(0.001);
    let lateness = counts.lateness.told();
    let requests = counts.requests.told();
    let arrivals = Come {
        rate_asked: plan.rate,
        rate_achieved: counts.started as f64 / seconds,
        seconds,
        planned: course.planned,
        started: counts.started,
        turned_away: counts.turned_away,
        ended_early: course.ended_early,
        generator_was_the_limit: counts.turned_away > 0 || lateness.p99 > LATE_MILLIS,
        lateness_ms: lateness,
    };
    let mut reasons = Vec::new();
    if counts.wrong > 0 {
        reasons.push(format!(
            "{} visits met an answer that must not be",
            counts.wrong
        ));
    }
    if account.findings_count > 0 {
        reasons.push(format!(
            "{} things in the account do not balance",
            account.findings_count
        ));
    }
    let failed = 100.0 * counts.failed as f64 / (requests.count as f64).max(1.0);
    if failed > plan.most_failed {
        reasons.push(format!(
            "{failed:.1} % of the requests failed, more than {} %",
            plan.most_failed
        ));
    }
    if counts.started == 0 {
        reasons.push("nobody came".into());
    }
    Report {
        run: plan.run.clone(),
        shop: plan.shop.to_string(),
        seed: plan.seed,
        ok: reasons.is_empty(),
        reasons,
        arrivals,
        journeys: visited(&counts),
        steps: asked(&counts),
        requests: Requests {
            rate: requests.count as f64 / course.opened.as_secs_f64().max(0.001),
            latency_ms: requests,
            refused: counts.refused,
            failed: counts.failed,
        },
        wrong: Wrong {
            count: counts.wrong,
            examples: counts.examples,
        },
        account,
    }
}

fn visited(counts: &Counts) -> Vec<Visited> {
    let visited = counts.journeys.iter().map(|(journey, visits)| Visited {
        journey: journey.name(),
        started: visits.started,
        done: visits.done,
        sold_out: visits.sold_out,
        refused: visits.refused,
        failed: visits.failed,
        wrong: visits.wrong,
        given_up: visits.given_up,
        latency_ms: visits.latencies.told(),
    });
    visited.collect()
}

fn asked(counts: &Counts) -> Vec<Asked> {
    let asked = counts.steps.iter().map(|(step, one)| Asked {
        step,
        latency_ms: one.latencies.told(),
        refused: one.refused.clone(),
        failed: one.failed.clone(),
    });
    asked.collect()
}

impl Report {
    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a text cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        let come = &self.arrivals;
        writeln!(
            to,
            "Traffic {} at {} (seed {})\n",
            self.run, self.shop, self.seed
        )?;
        writeln!(
            to,
            "shoppers   {} in {:.0} s: {:.2} a second, {} asked{}",
            come.started,
            come.seconds,
            come.rate_achieved,
            come.rate_asked,
            if come.ended_early {
                ", ended early"
            } else {
                ""
            },
        )?;
        if come.generator_was_the_limit {
            writeln!(
                to,
                "           the generator was the limit: {} were turned away because too many were in the shop \
                 (--in-flight), and it was {} ms late at p99",
                come.turned_away,
                short(come.lateness_ms.p99),
            )?;
        }
        let all = &self.requests;
        writeln!(
            to,
            "requests   {} ({:.1} a second), {} refused for now (429, 503), {} failed",
            all.latency_ms.count, all.rate, all.refused, all.failed,
        )?;
        if all.refused > 0 {
            writeln!(
                to,
                "           all shoppers come from one address: raise limits.requests_per_minute and \
                 limits.login_per_minute of the shop for a trial"
            )?;
        }
        head(to, "journey", "visits")?;
        for one in &self.journeys {
            row(to, one.journey, one.started, &one.latency_ms)?;
            let notes = [
                (one.sold_out, "sold out"),
                (one.refused, "refused"),
                (one.failed, "failed"),
                (one.wrong, "wrong"),
                (one.given_up, "sent home"),
            ];
            notes_of(
                to,
                notes
                    .iter()
                    .map(|(count, what)| (*count, (*what).to_owned())),
            )?;
        }
        to.push('\n');
        head(to, "request", "count")?;
        for one in &self.steps {
            row(to, one.step, one.latency_ms.count, &one.latency_ms)?;
            let refused = one
                .refused
                .iter()
                .map(|(status, count)| (*count, format!("refused with {status}")));
            let failed = one
                .failed
                .iter()
                .map(|(kind, count)| (*count, kind.clone()));
            notes_of(to, refused.chain(failed))?;
        }
        row(to, "all", all.latency_ms.count, &all.latency_ms)?;
        to.push_str("\n\n");
        self.write_account(to)?;
        for example in &self.wrong.examples {
            writeln!(to, "WRONG      {example}")?;
        }
        match self.ok {
            true => writeln!(to, "\nEvery answer was right, and the account balances."),
            false => writeln!(to, "\nNOT WELL: {}.", self.reasons.join("; ")),
        }
    }

    fn write_account(&self, to: &mut String) -> std::fmt::Result {
        let Account {
            orders,
            money,
            stock,
            findings,
            remarks,
            ..
        } = &self.account;
        if orders.attempts > 0 {
            writeln!(
                to,
                "account    {} checkouts, {} sent more than once under their key",
                orders.attempts, orders.sent_again
            )?;
            writeln!(
                to,
                "orders     {} acknowledged ({} only when asked again at the end), {} exist as acknowledged, {} in doubt",
                orders.acknowledged, orders.acknowledged_late, orders.exist, orders.in_doubt
            )?;
            writeln!(
                to,
                "           {} paid, {} declined, {} called off for lack of goods, {} open invoices",
                orders.paid, orders.declined, orders.out_of_stock, orders.open
            )?;
            for (code, count) in &orders.refused {
                writeln!(to, "           {count} refused: {code}")?;
            }
            writeln!(
                to,
                "money      {} ordered, {} taken, {} given back (minor units, {})",
                money.ordered, money.captured, money.refunded, money.currency
            )?;
            let by = if stock.checked_by == "ledger" {
                "every movement, with the key of staff"
            } else {
                "what anybody sees"
            };
            writeln!(
                to,
                "goods      {} pieces of {} variants, checked by {by}",
                stock.pieces, stock.variants
            )?;
        }
        for remark in remarks {
            writeln!(to, "remark     {remark}")?;
        }
        for finding in findings {
            writeln!(to, "FINDING    {finding}")?;
        }
        Ok(())
    }
}

fn head(to: &mut String, name: &str, count: &str) -> std::fmt::Result {
    write!(to, "\n{name:<26}{count:>8}")?;
    for quantile in ["p50", "p90", "p99", "p99.9", "max"] {
        write!(to, "{quantile:>9}")?;
    }
    write!(to, "   ms")
}

fn row(to: &mut String, name: &str, count: u64, told: &Told) -> std::fmt::Result {
    write!(to, "\n{name:<26}{count:>8}")?;
    for value in [told.p50, told.p90, told.p99, told.p99_9, told.max] {
        write!(to, "{:>9}", short(value))?;
    }
    Ok(())
}

fn notes_of(to: &mut String, notes: impl Iterator<Item = (u64, String)>) -> std::fmt::Result {
    let notes: Vec<_> = notes
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if notes.is_empty() {
        return Ok(());
    }
    write!(to, "   {}", notes.join(", "))
}
