//! `GET /admin/customers`: all accounts, of customers and of staff; inviting somebody.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::auth::{AccountInput, AccountQuery, AccountRecord};

use super::{
    AdminDesk, Desk, Frame, Section,
    form::{Choice, Field, Form, Kind},
    frame::show as answer,
    parts::{Badge, Pager, When},
    words,
};
use crate::{
    failure::Failure,
    forms::{Asked, Sent},
    page::see_other,
};

/// The list's address.
pub const PATH: &str = "/admin/customers";
const FILTERS: [&str; 2] = ["q", "role"];

#[derive(Template)]
#[template(path = "admin/customers.html")]
struct CustomersPage {
    page: Frame,
    form: Form,
    filtered: bool,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    href: String,
    name: String,
    email: String,
    role: Badge,
    state: Option<Badge>,
    since: When,
    seen: Option<When>,
}

#[derive(Template)]
#[template(path = "admin/invite.html")]
struct InvitePage {
    page: Frame,
    form: Form,
}

/// The list.
///
/// # Errors
/// Accounts do not answer.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    let text = |name: &str| Some(sent.text(name).to_owned()).filter(|text| !text.is_empty());
    let query = AccountQuery {
        q: text("q"),
        role: sent.text("role").parse().ok(),
        limit: Some(25),
        cursor: text("cursor"),
    };
    let found = desk.api().accounts(&query).await?;
    let page = desk.frame(Section::Customers, desk.t("desk.customers"));
    let mut roles = roles(&desk);
    roles.insert(0, Choice::new("", desk.t("orders.any")));
    let view = CustomersPage {
        form: desk
            .form()
            .with(
                Field::text("q", desk.t("customer.find"))
                    .kind(Kind::Input("search"))
                    .optional(),
            )
            .with(
                Field::text("role", desk.t("customer.role"))
                    .kind(Kind::Select(roles))
                    .optional(),
            )
            .filled(&sent),
        filtered: FILTERS.iter().any(|name| !sent.text(name).is_empty()),
        rows: found
            .items
            .iter()
            .map(|account| row(&page, account))
            .collect(),
        pager: Pager::new(PATH, &sent, &FILTERS, found.next_cursor),
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

fn row(page: &Frame, account: &AccountRecord) -> Row {
    Row {
        href: format!("{PATH}/{}", account.id),
        name: account.name.clone(),
        email: account.email.as_str().to_owned(),
        role: words::role(page.texts(), account.role),
        state: state(page, account),
        since: page.when(account.created_at),
        seen: account.last_sign_in_at.map(|at| page.when(at)),
    }
}

/// What is special about the account.
pub fn state(page: &Frame, account: &AccountRecord) -> Option<Badge> {
    let texts = page.texts();
    match account {
        _ if account.disabled => Some(Badge::new(texts, "customer.disabled", "bad")),
        _ if account.invited => Some(Badge::new(texts, "customer.invited", "warn")),
        _ => None,
    }
}

/// All roles.
pub fn roles(desk: &Desk) -> Vec<Choice> {
    let role = |value: &str| Choice::new(value, desk.t(&format!("word.role_{value}")));
    ["customer", "staff", "admin"].map(role).into()
}

/// `GET /admin/customers/invite`
pub async fn ask(desk: AdminDesk) -> Response {
    let form = invitation(&desk);
    invite_page(&desk, form, StatusCode::OK)
}

/// `POST /admin/customers/invite`
///
/// # Errors
/// None that can happen: what goes wrong is said on the page.
pub async fn invite(desk: AdminDesk, sent: Sent) -> Result<Response, Failure> {
    let mut form = invitation(&desk).filled(&sent);
    form.check();
    let email = sent.text("email").parse();
    if email.is_err() {
        form.wrong("email", desk.t("field.email"));
    }
    let role = sent.text("role").parse();
    if role.is_err() {
        form.wrong("role", desk.t("field.choose"));
    }
    let (Ok(email), Ok(role), true) = (email, role, form.problems.is_empty()) else {
        return Ok(invite_page(&desk, form, StatusCode::BAD_REQUEST));
    };
    let name = sent.text("name").to_owned();
    match desk.api().invite(&AccountInput { email, name, role }).await {
        Ok(account) => see_other(&format!("{PATH}/{}?note=invited", account.id)),
        Err(error) => {
            form.told(&error);
            Ok(invite_page(&desk, form, StatusCode::CONFLICT))
        }
    }
}

fn invitation(desk: &Desk) -> Form {
    desk.form()
        .with(
            Field::text("email", desk.t("checkout.email"))
                .kind(Kind::Input("email"))
                .max(254),
        )
        .with(Field::text("name", desk.t("sign.name")).optional())
        .with(
            Field::text("role", desk.t("customer.role"))
                .kind(Kind::Select(roles(desk)))
                .hint(desk.t("customer.role_hint"))
                .value("staff"),
        )
}

fn invite_page(desk: &Desk, form: Form, status: StatusCode) -> Response {
    let page = desk.frame(Section::Customers, desk.t("customer.invite"));
    let view = InvitePage { page, form };
    answer(status, &view.page, &view)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{ADMIN, Fake, STAFF, Site};

    #[tokio::test]
    async fn accounts_are_found_and_only_admins_invite() {
        let site = Site::new().await;
        let page = site
            .get_as("/admin/customers?q=ada&role=customer", STAFF)
            .await;
        let page = page.expect(StatusCode::OK);
        page.has(&["Ada Lovelace", "ada@example.org", "Customer", "Invited"]);
        page.lacks(&["/admin/customers/invite"]);
        let asked = site.asked("/api/auth/accounts");
        assert!(
            asked.contains("q=ada") && asked.contains("role=customer"),
            "{asked}"
        );
        page.is_accessible();
        let page = site.get_as("/admin/customers", ADMIN).await;
        page.has(&["/admin/customers/invite"]);
    }

    #[tokio::test]
    async fn somebody_is_invited() {
        let site = Site::new().await;
        let address = "/admin/customers/invite";
        site.get_as(address, ADMIN)
            .await
            .expect(StatusCode::OK)
            .is_accessible();
        let form = [
            ("email", "new@example.org"),
            ("name", "Nell"),
            ("role", "staff"),
        ];
        let answer = site
            .post_as(address, ADMIN, &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert!(answer.header("location").ends_with("?note=invited"));
        let sent: Value = serde_json::from_str(&site.sent("POST", "/accounts")).unwrap();
        assert_eq!(
            sent,
            json!({"email": "new@example.org", "name": "Nell", "role": "staff"})
        );
        let page = site
            .post_as(address, ADMIN, &[("email", "nobody"), ("role", "king")])
            .await;
        let page = page.expect(StatusCode::BAD_REQUEST);
        page.has(&[
            "id=\"email-error\"",
            "id=\"role-error\"",
            "value=\"nobody\"",
        ]);
        page.is_accessible();
        let taken = json!({"code": "email_taken"});
        let fake = Fake::default().answers("POST", "/api/auth/accounts", 409, taken);
        let page = Site::with(fake).await.post_as(address, ADMIN, &form).await;
        page.expect(StatusCode::CONFLICT)
            .has(&["There is an account with this e-mail address"]);
    }
}
