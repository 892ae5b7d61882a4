//! What is to be done: how many shoppers, of which kind, for how long.

use std::{fmt, str::FromStr, time::Duration};

use techcommerce_kernel::Error;
use url::Url;

/// What a shopper comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Journey {
    /// Home, a category, a product, with their pictures; and once more with what is kept.
    Browse,
    /// Looks for words, as a page and as JSON, and must find what they name.
    Search,
    /// Narrows and sorts lists, and turns their pages.
    Filter,
    /// Fills a cart and goes away.
    Abandon,
    /// Tries discount codes on a cart.
    Discount,
    /// Orders as a guest.
    Guest,
    /// Orders as somebody who is signed in.
    SignedIn,
    /// Orders with a card that is refused.
    Declined,
    /// Orders with a card whose provider answers twice or loses a reply.
    Troubled,
    /// Looks after an order by its link.
    Status,
    /// Cannot remember the password.
    Forgetful,
    /// Follows links that lead nowhere.
    Lost,
}

/// Each journey with its name and how many of a hundred shoppers are on it.
const USUAL: [(Journey, &str, f64); 12] = [
    (Journey::Browse, "browse", 34.0),
    (Journey::Search, "search", 15.0),
    (Journey::Filter, "filter", 10.0),
    (Journey::Abandon, "abandon", 13.0),
    (Journey::Discount, "discount", 3.0),
    (Journey::Guest, "guest", 10.0),
    (Journey::SignedIn, "signed-in", 4.0),
    (Journey::Declined, "declined", 2.0),
    (Journey::Troubled, "troubled", 1.0),
    (Journey::Status, "status", 4.0),
    (Journey::Forgetful, "forgetful", 1.0),
    (Journey::Lost, "lost", 3.0),
];

impl Journey {
    /// As it is called in options and reports.
    pub fn name(self) -> &'static str {
        USUAL[self as usize].1
    }
}

/// How many of all shoppers are on each journey, as parts of their sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares(Vec<(Journey, f64)>);

impl Shares {
    /// Journeys with a share, and their shares.
    pub fn iter(&self) -> impl Iterator<Item = (Journey, f64)> {
        self.0.iter().copied()
    }

    /// Whether anybody is on this journey.
    pub fn has(&self, journey: Journey) -> bool {
        self.0.iter().any(|(one, _)| *one == journey)
    }

    /// Without one journey.
    pub fn without(mut self, journey: Journey) -> Self {
        self.0.retain(|(one, _)| *one != journey);
        self
    }

    /// The journey at `place` between 0 (included) and 1 (excluded).
    pub fn pick(&self, place: f64) -> Journey {
        let sum: f64 = self.0.iter().map(|(_, share)| share).sum();
        let mut left = place * sum;
        for (journey, share) in &self.0 {
            left -= share;
            if left < 0.0 {
                return *journey;
            }
        }
        self.0
            .last()
            .map_or(Journey::Browse, |(journey, _)| *journey)
    }
}

impl Default for Shares {
    fn default() -> Self {
        Self(
            USUAL
                .iter()
                .map(|(journey, _, share)| (*journey, *share))
                .collect(),
        )
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self
            .iter()
            .map(|(one, share)| format!("{}={share}", one.name()))
            .collect();
        f.write_str(&parts.join(","))
    }
}

impl FromStr for Shares {
    type Err = String;

    /// As `browse=50,guest=10`; what is not named is left out. A name alone counts 1.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (name, share) = part.split_once('=').unwrap_or((part, "1"));
            let Some((journey, ..)) = USUAL.iter().find(|(_, known, _)| *known == name.trim())
            else {
                let known = USUAL.map(|(_, name, _)| name).join(", ");
                return Err(format!("there is no journey `{name}`; there are {known}"));
            };
            let share: f64 = share
                .trim()
                .parse()
                .ok()
                .filter(|share: &f64| share.is_finite() && *share >= 0.0)
                .ok_or_else(|| {
                    format!("`{share}` is no share of {name}; write a number, as {name}=10")
                })?;
            if shares.iter().any(|(one, _)| one == journey) {
                return Err(format!("`{name}` is named twice"));
            }
            if share > 0.0 {
                shares.push((*journey, share));
            }
        }
        if shares.is_empty() {
            return Err("nobody would come: give at least one journey a share".into());
        }
        Ok(Self(shares))
    }
}

/// How arrivals are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// As people come: independent of each other (a Poisson process).
    Poisson,
    /// Every one as long after the one before.
    Even,
}

/// How orders are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payments {
    /// With the cards of the provider for trials.
    Test,
    /// By invoice; the orders stay open until staff cancel them.
    Invoice,
}

impl Payments {
    /// The method's name in an order.
    pub fn method(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Invoice => "invoice",
        }
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The shop's public address.
    pub shop: Url,
    /// Names the run; part of every mail address, name and key that it uses.
    pub run: String,
    /// Shoppers a second, once the ramp is over.
    pub rate: f64,
    /// How long shoppers arrive, the ramp included.
    pub duration: Duration,
    /// How long the rate takes to rise from nothing.
    pub ramp: Duration,
    /// How arrivals are spaced.
    pub arrivals: Arrivals,
    /// The same seed gives the same shoppers at the same times.
    pub seed: u64,
    /// Who comes for what.
    pub shares: Shares,
    /// How long a shopper looks at a page, on average.
    pub think: Duration,
    /// How many shoppers may be in the shop at once before the generator turns some away.
    pub in_flight: usize,
    /// How long one answer may take.
    pub timeout: Duration,
    /// How long the shop has at the end until all orders are settled.
    pub settle: Duration,
    /// How many customers are registered for signed-in orders.
    pub customers: usize,
    /// A discount code that the shop takes.
    pub discount: Option<String>,
    /// An API key of staff, for the exact account.
    pub staff_key: Option<String>,
    /// How orders are paid.
    pub payments: Payments,
    /// Whether to place orders even where real money is taken too.
    pub live_shop: bool,
    /// Whether others use the shop meanwhile, so that its stock changes without us.
    pub shared: bool,
    /// How many of a hundred requests may fail before the run counts as failed.
    pub most_failed: f64,
}

impl Plan {
    /// A plan for this shop with everything as usual.
    pub fn new(shop: Url, run: String) -> Self {
        Self {
            shop,
            run,
            rate: 5.0,
            duration: Duration::from_secs(60),
            ramp: Duration::ZERO,
            arrivals: Arrivals::Poisson,
            seed: 1,
            shares: Shares::default(),
            think: Duration::from_secs(1),
            in_flight: 1000,
            timeout: Duration::from_secs(10),
            settle: Duration::from_secs(90),
            customers: 4,
            discount: None,
            staff_key: None,
            payments: Payments::Test,
            live_shop: false,
            shared: false,
            most_failed: 5.0,
        }
    }

    /// The mail address of guests; `example.com` is nobody's (RFC 2606).
    pub fn guest_email(&self) -> String {
        format!("traffic-{}@example.com", self.run)
    }

    /// The mail address of a customer.
    pub fn customer_email(&self, number: usize) -> String {
        format!("traffic-{}-{number}@example.com", self.run)
    }

    /// What no single option can say of itself.
    ///
    /// # Errors
    /// `traffic` (invalid input), naming what is wrong and how to mend it.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |message: &str| Err(Error::invalid("traffic", message.to_owned()));
        if !(self.rate > 0.0 && self.rate <= 100_000.0) {
            return wrong("--rate must be more than 0 and at most 100000 shoppers a second");
        }
        if self.duration.is_zero() || self.ramp > self.duration {
            return wrong("--duration must be more than 0 and at least as long as --ramp");
        }
        if self.in_flight == 0 || self.timeout.is_zero() {
            return wrong("--in-flight and --timeout must be more than 0");
        }
        if !["http", "https"].contains(&self.shop.scheme()) || self.shop.host_str().is_none() {
            return wrong("the shop must be an address, as https://shop.example.com");
        }
        if self.shop.path() != "/" || self.shop.query().is_some() {
            return wrong("the shop's address must have no path: its pages start at its root");
        }
        let run = !self.run.is_empty() && self.run.len() <= 24;
        if !run
            || !self
                .run
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        {
            return wrong(
                "--run must be 1 to 24 small letters and digits: it becomes part of mail addresses",
            );
        }
        if self.shares.has(Journey::SignedIn) && self.customers == 0 {
            return wrong("--customers must be at least 1, or --journeys without signed-in");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_told() {
        let shares: Shares = "guest=3, browse".parse().unwrap();
        assert_eq!(shares.to_string(), "guest=3,browse=1");
        assert_eq!(shares.pick(0.0), Journey::Guest);
        assert_eq!(shares.pick(0.74), Journey::Guest);
        assert_eq!(shares.pick(0.76), Journey::Browse);
        assert_eq!(shares.pick(0.999_999), Journey::Browse);
        for (wrong, says) in [
            (
                "gest=3",
                "there is no journey `gest`; there are browse, search",
            ),
            ("guest=many", "`many` is no share of guest"),
            ("guest=-1", "`-1` is no share"),
            ("guest,guest", "named twice"),
            ("guest=0", "nobody would come"),
        ] {
            let error = wrong.parse::<Shares>().unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }

    #[test]
    fn the_usual_shares_are_parts_of_a_hundred_and_in_their_order() {
        assert_eq!(USUAL.iter().map(|(_, _, share)| share).sum::<f64>(), 100.0);
        for (at, (journey, name, _)) in USUAL.iter().enumerate() {
            assert_eq!((*journey as usize, journey.name()), (at, *name));
        }
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused_with_what_to_mend() {
        let plan = || Plan::new("http://127.0.0.1:3000".parse().unwrap(), "a1".into());
        plan().check().unwrap();
        type Spoil = fn(&mut Plan);
        let wrong: [(&str, Spoil); 7] = [
            ("--rate", |plan| plan.rate = 0.0),
            ("--rate", |plan| plan.rate = f64::NAN),
            ("--ramp", |plan| plan.ramp = Duration::from_secs(61)),
            ("--in-flight", |plan| plan.in_flight = 0),
            ("no path", |plan| {
                plan.shop = "http://shop.example/eu".parse().unwrap()
            }),
            ("--run", |plan| plan.run = "A b".into()),
            ("--customers", |plan| plan.customers = 0),
        ];
        for (says, spoil) in wrong {
            let mut plan = plan();
            spoil(&mut plan);
            let error = plan.check().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
