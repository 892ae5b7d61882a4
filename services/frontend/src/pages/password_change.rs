//! `/account/password`: a new password for who is signed in.

use axum::{extract::State, response::Response};
use http::StatusCode;
use techcommerce_contracts::{Role, auth::PasswordChange, codes};
use techcommerce_kernel::Kind;

use super::sign::{Link, Sheet, keep_session, sheet};
use crate::{
    failure::Failure,
    forms::{Field, Sent, Wrong},
    page::see_other,
    shop::Shop,
    visitor::Visitor,
};

/// The field that is wrong, and what is wrong with it as a key of the locales.
type Trouble = Option<(&'static str, &'static str)>;

/// `GET /account/password`
///
/// # Errors
/// None that can happen.
pub async fn show(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Failure> {
    if visitor.session.is_none() {
        return see_other("/login?back=/account/password");
    }
    Ok(form(&shop, &visitor, None, StatusCode::OK).await)
}

/// `POST /account/password`: all sessions end, and a new one begins here.
///
/// # Errors
/// Accounts do not answer in a way that the form can explain.
pub async fn change(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let request = PasswordChange {
        current_password: sent.raw("current_password").to_owned(),
        new_password: sent.raw("new_password").to_owned(),
    };
    match shop.api(&visitor).change_password(&request).await {
        Ok(session) => {
            let next = match session.account.role {
                Role::Customer => "/account?note=password-changed",
                Role::Staff | Role::Admin => "/admin?note=password-changed",
            };
            let mut response = see_other(next)?;
            keep_session(&shop, &mut response, &session)?;
            Ok(response)
        }
        Err(error) => {
            let wrong = match error.kind() {
                _ if error.code() == codes::WRONG_CREDENTIALS => {
                    ("current_password", "sign.wrong_password")
                }
                Kind::Unauthenticated => return see_other("/login?back=/account/password"),
                Kind::Invalid | Kind::Unprocessable => ("new_password", "field.password_short"),
                _ => return Err(error.into()),
            };
            Ok(form(&shop, &visitor, Some(wrong), StatusCode::BAD_REQUEST).await)
        }
    }
}

async fn form(shop: &Shop, visitor: &Visitor, wrong: Trouble, status: StatusCode) -> Response {
    let field = |name, label, autocomplete| {
        let error = wrong.filter(|(field, _)| *field == name);
        Field {
            id: name,
            name,
            error: error.map(|(_, key)| visitor.texts.get(key).to_owned()),
            ..Field::password(label, autocomplete)
        }
    };
    let problem = |(id, key): (&str, &str)| Wrong {
        id: id.to_owned(),
        text: visitor.texts.get(key).to_owned(),
    };
    let view = Sheet {
        heading: "sign.change_title",
        lead: "sign.change_lead",
        action: "/account/password",
        button: "sign.reset_button",
        fields: vec![
            field(
                "current_password",
                "sign.current_password",
                "current-password",
            ),
            field("new_password", "sign.new_password", "new-password").hinted("sign.password_hint"),
        ],
        problems: wrong.map(problem).into_iter().collect(),
        links: vec![Link {
            before: "",
            text: "account.title",
            href: "/account".into(),
        }],
        ..Sheet::default()
    };
    sheet(shop, visitor, view, status).await
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::Site;

    const SESSION: &str = "tc_session=session-1";

    #[tokio::test]
    async fn the_right_password_is_exchanged_for_a_new_one_and_a_new_session() {
        let site = Site::new().await;
        let page = site.get_as("/account/password", SESSION).await;
        page.expect(StatusCode::OK).is_accessible();
        let form = [
            ("current_password", "correct horse"),
            ("new_password", "battery staple"),
        ];
        let page = site.post_as("/account/password", SESSION, &form).await;
        let page = page.expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/account?note=password-changed");
        assert!(
            page.header("set-cookie")
                .starts_with("tc_session=session-1;")
        );
        assert_eq!(site.bearer("/api/auth/password"), "Bearer session-1");
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_at_its_field() {
        let site = Site::new().await;
        let form = [
            ("current_password", "guess"),
            ("new_password", "battery staple"),
        ];
        let page = site.post_as("/account/password", SESSION, &form).await;
        let page = page.expect(StatusCode::BAD_REQUEST);
        page.has(&[
            "href=\"#current_password\"",
            "aria-describedby=\"current_password-error\"",
        ]);
        page.lacks(&["guess", "battery staple"]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn who_is_not_signed_in_signs_in_first() {
        let site = Site::new().await;
        let page = site
            .get("/account/password")
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/login?back=/account/password");
    }
}
