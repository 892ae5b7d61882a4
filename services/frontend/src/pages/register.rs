//! `/register`: a new account, signed in at once.

use axum::{extract::State, response::Response};
use http::StatusCode;
use techcommerce_contracts::{auth::RegisterRequest, codes};
use techcommerce_kernel::{FieldError, Kind};

use super::sign::{Link, Sheet, keep_session, sheet};
use crate::{
    failure::Failure,
    forms::{Asked, Field, Sent, Wrong, mark},
    page::see_other,
    shop::Shop,
    visitor::{Visitor, safe_return},
};

/// `GET /register?back=`
pub async fn show(State(shop): State<Shop>, visitor: Visitor, Asked(sent): Asked) -> Response {
    form(&shop, &visitor, &sent, &[], None, StatusCode::OK).await
}

/// `POST /register`
///
/// # Errors
/// Accounts do not answer in a way that the form can explain.
pub async fn register(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let Ok(email) = sent.text("email").parse() else {
        let told = [FieldError {
            path: "email".into(),
            message: "is no address".into(),
        }];
        return Ok(form(&shop, &visitor, &sent, &told, None, StatusCode::BAD_REQUEST).await);
    };
    let request = RegisterRequest {
        email,
        password: sent.raw("password").to_owned(),
        name: sent.text("name").to_owned(),
    };
    match shop.api(&visitor).register(&request).await {
        Ok(session) => {
            let mut response = see_other(match sent.text("back") {
                "" => "/account?note=welcome",
                back => safe_return(back),
            })?;
            keep_session(&shop, &mut response, &session)?;
            Ok(response)
        }
        Err(error) => {
            let mut told = error.fields().to_vec();
            if error.code() == codes::WEAK_PASSWORD {
                told.push(FieldError {
                    path: "password".into(),
                    message: "is weak".into(),
                });
            }
            let (whole, status) = match error.kind() {
                _ if error.code() == codes::EMAIL_TAKEN => {
                    (Some("sign.taken"), StatusCode::CONFLICT)
                }
                Kind::Invalid | Kind::Unprocessable | Kind::Conflict => {
                    (None, StatusCode::BAD_REQUEST)
                }
                Kind::Unavailable => (Some("sign.away"), StatusCode::SERVICE_UNAVAILABLE),
                _ => return Err(error.into()),
            };
            Ok(form(&shop, &visitor, &sent, &told, whole, status).await)
        }
    }
}

async fn form(
    shop: &Shop,
    visitor: &Visitor,
    sent: &Sent,
    told: &[FieldError],
    whole: Option<&str>,
    status: StatusCode,
) -> Response {
    let mut email = Field::email("sign.email").filled(sent);
    let mut name = Field::text("name", "sign.name", "name")
        .optional()
        .filled(sent);
    let mut password =
        Field::password("sign.password", "new-password").hinted("sign.password_hint");
    let about_email = |key: &str| Wrong {
        id: "email".into(),
        text: visitor.texts.get(key).into(),
    };
    let mut problems: Vec<Wrong> = whole.map(about_email).into_iter().collect();
    let fields = &mut [&mut email, &mut name, &mut password];
    problems.extend(mark(fields, &visitor.texts, told, false));
    if problems.is_empty() && !status.is_success() {
        problems.push(Wrong::whole(visitor.texts.get("field.invalid")));
    }
    let view = Sheet {
        heading: "sign.up_title",
        lead: "sign.up_lead",
        action: "/register",
        button: "sign.up_button",
        fields: vec![name, email, password],
        hiddens: vec![("back", sent.text("back").to_owned())],
        problems,
        links: vec![Link {
            before: "sign.have_account",
            text: "sign.in_button",
            href: "/login".into(),
        }],
    };
    sheet(shop, visitor, view, status).await
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::Site;

    #[tokio::test]
    async fn a_new_account_is_signed_in_at_once() {
        let site = Site::new().await;
        let form = [
            ("email", "new@example.org"),
            ("password", "correct horse battery"),
        ];
        let page = site
            .post("/register", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/account?note=welcome");
        assert!(
            page.header("set-cookie")
                .starts_with("tc_session=session-1;")
        );
    }

    #[tokio::test]
    async fn a_short_password_is_said_at_its_field() {
        let site = Site::new().await;
        let form = [("email", "new@example.org"), ("password", "short")];
        let page = site
            .post("/register", &form)
            .await
            .expect(StatusCode::BAD_REQUEST);
        page.has(&[
            "Password: Please use at least 12 characters.",
            "password-hint password-error",
        ]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn a_taken_address_leads_to_signing_in() {
        let site = Site::new().await;
        let form = [
            ("email", "taken@example.org"),
            ("password", "correct horse battery"),
        ];
        let page = site
            .post("/register", &form)
            .await
            .expect(StatusCode::CONFLICT);
        page.has(&["There is already an account", "href=\"/login\""]);
    }

    #[tokio::test]
    async fn the_form_is_accessible_in_both_languages() {
        let site = Site::new().await;
        site.get("/register")
            .await
            .expect(StatusCode::OK)
            .is_accessible();
        let page = site.get_in("/register", "de").await.expect(StatusCode::OK);
        page.has(&["Konto anlegen"]);
        page.is_accessible();
    }
}
