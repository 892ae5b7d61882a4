//! `/admin/import`: catalogues in and out.

use askama::Template;
use axum::{
    extract::{Multipart, multipart::MultipartRejection},
    response::Response,
};
use http::StatusCode;
use techcommerce_contracts::{
    ListQuery, codes,
    product_api::{ImportRun, ImportState},
};
use techcommerce_kernel::{Error, Kind as ErrorKind};

use super::{
    calls::{ImportOrder, import_file},
    upload::with_file,
};
use crate::{
    admin::{
        Desk, Frame, Section, frame,
        parts::{Badge, Pager, When},
        people::People,
    },
    failure::Failure,
    forms::{Asked, Sent},
    page::see_other,
};

pub const PATH: &str = "/admin/import";
const LIMIT: u32 = 20;

#[derive(Template)]
#[template(path = "admin/catalogue/import.html")]
struct ImportPage {
    page: Frame,
    wrong: Option<String>,
    away: bool,
    runs: Vec<Run>,
    pager: Pager,
}

/// A run as the list shows it.
struct Run {
    href: String,
    name: String,
    when: When,
    who: String,
    badge: Badge,
    created: u64,
    updated: u64,
    refused: u64,
}

/// The page.
///
/// # Errors
/// Nobody may see it.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    Ok(page(&desk, &sent, None, StatusCode::OK).await)
}

/// `POST /admin/import`: takes a file in, or only looks at it.
///
/// # Errors
/// The catalogue does not answer.
pub async fn take(
    desk: Desk,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let pass = async |fields: super::product::fields::Fields, name: String, file| {
        let order = ImportOrder {
            // Whatever was not asked for in so many words is only looked at.
            dry_run: fields.text("do") != "import",
            file_name: short(&name),
        };
        import_file(&desk, &order, file).await
    };
    let wrong = match with_file(form, pass).await {
        Ok(report) => match report.id {
            Some(id) => return see_other(&format!("{PATH}/{id}")),
            None => return see_other(PATH),
        },
        Err(error) => error,
    };
    let words = match wrong.kind() {
        _ if wrong.fields().iter().any(|field| field.path == "file") => {
            desk.t("goods_import.no_file").to_owned()
        }
        _ if wrong.code() == codes::IMPORT_FORMAT => desk.t("goods_import.unknown").to_owned(),
        ErrorKind::TooLarge => desk.t("goods_import.too_large").to_owned(),
        ErrorKind::Invalid | ErrorKind::Unprocessable | ErrorKind::Conflict => desk.explain(&wrong),
        _ => return Err(wrong.into()),
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page(&desk, &Sent::default(), Some(words), status).await)
}

/// The end of a name says what it is, and is what people recognise.
fn short(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let count = name.chars().count();
    name.chars().skip(count.saturating_sub(120)).collect()
}

async fn page(desk: &Desk, sent: &Sent, wrong: Option<String>, status: StatusCode) -> Response {
    let query = ListQuery {
        limit: Some(LIMIT),
        cursor: Some(sent.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty()),
    };
    let found = desk.api().imports(&query).await;
    let away = found.is_err();
    let (runs, next) = found.map_or_else(
        |_| (Vec::new(), None),
        |list| (list.items, list.next_cursor),
    );
    let people = People::of(desk).await;
    let page = ImportPage {
        page: desk.frame(Section::Import, desk.t("goods_import.title")),
        wrong,
        away,
        runs: runs.iter().map(|run| row(desk, run, &people)).collect(),
        pager: Pager::new(PATH, sent, &[], next),
    };
    frame::show(status, &page.page, &page)
}

fn row(desk: &Desk, run: &ImportRun, people: &People) -> Run {
    Run {
        href: format!("{PATH}/{}", run.id),
        name: name_of(desk, run),
        when: When::of(desk.texts(), &desk.shop.settings.time_zone, run.started_at),
        who: people.name(desk, &run.actor),
        badge: badge(desk, run),
        created: run.report.created,
        updated: run.report.updated,
        refused: run.report.refused,
    }
}

/// What the file was called.
pub fn name_of(desk: &Desk, run: &ImportRun) -> String {
    let name = run.file_name.clone().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| desk.t("goods_import.nameless").to_owned())
}

/// How the run stands.
pub fn badge(desk: &Desk, run: &ImportRun) -> Badge {
    let (key, tone) = match run.state {
        ImportState::Running => ("goods_import.running", "warn"),
        ImportState::Interrupted => ("goods_import.interrupted", "bad"),
        ImportState::Failed => ("goods_import.failed", "bad"),
        ImportState::Done if run.dry_run => ("goods_import.looked", ""),
        ImportState::Done if run.report.refused > 0 => ("goods_import.done_in_part", "warn"),
        ImportState::Done => ("goods_import.done", "good"),
    };
    Badge::new(desk.texts(), key, tone)
}

/// What cannot be imported any more has to come again.
pub fn again(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound)
}
