//! `GET /admin/system`: how the house stands — services and what they store in, work that waits,
//! workers, backups.
//!
//! Each part comes from a service of its own and says so if that does not answer; the rest is
//! shown all the same.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::{
    jobs::{JobCounts, KindJobs},
    system::{BackupReport, ServiceReport, ServiceStatus, SystemReport},
};
use techcommerce_kernel::Timestamp;

use super::{
    Desk, Frame, Section,
    frame::show as answer,
    jobs,
    parts::{Badge, When, address},
};

/// A worker that was not seen for so many seconds is silent.
const SILENT: u64 = 60;
/// Work that could have been done so many seconds ago is late.
const LATE: u64 = 60;
/// A backup that is older than so many hours is too old.
const OLD_HOURS: u64 = 36;

#[derive(Template)]
#[template(path = "admin/system.html")]
struct SystemPage {
    page: Frame,
    services: Option<Vec<ServiceRow>>,
    queue: Option<Vec<QueueRow>>,
    dead: u64,
    workers: Vec<WorkerRow>,
    backup: Option<Backups>,
}

struct ServiceRow {
    name: String,
    badge: Badge,
    version: String,
    schema: String,
    stores: Vec<StoreRow>,
}

struct StoreRow {
    name: String,
    away: Option<Badge>,
    /// Empty where nothing was asked of it.
    latency: String,
}

struct QueueRow {
    service: String,
    kind: String,
    name: String,
    href: String,
    waiting: u64,
    running: u64,
    dead: u64,
    oldest: String,
    late: bool,
}

struct WorkerRow {
    name: String,
    badge: Badge,
    started: When,
    seen: When,
}

struct Backups {
    last: Option<Backup>,
    /// More of them, the latest first.
    earlier: Vec<Backup>,
}

struct Backup {
    taken: When,
    size: String,
    age: Badge,
    verified: Option<When>,
}

/// The page.
pub async fn show(desk: Desk) -> Response {
    let api = desk.api();
    let (house, counts, backups) = tokio::join!(api.system(), api.job_counts(), api.backups());
    let page = desk.frame(Section::System, desk.t("desk.system"));
    let now = desk.shop.env.now();
    let counts = counts.ok();
    let view = SystemPage {
        services: house.ok().map(|house| services(&page, house)),
        dead: counts.as_ref().map_or(0, |counts| counts.dead),
        workers: counts
            .iter()
            .flat_map(|counts| &counts.workers)
            .map(|worker| {
                let silent = now.since(worker.seen_at).as_secs() > SILENT;
                WorkerRow {
                    name: worker.name.clone(),
                    badge: match silent {
                        true => Badge::new(page.texts(), "system.silent", "warn"),
                        false => Badge::new(page.texts(), "system.works", "good"),
                    },
                    started: page.when(worker.started_at),
                    seen: page.when(worker.seen_at),
                }
            })
            .collect(),
        queue: counts.map(|counts| queue(&page, counts)),
        backup: backups.ok().map(|list| backups_of(&page, now, list.items)),
        page,
    };
    answer(StatusCode::OK, &view.page, &view)
}

fn services(page: &Frame, house: SystemReport) -> Vec<ServiceRow> {
    // The pages themselves: whoever reads this is told by one.
    let own = ServiceReport {
        service: "frontend".to_owned(),
        status: ServiceStatus::Ready,
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        commit: option_env!("TECHCOMMERCE_COMMIT").map(str::to_owned),
        latency_ms: None,
        dependencies: Vec::new(),
        schema: None,
    };
    let all = std::iter::once(own).chain(house.services);
    all.map(|report| service(page, report)).collect()
}

fn service(page: &Frame, report: ServiceReport) -> ServiceRow {
    let texts = page.texts();
    let version = match (report.version, report.commit) {
        (Some(version), Some(commit)) => {
            let short: String = commit.chars().take(12).collect();
            format!("{version} ({short})")
        }
        (Some(version), None) => version,
        (None, _) => "–".to_owned(),
    };
    let schema = report.schema.map(|schema| {
        let at = schema.at.unwrap_or_default();
        let ahead = match schema.ahead {
            0 => String::new(),
            ahead => format!(" (+{ahead})"),
        };
        format!("{}: {at}{ahead}", schema.database)
    });
    ServiceRow {
        badge: match report.status {
            ServiceStatus::Ready => Badge::new(texts, "system.ready", "good"),
            ServiceStatus::Unavailable => Badge::new(texts, "system.unavailable", "bad"),
            ServiceStatus::Away => Badge::new(texts, "system.away", "bad"),
        },
        stores: report
            .dependencies
            .into_iter()
            .map(|store| StoreRow {
                away: (!store.up).then(|| Badge::new(texts, "system.down", "bad")),
                latency: match store.latency_ms {
                    ..0.05 => String::new(),
                    latency => format!("{latency:.1} ms"),
                },
                name: store.name.replace('_', " "),
            })
            .collect(),
        schema: schema.unwrap_or_default(),
        name: report.service,
        version,
    }
}

fn queue(page: &Frame, counts: JobCounts) -> Vec<QueueRow> {
    let rows = counts.items.into_iter().flat_map(|service| {
        let name = service.service;
        let kinds = service.kinds.into_iter();
        kinds.map(move |kind| (name.clone(), kind))
    });
    let mut rows: Vec<_> = rows
        .map(|(service, kind)| row(page, service, kind))
        .collect();
    // What needs somebody comes first.
    rows.sort_by_key(|row| (row.dead == 0, !row.late));
    rows
}

fn row(page: &Frame, service: String, kind: KindJobs) -> QueueRow {
    let state = if kind.dead > 0 { "dead" } else { "waiting" };
    QueueRow {
        name: jobs::name(page.texts(), &kind.kind),
        href: address(jobs::PATH, &[("state", state), ("kind", &kind.kind)]),
        waiting: kind.waiting,
        running: kind.running,
        dead: kind.dead,
        late: kind.oldest_seconds > LATE,
        oldest: span(page, kind.oldest_seconds),
        kind: kind.kind,
        service,
    }
}

fn backups_of(page: &Frame, now: Timestamp, items: Vec<BackupReport>) -> Backups {
    let mut all = items.into_iter().map(|backup| {
        let age = now.since(backup.taken_at).as_secs();
        Backup {
            taken: page.when(backup.taken_at),
            size: size(page, backup.bytes),
            age: Badge {
                text: page.tv("system.ago", span(page, age)),
                tone: if age > OLD_HOURS * 3600 {
                    "bad"
                } else {
                    "good"
                },
            },
            verified: backup.verified_at.map(|at| page.when(at)),
        }
    });
    Backups {
        last: all.next(),
        earlier: all.take(4).collect(),
    }
}

/// A length of time in its largest unit, as `3 min`.
fn span(page: &Frame, seconds: u64) -> String {
    match seconds {
        0..120 => page.tv("span.seconds", seconds),
        120..7200 => page.tv("span.minutes", seconds / 60),
        7200..172_800 => page.tv("span.hours", seconds / 3600),
        _ => page.tv("span.days", seconds / 86_400),
    }
}

/// Bytes as people say them, as `118.3 MB`.
fn size(page: &Frame, bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0);
    let number = format!("{value:.digits$}");
    let number = match page.language() {
        "de" => number.replace('.', ","),
        _ => number,
    };
    format!("{number} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode, header};
    use serde_json::json;

    use crate::testing::{Fake, STAFF, Site};

    #[tokio::test]
    async fn the_house_is_shown_as_it_stands() {
        let site = Site::new().await;
        let page = site
            .get_as("/admin/system", STAFF)
            .await
            .expect(StatusCode::OK);
        page.has(&[
            "order-api",
            "1.2.3 (abcdef012345)",
            "PostgreSQL: 4 staff (+1)",
            "Does not answer",
            "Mail to a customer",
            "pod-1",
            "118.3 MB",
            "action=\"/admin/jobs/retry-kind\"",
            "frontend",
        ]);
        page.is_accessible();
        let request = Request::get("/admin/system")
            .header(header::COOKIE, STAFF)
            .header(header::ACCEPT_LANGUAGE, "de");
        let german = site.send(request.body(Body::empty()).unwrap()).await;
        german.has(&["118,3 MB", "Antwortet nicht"]);
    }

    #[tokio::test]
    async fn what_does_not_answer_takes_nothing_else_along() {
        for (path, gone) in [
            ("/api/system", "1.2.3"),
            ("/api/jobs/counts", "pod-1"),
            ("/api/backups", "118.3 MB"),
        ] {
            let site = Site::with(Fake::default().away(path)).await;
            let page = site.get_as("/admin/system", STAFF).await;
            let page = page.expect(StatusCode::OK);
            page.has(&["This part of the page cannot be shown"]);
            page.lacks(&[gone]);
            page.is_accessible();
        }
    }

    #[tokio::test]
    async fn that_there_is_no_backup_is_said() {
        let none = json!({"items": [], "next_cursor": null});
        let site = Site::with(Fake::default().answers("GET", "/api/backups", 200, none)).await;
        let page = site.get_as("/admin/system", STAFF).await;
        page.has(&["No backup is known", "techcommerce backup record"]);
    }
}
