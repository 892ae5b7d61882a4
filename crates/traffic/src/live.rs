//! How it goes, second by second.

use std::{io::Write, time::Duration};

use crate::{measure::Glance, plan::Plan};

/// How often a line is written where there is no terminal.
const SELDOM: Duration = Duration::from_secs(5);

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Preparing,
    Open,
    Closing,
    Settling,
}

/// A run at this moment.
#[derive(Debug, Clone)]
pub struct Now {
    pub phase: Phase,
    pub since: Duration,
    /// How long shoppers could come so far.
    pub opened: Duration,
    pub duration: Duration,
    pub rate: f64,
    pub glance: Option<Glance>,
    pub orders: usize,
}

impl Now {
    pub(crate) fn of(phase: Phase, plan: &Plan) -> Self {
        Self {
            phase,
            since: Duration::ZERO,
            opened: Duration::ZERO,
            duration: plan.duration,
            rate: plan.rate,
            glance: None,
            orders: 0,
        }
    }

    fn line(&self) -> String {
        let head = match self.phase {
            Phase::Preparing => return "looking at the shop and registering customers".into(),
            Phase::Open => format!(
                "{:>4} s of {} s",
                self.since.as_secs(),
                self.duration.as_secs()
            ),
            Phase::Closing => "doors closed".into(),
            Phase::Settling => "making the account".into(),
        };
        let Some(glance) = &self.glance else {
            return head;
        };
        let seconds = self.opened.as_secs_f64().max(0.001);
        let mut line = format!(
            "{head}  shoppers {} ({:.1}/s of {}/s), {} here  orders {}  requests {} ({:.0}/s)  p50 {} p99 {} ms  refused {}  failed {}  wrong {}",
            glance.started,
            glance.started as f64 / seconds,
            self.rate,
            glance.started - glance.ended,
            self.orders,
            glance.requests.count,
            glance.requests.count as f64 / seconds,
            short(glance.requests.p50),
            short(glance.requests.p99),
            glance.refused,
            glance.failed,
            glance.wrong,
        );
        if glance.turned_away > 0 {
            line.push_str(&format!("  turned away {}", glance.turned_away));
        }
        line
    }
}

/// Milliseconds in as few digits as tell something.
pub fn short(millis: f64) -> String {
    if millis < 10.0 {
        format!("{millis:.1}")
    } else {
        format!("{millis:.0}")
    }
}

/// Somebody who wants to know how it goes.
pub trait View: Send {
    /// It goes like this now.
    fn show(&mut self, now: &Now);
    /// It is over.
    fn end(&mut self) {}
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct Unseen;

impl View for Unseen {
    fn show(&mut self, _: &Now) {}
}

/// One line that is written over and over on a terminal, else one now and then.
#[derive(Debug)]
pub struct Lines<W> {
    to: W,
    terminal: bool,
    last: Option<(Phase, Duration)>,
}

impl<W: Write + Send> Lines<W> {
    /// Lines to `to`, which is a terminal or not.
    pub fn new(to: W, terminal: bool) -> Self {
        Self {
            to,
            terminal,
            last: None,
        }
    }
}

impl<W: Write + Send> View for Lines<W> {
    fn show(&mut self, now: &Now) {
        if self.terminal {
            let _ = write!(self.to, "\r\x1b[2K{}", now.line());
            let _ = self.to.flush();
            return;
        }
        let due = match self.last {
            Some((phase, at)) => phase != now.phase || now.since >= at + SELDOM,
            None => true,
        };
        if due {
            self.last = Some((now.phase, now.since));
            let _ = writeln!(self.to, "{}", now.line());
        }
    }

    fn end(&mut self) {
        if self.terminal {
            let _ = writeln!(self.to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_there_is_a_line_now_and_then() {
        let plan = Plan::new("http://shop.example".parse().unwrap(), "r".into());
        let mut lines = Lines::new(Vec::new(), false);
        for second in 0..12 {
            let mut now = Now::of(Phase::Open, &plan);
            now.since = Duration::from_secs(second);
            lines.show(&now);
        }
        lines.show(&Now::of(Phase::Settling, &plan));
        let text = String::from_utf8(lines.to).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "   0 s of 60 s",
                "   5 s of 60 s",
                "  10 s of 60 s",
                "making the account"
            ]
        );
    }

    #[test]
    fn on_a_terminal_one_line_is_written_over() {
        let plan = Plan::new("http://shop.example".parse().unwrap(), "r".into());
        let mut lines = Lines::new(Vec::new(), true);
        lines.show(&Now::of(Phase::Open, &plan));
        lines.show(&Now::of(Phase::Closing, &plan));
        lines.end();
        let text = String::from_utf8(lines.to).unwrap();
        assert_eq!(text, "\r\x1b[2K   0 s of 60 s\r\x1b[2Kdoors closed\n");
    }
}
