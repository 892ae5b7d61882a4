//! What a file says, on the product that there is.

use techcommerce_kernel::{Error, Uuid};

use crate::catalogue::{
    draft::{ImageDraft, ProductDraft, VariantDraft},
    input::{current, options},
    read::CategoryRow,
    rows::Record,
    text::fold,
};

/// The draft in the category that is called so, if there is none with its handle: the owner may
/// have given it another handle.
pub(super) fn filed(draft: &ProductDraft, categories: &[CategoryRow]) -> ProductDraft {
    let mut filed = draft.clone();
    if let Some(category) = &mut filed.category
        && !categories
            .iter()
            .any(|known| known.handle == category.handle)
    {
        let title = fold(&category.title);
        if let Some(known) = categories.iter().find(|known| fold(&known.title) == title) {
            category.handle.clone_from(&known.handle);
        }
    }
    filed
}

/// The draft with what is known again: variants by the values of their options, pictures by
/// their addresses. If rows were refused (not `whole`), variants that are missing stay.
pub(super) fn merged(
    record: &Record,
    draft: &ProductDraft,
    whole: bool,
) -> Result<ProductDraft, Error> {
    let mut merged = draft.clone();
    let before = current(record)?;
    let mut left: Vec<VariantDraft> = before.variants;
    for variant in &mut merged.variants {
        let place = left
            .iter()
            .position(|known| values(known) == values(variant));
        let Some(known) = place.map(|place| left.remove(place)) else {
            continue;
        };
        variant.id = known.id;
        if variant.source_on_hand == known.source_on_hand {
            // The file says what it said before. What was sold or counted since is right.
            variant.on_hand = None;
        }
    }
    if !whole {
        merged.variants.append(&mut left);
        merged.options = options(&merged.variants);
    }
    for image in &mut merged.images {
        if let Some(known) = before.images.iter().find(|known| is_same(known, image)) {
            image.image_id = known.image_id;
            image.size = known.size;
            image.source_url.clone_from(&known.source_url);
        }
    }
    Ok(merged)
}

/// A picture from the same address, or one of ours that was exported.
fn is_same(known: &ImageDraft, image: &ImageDraft) -> bool {
    let Some(address) = image.source_url.as_deref() else {
        return false;
    };
    let exported = |id: Uuid| address.contains(&format!("/images/{id}/"));
    known.source_url.as_deref() == Some(address) || known.image_id.is_some_and(exported)
}

fn values(variant: &VariantDraft) -> Vec<&str> {
    variant
        .options
        .iter()
        .map(|option| option.value.as_str())
        .collect()
}

/// Whether the product is just so already, stock included.
pub(super) fn is_so(record: &Record, merged: &ProductDraft) -> Result<bool, Error> {
    let plain = |mut draft: ProductDraft| {
        if let Some(category) = &mut draft.category {
            category.title.clear();
            category.description.clear();
        }
        for variant in &mut draft.variants {
            variant.source_on_hand = None;
            let stored = record
                .variants
                .iter()
                .find(|stored| Some(stored.id) == variant.id);
            if stored.is_some_and(|stored| Some(stored.on_hand) == variant.on_hand) {
                variant.on_hand = None;
            }
        }
        draft
    };
    Ok(plain(current(record)?) == plain(merged.clone()))
}
