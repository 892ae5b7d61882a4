//! A product with stock, and requests for it. The simulation's models are tried with the same.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests; not each uses all of it"
)]

use std::collections::BTreeSet;

use techcommerce_contracts::product_api::{
    InventoryPolicy, LineRequest, OptionValue, ProductOption, ProductStatus, ReserveRequest,
};
use techcommerce_kernel::{Currency, Env, Error, Quantity, Timestamp, Uuid};
use techcommerce_product_api::{
    catalogue::{
        draft::{ProductDraft, VariantDraft},
        read,
        write::Writer,
    },
    changes,
    stock::Reason,
};
use techcommerce_store::{Db, transact};

/// A variant: how many there are (`None`: nobody counts) and what happens at zero.
#[derive(Clone, Copy)]
pub struct Stocked(pub Option<i64>, pub InventoryPolicy);

/// A product with a variant for each of these; gives the variants' ids in order.
pub async fn product(db: &Db, env: &Env, handle: &str, variants: &[Stocked]) -> Vec<Uuid> {
    let draft = draft(handle, variants);
    let writer = writer(env);
    let id = transact!(db, |tx| -> Result<Uuid, Error> {
        let mut changed = BTreeSet::new();
        let id = writer.create(tx, &draft, &mut changed).await?;
        changes::record(tx, env.now(), &changed).await?;
        Ok(id)
    })
    .unwrap();
    let mut conn = db.read().await.unwrap();
    let record = read::product(&mut conn, id).await.unwrap();
    record.variants.iter().map(|variant| variant.id).collect()
}

pub fn writer(env: &Env) -> Writer<'_> {
    Writer::new(env, Currency::EUR, "test", Reason::Set)
}

pub fn draft(handle: &str, variants: &[Stocked]) -> ProductDraft {
    let values: Vec<String> = (0..variants.len())
        .map(|index| format!("No. {index}"))
        .collect();
    ProductDraft {
        handle: handle.to_owned(),
        title: handle.replace('-', " "),
        description: String::new(),
        vendor: "Tidewell".to_owned(),
        tags: Vec::new(),
        category: None,
        options: vec![ProductOption {
            name: "Kind".to_owned(),
            values: values.clone(),
        }],
        status: ProductStatus::Active,
        images: Vec::new(),
        variants: variants
            .iter()
            .zip(values)
            .map(|(Stocked(on_hand, policy), value)| VariantDraft {
                id: None,
                sku: None,
                options: vec![OptionValue {
                    name: "Kind".to_owned(),
                    value,
                }],
                price: 1999,
                compare_at_price: None,
                track_inventory: on_hand.is_some(),
                inventory_policy: *policy,
                requires_shipping: true,
                taxable: true,
                weight_grams: None,
                barcode: None,
                source_on_hand: None,
                on_hand: *on_hand,
            })
            .collect(),
    }
}

pub const DENY: InventoryPolicy = InventoryPolicy::Deny;

pub fn counted(on_hand: i64) -> Stocked {
    Stocked(Some(on_hand), DENY)
}

pub fn request(id: Uuid, lines: &[(Uuid, i64)], deadline: Timestamp) -> ReserveRequest {
    ReserveRequest {
        id,
        lines: line_requests(lines),
        deadline,
        hold_seconds: None,
    }
}

pub fn line_requests(lines: &[(Uuid, i64)]) -> Vec<LineRequest> {
    let line = |(variant_id, quantity): &(Uuid, i64)| LineRequest {
        variant_id: *variant_id,
        quantity: Quantity::new(*quantity).unwrap(),
    };
    lines.iter().map(line).collect()
}
