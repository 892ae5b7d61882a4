//! How well the shop keeps what it promises, and how much may still go wrong this month.

use super::build::{Colour, Dashboard, Panel, Unit};
use super::promql::series;
use super::{NAMESPACE, SERVICE_PAGE};

/// What is promised: docs/objectives.md, which the alerts are made from as well; a test holds the two
/// against each other.
pub struct Objective {
    /// Who waits: `browsing`, `checkout`, `payment`.
    pub what: &'static str,
    /// `availability` or `latency`.
    pub kind: &'static str,
    /// The share that has to be good.
    pub target: f64,
    /// For people.
    pub promise: &'static str,
    /// The metric that counts them: a histogram by its plain name, or a counter.
    metric: &'static str,
    /// Which of its series: one set of labels or several.
    of: &'static [&'static str],
    bad: Bad,
}

/// Which of them are not as promised.
enum Bad {
    /// Those with these labels as well.
    With(&'static str),
    /// Those that took longer than this edge of the histogram.
    SlowerThan(&'static str),
}

/// The time over which a budget is counted.
const MONTH: &str = "30d";

const HTTP: &str = "http_server_request_duration_seconds";
const PAGES: &[&str] = &[
    r#"service=~"frontend|api", method=~"GET|HEAD", route=~"/|/search|(/api)?/(products|categories)(/.*)?""#,
];
const CHECKOUTS: &[&str] = &[r#"service="api", method="POST", route="/api/orders""#];

pub const OBJECTIVES: [Objective; 6] = [
    Objective {
        what: "browsing",
        kind: "availability",
        target: 0.999,
        promise: "of 1000 pages that people open, 999 are answered",
        metric: HTTP,
        of: PAGES,
        bad: Bad::With(r#"status=~"5..""#),
    },
    Objective {
        what: "browsing",
        kind: "latency",
        target: 0.99,
        promise: "of 100 pages, 99 are there within half a second",
        metric: HTTP,
        of: PAGES,
        bad: Bad::SlowerThan("0.5"),
    },
    Objective {
        what: "checkout",
        kind: "availability",
        target: 0.999,
        promise: "of 1000 checkouts, 999 are answered",
        metric: HTTP,
        of: CHECKOUTS,
        bad: Bad::With(r#"status=~"5..""#),
    },
    Objective {
        what: "checkout",
        kind: "latency",
        target: 0.99,
        promise: "of 100 checkouts, 99 are answered within two seconds",
        metric: HTTP,
        of: CHECKOUTS,
        bad: Bad::SlowerThan("2.0"),
    },
    Objective {
        what: "payment",
        kind: "availability",
        target: 0.995,
        promise: "of 1000 times that the payment provider is asked, it answers 995",
        metric: "techcommerce_payment_attempts_total",
        of: &[""],
        bad: Bad::With(r#"outcome=~"error|timeout""#),
    },
    Objective {
        what: "payment",
        kind: "latency",
        target: 0.99,
        promise: "of 100 orders, 99 are paid or refused within a minute",
        metric: "techcommerce_order_settle_seconds",
        of: &[""],
        bad: Bad::SlowerThan("60.0"),
    },
];

impl Objective {
    /// The share that was bad within `window`: 0 where all was good, nothing where nobody came.
    fn bad(&self, window: &str) -> String {
        let grown = |end: &str, more: &str| {
            let each = self.of.iter().map(|labels| {
                let both = [*labels, more].map(str::to_owned);
                let labels = both.into_iter().filter(|part| !part.is_empty());
                let labels = labels.collect::<Vec<_>>().join(", ");
                format!(
                    "increase({}[{window}])",
                    series(&format!("{}{end}", self.metric), &labels)
                )
            });
            format!("sum({})", each.collect::<Vec<_>>().join(" or "))
        };
        let counter = if self.metric.ends_with("_total") {
            ""
        } else {
            "_count"
        };
        let all = grown(counter, "");
        match self.bad {
            Bad::With(labels) => {
                format!("({} or vector(0)) / ({all} > 0)", grown(counter, labels))
            }
            Bad::SlowerThan(edge) => format!(
                "1 - {} / ({all} > 0)",
                grown("_bucket", &format!("le=\"{edge}\""))
            ),
        }
    }

    /// The share that may be bad.
    fn budget(&self) -> String {
        // As short as one writes it: 1 - 0.999 is not quite 0.001.
        format!("{:.4}", 1.0 - self.target)
            .trim_end_matches('0')
            .to_owned()
    }

    /// The seconds within which, as one writes them; nothing for availability.
    #[cfg(test)]
    pub fn within(&self) -> String {
        match self.bad {
            Bad::With(_) => String::new(),
            Bad::SlowerThan(edge) => edge.trim_end_matches(".0").to_owned(),
        }
    }

    fn left(&self) -> String {
        format!("1 - ({}) / {}", self.bad(MONTH), self.budget())
    }

    /// How many times faster than it may the budget is used up.
    fn burn(&self, window: &str) -> String {
        format!("({}) / {}", self.bad(window), self.budget())
    }

    fn name(&self) -> String {
        let word = if self.kind == "availability" {
            "answered"
        } else {
            "in time"
        };
        format!("{}, {word}", self.what)
    }
}

pub fn dashboard() -> Dashboard {
    let left = OBJECTIVES.iter().map(|objective| {
        Panel::number(
            &capital(&objective.name()),
            Unit::Share,
            &format!(
                "The budget that is left of the last 30 days. Promised: {}. The rest is the budget: at 0 it \
                 is used up and the promise broken, below 0 broken by as much again.",
                objective.promise
            ),
        )
        .query(objective.left(), "budget left")
        .colour(Colour::Low { warn: 0.25, bad: 0.0 })
    });
    let good = Panel::bars(
        "Kept, last 30 days",
        Unit::Share,
        "The share of what people asked that went as promised. Beside each stands what is promised.",
    );
    let good = OBJECTIVES.iter().fold(good, |panel, objective| {
        panel.query(
            format!("1 - ({})", objective.bad(MONTH)),
            &format!(
                "{} (promised {} %)",
                objective.name(),
                percent(objective.target)
            ),
        )
    });
    let burns = ["browsing", "checkout", "payment"].into_iter().map(|what| {
        let panel = Panel::lines(
            &format!("How fast the budget of {what} is used"),
            Unit::Times,
            "1 uses up the budget in exactly 30 days. 14.4 over an hour (with 5 minutes) or 6 over six \
             hours (with 30 minutes) is when somebody is called.",
        )
        .colour(Colour::High { warn: 6.0, bad: 14.4 });
        OBJECTIVES
            .iter()
            .filter(|objective| objective.what == what)
            .fold(panel, |panel, objective| {
                ["5m", "1h", "6h"].iter().fold(panel, |panel, window| {
                    let legend = format!("{}, over {window}", objective.name());
                    panel.query(objective.burn(window), &legend)
                })
            })
    });
    let over_time = |kind: &str, title: &str, description: &str| {
        let panel = Panel::lines(title, Unit::Share, description);
        OBJECTIVES
            .iter()
            .filter(|objective| objective.kind == kind)
            .fold(panel, |panel, objective| {
                let expression = format!("1 - ({})", objective.bad("15m"));
                panel.query(expression, objective.what)
            })
    };
    Dashboard {
        name: "objectives",
        title: "Objectives and budgets",
        description: "What the shop promises its shoppers, how well it keeps it, and how much may still go \
                      wrong. Written down in docs/objectives.md.",
        from: "now-24h",
        variables: vec![NAMESPACE],
        links: vec![("Why: the services", SERVICE_PAGE.to_owned())],
        rows: vec![
            ("Budgets left", left.collect()),
            (
                "Now",
                vec![
                    Panel::number(
                        "Alerts that call somebody",
                        Unit::NoneOrSome,
                        "Alerts of severity critical or high that fire now. Each has a runbook in docs/runbooks.",
                    )
                    .query(
                        r#"count(ALERTS{alertstate="firing", severity=~"critical|high"}) or vector(0)"#,
                        "firing",
                    )
                    .colour(Colour::High { warn: 1.0, bad: 1.0 }),
                    Panel::number(
                        "Other alerts",
                        Unit::NoneOrSome,
                        "Alerts that can wait for working hours and fire now; those that always fire, to \
                         show that alerting works, are left out.",
                    )
                    .query(
                        r#"count(ALERTS{alertstate="firing", severity!~"critical|high|none|info"}) or vector(0)"#,
                        "firing",
                    )
                    .colour(Colour::High { warn: 1.0, bad: 100.0 }),
                    good.wide(16),
                ],
            ),
            ("How fast budgets are used", burns.map(|panel| panel.wide(8)).collect()),
            (
                "Over time",
                vec![
                    over_time(
                        "availability",
                        "Answered",
                        "The share of requests that got an answer, by quarters of an hour: pages that people \
                         open, checkouts, calls to the payment provider.",
                    ),
                    over_time(
                        "latency",
                        "In time",
                        "The share that was as quick as promised, by quarters of an hour: pages within half \
                         a second, checkouts within two, payments within a minute.",
                    ),
                ],
            ),
        ],
    }
}

pub fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
