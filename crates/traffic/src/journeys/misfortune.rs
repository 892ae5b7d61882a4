//! What goes wrong by the shopper's own doing must go wrong in the right way.

use http::StatusCode;
use serde_json::json;

use crate::{
    shopper::{Shopper, Step, page, problem, wrong},
    web::Ask,
};

/// A password that is not the right one.
pub async fn forgetful(shopper: &mut Shopper) -> Step<()> {
    let answer = shopper.ask("sign-in page", Ask::get("/login")).await?;
    page("sign-in page", &answer, 200, "<form")?;
    shopper.look().await;
    let email = shopper.market.plan.customer_email(1);
    let body = json!({"email": email, "password": "it was something with boats"});
    let answer = shopper
        .ask("sign-in", Ask::post("/api/auth/login").json(body))
        .await?;
    problem("sign-in", &answer, 401, "wrong_credentials")
}

/// Links that lead nowhere, and things that are not ours to see.
pub async fn lost(shopper: &mut Shopper) -> Step<()> {
    let answer = shopper
        .ask(
            "page that is not there",
            Ask::get("/products/there-is-no-such-thing"),
        )
        .await?;
    page("page that is not there", &answer, 404, "")?;
    shopper.look().await;
    let gone = [
        ("/api/products/there-is-no-such-thing", "product_not_found"),
        ("/api/carts/there-is-no-such-cart", "cart_not_found"),
        (
            "/api/orders/00000000-0000-7000-8000-000000000000",
            "order_not_found",
        ),
        (
            "/images/00000000-0000-8000-8000-000000000000/w640",
            "image_not_found",
        ),
    ];
    let Some((path, code)) = shopper.one_of(&gone).copied() else {
        return Ok(());
    };
    let answer = shopper
        .ask("thing that is not there", Ask::get(path))
        .await?;
    problem("thing that is not there", &answer, 404, code)?;
    let answer = shopper
        .ask("thing of staff", Ask::get("/api/stock"))
        .await?;
    if answer.status != StatusCode::UNAUTHORIZED {
        return wrong(format!(
            "thing of staff is answered with {} to anybody",
            answer.status.as_u16()
        ));
    }
    Ok(())
}
