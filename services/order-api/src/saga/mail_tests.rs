//! Every mail about an order, word for word in both languages, so that nobody changes one without
//! reading it. `UPDATE_MAILS=1 cargo test -p techcommerce-order-api golden` writes the file anew.

use std::{fmt::Write, path::Path};

use sqlx::types::Json;
use techcommerce_kernel::Uuid;

use super::*;
use crate::{
    orders::{AddressRow, EventRow, LineRow, OrderRow, RefundRow, ShipmentRow},
    path::{Event, Method, State},
};

const FILE: &str = "src/saga/mails.txt";

fn order(locale: &str, method: &str, state: State) -> Loaded {
    let id = Uuid::from_u128(1);
    let line = LineRow {
        id: Uuid::from_u128(2),
        order_id: id,
        position: 0,
        variant_id: Uuid::from_u128(3),
        product_id: Uuid::from_u128(4),
        product_handle: "mug".into(),
        title: "Mug <small>".into(),
        variant_title: "Blue".into(),
        sku: None,
        image: None,
        quantity: 2,
        unit_price: 2500,
        subtotal: 5000,
        discount: 500,
        tax: 718,
    };
    Loaded {
        order: OrderRow {
            id,
            number: 1042,
            reservation_id: Uuid::from_u128(5),
            owner_id: None,
            email: "ada@example.com".into(),
            access_token: "ACCESS".into(),
            currency: "EUR".into(),
            shipping_method: "standard".into(),
            discount_code: Some("HELLO".into()),
            subtotal: 5000,
            discount: 500,
            shipping: 490,
            tax: 797,
            tax_included: true,
            total: 4990,
            path: Json(state),
            locale: locale.into(),
            placed_at: 0,
            method: method.into(),
            token: None,
            client_secret: None,
            redirect_url: None,
        },
        lines: vec![line],
        address: Some(AddressRow {
            order_id: id,
            name: "Ada & Co".into(),
            line1: "Kai 1".into(),
            line2: String::new(),
            city: "Kiel".into(),
            region: String::new(),
            postal_code: "24103".into(),
            country: "DE".into(),
        }),
        refunds: vec![RefundRow {
            id: Uuid::from_u128(6),
            order_id: id,
            amount: 1000,
            reason: "for staff only".into(),
            customer_message: "Sorry for the crack.".into(),
            created_at: 0,
        }],
        shipments: vec![(
            ShipmentRow {
                id: Uuid::from_u128(7),
                order_id: id,
                carrier: Some("Post".into()),
                tracking_number: Some("T1".into()),
                created_at: 0,
            },
            Vec::new(),
        )],
        events: vec![EventRow {
            order_id: id,
            kind: "cancelled".into(),
            message: "for staff only".into(),
            customer_message: "We could not find it.".into(),
            actor: "system".into(),
            created_at: 0,
        }],
    }
}

fn after(events: &[Event]) -> State {
    let placed = State::placed(Uuid::from_u128(1), Method::Provider, 4990, &[2]);
    events
        .iter()
        .fold(placed, |state, event| state.apply(event).unwrap().state)
}

fn all() -> String {
    let refund = Uuid::from_u128(6);
    let paid = vec![Event::Authorised, Event::Claimed, Event::Captured];
    let mut refunded = paid.clone();
    refunded.extend([
        Event::RefundRequested {
            id: refund,
            amount: 1000,
            restock: Vec::new(),
        },
        Event::Refunded { id: refund },
    ]);
    let cases = [
        ("placed, by a card", "test", None, after(&[])),
        ("placed, by invoice", "invoice", None, after(&[])),
        ("payment received", "test", Some(Notice::Paid), after(&paid)),
        (
            "payment failed",
            "test",
            Some(Notice::Failed),
            after(&[Event::Declined]),
        ),
        (
            "sold out",
            "test",
            Some(Notice::Failed),
            after(&[Event::Authorised, Event::StockLost]),
        ),
        (
            "cancelled",
            "test",
            Some(Notice::Cancelled),
            after(&[Event::CancelRequested]),
        ),
        ("shipped", "test", Some(Notice::Shipped), after(&paid)),
        ("refunded", "test", Some(Notice::Refunded), after(&refunded)),
    ];
    let settings = Settings {
        public_url: "https://shop.example".into(),
        ..Settings::default()
    };
    let mut text = String::new();
    for (name, method, notice, state) in cases {
        for locale in ["en", "de"] {
            let loaded = order(locale, method, state.clone());
            let mail = Text::of(&settings, &loaded, notice).unwrap();
            let (subject, plain, html) = (&mail.subject, mail.plain(), mail.html());
            let html = html.replace("><", ">\n<");
            writeln!(
                text,
                "==== {name} ({locale})\n{subject}\n\n{plain}\n{html}\n"
            )
            .unwrap();
        }
    }
    text
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "whoever changes a mail says that it is meant"
)]
fn every_mail_is_as_it_was_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let now = all();
    assert!(!now.contains("for staff only"));
    if std::env::var_os("UPDATE_MAILS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let read = std::fs::read_to_string(&file).unwrap();
    for (now, read) in now.lines().zip(read.lines()) {
        assert_eq!(
            now, read,
            "{FILE} says otherwise; if it is meant, UPDATE_MAILS=1"
        );
    }
    assert_eq!(now.lines().count(), read.lines().count());
}
