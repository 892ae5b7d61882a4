//! `GET /products`: everything there is.

use axum::{extract::State, response::Response};

use super::listing::{Empty, Subject, list};
use crate::{failure::Failure, forms::Asked, shop::Shop, visitor::Visitor};

/// The list of all products.
///
/// # Errors
/// The catalogue does not answer.
pub async fn show(
    State(shop): State<Shop>,
    visitor: Visitor,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let texts = &visitor.texts;
    let heading = if sent.text("on_sale") == "true" {
        "home.sale"
    } else {
        "list.all_title"
    };
    let subject = Subject {
        path: "/products".to_owned(),
        query: None,
        category: None,
        heading: texts.get(heading).to_owned(),
        lead: Some(texts.get("list.all_lead").to_owned()),
        empty: Empty {
            title: texts.get("list.empty_title").to_owned(),
            text: texts.get("list.empty_text").to_owned(),
        },
    };
    list(&shop, &visitor, subject, &sent).await
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    #[tokio::test]
    async fn filters_go_to_the_api_in_its_own_terms() {
        let site = Site::new().await;
        let address = "/products?from=10,50&to=99&in_stock=true&sort=-price&cursor=abc";
        let page = site.get(address).await.expect(StatusCode::OK);
        let asked = site.asked("/api/products");
        for part in [
            "min_price=1050",
            "max_price=9900",
            "in_stock=true",
            "sort=-price",
            "cursor=abc",
        ] {
            assert!(asked.contains(part), "{asked}");
        }
        page.has(&[
            "value=\"10,50\"",
            "<option value=\"-price\" selected>",
            "open",
        ]);
        // The way on keeps the filters.
        page.has(&[
            "/products?sort=-price&#38;from=10%2C50&#38;to=99&#38;in_stock=true&#38;cursor=more",
        ]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn a_filter_that_makes_no_sense_is_left_out_and_said() {
        let site = Site::new().await;
        let page = site
            .get("/products?from=cheap&sort=best")
            .await
            .expect(StatusCode::OK);
        page.has(&["One of the filters made no sense"]);
        assert!(!site.asked("/api/products").contains("min_price"));
    }

    #[tokio::test]
    async fn a_page_that_is_no_more_leads_to_the_first() {
        let site = Site::new().await;
        let page = site.get("/products?in_stock=true&cursor=old").await;
        let page = page.expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/products?in_stock=true");
    }

    #[tokio::test]
    async fn a_catalogue_that_is_away_is_a_503_in_words() {
        let site = Site::with(Fake::default().away("/api/products")).await;
        let page = site
            .get("/products")
            .await
            .expect(StatusCode::SERVICE_UNAVAILABLE);
        page.has(&["We will be right back", "Try again"]);
        assert!(!page.header("retry-after").is_empty());
    }
}
