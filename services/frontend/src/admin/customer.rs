//! `GET /admin/customers/{id}`: an account, its orders, and what admins may change of it.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::{
    auth::{AccountDetail, AccountPatch},
    order_api::OrderQuery,
};
use techcommerce_kernel::{Error, Kind as ErrorKind, Uuid};

use super::{
    AdminDesk, Desk, Frame, Section,
    customers::{PATH, roles, state},
    form::{Field, Form, Kind},
    frame::show as answer,
    orders::Row,
    parts::{Badge, When, address},
    words,
};
use crate::{failure::Failure, forms::Sent, page::see_other};

#[derive(Template)]
#[template(path = "admin/customer.html")]
struct CustomerPage {
    page: Frame,
    id: Uuid,
    email: String,
    role: Badge,
    state: Option<Badge>,
    since: When,
    seen: Option<When>,
    sessions: Option<i64>,
    disabled: bool,
    /// Whether it is the account of who looks.
    own: bool,
    form: Option<Form>,
    orders: Option<Vec<Row>>,
    all: Option<String>,
    log: String,
}

/// The page.
///
/// # Errors
/// There is no such account, or accounts do not answer. Orders that cannot be had are said to be
/// missing.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let detail = find(&desk, &id).await?;
    let form = form(&desk, &detail);
    Ok(page(&desk, detail, form, StatusCode::OK).await)
}

/// `POST /admin/customers/{id}`: another name or role.
///
/// # Errors
/// There is no such account, or accounts do not answer.
pub async fn save(
    desk: AdminDesk,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    let detail = find(&desk, &id).await?;
    let account = &detail.account;
    let mut form = form(&desk, &detail).filled(&sent);
    form.check();
    // Nobody can change the role of their own account: the form does not even ask.
    let role = match (form.field("role"), sent.text("role").parse()) {
        (None, _) => None,
        (Some(_), Ok(role)) => (role != account.role).then_some(role),
        (Some(_), Err(_)) => {
            form.wrong("role", desk.t("field.choose"));
            None
        }
    };
    if !form.problems.is_empty() {
        return Ok(page(&desk, detail, form, StatusCode::BAD_REQUEST).await);
    }
    let name = sent.text("name");
    let patch = AccountPatch {
        name: (name != account.name).then(|| name.to_owned()),
        role,
        disabled: None,
    };
    let done = desk.api().change_account(account.id, &patch).await;
    done_or_told(&desk, detail, form, done.map(drop), "saved").await
}

/// `POST /admin/customers/{id}/disabled`: shuts the account, or opens it again.
///
/// # Errors
/// There is no such account, or accounts do not answer.
pub async fn disable(
    desk: AdminDesk,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    let detail = find(&desk, &id).await?;
    let disabled = sent.text("disabled") == "yes";
    let patch = AccountPatch {
        disabled: Some(disabled),
        ..AccountPatch::default()
    };
    let done = desk.api().change_account(detail.account.id, &patch).await;
    let note = if disabled {
        "account-shut"
    } else {
        "account-opened"
    };
    let form = form(&desk, &detail);
    done_or_told(&desk, detail, form, done.map(drop), note).await
}

/// `POST /admin/customers/{id}/end-sessions`: signs out everywhere.
///
/// # Errors
/// There is no such account, or accounts do not answer.
pub async fn end_sessions(desk: AdminDesk, Path(id): Path<String>) -> Result<Response, Failure> {
    let detail = find(&desk, &id).await?;
    let done = desk.api().end_sessions(detail.account.id).await;
    let form = form(&desk, &detail);
    done_or_told(&desk, detail, form, done, "sessions-ended").await
}

async fn find(desk: &Desk, id: &str) -> Result<AccountDetail, Failure> {
    let Ok(id) = id.parse::<Uuid>() else {
        return Err(Failure::not_found());
    };
    match desk.api().account(id).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::not_found()),
        found => Ok(found?),
    }
}

async fn done_or_told(
    desk: &Desk,
    detail: AccountDetail,
    mut form: Form,
    done: Result<(), Error>,
    note: &str,
) -> Result<Response, Failure> {
    let Err(error) = done else {
        return see_other(&format!("{PATH}/{}?note={note}", detail.account.id));
    };
    let status = form.told(&error);
    Ok(page(desk, detail, form, status).await)
}

fn form(desk: &Desk, detail: &AccountDetail) -> Form {
    let account = &detail.account;
    let name = Field::text("name", desk.t("sign.name")).optional();
    let form = desk.form().with(name.value(&account.name));
    if account.id == desk.me.id {
        return form;
    }
    let role = Field::text("role", desk.t("customer.role")).kind(Kind::Select(roles(desk)));
    let role = role.hint(desk.t("customer.role_hint"));
    form.with(role.value(account.role.name()))
}

async fn page(desk: &Desk, detail: AccountDetail, form: Form, status: StatusCode) -> Response {
    let AccountDetail { account, sessions } = detail;
    let query = OrderQuery {
        account_id: Some(account.id),
        limit: Some(10),
        ..OrderQuery::default()
    };
    let orders = desk.api().orders(&query).await.ok();
    let title = match account.name.as_str() {
        "" => account.email.as_str().to_owned(),
        name => name.to_owned(),
    };
    let page = desk.frame(Section::Customers, title);
    let id = account.id.to_string();
    let more = orders
        .as_ref()
        .is_some_and(|orders| orders.next_cursor.is_some());
    let view = CustomerPage {
        id: account.id,
        email: account.email.as_str().to_owned(),
        role: words::role(page.texts(), account.role),
        state: state(&page, &account),
        since: page.when(account.created_at),
        seen: account.last_sign_in_at.map(|at| page.when(at)),
        sessions: sessions.map(i64::from),
        disabled: account.disabled,
        own: account.id == desk.me.id,
        form: desk.is_admin().then_some(form),
        orders: orders.map(|orders| orders.items.iter().map(|o| Row::of(&page, o)).collect()),
        all: more.then(|| address("/admin/orders", &[("account", &id)])),
        log: address("/admin/audit", &[("area", "accounts"), ("object", &id)]),
        page,
    };
    answer(status, &view.page, &view)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use crate::testing::{ADMIN, Fake, STAFF, Site};

    fn ada() -> String {
        format!("/admin/customers/{}", Fake::SMALL)
    }

    #[tokio::test]
    async fn an_account_with_its_orders() {
        let site = Site::new().await;
        let page = site.get_as(&ada(), STAFF).await.expect(StatusCode::OK);
        page.has(&[
            "<h1>Ada Lovelace</h1>",
            "ada@example.org",
            "1042",
            "signed in in 2 places",
        ]);
        page.lacks(&["<select", "/end-sessions", "/disabled"]);
        page.is_accessible();
        assert!(site.asked("/api/orders").contains(Fake::SMALL));
        let page = site.get_as(&ada(), ADMIN).await.expect(StatusCode::OK);
        page.has(&["<select", "/end-sessions", "/disabled"]);
        page.is_accessible();
        let site = Site::with(Fake::default().away("/api/orders")).await;
        let page = site.get_as(&ada(), STAFF).await.expect(StatusCode::OK);
        page.has(&["cannot be shown"]);
    }

    #[tokio::test]
    async fn role_door_and_sessions_are_changed_by_admins_only() {
        let site = Site::new().await;
        let form = [("name", "Ada Lovelace"), ("role", "staff")];
        let answer = site
            .post_as(&ada(), ADMIN, &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert!(answer.header("location").ends_with("?note=saved"));
        // What did not change is not sent.
        assert_eq!(site.sent("PATCH", Fake::SMALL), "{\"role\":\"staff\"}");
        let shut = format!("{}/disabled", ada());
        site.post_as(&shut, ADMIN, &[("disabled", "yes")])
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(site.sent("PATCH", Fake::SMALL), "{\"disabled\":true}");
        let end = format!("{}/end-sessions", ada());
        site.post_as(&end, ADMIN, &[])
            .await
            .expect(StatusCode::SEE_OTHER);
        assert!(site.was_asked("DELETE"));
        for address in [ada(), shut, end] {
            site.post_as(&address, STAFF, &form)
                .await
                .expect(StatusCode::FORBIDDEN);
        }
    }

    #[tokio::test]
    async fn the_last_admin_stays_one() {
        let path = "/api/auth/accounts/0193a1b2-0000-7000-8000-000000000001";
        let refusal = json!({"code": "last_admin"});
        let site = Site::with(Fake::default().answers("PATCH", path, 409, refusal)).await;
        let page = site.post_as(&ada(), ADMIN, &[("role", "staff")]).await;
        page.expect(StatusCode::CONFLICT)
            .has(&["last admin", "option value=\"staff\" selected"]);
    }
}
