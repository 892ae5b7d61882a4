//! `POST /language`: the visitor's choice, kept in a cookie.

use axum::{extract::State, response::Response};
use http::header;

use crate::{
    cookies, failure::Failure, forms::Sent, page::see_other, shop::Shop, visitor::safe_return,
};

/// Changes the language and leads back.
///
/// # Errors
/// None that can happen.
pub async fn choose(State(shop): State<Shop>, sent: Sent) -> Result<Response, Failure> {
    let mut response = see_other(safe_return(sent.text("back")))?;
    if let Some(texts) = shop.languages.find(sent.text("language")) {
        let (age, secure) = (cookies::LANGUAGE_AGE, shop.settings.is_secure());
        let cookie = cookies::set(cookies::LANGUAGE, texts.language(), age, secure)?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::Site;

    #[tokio::test]
    async fn a_choice_is_kept_and_goes_before_the_browsers() {
        let site = Site::new().await;
        let form = [("language", "de"), ("back", "/products?sort=price")];
        let page = site
            .post("/language", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/products?sort=price");
        assert!(page.header("set-cookie").starts_with("tc_language=de;"));
        let page = site
            .get_as("/", "tc_language=de")
            .await
            .expect(StatusCode::OK);
        page.has(&["<html lang=\"de\">", "Gut gemachte Dinge"]);
    }

    #[tokio::test]
    async fn an_unknown_language_changes_nothing() {
        let site = Site::new().await;
        let form = [("language", "tlh"), ("back", "//evil.example")];
        let page = site
            .post("/language", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(
            (page.header("location"), page.header("set-cookie")),
            ("/", "")
        );
    }
}
