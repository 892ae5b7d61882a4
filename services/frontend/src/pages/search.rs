//! `GET /search?q=`: what matches, typing errors forgiven by the API.

use axum::{extract::State, response::Response};

use super::listing::{Empty, Subject, list};
use crate::{failure::Failure, forms::Asked, page::see_other, shop::Shop, visitor::Visitor};

/// The longest search, in characters.
const LONGEST: usize = 200;

/// The list of what matches. Without words to look for it leads to the list of all.
///
/// # Errors
/// The catalogue does not answer.
pub async fn show(
    State(shop): State<Shop>,
    visitor: Visitor,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let query: String = sent.text("q").chars().take(LONGEST).collect();
    if query.is_empty() {
        return see_other("/products");
    }
    let texts = &visitor.texts;
    let subject = Subject {
        path: "/search".to_owned(),
        category: None,
        heading: texts.with("search.results_for", &query),
        lead: None,
        empty: Empty {
            title: texts.with("search.none_title", &query),
            text: texts.get("search.none_text").to_owned(),
        },
        query: Some(query),
    };
    list(&shop, &visitor, subject, &sent).await
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::Site;

    #[tokio::test]
    async fn says_what_was_looked_for_and_escapes_it() {
        let site = Site::new().await;
        let page = site
            .get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E")
            .await;
        let page = page.expect(StatusCode::OK);
        page.has(&["Results for “&#60;script&#62;alert(1)&#60;/script&#62;”"]);
        page.lacks(&["<script>alert"]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn nothing_found_says_what_to_do() {
        let site = Site::new().await;
        let page = site.get("/search?q=nothing").await.expect(StatusCode::OK);
        page.has(&["Nothing found for “nothing”", "Check the spelling"]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn nothing_to_look_for_leads_to_everything() {
        let site = Site::new().await;
        let page = site.get("/search?q=+").await.expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/products");
    }
}
