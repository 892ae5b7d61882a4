//! `GET /admin`: how the shop stands today, and what somebody has to look at.
//!
//! Each part comes from a service of its own and says so if that does not answer; the rest is
//! shown all the same.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::{
    order_api::{AttentionCounts, OrderSummary},
    product_api::StockItem,
};

use super::{
    Desk, Frame, Section,
    chart::{self, Chart},
    frame::show as answer,
    parts::Badge,
};

/// Below how many pieces a variant is low on stock; the counts mean the same unless told.
const LOW: i64 = 5;
/// How many of them are shown.
const LOW_SHOWN: u32 = 8;
const DAYS: u32 = 30;

#[derive(Template)]
#[template(path = "admin/dashboard.html")]
struct Dashboard {
    page: Frame,
    today: Option<Today>,
    chart: Chart,
    chart_height: i64,
    attention: Vec<Attention>,
    /// Whether something could not be asked about.
    attention_away: bool,
    low: Option<Vec<Low>>,
    sellers: Vec<Seller>,
}

struct Today {
    orders: i64,
    revenue: String,
    units: i64,
    refunded: Option<String>,
}

struct Attention {
    href: String,
    text: String,
    badge: Badge,
}

struct Low {
    href: String,
    title: String,
    variant: String,
    badge: Badge,
}

struct Seller {
    href: String,
    title: String,
    variant: String,
    units: i64,
    revenue: String,
}

/// The dashboard.
pub async fn show(desk: Desk) -> Response {
    let api = desk.api();
    let (summary, jobs, counts, low) = tokio::join!(
        api.order_summary(DAYS),
        api.job_counts(),
        api.product_counts(),
        api.low_stock(LOW, LOW_SHOWN),
    );
    let page = desk.frame(Section::Overview, desk.t("desk.overview"));
    let away = summary.is_err() || jobs.is_err() || counts.is_err();
    let summary = summary.ok();
    let mut attention = Attentions::new(&desk);
    if let Some(summary) = &summary {
        attention.orders(&summary.attention);
    }
    if let Ok(jobs) = jobs {
        let dead = i64::try_from(jobs.dead).unwrap_or(i64::MAX);
        attention.add(dead, "dash.jobs_dead", "/admin/jobs?state=dead", "bad");
    }
    if let Ok(counts) = counts {
        let out = counts.out_of_stock;
        attention.add(out, "dash.out_of_stock", "/admin/stock?below=1", "warn");
    }
    let view = Dashboard {
        today: summary.as_ref().map(|summary| today(&page, summary)),
        chart: summary
            .as_ref()
            .map_or_else(Chart::default, |summary| Chart::of(&page, &summary.days)),
        chart_height: chart::HEIGHT,
        attention: attention.found,
        attention_away: away,
        low: low
            .ok()
            .map(|items| items.iter().map(|item| scarce(&page, item)).collect()),
        sellers: summary.map_or_else(Vec::new, |summary| sellers(&page, &summary)),
        page,
    };
    answer(StatusCode::OK, &view.page, &view)
}

fn today(page: &Frame, summary: &OrderSummary) -> Today {
    let today = &summary.today;
    Today {
        orders: today.orders,
        revenue: page.money(today.revenue),
        units: today.units,
        refunded: (today.refunded.amount > 0).then(|| page.money(today.refunded)),
    }
}

/// What somebody has to look at, as far as there is any.
struct Attentions<'d> {
    desk: &'d Desk,
    found: Vec<Attention>,
}

impl<'d> Attentions<'d> {
    fn new(desk: &'d Desk) -> Self {
        let found = Vec::new();
        Self { desk, found }
    }

    fn add(&mut self, count: i64, key: &str, href: &str, tone: &'static str) {
        if count > 0 {
            self.found.push(Attention {
                href: href.to_owned(),
                text: self.desk.texts().count(key, count),
                badge: Badge {
                    text: count.to_string(),
                    tone,
                },
            });
        }
    }

    fn orders(&mut self, counts: &AttentionCounts) {
        for (count, key, reason, tone) in [
            (
                counts.payment_failed,
                "dash.payment_failed",
                "payment_failed",
                "bad",
            ),
            (
                counts.payment_pending_long,
                "dash.payment_pending_long",
                "payment_pending_long",
                "warn",
            ),
            (
                counts.payment_disputed,
                "dash.payment_disputed",
                "payment_disputed",
                "bad",
            ),
            (counts.to_fulfil, "dash.to_fulfil", "to_fulfil", "warn"),
            (
                counts.invoices_open,
                "dash.invoices_open",
                "invoices_open",
                "warn",
            ),
        ] {
            self.add(
                count,
                key,
                &format!("/admin/orders?attention={reason}"),
                tone,
            );
        }
        let found = counts.payment_findings;
        self.add(found, "dash.payment_findings", super::payments::PATH, "bad");
    }
}

fn scarce(page: &Frame, item: &StockItem) -> Low {
    let tone = if item.available > 0 { "warn" } else { "bad" };
    Low {
        href: format!("/admin/stock/{}", item.variant_id),
        title: item.product_title.clone(),
        variant: item.variant_title.clone(),
        badge: Badge {
            text: page.n("dash.left", &item.available),
            tone,
        },
    }
}

fn sellers(page: &Frame, summary: &OrderSummary) -> Vec<Seller> {
    let seller = |best: &techcommerce_contracts::order_api::BestSeller| Seller {
        href: format!("/admin/products/{}", best.product_id),
        title: best.title.clone(),
        variant: best.variant_title.clone(),
        units: best.units,
        revenue: page.money(best.revenue),
    };
    summary.best_sellers.iter().take(8).map(seller).collect()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, STAFF, Site};

    #[tokio::test]
    async fn the_day_the_month_and_what_waits() {
        let site = Site::new().await;
        let page = site.get_as("/admin", STAFF).await.expect(StatusCode::OK);
        page.has(&[
            "<dd>7</dd>",
            "<dd>€420.00</dd>",
            "<svg class=\"chart\"",
            "3 orders to send",
            "href=\"/admin/orders?attention=to_fulfil\"",
            "1 job was given up",
            "href=\"/admin/jobs?state=dead\"",
            "Oak bowl",
            "2 left",
            "€100.00",
        ]);
        page.lacks(&["cannot be shown", "Payment failed"]);
        assert_eq!(page.header("cache-control"), "private, no-store");
        assert_eq!(site.asked("/api/orders/summary"), "days=30");
        page.is_accessible();
        let page = site
            .get_as("/admin", &format!("{STAFF}; tc_language=de"))
            .await;
        page.has(&["3 Bestellungen zu versenden", "420,00\u{a0}€"]);
    }

    #[tokio::test]
    async fn a_service_that_is_away_takes_only_its_part() {
        let site = Site::with(Fake::default().away("/api/orders")).await;
        let page = site.get_as("/admin", STAFF).await.expect(StatusCode::OK);
        page.has(&["cannot be shown", "Oak bowl", "1 job was given up"]);
        page.lacks(&["<svg class=\"chart\""]);
        page.is_accessible();
        let site = Site::with(Fake::default().away("/api/stock")).await;
        let page = site.get_as("/admin", STAFF).await.expect(StatusCode::OK);
        page.has(&["cannot be shown", "<svg class=\"chart\""]);
    }
}
