//! The checker finds every kind of lie that is planted in a shop that is well.

use serde_json::Value;

use super::checker::{
    Book, CANCELLED, Invariant, Level, Order, PAID, PLACED, REFUNDED, Seen, check,
};
use super::journal::{Attempt, Card, Deed, Facts, Heard, Wish};

fn attempt(key: &str, card: Card, heard: Heard) -> Attempt {
    Attempt {
        key: key.to_owned(),
        email: format!("{key}@example.com"),
        body: Value::Null,
        variant: "lamp".to_owned(),
        quantity: 2,
        total: 4488,
        card,
        sent: 1,
        heard,
    }
}

fn done(id: &str) -> Heard {
    Heard::Done {
        id: id.to_owned(),
        token: String::new(),
    }
}

fn deed(attempt: &str, order: &str, wish: Wish) -> Deed {
    Deed {
        key: format!("{attempt}-deed"),
        order: order.to_owned(),
        attempt: attempt.to_owned(),
        wish,
        heard: done(""),
    }
}

/// Four buyers: one whose order was paid and partly paid back with a unit that came back, one whose
/// order was cancelled after it was paid, one whose card was declined, and one who got nothing.
fn well() -> (Facts, Seen) {
    let mut facts = Facts::default();
    for one in [
        attempt("paid", Card::Good, done("1")),
        attempt("cancelled", Card::Good, done("2")),
        attempt("declined", Card::Declined, done("3")),
        attempt(
            "refused",
            Card::Good,
            Heard::Refused("out_of_stock".to_owned()),
        ),
    ] {
        facts.attempts.insert(one.key.clone(), one);
    }
    let refund = Wish::Refund {
        amount: 500,
        restock: 1,
        line: String::new(),
    };
    for one in [
        deed("paid", "1", refund),
        deed("cancelled", "2", Wish::Cancel),
    ] {
        facts.deeds.insert(one.key.clone(), one);
    }
    facts.received.insert("lamp".to_owned(), 100);
    let order = |id: &str, key: &str, status: &str, payment: &str, captured, refunded| Order {
        id: id.to_owned(),
        email: format!("{key}@example.com"),
        status: status.to_owned(),
        payment_status: payment.to_owned(),
        total: 4488,
        authorized: 0,
        captured,
        refunded,
        refunds: match refunded {
            0 => Vec::new(),
            amount => vec![(amount, "done".to_owned())],
        },
        shipments: 0,
    };
    let book = |order: &str, captured, refunded| Book {
        order: order.to_owned(),
        held: false,
        captured,
        refunded,
    };
    let mut seen = Seen {
        orders: vec![
            order("1", "paid", "placed", "partially_refunded", 4488, 500),
            order("2", "cancelled", "cancelled", "refunded", 4488, 4488),
            order("3", "declined", "cancelled", "failed", 0, 0),
        ],
        books: vec![book("1", 4488, 500), book("2", 4488, 4488), book("3", 0, 0)],
        ..Seen::default()
    };
    let level = Level {
        on_hand: 99,
        reserved: 0,
        available: 99,
    };
    seen.levels.insert("lamp".to_owned(), level);
    for (key, count) in [("paid", 3), ("cancelled", 2), ("declined", 2)] {
        let mails = (0..count).map(|number| number.to_string()).collect();
        seen.mails.insert(format!("{key}@example.com"), mails);
    }
    for (order, told) in [
        ("1", [PLACED, PAID, REFUNDED].as_slice()),
        ("2", &[PLACED, PAID, CANCELLED]),
        ("3", &[PLACED, CANCELLED]),
    ] {
        let told = told.iter().map(|&kind| kind.to_owned()).collect();
        seen.events.insert(order.to_owned(), told);
    }
    for key in ["one", "two"] {
        let url = format!("/images/{key}");
        facts.pictures.insert(key.to_owned(), url.clone());
        seen.pictures.insert(url, Some(key.into()));
    }
    (facts, seen)
}

#[test]
fn a_shop_that_is_well_has_nothing_to_complain_of() {
    let (facts, seen) = well();
    assert_eq!(check(&facts, &seen), []);
}

/// A lie, and what it has to be found as.
type Lie = (Invariant, &'static str, fn(&mut Facts, &mut Seen));

const LIES: &[Lie] = &[
    (Invariant::Orders, "order 1 is lost", |_, seen| {
        seen.orders.remove(0);
    }),
    (Invariant::Orders, "became 2 orders", |_, seen| {
        let mut again = seen.orders[0].clone();
        again.id = "4".to_owned();
        seen.orders.push(again);
    }),
    (Invariant::Orders, "should cost 4488", |_, seen| {
        seen.orders[0].total = 4487;
    }),
    (Invariant::Orders, "and 9 is there", |_, seen| {
        seen.orders[0].id = "9".to_owned();
    }),
    (Invariant::Orders, "it was refused", |_, seen| {
        let mut order = seen.orders[0].clone();
        order.email = "refused@example.com".to_owned();
        seen.orders.push(order);
    }),
    (Invariant::Orders, "nobody asked for", |_, seen| {
        let mut order = seen.orders[0].clone();
        order.email = "nobody@example.com".to_owned();
        seen.orders.push(order);
    }),
    (Invariant::Orders, "still not known", |facts, _| {
        facts.attempts.get_mut("refused").unwrap().heard = Heard::Open;
    }),
    (
        Invariant::Orders,
        "it was cancelled and is placed",
        |_, seen| {
            seen.orders[1].status = "placed".to_owned();
        },
    ),
    (Invariant::Orders, "1 shipments", |_, seen| {
        seen.orders[0].shipments = 1;
    }),
    (Invariant::Orders, "there is no shipment", |facts, _| {
        let shipped = deed("paid", "1", Wish::Ship);
        facts.deeds.insert("another".to_owned(), shipped);
    }),
    (Invariant::Units, "1 units are held", |_, seen| {
        let level = seen.levels.get_mut("lamp").unwrap();
        (level.reserved, level.available) = (1, 98);
    }),
    (Invariant::Units, "are not 100 received", |_, seen| {
        let level = seen.levels.get_mut("lamp").unwrap();
        (level.on_hand, level.available) = (100, 100);
    }),
    (Invariant::Units, "are not 100 received", |_, seen| {
        let level = seen.levels.get_mut("lamp").unwrap();
        (level.on_hand, level.available) = (98, 98);
    }),
    (Invariant::Money, "the provider 8976", |_, seen| {
        seen.books[0].captured *= 2;
    }),
    (Invariant::Payments, "charged 2 times", |_, seen| {
        let again = seen.books[0].clone();
        seen.books.push(again);
    }),
    (Invariant::Payments, "captured for no order", |_, seen| {
        seen.books[0].order = "nobody's".to_owned();
    }),
    (Invariant::Money, "the provider still holds", |_, seen| {
        seen.books[2].held = true;
    }),
    (Invariant::Money, "4488 was captured of 4488", |_, seen| {
        seen.orders[2].captured = 4488;
        seen.orders[2].refunded = 4488;
        seen.books[2].captured = 4488;
        seen.books[2].refunded = 4488;
    }),
    (Invariant::Money, "0 was captured of 4488", |_, seen| {
        (seen.orders[0].captured, seen.books[0].captured) = (0, 0);
    }),
    (
        Invariant::Money,
        "1000 was paid back instead of 500",
        |_, seen| {
            (seen.orders[0].refunded, seen.books[0].refunded) = (1000, 1000);
        },
    ),
    (Invariant::Sagas, "its payment is authorized", |_, seen| {
        seen.orders[0].payment_status = "authorized".to_owned();
    }),
    (Invariant::Sagas, "refunds are under way", |_, seen| {
        seen.orders[1].refunds[0].1 = "pending".to_owned();
    }),
    (Invariant::Sagas, "refunds are under way", |_, seen| {
        seen.orders[1].refunded = 0;
    }),
    (Invariant::Events, "1 mails came of 2", |_, seen| {
        seen.mails
            .get_mut("cancelled@example.com")
            .unwrap()
            .pop_last();
    }),
    (Invariant::Events, "0 mails came of 3", |_, seen| {
        seen.mails.remove("paid@example.com");
    }),
    (Invariant::Pictures, "/images/two shows none", |_, seen| {
        seen.pictures.insert("/images/two".to_owned(), None);
    }),
    (Invariant::Pictures, "it shows what one shows", |_, seen| {
        seen.pictures
            .insert("/images/two".to_owned(), Some(b"one".to_vec()));
    }),
    (
        Invariant::Events,
        "order.refunded was told 0 times of 1",
        |_, seen| {
            seen.events.get_mut("1").unwrap().pop();
        },
    ),
    (
        Invariant::Events,
        "order.placed was told 0 times of 1",
        |_, seen| {
            seen.events.remove("3");
        },
    ),
];

#[test]
fn every_lie_is_found() {
    for (number, (invariant, words, lie)) in LIES.iter().enumerate() {
        let (mut facts, mut seen) = well();
        lie(&mut facts, &mut seen);
        let found = check(&facts, &seen);
        let hit = found
            .iter()
            .any(|one| one.invariant == *invariant && one.what.contains(words));
        assert!(hit, "lie {number} ({words}) is not found: {found:?}");
    }
}
