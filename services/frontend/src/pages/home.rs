//! `GET /`: what is new, what is on sale, and where to find the rest.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use techcommerce_contracts::product_api::{Product, ProductQuery, ProductSort};

use crate::{
    catalogue::{Card, Picture},
    page::{Page, render},
    shop::Shop,
    visitor::Visitor,
};

/// How many products each shelf holds.
const SHELF: u32 = 8;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    headline: String,
    lead: String,
    showcase: Vec<Showpiece>,
    tiles: Vec<Tile>,
    arrivals: Vec<Card>,
    sale: Vec<Card>,
    part_away: bool,
}

/// A large picture beside the headline.
struct Showpiece {
    href: String,
    picture: Picture,
    sizes: &'static str,
}

/// A department.
struct Tile {
    href: String,
    title: String,
    picture: Option<Picture>,
}

/// The home page. It comes even if the catalogue is away, and says that a part is missing.
pub async fn show(State(shop): State<Shop>, visitor: Visitor) -> Response {
    let api = shop.api(&visitor);
    let newest = ProductQuery {
        sort: Some(ProductSort::Newest),
        limit: Some(SHELF + 2),
        ..ProductQuery::default()
    };
    let reduced = ProductQuery {
        on_sale: Some(true),
        in_stock: Some(true),
        limit: Some(SHELF),
        ..ProductQuery::default()
    };
    let (page, departments, newest, reduced) = tokio::join!(
        shop.page(&visitor),
        shop.departments(&visitor),
        api.products(&newest),
        api.products(&reduced),
    );
    let part_away = newest.is_err() || reduced.is_err();
    let newest = newest.map_or_else(|_| Vec::new(), |list| list.items);
    let reduced = reduced.map_or_else(|_| Vec::new(), |list| list.items);
    let categories = departments.map_or_else(|_| Arc::default(), |known| known.categories);

    let texts = Arc::clone(page.texts());
    let showcase = showcase(&newest);
    let cards = newest.iter().map(|product| Card::of(product, &texts));
    let tiles = categories.iter().map(|category| Tile {
        href: format!("/categories/{}", category.handle),
        title: category.title.clone(),
        picture: category.image.as_ref().and_then(Picture::of),
    });
    let words = |own: &Option<String>, key| {
        let own = own.clone().filter(|own| !own.is_empty());
        own.unwrap_or_else(|| texts.get(key).to_owned())
    };
    let home = Home {
        headline: words(&shop.settings.tagline, "home.title"),
        lead: words(&shop.settings.intro, "home.lead"),
        // Two of the newest stand beside the headline already.
        arrivals: cards.skip(showcase.len()).take(SHELF as usize).collect(),
        sale: reduced
            .iter()
            .map(|p| Card::of(p, &texts))
            .filter(|card| card.on_sale)
            .collect(),
        tiles: tiles.map(undescribed).collect(),
        showcase,
        part_away,
        page: page.found_at("/"),
    };
    let mut home = home;
    home.page.description = Some(home.lead.clone());
    let status = if home.part_away && home.arrivals.is_empty() && home.tiles.is_empty() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    render(status, &home.page, &home)
}

/// The two newest products that have pictures.
fn showcase(newest: &[Product]) -> Vec<Showpiece> {
    let pictured = newest.iter().take(2).filter_map(|product| {
        let mut picture = product.images.iter().find_map(Picture::of)?;
        // The picture is the link's only content, so it has to say where the link leads.
        picture.alt = product.title.clone();
        Some((format!("/products/{}", product.handle), picture))
    });
    let sizes = [
        "(min-width: 60rem) 30vw, 58vw",
        "(min-width: 60rem) 18vw, 35vw",
    ];
    let pieces = pictured.zip(sizes);
    pieces
        .map(|((href, picture), sizes)| Showpiece {
            href,
            picture,
            sizes,
        })
        .collect()
}

/// The name stands on the tile; the picture need not say it again.
fn undescribed(mut tile: Tile) -> Tile {
    if let Some(picture) = &mut tile.picture {
        picture.alt.clear();
    }
    tile
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    #[tokio::test]
    async fn shows_what_is_new_and_what_is_on_sale() {
        let site = Site::new().await;
        let page = site.get("/").await.expect(StatusCode::OK);
        page.has(&[
            "Well-made everyday goods",
            "Oak bowl",
            "href=\"/categories/kitchen\"",
        ]);
        page.has(&["<s>€40.00</s>", "€30.00"]);
        page.is_accessible();
        assert!(page.body.len() < 20_000, "{} bytes", page.body.len());
    }

    #[tokio::test]
    async fn page_style_and_script_are_small_together() {
        let site = Site::new().await;
        let page = site.get("/").await.expect(StatusCode::OK);
        let mut size = page.body.len();
        for address in page.addresses("/static/") {
            size += site.get(&address).await.expect(StatusCode::OK).body.len();
        }
        assert!(size < 60 * 1024, "{size} bytes");
    }

    #[tokio::test]
    async fn comes_without_a_catalogue_too() {
        let site = Site::with(Fake::default().away("/api/products")).await;
        let page = site.get("/").await.expect(StatusCode::OK);
        page.has(&["Kitchen", "This part of the page cannot be shown"]);
    }

    #[tokio::test]
    async fn a_shared_cache_may_keep_it_only_if_it_shows_nothing_of_the_visitor() {
        let site = Site::new().await;
        let page = site.get("/").await.expect(StatusCode::OK);
        assert!(page.header("cache-control").starts_with("public"));
        assert_eq!(
            page.header("vary"),
            "cookie, accept-language, accept-encoding"
        );
        let page = site
            .get_as("/", "tc_cart=cart-1")
            .await
            .expect(StatusCode::OK);
        assert!(page.header("cache-control").starts_with("private"));
        page.has(&["3 items"]);
    }
}
