//! `GET /admin/import/{id}`: what an import did, or would do, row by row.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::product_api::{
    ImportChange, ImportError, ImportOutcome, ImportRun, ImportState,
};
use techcommerce_kernel::Uuid;

use super::import::{PATH, again, badge, name_of};
use crate::{
    admin::{
        Desk, Frame, Section, frame,
        parts::{Badge, When},
        people::People,
    },
    failure::Failure,
    page::see_other,
};

#[derive(Template)]
#[template(path = "admin/catalogue/import_run.html")]
struct RunPage {
    page: Frame,
    run: ImportRun,
    badge: Badge,
    started: When,
    who: String,
    running: bool,
    apply: Option<String>,
    created: Vec<Change>,
    updated: Vec<Change>,
    lists: Vec<Problems>,
    pictures: Option<i64>,
}

/// A product that was or would be changed.
struct Change {
    line: u64,
    title: String,
    href: String,
}

/// Rows that were not taken, or not as they stood.
struct Problems {
    id: &'static str,
    title: String,
    text: &'static str,
    rows: Vec<ImportError>,
    more: i64,
}

/// The report.
///
/// # Errors
/// There is no such run, or the catalogue does not answer.
pub async fn show(desk: Desk, Path(id): Path<Uuid>) -> Result<Response, Failure> {
    let run = desk.api().import(id).await?;
    Ok(page(&desk, run, None, StatusCode::OK).await)
}

/// `POST /admin/import/{id}/apply`: imports for real what was looked at.
///
/// # Errors
/// There is no such run, or the catalogue does not answer.
pub async fn apply(desk: Desk, Path(id): Path<Uuid>) -> Result<Response, Failure> {
    match desk.api().apply_import(id).await {
        Ok(run) => see_other(&format!("{PATH}/{}", run.id)),
        Err(error) if again(&error) => {
            let mut run = desk.api().import(id).await?;
            run.can_apply = false;
            let words = desk.t("goods_import.file_gone").to_owned();
            Ok(page(&desk, run, Some(words), StatusCode::CONFLICT).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(desk: &Desk, run: ImportRun, wrong: Option<String>, status: StatusCode) -> Response {
    let people = People::of(desk).await;
    let mut page = desk.frame(Section::Import, name_of(desk, &run));
    if let Some(words) = wrong {
        page = page.warn(words);
    }
    let changes = |outcome: ImportOutcome| {
        let of = run
            .report
            .changes
            .iter()
            .filter(|change| change.outcome == outcome);
        of.map(|change| link(change, run.dry_run)).collect()
    };
    let texts = desk.texts();
    let problems = |id, key: &str, text, rows: &[ImportError], count: u64| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Problems {
            id,
            title: texts.count(key, count),
            text,
            rows: rows.to_vec(),
            more: count - rows.len() as i64,
        }
    };
    let report = &run.report;
    let lists = [
        problems(
            "refused",
            "goods_import.refused",
            "goods_import.refused_text",
            &report.errors,
            report.refused,
        ),
        problems(
            "warned",
            "goods_import.warned",
            "goods_import.warned_text",
            &report.warnings,
            report.warned,
        ),
    ];
    let pictures = i64::try_from(run.pictures.waiting).unwrap_or(i64::MAX);
    let view = RunPage {
        badge: badge(desk, &run),
        started: When::of(texts, &desk.shop.settings.time_zone, run.started_at),
        who: people.name(desk, &run.actor),
        running: run.state == ImportState::Running,
        apply: run.can_apply.then(|| format!("{PATH}/{}/apply", run.id)),
        created: changes(ImportOutcome::Created),
        updated: changes(ImportOutcome::Updated),
        lists: lists
            .into_iter()
            .filter(|list| !list.rows.is_empty())
            .collect(),
        pictures: (pictures > 0).then_some(pictures),
        run,
        page,
    };
    frame::show(status, &view.page, &view)
}

/// Products that are there can be looked at; after a look alone the new ones are not.
fn link(change: &ImportChange, dry_run: bool) -> Change {
    let there = !dry_run || change.outcome == ImportOutcome::Updated;
    Change {
        line: change.line,
        title: match change.title.as_str() {
            "" => change.handle.clone(),
            title => title.to_owned(),
        },
        href: match there {
            true => format!("/admin/products/{}", crate::api::segment(&change.handle)),
            false => String::new(),
        },
    }
}
