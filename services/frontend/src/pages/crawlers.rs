//! `/robots.txt` and `/sitemap.xml`: what search engines may look at, and where it is.

use std::fmt::Write as _;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use techcommerce_contracts::product_api::{ProductQuery, ProductSort};

use crate::{failure::Failure, shop::Shop, visitor::Visitor};

/// Addresses in one sitemap at most (sitemaps.org).
const MOST: usize = 50_000;

const FOR_AN_HOUR: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");

/// `GET /robots.txt`
pub async fn robots(State(shop): State<Shop>) -> Response {
    let private = [
        "account",
        "api/",
        "cart",
        "checkout",
        "forgot-password",
        "login",
        "orders/",
    ];
    let mut text = String::from("User-agent: *\n");
    for path in private
        .iter()
        .chain(&["register", "reset-password", "search"])
    {
        let _ = writeln!(text, "Disallow: /{path}");
    }
    let _ = writeln!(text, "Sitemap: {}/sitemap.xml", shop.settings.public_url);
    ([FOR_AN_HOUR], text).into_response()
}

/// `GET /sitemap.xml`
///
/// # Errors
/// The catalogue does not answer.
pub async fn sitemap(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Failure> {
    let departments = shop.departments(&visitor).await?;
    let mut paths: Vec<String> = vec!["/".into(), "/products".into(), "/contact".into()];
    paths.extend(departments.aisles.iter().map(|aisle| aisle.href.clone()));
    let mut query = ProductQuery {
        sort: Some(ProductSort::Title),
        limit: Some(100),
        ..ProductQuery::default()
    };
    while paths.len() < MOST {
        let found = shop.api(&visitor).products(&query).await?;
        paths.extend(
            found
                .items
                .iter()
                .map(|product| format!("/products/{}", product.handle)),
        );
        query.cursor = found.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    // Handles are plain (letters, digits, hyphens), so nothing needs escaping.
    for path in paths.iter().take(MOST) {
        let _ = writeln!(
            text,
            "<url><loc>{}{path}</loc></url>",
            shop.settings.public_url
        );
    }
    text.push_str("</urlset>\n");
    let kind = (header::CONTENT_TYPE, "application/xml; charset=utf-8");
    Ok(([kind, FOR_AN_HOUR], text).into_response())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::Site;

    #[tokio::test]
    async fn private_pages_are_not_for_crawlers() {
        let site = Site::new().await;
        let page = site.get("/robots.txt").await.expect(StatusCode::OK);
        page.has(&[
            "Disallow: /checkout",
            "Sitemap: https://shop.example/sitemap.xml",
        ]);
    }

    #[tokio::test]
    async fn the_sitemap_follows_the_list_to_its_end() {
        let site = Site::new().await;
        let page = site.get("/sitemap.xml").await.expect(StatusCode::OK);
        page.has(&[
            "<loc>https://shop.example/products/oak-bowl</loc>",
            "/categories/kitchen<",
        ]);
        assert_eq!(
            page.body.matches("/products/oak-bowl<").count(),
            2,
            "two pages of the list"
        );
    }
}
