//! `GET /products/{handle}`: one product, its pictures, and the choice of a variant.
//!
//! A choice is in the address: `?variant={id}`, or one value for each option (`?o0=Sand&o1=M`),
//! which is what the form sends. The server finds the variant; the script only spares the reload.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use techcommerce_contracts::product_api::{Product, ProductQuery, Variant};
use techcommerce_kernel::{Quantity, Uuid};

use crate::{
    catalogue::{Card, Picture, Price, Stock, plain_text},
    failure::Failure,
    forms::{Asked, Sent, Wrong},
    page::{Aisle, Page, render},
    shop::Shop,
    visitor::Visitor,
};

/// How many related products are shown.
const RELATED: usize = 4;

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    page: Page,
    crumb: Option<Aisle>,
    href: String,
    address: String,
    handle: String,
    title: String,
    vendor: String,
    description: String,
    sku: String,
    pictures: Vec<Picture>,
    price: Price,
    options: Vec<OptionChoice>,
    stock: Stock,
    can_buy: bool,
    quantity: i64,
    most: i64,
    related: Vec<Card>,
    problems: Vec<Wrong>,
    structured: String,
}

/// One of the product's options.
struct OptionChoice {
    field: String,
    name: String,
    chosen: Option<String>,
    values: Vec<ValueChoice>,
}

/// One of an option's values.
struct ValueChoice {
    id: String,
    text: String,
    chosen: bool,
    /// With the rest of the choice as it is, it cannot be bought.
    gone: bool,
}

/// What was chosen of each option, in their order.
type Choice = Vec<Option<String>>;

/// The page of a product.
///
/// # Errors
/// There is no such product, or the catalogue does not answer.
pub async fn show(
    State(shop): State<Shop>,
    visitor: Visitor,
    Path(handle): Path<String>,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let product = shop.api(&visitor).product(&handle).await?;
    Ok(page_of(&shop, &visitor, &product, &sent, Vec::new(), StatusCode::OK).await)
}

/// The page of `product` with the choice in `sent`, and what is wrong with it.
pub async fn page_of(
    shop: &Shop,
    visitor: &Visitor,
    product: &Product,
    sent: &Sent,
    problems: Vec<Wrong>,
    status: StatusCode,
) -> Response {
    let related = ProductQuery {
        category: product.category.clone(),
        limit: Some(RELATED as u32 + 1),
        ..ProductQuery::default()
    };
    let api = shop.api(visitor);
    let (page, related) = tokio::join!(shop.page(visitor), api.products(&related));
    let texts = page.texts().clone();

    let choice = choice_of(product, sent);
    let variant = variant_of(product, &choice);
    let stock = match variant {
        Some(variant) => Stock::of(variant, &texts),
        None => Stock {
            class: "out",
            text: texts.get("product.no_such_choice").to_owned(),
        },
    };
    let shown = variant.or_else(|| product.variants.first());
    let price = shown.map_or_else(
        || Price {
            now: String::new(),
            was: None,
        },
        |variant| Price::of(variant, &texts),
    );
    // Without a reservation the count may change, so it limits the field, not the sale.
    let most = variant
        .filter(|variant| !variant.can_sell(Quantity::MAX))
        .and_then(|variant| variant.available)
        .map_or(Quantity::MAX, |count| count.clamp(1, Quantity::MAX));

    let href = format!("/products/{}", product.handle);
    let address = match variant.filter(|_| product.variants.len() > 1) {
        Some(variant) => format!("{href}?variant={}", variant.id),
        None => href.clone(),
    };
    let mut pictures: Vec<Picture> = product.images.iter().filter_map(Picture::of).collect();
    for picture in pictures.iter_mut().filter(|picture| picture.alt.is_empty()) {
        picture.alt.clone_from(&product.title);
    }
    let crumb = page
        .aisles
        .iter()
        .find(|aisle| Some(&aisle.handle) == product.category.as_ref());
    let crumb = crumb.cloned();

    let mut page = page.titled(&product.title).found_at(&href);
    page.here = product.category.clone().unwrap_or_default();
    page.description = Some(plain_text(&product.description, 155)).filter(|text| !text.is_empty());
    page.share_picture = pictures
        .first()
        .map(|p| format!("{}{}", page.shop.public_url, p.at(1280)));
    page.private = !status.is_success();
    page.address.clone_from(&address);
    let view = ProductPage {
        structured: structured(product, &page, shown),
        crumb,
        address,
        handle: product.handle.to_string(),
        title: product.title.clone(),
        vendor: product.vendor.clone(),
        description: product.description.clone(),
        sku: shown
            .and_then(|variant| variant.sku.clone())
            .unwrap_or_default(),
        pictures,
        price,
        options: options_of(product, &choice),
        can_buy: variant.is_some_and(|variant| variant.can_sell(1)),
        stock,
        quantity: sent.number("quantity").unwrap_or(1).clamp(1, most),
        most,
        related: related
            .map_or_else(|_| Vec::new(), |list| list.items)
            .iter()
            .filter(|other| other.id != product.id)
            .take(RELATED)
            .map(|other| Card::of(other, &texts))
            .collect(),
        problems,
        href,
        page,
    };
    render(status, &view.page, &view)
}

/// The choice in `sent`; without one, the first variant that can be bought.
pub fn choice_of(product: &Product, sent: &Sent) -> Choice {
    let named = sent.text("variant").parse::<Uuid>().ok();
    let named = named.and_then(|id| product.variants.iter().find(|variant| variant.id == id));
    let asked: Choice = (0..product.options.len())
        .map(|place| Some(sent.text(&format!("o{place}"))))
        .map(|value| value.filter(|value| !value.is_empty()).map(str::to_owned))
        .collect();
    if named.is_none() && asked.iter().any(Option::is_some) {
        return asked;
    }
    let usual = || product.variants.iter().find(|variant| variant.can_sell(1));
    let variant = named.or_else(usual).or_else(|| product.variants.first());
    let values = variant.map_or(&[][..], |variant| &variant.options);
    values
        .iter()
        .map(|option| Some(option.value.clone()))
        .collect()
}

/// The variant with exactly these values.
pub fn variant_of<'p>(product: &'p Product, choice: &Choice) -> Option<&'p Variant> {
    product.variants.iter().find(|variant| {
        variant.options.len() == choice.len()
            && variant
                .options
                .iter()
                .zip(choice)
                .all(|(o, c)| Some(&o.value) == c.as_ref())
    })
}

/// The options to choose from; none if there is nothing to choose.
fn options_of(product: &Product, choice: &Choice) -> Vec<OptionChoice> {
    if product.variants.len() < 2 {
        return Vec::new();
    }
    let value = |place: usize, nth: usize, text: &String| {
        let mut other = choice.clone();
        other.resize(product.options.len(), None);
        other[place] = Some(text.clone());
        ValueChoice {
            id: format!("o{place}-{nth}"),
            text: text.clone(),
            chosen: choice.get(place).is_some_and(|c| c.as_ref() == Some(text)),
            gone: !variant_of(product, &other).is_some_and(|variant| variant.can_sell(1)),
        }
    };
    let options = product.options.iter().enumerate();
    options
        .map(|(place, option)| OptionChoice {
            field: format!("o{place}"),
            name: option.name.clone(),
            chosen: choice.get(place).cloned().flatten(),
            values: option
                .values
                .iter()
                .enumerate()
                .map(|(n, text)| value(place, n, text))
                .collect(),
        })
        .collect()
}

/// What search engines read (schema.org `Product`), safe to stand within a script element.
fn structured(product: &Product, page: &Page, variant: Option<&Variant>) -> String {
    let offer = variant.map(|variant| {
        serde_json::json!({
            "@type": "Offer",
            "url": page.canonical,
            "price": variant.price.to_decimal(),
            "priceCurrency": variant.price.currency,
            "availability": if product.variants.iter().any(|v| v.can_sell(1)) {
                "https://schema.org/InStock"
            } else {
                "https://schema.org/OutOfStock"
            },
        })
    });
    let text = serde_json::json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "description": page.description,
        "brand": product.vendor,
        "sku": variant.and_then(|variant| variant.sku.as_ref()),
        "image": page.share_picture,
        "offers": offer,
    })
    .to_string();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    #[tokio::test]
    async fn shows_price_stock_and_options() {
        let site = Site::new().await;
        let page = site.get("/products/oak-bowl").await.expect(StatusCode::OK);
        page.has(&[
            "<h1>Oak bowl</h1>",
            "€30.00",
            "<s>€40.00</s>",
            "Only 3 left",
            "Size",
        ]);
        page.has(&[
            "name=\"o0\" value=\"Small\" checked",
            "<p>Turned by hand.</p>",
        ]);
        page.has(&["srcset=", "width=\"1280\" height=\"1280\""]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn the_server_finds_the_variant_that_is_chosen() {
        let site = Site::new().await;
        let page = site
            .get("/products/oak-bowl?o0=Large")
            .await
            .expect(StatusCode::OK);
        page.has(&[
            "name=\"o0\" value=\"Large\" checked",
            "Sold out",
            " disabled",
        ]);
        let page = site
            .get("/products/oak-bowl?o0=Enormous")
            .await
            .expect(StatusCode::OK);
        page.has(&["This combination does not exist"]);
        let address = format!("/products/oak-bowl?variant={}", Fake::LARGE);
        site.get(&address)
            .await
            .expect(StatusCode::OK)
            .has(&["value=\"Large\" checked"]);
    }

    #[tokio::test]
    async fn what_the_catalogue_holds_cannot_become_script() {
        let site = Site::new().await;
        let page = site.get("/products/evil").await.expect(StatusCode::OK);
        page.has(&[
            "<h1>&#60;script&#62;alert(1)&#60;/script&#62;</h1>",
            "\\u003cscript\\u003e",
        ]);
        page.lacks(&["<script>alert", "\"onload=\"alert"]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn an_unknown_product_is_a_404_in_words() {
        let site = Site::new().await;
        let page = site
            .get_in("/products/none", "de")
            .await
            .expect(StatusCode::NOT_FOUND);
        page.has(&["lang=\"de\"", "Flut mitgenommen"]);
    }

    #[tokio::test]
    async fn german_prices_for_german_readers() {
        let site = Site::new().await;
        let page = site
            .get_in("/products/oak-bowl", "de")
            .await
            .expect(StatusCode::OK);
        page.has(&["30,00\u{a0}€", "Nur noch 3 Stück"]);
    }
}
