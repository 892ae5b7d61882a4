//! The account against shops that lie: each lie is found, and an honest shop is not accused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod double;

use std::time::Duration;

use double::{Double, Lie, STAFF, start};
use techcommerce_traffic::{Arrivals, Connector, Payments, Plan, Report, Stop, live::Unseen, run};

fn connector() -> Connector {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
    builder.https_or_http().enable_http1().build()
}

fn plan(double: &Double) -> Plan {
    Plan {
        rate: 60.0,
        duration: Duration::from_secs(1),
        arrivals: Arrivals::Even,
        shares: "browse,search,filter,abandon,guest=4,signed-in=2,declined=2,status,forgetful,lost"
            .parse()
            .unwrap(),
        think: Duration::ZERO,
        timeout: Duration::from_secs(5),
        settle: Duration::from_secs(2),
        customers: 1,
        ..Plan::new(
            format!("http://{}", double.address).parse().unwrap(),
            "test".into(),
        )
    }
}

async fn told(lie: Lie, change: impl Fn(&mut Plan)) -> Report {
    let double = start(lie).await;
    let mut plan = plan(&double);
    change(&mut plan);
    run(plan, connector(), Stop::default(), &mut Unseen)
        .await
        .unwrap()
}

#[track_caller]
fn says(report: &Report, words: &str) {
    assert!(!report.ok, "{:?} was believed", report.reasons);
    let text = report.text();
    assert!(text.contains(words), "`{words}` is not in\n{text}");
}

#[tokio::test]
async fn an_honest_shop_is_not_accused() {
    let double = start(Lie::None).await;
    let plan = plan(&double);
    let report = run(plan, connector(), Stop::default(), &mut Unseen)
        .await
        .unwrap();
    assert!(report.ok, "{}", report.text());
    let account = &report.account;
    assert_eq!(account.orders.acknowledged, double.orders());
    assert_eq!(account.orders.exist, account.orders.acknowledged);
    assert!(account.orders.paid > 5 && account.orders.declined > 2);
    assert!(account.orders.sent_again > 0, "{:?}", account.orders);
    assert_eq!(account.money.captured, account.money.ordered);
    assert!(account.money.captured > 0 && account.stock.pieces > 0);
    assert_eq!(account.stock.checked_by, "public");
    assert_eq!((report.arrivals.started, report.arrivals.planned), (60, 60));
    for journey in &report.journeys {
        assert_eq!(journey.started, journey.done, "{journey:?}");
    }
}

#[tokio::test]
async fn an_honest_shop_is_not_accused_by_staff_either() {
    let staff = |plan: &mut Plan| plan.staff_key = Some(STAFF.into());
    let report = told(Lie::None, staff).await;
    assert!(report.ok, "{}", report.text());
    assert_eq!(report.account.stock.checked_by, "ledger");
}

#[tokio::test]
async fn lies_about_orders_are_found() {
    for (lie, words) in [
        (Lie::LosesOrders, "was acknowledged and does not exist"),
        (Lie::CannotShow, "cannot be read: it is answered with 400"),
        (Lie::ChangesTotals, "the cart said"),
        (Lie::RaisesTotals, "the cart said"),
        (Lie::CannotAdd, "the lines come to"),
        (Lie::ChargesTwice, "was taken for it, not"),
        (
            Lie::ChargesDeclined,
            "which its card (Declined) does not make it",
        ),
        (Lie::NeverSettles, "it is not settled: placed, pending"),
        (Lie::ForgetsKeys, "sent again became"),
        (Lie::RepeatsNumbers, "have the same number"),
    ] {
        says(&told(lie, |_| {}).await, words);
    }
}

#[tokio::test]
async fn lies_about_goods_are_found() {
    let staff = |plan: &mut Plan| plan.staff_key = Some(STAFF.into());
    says(
        &told(Lie::SellsFromNothing, |_| {}).await,
        ": 0 pieces went from the shelf",
    );
    says(
        &told(Lie::LosesGoods, |_| {}).await,
        "pieces went from the shelf, the orders keep",
    );
    says(&told(Lie::SellsFromNothing, staff).await, "were on hand");
    says(&told(Lie::MovesTwice, staff).await, "moved for it, not");
    says(
        &told(Lie::OrdersUntold, staff).await,
        "1 orders of this run that nobody was told of",
    );
    // Where others buy, what anybody sees is told and proves nothing.
    let report = told(Lie::LosesGoods, |plan| plan.shared = true).await;
    assert!(
        report.ok && !report.account.remarks.is_empty(),
        "{}",
        report.text()
    );
}

#[tokio::test]
async fn wrong_answers_are_found() {
    for (lie, words) in [
        (Lie::SaysYes, "is answered with 200"),
        (Lie::HasEverything, "is answered with 200 , not 404"),
        (Lie::FindsNothing, "does not find"),
        (Lie::IgnoresFilters, "list with /api/products?"),
        (Lie::BrokenPictures, "picture comes as `text/html`"),
        (Lie::ForgetsCopies, "kept copy is answered with 200"),
        (Lie::HalfPages, "page breaks off"),
        (Lie::Breaks, "is answered with 500 internal"),
    ] {
        let report = told(lie, |_| {}).await;
        says(&report, words);
        assert!(report.wrong.count > 0, "{lie:?}");
    }
}

#[tokio::test]
async fn an_order_whose_answer_was_cut_is_sent_again_and_exists_once() {
    let double = start(Lie::CutsConnections).await;
    let mut plan = plan(&double);
    plan.most_failed = 50.0;
    let report = run(plan, connector(), Stop::default(), &mut Unseen)
        .await
        .unwrap();
    assert!(report.ok, "{}", report.text());
    let again = report
        .steps
        .iter()
        .find(|step| step.step == "order, sent again")
        .unwrap();
    assert!(again.latency_ms.count > 5, "{again:?}");
    assert_eq!(report.account.orders.acknowledged, double.orders());
    assert!(report.requests.failed > 5);
}

#[tokio::test]
async fn what_nobody_waited_for_is_settled_in_the_account() {
    let double = start(Lie::CutsConnections).await;
    let mut plan = plan(&double);
    (plan.rate, plan.most_failed) = (200.0, 100.0);
    let stop = Stop::default();
    let hurry = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(600)).await;
        hurry.doors.cancel();
        hurry.visits.cancel();
    });
    let report = run(plan, connector(), stop, &mut Unseen).await.unwrap();
    assert!(report.ok, "{}", report.text());
    let orders = &report.account.orders;
    assert!(orders.acknowledged_late > 0, "{orders:?}");
    assert_eq!((orders.acknowledged, orders.in_doubt), (double.orders(), 0));
    assert!(report.arrivals.ended_early && report.arrivals.started < 200);
    assert_eq!(report.account.list.len(), double.orders());
}

#[tokio::test]
async fn a_slow_shop_is_slow_and_shoppers_come_all_the_same() {
    let report = told(Lie::IsSlow, |plan| plan.shares = "filter".parse().unwrap()).await;
    assert!(report.ok, "{}", report.text());
    assert_eq!(report.arrivals.started, 60, "nobody waits for others");
    assert!(
        report.requests.latency_ms.p50 >= 390.0,
        "{:?}",
        report.requests
    );
    assert!(!report.arrivals.generator_was_the_limit || report.arrivals.lateness_ms.p99 > 50.0);
    // With room for few, the others are turned away, and the report says so.
    let report = told(Lie::IsSlow, |plan| {
        plan.shares = "filter".parse().unwrap();
        plan.in_flight = 5;
    })
    .await;
    assert!(report.arrivals.generator_was_the_limit && report.arrivals.turned_away > 20);
    assert_eq!(report.arrivals.started + report.arrivals.turned_away, 60);
    assert!(
        report.text().contains("the generator was the limit"),
        "{}",
        report.text()
    );
}

#[tokio::test]
async fn answers_that_do_not_come_are_failures_and_too_many_of_them_fail_the_run() {
    let hasty = |plan: &mut Plan| {
        plan.shares = "filter".parse().unwrap();
        plan.timeout = Duration::from_millis(300);
    };
    let report = told(Lie::Hangs, hasty).await;
    says(&report, "% of the requests failed, more than 5 %");
    let failed = report.steps.iter().flat_map(|step| &step.failed);
    let failed: u64 = failed
        .map(|(kind, count)| {
            assert_eq!(kind, "no answer in time");
            count
        })
        .sum();
    assert!(failed > 10 && failed == report.requests.failed, "{failed}");
    assert_eq!(report.wrong.count, 0);
    assert!(report.requests.latency_ms.max >= 300.0);
    let patient = |plan: &mut Plan| {
        hasty(plan);
        plan.most_failed = 100.0;
    };
    assert!(told(Lie::Hangs, patient).await.ok);
}

#[tokio::test]
async fn refusals_are_told_apart_from_failures() {
    let report = told(Lie::IsBusy, |_| {}).await;
    assert!(report.ok, "{}", report.text());
    assert!(
        report.requests.refused > 10 && report.requests.failed == 0,
        "{:?}",
        report.requests
    );
    assert!(report.text().contains("limits.requests_per_minute"));
    let refused: u64 = report.journeys.iter().map(|journey| journey.refused).sum();
    assert!(refused > 5, "{refused}");
}

#[tokio::test]
async fn a_shop_that_takes_money_is_left_alone() {
    let refused = async |lie, change: fn(&mut Plan)| {
        let double = start(lie).await;
        let mut plan = plan(&double);
        change(&mut plan);
        let result = run(plan, connector(), Stop::default(), &mut Unseen).await;
        (
            result
                .map(|report| report.ok)
                .map_err(|error| error.to_string()),
            double.orders(),
        )
    };
    let (result, orders) = refused(Lie::TakesRealMoney, |_| {}).await;
    assert!(result.unwrap_err().contains("takes real money"));
    assert_eq!(orders, 0);
    assert_eq!(
        refused(Lie::TakesRealMoney, |plan| plan.live_shop = true)
            .await
            .0,
        Ok(true)
    );
    assert!(
        refused(Lie::TakesInvoices, |_| {})
            .await
            .0
            .unwrap_err()
            .contains("--payment invoice")
    );
    let (result, orders) =
        refused(Lie::TakesInvoices, |plan| plan.payments = Payments::Invoice).await;
    assert!(result == Ok(true) && orders > 5, "{result:?} {orders}");
    let browsing = |plan: &mut Plan| plan.shares = "browse,abandon".parse().unwrap();
    assert_eq!(refused(Lie::TakesInvoices, browsing).await, (Ok(true), 0));
}
