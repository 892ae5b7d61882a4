//! Looking around: pages with their pictures and styles, and what a browser keeps of them.

use http::header;

use crate::{
    shopper::{Shopper, Step, expect, page, wrong},
    web::{Answer, Ask},
    wire::Product,
};

/// How many pictures and files of a page are fetched; the rest is below the fold.
const FETCHED: usize = 6;

/// Home, a category, a product, and the product once more from what is kept.
pub async fn browse(shopper: &mut Shopper) -> Step<()> {
    let answer = shopper.ask("home page", Ask::get("/")).await?;
    let html = page("home page", &answer, 200, "/products")?.to_owned();
    fetch(shopper, &html).await?;
    shopper.look().await;
    let market = shopper.market.clone();
    if let Some(category) = shopper.one_of(&market.shop.categories) {
        let path = format!("/categories/{}", category.handle);
        let answer = shopper.ask("category page", Ask::get(path)).await?;
        let html = page("category page", &answer, 200, "/products/")?.to_owned();
        fetch(shopper, &html).await?;
        shopper.look().await;
    }
    let Some(product) = shopper.one_of(&market.shop.products) else {
        return Ok(());
    };
    look_at(shopper, product).await
}

/// A product's page with its pictures.
pub async fn look_at(shopper: &mut Shopper, product: &Product) -> Step<()> {
    let path = format!("/products/{}", product.handle);
    let answer = shopper.ask("product page", Ask::get(path)).await?;
    // A title with these would be written in another way.
    let title = if product.title.contains(['&', '<', '>', '"', '\'']) {
        ""
    } else {
        &product.title
    };
    let html = page("product page", &answer, 200, title)?.to_owned();
    fetch(shopper, &html).await?;
    shopper.look().await;
    Ok(())
}

/// What a page shows, as a browser gets it; the first of it once more, as it is kept.
async fn fetch(shopper: &mut Shopper, html: &str) -> Step<()> {
    let mut parts = parts_of(html);
    parts.truncate(FETCHED);
    parts.retain(|path| shopper.kept.insert(path.clone()));
    for (at, path) in parts.iter().enumerate() {
        let (step, kind) = match path.starts_with("/images/") {
            true => ("picture", "image/"),
            false => ("file", ""),
        };
        let answer = shopper.ask(step, Ask::get(path.clone())).await?;
        expect(step, &answer, 200)?;
        let found = answer.header(header::CONTENT_TYPE);
        if !found.starts_with(kind) || found.starts_with("text/html") || answer.body.is_empty() {
            return wrong(format!(
                "{step} comes as `{found}` of {} bytes",
                answer.body.len()
            ));
        }
        if at == 0 {
            again(shopper, path, &answer).await?;
        }
    }
    Ok(())
}

/// Who has a picture or a file already is told so.
async fn again(shopper: &mut Shopper, path: &str, first: &Answer) -> Step<()> {
    let tag = first.header(header::ETAG);
    if tag.is_empty() {
        return Ok(());
    }
    let ask = Ask::get(path.to_owned()).header(header::IF_NONE_MATCH, tag);
    let answer = shopper.ask("kept copy", ask).await?;
    expect("kept copy", &answer, 304)?;
    if !answer.body.is_empty() {
        return wrong("kept copy is sent again with 304");
    }
    Ok(())
}

/// The pictures and files of ours that a page names, each once.
fn parts_of(html: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for name in ["href=\"/static/", "src=\"/static/", "src=\"/images/"] {
        for (at, _) in html.match_indices(name) {
            let rest = &html[at..];
            let path = rest
                .split('"')
                .nth(1)
                .unwrap_or_default()
                .replace("&amp;", "&");
            if !parts.contains(&path) {
                parts.push(path);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_parts_are_found_once_each() {
        let html = r#"<link href="/static/shop.css"><img src="/images/1/w640"><img src="/images/1/w640">
            <img src="https://elsewhere.example/x.png"><a href="/products/mug">"#;
        assert_eq!(parts_of(html), ["/static/shop.css", "/images/1/w640"]);
    }
}
