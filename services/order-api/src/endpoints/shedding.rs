//! Who is refused first when more comes than can be done.

use std::time::Duration;

use http::Method;
use techcommerce_http::Shedding;
use techcommerce_store::Db;

/// Refuses what would wait for too long for the database: an order that would wait for more than
/// `longest`, and others earlier.
pub fn shedding(db: Db, longest: Duration) -> Shedding {
    let queueing = move || db.queueing();
    Shedding::new(queueing, move |method, route| {
        patience(longest, method, route)
    })
}

fn patience(longest: Duration, method: &Method, route: &str) -> Option<Duration> {
    match route {
        // As many may begin as can also order.
        "/carts" => Some(longest / 10),
        _ if route.starts_with("/carts/") || route == "/shipping-methods" => Some(longest / 2),
        "/orders" if *method == Method::POST => Some(longest),
        // What others tell us of has happened already, and not hearing it makes more work.
        _ if route.contains("webhook") => None,
        // Staff, who are few, and customers who look at what they bought.
        _ => Some(longest * 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ends_something_is_refused_after_who_begins() {
        let order = [
            (Method::POST, "/carts"),
            (Method::PUT, "/carts/{id}/lines/{variant_id}"),
            (Method::POST, "/orders"),
            (Method::POST, "/orders/{id}/refunds"),
        ];
        let second = Duration::from_secs(1);
        let waits = order.map(|(method, route)| patience(second, &method, route).unwrap());
        assert!(waits.is_sorted_by(|a, b| a < b), "{waits:?}");
        let told = patience(second, &Method::POST, "/payments/webhooks/stripe");
        assert_eq!(told, None);
    }
}
