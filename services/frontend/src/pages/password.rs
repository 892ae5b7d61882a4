//! `/forgot-password` and `/reset-password`: a new password by way of a mail.

use axum::{extract::State, response::Response};
use http::StatusCode;
use techcommerce_contracts::{
    auth::{PasswordResetConfirm, PasswordResetRequest},
    codes,
};
use techcommerce_kernel::{FieldError, Kind};

use super::sign::{Link, Sheet, sheet};
use crate::{
    failure::Failure,
    forms::{Asked, Field, Sent, Wrong, mark},
    page::see_other,
    shop::Shop,
    visitor::Visitor,
};

fn back() -> Vec<Link> {
    vec![Link {
        before: "",
        text: "sign.back",
        href: "/login".into(),
    }]
}

/// `GET /forgot-password`
pub async fn ask(State(shop): State<Shop>, visitor: Visitor) -> Response {
    ask_form(&shop, &visitor, &Sent::default(), &[], StatusCode::OK).await
}

/// `POST /forgot-password`: the answer is the same whether there is such an account or not.
///
/// # Errors
/// Accounts do not answer.
pub async fn send(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let Ok(email) = sent.text("email").parse() else {
        let told = [FieldError {
            path: "email".into(),
            message: "is no address".into(),
        }];
        return Ok(ask_form(&shop, &visitor, &sent, &told, StatusCode::BAD_REQUEST).await);
    };
    shop.api(&visitor)
        .request_reset(&PasswordResetRequest { email })
        .await?;
    let done = Sheet {
        heading: "sign.forgot_done_title",
        lead: "sign.forgot_done",
        links: back(),
        ..Sheet::default()
    };
    Ok(sheet(&shop, &visitor, done, StatusCode::OK).await)
}

async fn ask_form(
    shop: &Shop,
    visitor: &Visitor,
    sent: &Sent,
    told: &[FieldError],
    status: StatusCode,
) -> Response {
    let mut email = Field::email("sign.email").filled(sent);
    let problems = mark(&mut [&mut email], &visitor.texts, told, false);
    let view = Sheet {
        heading: "sign.forgot_title",
        lead: "sign.forgot_lead",
        action: "/forgot-password",
        button: "sign.forgot_button",
        fields: vec![email],
        problems,
        links: back(),
        ..Sheet::default()
    };
    sheet(shop, visitor, view, status).await
}

/// `GET /reset-password?token=`, the link in the mail.
pub async fn choose(State(shop): State<Shop>, visitor: Visitor, Asked(sent): Asked) -> Response {
    choose_form(&shop, &visitor, &sent, None, StatusCode::OK).await
}

/// `POST /reset-password`
///
/// # Errors
/// Accounts do not answer in a way that the form can explain.
pub async fn save(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let request = PasswordResetConfirm {
        token: sent.text("token").to_owned(),
        password: sent.raw("password").to_owned(),
    };
    match shop.api(&visitor).confirm_reset(&request).await {
        Ok(()) => see_other("/login?note=password"),
        Err(error) => {
            let wrong = match error.kind() {
                _ if error.code() == codes::RESET_TOKEN_INVALID => "sign.reset_bad",
                Kind::Invalid | Kind::Unprocessable => "field.password_short",
                _ => return Err(error.into()),
            };
            let status = StatusCode::BAD_REQUEST;
            Ok(choose_form(&shop, &visitor, &sent, Some(wrong), status).await)
        }
    }
}

async fn choose_form(
    shop: &Shop,
    visitor: &Visitor,
    sent: &Sent,
    wrong: Option<&str>,
    status: StatusCode,
) -> Response {
    let texts = &visitor.texts;
    let mut password =
        Field::password("sign.new_password", "new-password").hinted("sign.password_hint");
    password.error = wrong.map(|key| texts.get(key).to_owned());
    let problems = password.error.iter().cloned();
    let problems = problems
        .map(|text| Wrong {
            id: "password".into(),
            text,
        })
        .collect();
    let mut links = back();
    links.push(Link {
        before: "",
        text: "sign.forgot",
        href: "/forgot-password".into(),
    });
    let view = Sheet {
        heading: "sign.reset_title",
        lead: "sign.reset_lead",
        action: "/reset-password",
        button: "sign.reset_button",
        fields: vec![password],
        hiddens: vec![("token", sent.text("token").to_owned())],
        problems,
        links,
    };
    sheet(shop, visitor, view, status).await
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::Site;

    #[tokio::test]
    async fn asking_for_a_link_says_the_same_to_everyone() {
        let site = Site::new().await;
        site.get("/forgot-password")
            .await
            .expect(StatusCode::OK)
            .is_accessible();
        let form = [("email", "anyone@example.org")];
        let page = site
            .post("/forgot-password", &form)
            .await
            .expect(StatusCode::OK);
        page.has(&["Look into your inbox"]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn what_is_no_address_is_said() {
        let site = Site::new().await;
        let page = site.post("/forgot-password", &[("email", "anyone")]).await;
        page.expect(StatusCode::BAD_REQUEST)
            .has(&["does not look like an e-mail address"]);
    }

    #[tokio::test]
    async fn the_link_sets_a_password_once() {
        let site = Site::new().await;
        let page = site
            .get("/reset-password?token=good")
            .await
            .expect(StatusCode::OK);
        page.has(&["name=\"token\" value=\"good\""]);
        page.is_accessible();
        let form = [("token", "good"), ("password", "correct horse battery")];
        let page = site
            .post("/reset-password", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/login?note=password");
        let form = [("token", "used"), ("password", "correct horse battery")];
        let page = site
            .post("/reset-password", &form)
            .await
            .expect(StatusCode::BAD_REQUEST);
        page.has(&["not valid any more"]);
    }
}
