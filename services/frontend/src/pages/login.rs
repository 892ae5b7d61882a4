//! `/login` and `/logout`. The cart stays, whoever signs in or out.

use axum::{extract::State, response::Response};
use http::StatusCode;
use techcommerce_contracts::{Role, auth::LoginRequest, codes};
use techcommerce_kernel::Kind;

use super::sign::{Link, Sheet, forget_session, keep_session, sheet};
use crate::{
    failure::Failure,
    forms::{Asked, Field, Sent, Wrong, mark},
    page::see_other,
    shop::Shop,
    visitor::{Visitor, safe_return},
};

/// `GET /login?back=`
pub async fn show(State(shop): State<Shop>, visitor: Visitor, Asked(sent): Asked) -> Response {
    form(&shop, &visitor, &sent, Vec::new(), StatusCode::OK).await
}

/// `POST /login`
///
/// # Errors
/// Accounts do not answer in a way that the form can explain.
pub async fn sign_in(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let texts = &visitor.texts;
    let wrong = |key: &str| {
        vec![Wrong {
            id: "email".into(),
            text: texts.get(key).to_owned(),
        }]
    };
    let Ok(email) = sent.text("email").parse() else {
        let problems = wrong("sign.wrong");
        return Ok(form(&shop, &visitor, &sent, problems, StatusCode::UNAUTHORIZED).await);
    };
    let request = LoginRequest {
        email,
        password: sent.raw("password").to_owned(),
    };
    match shop.api(&visitor).login(&request).await {
        Ok(session) => {
            let back = match sent.text("back") {
                // Until the shop's own password is replaced nothing else is open.
                _ if session.account.must_change_password => "/account/password",
                "" if session.account.role != Role::Customer => "/admin",
                "" => "/account",
                back => safe_return(back),
            };
            let mut response = see_other(back)?;
            keep_session(&shop, &mut response, &session)?;
            Ok(response)
        }
        Err(error) => {
            let (key, status) = match error.kind() {
                _ if error.code() == codes::WRONG_CREDENTIALS => {
                    ("sign.wrong", StatusCode::UNAUTHORIZED)
                }
                Kind::Invalid => ("sign.wrong", StatusCode::UNAUTHORIZED),
                Kind::Unavailable => ("sign.away", StatusCode::SERVICE_UNAVAILABLE),
                _ => return Err(error.into()),
            };
            Ok(form(&shop, &visitor, &sent, wrong(key), status).await)
        }
    }
}

/// `POST /logout`: ends the session. The browser forgets it even if accounts do not answer.
///
/// # Errors
/// None that can happen.
pub async fn sign_out(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Failure> {
    if visitor.session.is_some()
        && let Err(error) = shop.api(&visitor).logout().await
    {
        techcommerce_http::log_error(&error, "a session could not be ended");
    }
    let mut response = see_other("/?note=signed-out")?;
    forget_session(&shop, &mut response)?;
    Ok(response)
}

async fn form(
    shop: &Shop,
    visitor: &Visitor,
    sent: &Sent,
    problems: Vec<Wrong>,
    status: StatusCode,
) -> Response {
    let mut email = Field::email("sign.email").filled(sent);
    let mut password = Field::password("sign.password", "current-password");
    // Which of the two is wrong is nobody's business, so both are marked and neither is named.
    mark(&mut [&mut email, &mut password], &visitor.texts, &[], false);
    let back = match sent.text("back") {
        "" => String::new(),
        back => safe_return(back).to_owned(),
    };
    let query = match back.as_str() {
        "" => String::new(),
        back => serde_urlencoded::to_string([("back", back)])
            .map_or_else(|_| String::new(), |query| format!("?{query}")),
    };
    let view = Sheet {
        heading: "sign.in_title",
        lead: "sign.in_lead",
        action: "/login",
        button: "sign.in_button",
        fields: vec![email, password],
        hiddens: vec![("back", back)],
        problems,
        links: vec![
            Link {
                before: "",
                text: "sign.forgot",
                href: "/forgot-password".into(),
            },
            Link {
                before: "sign.no_account",
                text: "sign.up_title",
                href: format!("/register{query}"),
            },
        ],
    };
    sheet(shop, visitor, view, status).await
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    const GOOD: [(&str, &str); 2] = [("email", "ada@example.org"), ("password", "correct horse")];

    #[tokio::test]
    async fn the_right_password_opens_a_session_and_leads_back() {
        let site = Site::new().await;
        let form = [GOOD[0], GOOD[1], ("back", "/checkout")];
        let page = site
            .post("/login", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/checkout");
        let cookie = page.header("set-cookie");
        assert!(
            cookie.starts_with("tc_session=session-1; Path=/; Max-Age="),
            "{cookie}"
        );
        assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    }

    #[tokio::test]
    async fn nobody_is_signed_in_by_another_site() {
        let site = Site::new().await;
        let page = site
            .post_from("https://evil.test", "/login", "", &GOOD)
            .await
            .expect(StatusCode::FORBIDDEN);
        page.has(&["This form came from elsewhere"]);
        assert_eq!(page.header("set-cookie"), "");
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn nobody_is_led_to_another_site() {
        let site = Site::new().await;
        let form = [GOOD[0], GOOD[1], ("back", "//evil.example")];
        let page = site
            .post("/login", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/");
    }

    #[tokio::test]
    async fn a_wrong_password_does_not_say_which_is_wrong_nor_come_back() {
        let site = Site::new().await;
        let form = [GOOD[0], ("password", "battery staple")];
        let page = site
            .post("/login", &form)
            .await
            .expect(StatusCode::UNAUTHORIZED);
        page.has(&["is not right", "value=\"ada@example.org\""]);
        page.lacks(&["battery staple"]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn accounts_that_are_away_are_a_clear_503() {
        let site = Site::with(Fake::default().away("/api/auth")).await;
        let page = site
            .post("/login", &GOOD)
            .await
            .expect(StatusCode::SERVICE_UNAVAILABLE);
        page.has(&["order as a guest"]);
    }

    #[tokio::test]
    async fn signing_out_forgets_the_session_whatever_happens() {
        let site = Site::with(Fake::default().away("/api/auth")).await;
        let page = site.post_as("/logout", "tc_session=session-1", &[]).await;
        let page = page.expect(StatusCode::SEE_OTHER);
        assert!(
            page.header("set-cookie")
                .starts_with("tc_session=; Path=/; Max-Age=0")
        );
    }

    #[tokio::test]
    async fn the_form_is_accessible() {
        let site = Site::new().await;
        site.get("/login?back=/checkout")
            .await
            .expect(StatusCode::OK)
            .is_accessible();
    }
}
