//! `/admin/api-keys`: keys for programs. Only admins come here; a key's secret is shown once.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::auth::{ApiKey, ApiKeyInput};
use techcommerce_kernel::{Kind as ErrorKind, Uuid};

use super::{
    AdminDesk, Desk, Frame, Section,
    form::{Choice, Field, Form, Kind},
    frame::show as answer,
    parts::{Badge, When},
    people::People,
    words,
};
use crate::{failure::Failure, forms::Sent, page::see_other};

const PATH: &str = "/admin/api-keys";

#[derive(Template)]
#[template(path = "admin/api_keys.html")]
struct KeysPage {
    page: Frame,
    form: Form,
    /// The secret of a key that has just been made.
    made: Option<Made>,
    rows: Option<Vec<Row>>,
}

struct Made {
    name: String,
    token: String,
}

struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    role: Badge,
    dead: bool,
    made: When,
    by: String,
    ends: Option<When>,
    used: Option<When>,
}

/// `GET /admin/api-keys`
pub async fn show(desk: AdminDesk) -> Response {
    let form = form(&desk);
    page(&desk, form, None, StatusCode::OK).await
}

/// `POST /admin/api-keys`: makes a key. The answer is the page itself, as the secret is nowhere
/// to be fetched from again.
pub async fn create(desk: AdminDesk, sent: Sent) -> Response {
    let mut form = form(&desk).filled(&sent);
    form.check();
    let role = sent.text("role").parse();
    if role.is_err() {
        form.wrong("role", desk.t("field.choose"));
    }
    let zone = &desk.shop.settings.time_zone;
    let expires_at = match sent.text("expires_at") {
        "" => None,
        day => {
            let moment = zone.moment(day);
            if moment.is_none() {
                form.wrong("expires_at", desk.t("field.invalid"));
            }
            moment
        }
    };
    let (Ok(role), true) = (role, form.problems.is_empty()) else {
        return page(&desk, form, None, StatusCode::BAD_REQUEST).await;
    };
    let name = sent.text("name").to_owned();
    let input = ApiKeyInput {
        name,
        role,
        expires_at,
    };
    match desk.api().create_api_key(&input).await {
        Ok(made) => {
            let made = Made {
                name: made.key.name,
                token: made.token,
            };
            let form = self::form(&desk);
            page(&desk, form, Some(made), StatusCode::CREATED).await
        }
        Err(error) => {
            let status = form.told(&error);
            page(&desk, form, None, status).await
        }
    }
}

/// `POST /admin/api-keys/{id}/end`
///
/// # Errors
/// Accounts do not answer.
pub async fn end(desk: AdminDesk, Path(id): Path<String>) -> Result<Response, Failure> {
    let Ok(id) = id.parse::<Uuid>() else {
        return Err(Failure::not_found());
    };
    match desk.api().delete_api_key(id).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        // One that is not there has ended: what was wanted.
        _ => see_other(&format!("{PATH}?note=key-ended")),
    }
}

fn form(desk: &Desk) -> Form {
    let roles = ["staff", "admin"];
    let roles = roles.map(|role| Choice::new(role, desk.t(&format!("word.role_{role}"))));
    let name = Field::text("name", desk.t("key.name")).max(100);
    let ends = Field::text("expires_at", desk.t("key.expires_at")).kind(Kind::Input("date"));
    desk.form()
        .with(name.hint(desk.t("key.name_hint")))
        .with(
            Field::text("role", desk.t("customer.role"))
                .kind(Kind::Select(roles.into()))
                .value("staff"),
        )
        .with(ends.optional())
}

async fn page(desk: &Desk, form: Form, made: Option<Made>, status: StatusCode) -> Response {
    let api = desk.api();
    let (keys, people) = tokio::join!(api.api_keys(), People::of(desk));
    let page = desk.frame(Section::ApiKeys, desk.t("desk.api_keys"));
    let row = |key: ApiKey| Row {
        id: key.id,
        role: words::role(page.texts(), key.role),
        dead: !key.active,
        made: page.when(key.created_at),
        by: people.name(desk, &key.created_by),
        ends: key.expires_at.map(|at| page.when(at)),
        used: key.last_used_at.map(|at| page.when(at)),
        name: key.name,
        prefix: key.prefix,
    };
    let rows = keys.ok().map(|keys| keys.into_iter().map(row).collect());
    let view = KeysPage {
        form,
        made,
        rows,
        page,
    };
    answer(status, &view.page, &view)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{ADMIN, Fake, STAFF, Site};

    const PATH: &str = "/admin/api-keys";

    #[tokio::test]
    async fn a_key_is_made_and_its_secret_shown_once() {
        let site = Site::new().await;
        let page = site.get_as(PATH, ADMIN).await.expect(StatusCode::OK);
        page.has(&["Stock system", "tck_abc", "Grace Hopper"]);
        page.is_accessible();
        let form = [
            ("name", "Till"),
            ("role", "staff"),
            ("expires_at", "2027-06-01"),
        ];
        let page = site
            .post_as(PATH, ADMIN, &form)
            .await
            .expect(StatusCode::CREATED);
        page.has(&["tck_the-secret", "only this once"]);
        page.is_accessible();
        assert_eq!(page.header("cache-control"), "private, no-store");
        let sent: Value = serde_json::from_str(&site.sent("POST", "/api-keys")).unwrap();
        let wanted = json!({"name": "Till", "role": "staff", "expires_at": "2027-06-01T00:00:00Z"});
        assert_eq!(sent, wanted);
        let page = site.get_as(PATH, ADMIN).await;
        page.lacks(&["tck_the-secret"]);
        let page = site
            .post_as(PATH, ADMIN, &[("name", ""), ("role", "customer king")])
            .await;
        page.expect(StatusCode::BAD_REQUEST)
            .has(&["id=\"name-error\"", "id=\"role-error\""]);
    }

    #[tokio::test]
    async fn a_key_is_ended_by_admins_only() {
        let site = Site::new().await;
        let address = format!("{PATH}/{}/end", Fake::SMALL);
        let answer = site
            .post_as(&address, ADMIN, &[])
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/admin/api-keys?note=key-ended");
        site.post_as(&address, STAFF, &[])
            .await
            .expect(StatusCode::FORBIDDEN);
        site.get_as(PATH, STAFF)
            .await
            .expect(StatusCode::FORBIDDEN)
            .has(&["This is for admins"]);
    }
}
