//! What the audit log says of a change of a product.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::draft::{ProductDraft, VariantDraft};

/// The most characters of a text that are kept: the log tells what changed, it is no archive.
const TEXT: usize = 1_000;
/// The most variants that are named one by one.
const VARIANTS: usize = 50;

/// The fields that differ, each as `{"from": …, "to": …}`; variants one by one, by their ids or,
/// if they are new, by their titles. `None` if nothing differs.
pub fn difference(before: &ProductDraft, after: &ProductDraft) -> Option<Value> {
    let mut changes = Map::new();
    let (old, new) = (fields(before), fields(after));
    for (name, to) in new {
        let from = old.get(&name).cloned().unwrap_or_default();
        if from != to {
            changes.insert(name, json!({ "from": from, "to": to }));
        }
    }
    let (old, new) = (variants(before), variants(after));
    let names = old
        .keys()
        .chain(new.keys().filter(|name| !old.contains_key(*name)));
    let different: Vec<&String> = names
        .filter(|name| old.get(*name) != new.get(*name))
        .collect();
    for name in different.iter().take(VARIANTS) {
        let change = json!({ "from": old.get(*name), "to": new.get(*name) });
        changes.insert(format!("variant {name}"), change);
    }
    if different.len() > VARIANTS {
        let more = different.len() - VARIANTS;
        changes.insert("further_variants".to_owned(), json!(more));
    }
    // Nothing of it but the order.
    let order = |draft: &ProductDraft| -> Vec<String> { draft.variants.iter().map(name).collect() };
    if different.is_empty() && order(before) != order(after) {
        changes.insert("variants".to_owned(), json!("another order"));
    }
    (!changes.is_empty()).then_some(Value::Object(changes))
}

/// What a new product is, in short.
pub fn summary(draft: &ProductDraft) -> Value {
    json!({
        "handle": draft.handle,
        "status": draft.status,
        "category": category(draft),
        "variants": draft.variants.len(),
    })
}

fn fields(draft: &ProductDraft) -> BTreeMap<String, Value> {
    let images = draft.images.iter().map(|image| {
        let address = || image.source_url.as_deref().map(cut);
        let picture = image.image_id.map(|id| id.to_string()).or_else(address);
        json!({ "picture": picture, "alt": image.alt })
    });
    let fields = [
        ("title", json!(draft.title)),
        ("handle", json!(draft.handle)),
        ("description", json!(cut(&draft.description))),
        ("vendor", json!(draft.vendor)),
        ("tags", json!(draft.tags)),
        ("category", json!(category(draft))),
        ("status", json!(draft.status)),
        ("options", json!(draft.options)),
        ("images", images.collect()),
    ];
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn category(draft: &ProductDraft) -> Option<&str> {
    draft
        .category
        .as_ref()
        .map(|category| category.handle.as_str())
}

fn variants(draft: &ProductDraft) -> BTreeMap<String, Value> {
    let variants = draft.variants.iter();
    variants
        .map(|variant| (name(variant), variant_fields(variant)))
        .collect()
}

fn name(variant: &VariantDraft) -> String {
    match variant.id {
        Some(id) => id.to_string(),
        None => format!("new {}", variant.title()).trim().to_owned(),
    }
}

/// The stock is no part of it: it has a ledger and entries of its own.
fn variant_fields(variant: &VariantDraft) -> Value {
    json!({
        "title": variant.title(),
        "sku": variant.sku,
        "price": variant.price,
        "compare_at_price": variant.compare_at_price,
        "track_inventory": variant.track_inventory,
        "inventory_policy": variant.inventory_policy,
    })
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
