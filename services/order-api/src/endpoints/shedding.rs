//! Who goes first, and who is refused first, when more comes than can be done.

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::Method;
use techcommerce_http::Shedding;
use techcommerce_store::{Db, Turn};

/// Refuses what would wait for too long for the database: an order that would wait for more than
/// `longest`, and others earlier.
pub fn shedding(db: Db, longest: Duration) -> Shedding {
    Shedding::new(move |method, route| {
        let patience = patience(longest, method, route);
        patience.is_some_and(|patience| db.queueing(turn(method, route)) > patience)
    })
}

/// What a request does with the database it does when it is its turn.
pub async fn in_turn(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let turn = turn(request.method(), route.map_or("", MatchedPath::as_str));
    turn.scope(next.run(request)).await
}

/// Who orders goes before who fills a cart, and those before who begins one: what was begun is ended.
fn turn(method: &Method, route: &str) -> Turn {
    match route {
        "/carts" if *method == Method::POST => Turn::Last,
        _ if route.starts_with("/carts/") || route == "/shipping-methods" => Turn::Next,
        _ => Turn::First,
    }
}

fn patience(longest: Duration, method: &Method, route: &str) -> Option<Duration> {
    match turn(method, route) {
        // As many may begin as can also order.
        Turn::Last => Some(longest / 10),
        Turn::Next => Some(longest / 2),
        // What others tell us of has happened already, and not hearing it makes more work.
        Turn::First if route.contains("webhook") => None,
        Turn::First if route == "/orders" && *method == Method::POST => Some(longest),
        // Staff, who are few, and customers who look at what they bought.
        Turn::First => Some(longest * 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_something_goes_first_and_is_refused_last() {
        let order = [
            (Method::POST, "/carts"),
            (Method::PUT, "/carts/{id}/lines/{variant_id}"),
            (Method::POST, "/orders"),
            (Method::POST, "/orders/{id}/refunds"),
        ];
        let second = Duration::from_secs(1);
        let turns = order.each_ref().map(|(method, route)| turn(method, route));
        assert_eq!(turns, [Turn::Last, Turn::Next, Turn::First, Turn::First]);
        let waits = order.map(|(method, route)| patience(second, &method, route).unwrap());
        assert!(waits.is_sorted_by(|a, b| a < b), "{waits:?}");
        let looks = patience(second, &Method::GET, "/orders");
        assert_eq!(looks, Some(second * 2), "at what they bought");
        let told = patience(second, &Method::POST, "/payments/stripe/webhook");
        assert_eq!(told, None);
    }
}
