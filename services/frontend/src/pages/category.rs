//! `GET /categories/{handle}`: one department.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::listing::{Empty, Subject, list};
use crate::{failure::Failure, forms::Asked, shop::Shop, visitor::Visitor};

/// The list of a department.
///
/// # Errors
/// There is no such department, or the catalogue does not answer.
pub async fn show(
    State(shop): State<Shop>,
    visitor: Visitor,
    Path(handle): Path<String>,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let departments = shop.departments(&visitor).await?;
    let category = departments
        .categories
        .iter()
        .find(|category| category.handle.as_str() == handle)
        .ok_or_else(Failure::not_found)?;
    let texts = &visitor.texts;
    let subject = Subject {
        path: format!("/categories/{handle}"),
        query: None,
        category: Some(handle),
        heading: category.title.clone(),
        lead: Some(category.description.clone()).filter(|text| !text.is_empty()),
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

    use crate::testing::Site;

    #[tokio::test]
    async fn shows_the_department_and_where_one_is() {
        let site = Site::new().await;
        let page = site.get("/categories/kitchen").await.expect(StatusCode::OK);
        page.has(&[
            "<h1>Kitchen</h1>",
            "href=\"/categories/kitchen\" aria-current=\"page\"",
        ]);
        assert!(site.asked("/api/products").contains("category=kitchen"));
        page.is_accessible();
    }

    #[tokio::test]
    async fn an_unknown_department_is_a_404_in_words() {
        let site = Site::new().await;
        let page = site
            .get("/categories/nowhere")
            .await
            .expect(StatusCode::NOT_FOUND);
        page.has(&["gone out with the tide", "Kitchen"]);
        page.is_accessible();
    }
}
