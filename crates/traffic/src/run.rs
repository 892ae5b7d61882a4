//! Opens the doors, lets shoppers in at their times, closes, makes the account.

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use techcommerce_kernel::Error;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{
    account,
    book::Book,
    journeys,
    live::{Now, Phase, View},
    measure::Measure,
    plan::{Journey, Plan},
    prepare,
    report::{self, Report},
    schedule::{Arrival, Schedule},
    shopper::{Market, Shopper},
    web::{Connector, Web},
};

/// How a run is ended early.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Nobody comes any more; who is there may finish.
    pub doors: CancellationToken,
    /// Who is there goes at once; the account is made all the same.
    pub visits: CancellationToken,
}

/// Runs the plan against the shop, and tells `view` how it goes.
///
/// # Errors
/// `traffic` when the plan cannot be, or the shop cannot or must not be tried. What goes wrong
/// afterwards is in the report.
pub async fn run(
    mut plan: Plan,
    connector: Connector,
    stop: Stop,
    view: &mut dyn View,
) -> Result<Report, Error> {
    plan.check()?;
    if plan.payments != crate::Payments::Test {
        // Only the provider for trials has cards that are refused.
        plan.shares = plan
            .shares
            .without(Journey::Declined)
            .without(Journey::Troubled);
    }
    let web = Web::new(connector, plan.shop.clone(), plan.timeout);
    view.show(&Now::of(Phase::Preparing, &plan));
    let shop = prepare::prepare(&plan, &web).await?;
    let market = Arc::new(Market {
        plan,
        shop,
        web,
        measure: Measure::new(),
        book: Book::default(),
    });
    let began = Instant::now();
    let planned = admit(&market, &stop, view, began).await;
    let opened = began.elapsed();
    let account = {
        let closing = account::close(&market);
        tokio::pin!(closing);
        let mut seconds = ticks();
        loop {
            tokio::select! {
                account = &mut closing => break account,
                _ = seconds.tick() => view.show(&now(&market, Phase::Settling, began, opened)),
            }
        }
    };
    let ended_early = stop.doors.is_cancelled();
    let report = report::make(
        &market,
        account,
        report::Course {
            planned,
            opened,
            ended_early,
        },
    );
    view.end();
    Ok(report)
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

fn now(market: &Market, phase: Phase, began: Instant, opened: Duration) -> Now {
    let mut now = Now::of(phase, &market.plan);
    now.since = began.elapsed();
    now.opened = opened;
    now.glance = Some(market.measure.glance());
    now.orders = market.book.acknowledged();
    now
}

/// Lets everybody in and waits until they are gone; how many were to come.
async fn admit(market: &Arc<Market>, stop: &Stop, view: &mut dyn View, began: Instant) -> u64 {
    let room = Arc::new(Semaphore::new(market.plan.in_flight));
    let mut visits = JoinSet::new();
    let mut seconds = ticks();
    let mut planned = 0;
    let mut schedule = Schedule::new(&market.plan);
    let mut next = schedule.next();
    while let Some(arrival) = next {
        let due = began + arrival.at;
        tokio::select! {
            biased;
            () = stop.doors.cancelled() => break,
            () = tokio::time::sleep_until(due) => {
                planned += 1;
                enter(market, &room, &mut visits, stop, arrival, due);
                next = schedule.next();
            }
            Some(_) = visits.join_next() => {}
            _ = seconds.tick() => view.show(&now(market, Phase::Open, began, began.elapsed())),
        }
    }
    // Until the time is over, even if nobody comes in the last moments.
    let end = began + market.plan.duration;
    let closing = Instant::now() + market.plan.settle;
    loop {
        let over = visits.is_empty() && (Instant::now() >= end || stop.doors.is_cancelled());
        if over || stop.visits.is_cancelled() || Instant::now() >= closing.max(end) {
            break;
        }
        tokio::select! {
            () = stop.visits.cancelled() => {}
            () = stop.doors.cancelled(), if !stop.doors.is_cancelled() => {}
            () = tokio::time::sleep_until(end), if Instant::now() < end => {}
            Some(_) = visits.join_next() => {}
            _ = seconds.tick() => view.show(&now(market, Phase::Closing, began, began.elapsed())),
        }
    }
    // Who is still there is sent home; what they ordered is asked for in the account.
    stop.visits.cancel();
    while visits.join_next().await.is_some() {}
    planned
}

fn enter(
    market: &Arc<Market>,
    room: &Arc<Semaphore>,
    visits: &mut JoinSet<()>,
    stop: &Stop,
    arrival: Arrival,
    due: Instant,
) {
    let Ok(place) = Arc::clone(room).try_acquire_owned() else {
        market.measure.turned_away();
        return;
    };
    market.measure.started(arrival.journey, due.elapsed());
    let random = StdRng::seed_from_u64(arrival.seed);
    let mut shopper = Shopper::new(Arc::clone(market), market.web.browser(), random, due);
    let home = stop.visits.clone();
    visits.spawn(async move {
        let visit = journeys::visit(&mut shopper, arrival.journey);
        tokio::select! {
            end = visit => {
                let measure = &shopper.market.measure;
                measure.ended(arrival.journey, due.elapsed(), &end);
            }
            () = home.cancelled() => shopper.market.measure.given_up(arrival.journey),
        }
        drop(place);
    });
}
