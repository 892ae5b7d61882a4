//! `/contact` and `/imprint`: who runs the shop, from the configuration.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;

use crate::{
    page::{Page, render},
    shop::Shop,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "info.html")]
struct Info {
    page: Page,
    heading: &'static str,
    lead: &'static str,
    imprint: bool,
}

/// `GET /contact`
pub async fn contact(State(shop): State<Shop>, visitor: Visitor) -> Response {
    let page = shop.page(&visitor).await.found_at("/contact");
    info(page, "info.contact_title", "info.contact_lead", false)
}

/// `GET /imprint`
pub async fn imprint(State(shop): State<Shop>, visitor: Visitor) -> Response {
    let page = shop.page(&visitor).await.found_at("/imprint");
    info(page, "info.imprint_title", "info.imprint_lead", true)
}

fn info(mut page: Page, heading: &'static str, lead: &'static str, imprint: bool) -> Response {
    page.title = page.t(heading).to_owned();
    let view = Info {
        page,
        heading,
        lead,
        imprint,
    };
    render(StatusCode::OK, &view.page, &view)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::Site;

    #[tokio::test]
    async fn both_show_what_the_configuration_says() {
        let site = Site::new().await;
        for address in ["/contact", "/imprint"] {
            let page = site.get(address).await.expect(StatusCode::OK);
            page.has(&["Tidewell", "Quay 1", "mailto:hello@tidewell.example"]);
            page.is_accessible();
        }
    }
}
