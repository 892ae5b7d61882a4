//! `/cart`: what is to be bought, how many of each, discount code, sums.
//!
//! The cart lives in the API; the browser holds its id in a cookie. It is made when the first
//! thing is put in.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::{StatusCode, header};
use techcommerce_contracts::{codes, order_api::Cart};
use techcommerce_kernel::{Error, Kind, Quantity, Uuid};

use super::{
    product::{choice_of, page_of, variant_of},
    sums::{self, Sum},
};
use crate::{
    catalogue::Picture,
    cookies,
    failure::Failure,
    forms::{Sent, Wrong},
    i18n::Texts,
    page::{Page, render, see_other},
    shop::Shop,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    page: Page,
    lines: Vec<Line>,
    sums: Vec<Sum>,
    methods: Vec<Method>,
    discount: Option<String>,
    tried_code: String,
    discount_error: Option<String>,
    problems: Vec<Wrong>,
}

/// A line as cart and checkout show it.
#[derive(Debug, Clone)]
pub struct Line {
    /// The variant.
    pub id: Uuid,
    /// The product's page.
    pub href: String,
    /// The product's title.
    pub title: String,
    /// The variant's title; may be empty.
    pub variant: String,
    /// The product's first picture.
    pub picture: Option<Picture>,
    /// How many.
    pub quantity: i64,
    /// What one costs.
    pub unit: String,
    /// What all cost.
    pub total: String,
    /// Why it cannot be ordered so.
    pub problem: Option<String>,
}

/// A way of shipping and what it costs.
struct Method {
    title: String,
    price: String,
}

/// What could not be done with the cart.
#[derive(Debug, Default)]
struct Trouble {
    problems: Vec<Wrong>,
    tried_code: String,
    discount_error: Option<String>,
}

/// `GET /cart`
///
/// # Errors
/// The API does not answer.
pub async fn show(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Failure> {
    page_with(&shop, &visitor, Trouble::default(), StatusCode::OK).await
}

/// `POST /cart/lines`: puts `quantity` more of a variant into the cart. The variant is named by
/// the `product` and the values of its options.
///
/// # Errors
/// There is no such product, or the API does not answer. What the shopper can mend is shown on
/// the product's page.
pub async fn add(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let api = shop.api(&visitor);
    let product = api.product(sent.text("product")).await?;
    let texts = &visitor.texts;
    let chosen = choice_of(&product, &sent);
    // A form that does not ask how many means one.
    let quantity = match sent.has("quantity") {
        true => sent.number("quantity"),
        false => Some(1),
    };
    let quantity = quantity.filter(|count| Quantity::new(*count).is_ok());
    let wrong = match (variant_of(&product, &chosen), quantity) {
        (None, _) => Wrong::whole(texts.get("product.no_such_choice")),
        (Some(_), None) => wrong_quantity(texts),
        (Some(variant), Some(quantity)) => match put(&shop, &visitor, variant.id, quantity).await {
            Ok(cart) => {
                let mut response = see_other("/cart?note=added")?;
                keep_cart(&shop, &mut response, &cart.id)?;
                return Ok(response);
            }
            Err(error) if mendable(&error) => match variant.available {
                Some(0) => Wrong::whole(texts.get("product.sold_out")),
                Some(left) => Wrong::whole(texts.with("cart.only", left)),
                None => wrong_quantity(texts),
            },
            Err(error) => return Err(error.into()),
        },
    };
    let problems = vec![wrong];
    Ok(page_of(
        &shop,
        &visitor,
        &product,
        &sent,
        problems,
        StatusCode::CONFLICT,
    )
    .await)
}

/// How many was no number that can be sent, said of the field on the product's page.
fn wrong_quantity(texts: &Texts) -> Wrong {
    let (label, text) = (texts.get("product.quantity"), texts.get("field.quantity"));
    Wrong {
        id: "quantity".to_owned(),
        text: format!("{label}: {text}"),
    }
}

/// Adds to the cart that the visitor has, or to a new one if there is none or it became an order.
async fn put(shop: &Shop, visitor: &Visitor, variant: Uuid, more: i64) -> Result<Cart, Error> {
    let api = shop.api(visitor);
    if let Some(id) = visitor.cart.as_deref() {
        match api.cart(id).await {
            Ok(cart) if cart.order_id.is_none() => {
                let line = cart.lines.iter().find(|line| line.variant_id == variant);
                let quantity = more.saturating_add(line.map_or(0, |line| line.quantity));
                match api.set_line(id, variant, quantity).await {
                    Err(error) if is_gone(&error) => {}
                    answer => return answer,
                }
            }
            Ok(_) => {}
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let cart = api.create_cart().await?;
    api.set_line(&cart.id, variant, more).await
}

/// `POST /cart/lines/{variant}`: makes the cart hold `quantity` of a variant; 0 removes it.
///
/// # Errors
/// The API does not answer.
pub async fn change(
    State(shop): State<Shop>,
    visitor: Visitor,
    Path(variant): Path<Uuid>,
    sent: Sent,
) -> Result<Response, Failure> {
    let Some(cart) = visitor.cart.as_deref() else {
        return see_other("/cart");
    };
    let quantity = sent
        .number("quantity")
        .filter(|count| (0..=Quantity::MAX).contains(count));
    let answer = match quantity {
        Some(quantity) => shop.api(&visitor).set_line(cart, variant, quantity).await,
        None => Err(Error::invalid_field("quantity", "must be a number")),
    };
    match answer {
        Ok(_) if quantity == Some(0) => see_other("/cart?note=removed"),
        Ok(_) => see_other("/cart?note=updated"),
        Err(error) if is_gone(&error) => see_other("/cart"),
        Err(error) if mendable(&error) => {
            let left = shortage(&error);
            let text = left.map_or_else(
                || visitor.texts.get("field.quantity").to_owned(),
                |left| visitor.texts.with("cart.only", left),
            );
            let wrong = Wrong {
                id: format!("q-{variant}"),
                text,
            };
            let trouble = Trouble {
                problems: vec![wrong],
                ..Trouble::default()
            };
            page_with(&shop, &visitor, trouble, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /cart/discount`: applies a code; the empty text takes it away.
///
/// # Errors
/// The API does not answer.
pub async fn discount(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let Some(cart) = visitor.cart.as_deref() else {
        return see_other("/cart");
    };
    let code = sent.text("code");
    match shop.api(&visitor).set_discount(cart, code).await {
        Ok(_) if code.is_empty() => see_other("/cart?note=discount-gone"),
        Ok(_) => see_other("/cart?note=discount"),
        Err(error) if is_gone(&error) => see_other("/cart"),
        Err(error) if mendable(&error) || error.code() == codes::DISCOUNT_INVALID => {
            let trouble = Trouble {
                tried_code: code.to_owned(),
                discount_error: Some(visitor.texts.get("field.discount").to_owned()),
                ..Trouble::default()
            };
            page_with(&shop, &visitor, trouble, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn page_with(
    shop: &Shop,
    visitor: &Visitor,
    trouble: Trouble,
    status: StatusCode,
) -> Result<Response, Failure> {
    let api = shop.api(visitor);
    let id = visitor.cart.as_deref();
    let cart = async {
        match id {
            Some(id) => current(api.cart(id).await),
            None => Ok(None),
        }
    };
    let methods = async {
        match id {
            Some(id) => api.shipping_methods(id).await.unwrap_or_default(),
            None => Vec::new(),
        }
    };
    let (page, cart, methods) = tokio::join!(shop.page(visitor), cart, methods);
    let mut page = page.private();
    "/cart".clone_into(&mut page.address);
    let view = match cart? {
        None => CartPage {
            lines: Vec::new(),
            sums: Vec::new(),
            methods: Vec::new(),
            discount: None,
            tried_code: String::new(),
            discount_error: None,
            problems: Vec::new(),
            page,
        },
        Some(cart) => {
            let lines = lines_of(&page, &cart);
            let mut problems = trouble.problems;
            if problems.is_empty() && lines.iter().any(|line| line.problem.is_some()) {
                problems.push(Wrong::whole(page.t("cart.problem_lines")));
            }
            let method = |method: techcommerce_contracts::order_api::ShippingMethod| Method {
                title: method.title,
                price: sums::price_or_free(&page, method.price),
            };
            CartPage {
                lines,
                sums: sums::of_cart(&page, &cart),
                methods: methods.into_iter().map(method).collect(),
                discount: cart.discount_code,
                tried_code: trouble.tried_code,
                discount_error: trouble.discount_error,
                problems,
                page,
            }
        }
    };
    let mut view = view;
    view.page.title = view.page.t("cart.title").to_owned();
    Ok(render(status, &view.page, &view))
}

/// The cart, if it is there and has not become an order.
///
/// # Errors
/// The API does not answer.
pub fn current(answer: Result<Cart, Error>) -> Result<Option<Cart>, Error> {
    match answer {
        Ok(cart) => Ok(Some(cart).filter(|cart| cart.order_id.is_none())),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The cart's lines as they are shown.
pub fn lines_of(page: &Page, cart: &Cart) -> Vec<Line> {
    let line = |line: &techcommerce_contracts::order_api::CartLine| Line {
        id: line.variant_id,
        href: format!(
            "/products/{}?variant={}",
            line.product_handle, line.variant_id
        ),
        title: line.title.clone(),
        variant: line.variant_title.clone(),
        picture: line
            .image
            .as_ref()
            .and_then(Picture::of)
            .map(|picture| Picture {
                // The title stands beside it.
                alt: String::new(),
                ..picture
            }),
        quantity: line.quantity,
        unit: page.money(line.unit_price),
        total: page.money(line.total),
        problem: line
            .problem
            .as_deref()
            .map(|problem| match (problem, line.available) {
                (codes::OUT_OF_STOCK, Some(left)) if left > 0 => page.tv("cart.only", left),
                (codes::OUT_OF_STOCK, _) => page.t("product.sold_out").to_owned(),
                _ => page.t("cart.unavailable").to_owned(),
            }),
    };
    cart.lines.iter().map(line).collect()
}

/// Tells the browser to remember the cart.
fn keep_cart(shop: &Shop, response: &mut Response, id: &str) -> Result<(), Error> {
    let cookie = cookies::set(
        cookies::CART,
        id,
        cookies::CART_AGE,
        shop.settings.is_secure(),
    )?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

/// Whether the cart is no longer there to be changed.
fn is_gone(error: &Error) -> bool {
    matches!(error.code(), codes::CART_NOT_FOUND | codes::CART_ORDERED)
}

/// Whether the shopper can do something about it.
fn mendable(error: &Error) -> bool {
    matches!(
        error.kind(),
        Kind::Invalid | Kind::Conflict | Kind::Unprocessable
    ) || error.code() == codes::VARIANT_NOT_FOUND
}

/// How many there are, as the problem `out_of_stock` tells.
fn shortage(error: &Error) -> Option<i64> {
    error
        .detail()?
        .get("lines")?
        .get(0)?
        .get("available")?
        .as_i64()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    #[tokio::test]
    async fn an_empty_cart_says_so() {
        let site = Site::new().await;
        let page = site.get("/cart").await.expect(StatusCode::OK);
        page.has(&["Your cart is empty"]);
        assert_eq!(page.header("cache-control"), "private, no-store");
        page.is_accessible();
    }

    #[tokio::test]
    async fn the_first_thing_makes_a_cart() {
        let site = Site::new().await;
        let form = [("product", "oak-bowl"), ("o0", "Small"), ("quantity", "2")];
        let page = site
            .post("/cart/lines", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/cart?note=added");
        let cookie = page.header("set-cookie");
        assert!(
            cookie.starts_with("tc_cart=cart-1; ") && cookie.contains("HttpOnly"),
            "{cookie}"
        );
        assert_eq!(site.sent("PUT", Fake::SMALL), "{\"quantity\":2}");
    }

    #[tokio::test]
    async fn only_a_quantity_that_was_not_sent_means_one() {
        let site = Site::new().await;
        for none in [
            "1e3",
            "abc",
            "",
            " ",
            "2.5",
            "0",
            "-1",
            "99999999999999999999",
        ] {
            let form = [("product", "oak-bowl"), ("o0", "Small"), ("quantity", none)];
            let page = site.post("/cart/lines", &form).await;
            let page = page.expect(StatusCode::CONFLICT);
            page.has(&["<a href=\"#quantity\">Quantity: Please give a number"]);
            page.is_accessible();
        }
        assert!(!site.was_asked("POST") && !site.was_asked("PUT"));
        let form = [("product", "oak-bowl"), ("o0", "Small")];
        site.post("/cart/lines", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(site.sent("PUT", Fake::SMALL), "{\"quantity\":1}");
    }

    #[tokio::test]
    async fn more_of_the_same_adds_up() {
        let site = Site::new().await;
        let form = [("product", "oak-bowl"), ("o0", "Small"), ("quantity", "2")];
        site.post_as("/cart/lines", "tc_cart=cart-1", &form)
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(site.sent("PUT", Fake::SMALL), "{\"quantity\":5}");
    }

    #[tokio::test]
    async fn a_choice_that_does_not_exist_stays_on_the_products_page() {
        let site = Site::new().await;
        let form = [
            ("product", "oak-bowl"),
            ("o0", "Enormous"),
            ("quantity", "1"),
        ];
        let page = site
            .post("/cart/lines", &form)
            .await
            .expect(StatusCode::CONFLICT);
        page.has(&[
            "id=\"problems\"",
            "This combination does not exist",
            "<h1>Oak bowl</h1>",
        ]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn shows_lines_and_sums_of_the_api() {
        let site = Site::new().await;
        let page = site
            .get_as("/cart?note=added", "tc_cart=cart-1")
            .await
            .expect(StatusCode::OK);
        page.has(&[
            "Added to your cart.",
            "Oak bowl",
            "€30.00 each",
            "€90.00",
            "Free",
            "€14.37",
        ]);
        page.has(&["value=\"3\"", "aria-label=\"Remove Oak bowl\""]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn a_quantity_that_is_none_is_refused_beside_the_cart() {
        let site = Site::new().await;
        let address = format!("/cart/lines/{}", Fake::SMALL);
        for none in ["a few", "1e3", ""] {
            let form = [("quantity", none)];
            let page = site.post_as(&address, "tc_cart=cart-1", &form).await;
            page.expect(StatusCode::CONFLICT)
                .has(&["id=\"problems\"", "at least 1"]);
        }
        assert!(!site.was_asked("PUT"));
        let form = [("quantity", "0")];
        let page = site.post_as(&address, "tc_cart=cart-1", &form).await;
        assert_eq!(
            page.expect(StatusCode::SEE_OTHER).header("location"),
            "/cart?note=removed"
        );
    }

    #[tokio::test]
    async fn a_discount_code_that_is_not_valid_is_said_at_its_field() {
        let site = Site::new().await;
        let form = [("code", "NOPE")];
        let page = site
            .post_as("/cart/discount", "tc_cart=cart-1", &form)
            .await;
        let page = page.expect(StatusCode::CONFLICT);
        page.has(&[
            "value=\"NOPE\"",
            "aria-invalid=\"true\"",
            "id=\"code-error\"",
        ]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn a_form_from_another_site_changes_nothing() {
        let site = Site::new().await;
        let form = [("quantity", "1")];
        let address = format!("/cart/lines/{}", Fake::SMALL);
        let page = site
            .post_from("https://evil.example", &address, "tc_cart=cart-1", &form)
            .await;
        page.expect(StatusCode::FORBIDDEN)
            .has(&["This form came from elsewhere"]);
        assert!(!site.was_asked("PUT"));
    }
}
