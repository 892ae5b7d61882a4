//! `POST /products/bulk`: changes many products alike. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`. What is wrong with one
//! product stands in its result.

use std::collections::BTreeSet;

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{
    Problem,
    product_api::{
        BulkAction, BulkChange, BulkError, BulkOutcome, BulkReport, BulkResult, Percent,
    },
};
use techcommerce_http::{ApiResult, Staff};
use techcommerce_kernel::{Error, Kind};
use techcommerce_once::{Answer, Keyed};
use techcommerce_store::transact;

use super::{App, known_category, product_change::change_once};
use crate::catalogue::{
    draft::{ProductDraft, VariantDraft},
    input, limits,
    rows::Record,
};

/// The most products of a request.
const MOST: usize = 100;

/// Changes many products alike.
///
/// Each product is a transaction of its own: one that is refused holds up no other, and if the
/// call breaks off, those before it are changed. A percentage is applied again by each call
/// that has no `Idempotency-Key` or another one.
#[utoipa::path(
    post, path = "/products/bulk", tag = "products", operation_id = "change_products",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = BulkChange,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "What became of each.", body = BulkReport),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn bulk(
    State(app): State<App>,
    Staff(principal): Staff,
    Keyed { once, input }: Keyed<BulkChange>,
) -> ApiResult<Answer> {
    let mut conn = app.db.read().await?;
    if let Some(answer) = once.known(&mut conn).await? {
        return Ok(answer);
    }
    drop(conn);
    if input.ids.is_empty() || input.ids.len() > MOST {
        return Err(Error::invalid_field("ids", format!("must be 1 to {MOST}")).into());
    }
    if input.ids.iter().collect::<BTreeSet<_>>().len() < input.ids.len() {
        return Err(Error::invalid_field("ids", "name a product twice").into());
    }
    let action = checked(&app, input.action).await?;
    let mut report = BulkReport::default();
    let mut last = None;
    for id in input.ids {
        let draft = |record: &Record| applied(&action, record);
        // What a call that broke off has done is not done again.
        let part = once.part(&id.to_string());
        let done = change_once(&app, &principal, "product.bulk", id, draft, &part);
        let (outcome, error) = match done.await {
            Ok((false, _)) => (BulkOutcome::Unchanged, None),
            Ok((true, position)) => {
                last = position.or(last);
                (BulkOutcome::Changed, None)
            }
            Err(error) if is_its_own(&error) => (BulkOutcome::Refused, Some(told(&error))),
            // The database is away: those before it are changed, and the read model shows it soon.
            Err(error) => {
                app.notifier.changed(last);
                return Err(error.into());
            }
        };
        match outcome {
            BulkOutcome::Changed => report.changed += 1,
            BulkOutcome::Unchanged => report.unchanged += 1,
            BulkOutcome::Refused => report.refused += 1,
        }
        report.items.push(BulkResult { id, outcome, error });
    }
    let answer = Answer::json(StatusCode::OK, &report)?;
    let answer = transact!(app.db, |tx| -> Result<Answer, Error> {
        match once.begin(tx, &app.env).await? {
            Some(answer) => Ok(answer),
            None => once.keep(tx, answer.clone()).await,
        }
    })?;
    app.notifier.caught_up(last).await;
    Ok(answer)
}

fn is_its_own(error: &Error) -> bool {
    let about_it = matches!(
        error.kind(),
        Kind::Invalid | Kind::Conflict | Kind::NotFound
    );
    // Somebody else changed it again and again: the next may go well.
    about_it || error.code() == "contention"
}

fn told(error: &Error) -> BulkError {
    let places = error.fields().iter();
    let places: Vec<String> = places
        .map(|place| format!("{} {}", place.path, place.message))
        .collect();
    BulkError {
        code: error.code().to_owned(),
        message: match places.as_slice() {
            [] => error.message().to_owned(),
            places => places.join("; "),
        },
    }
}

/// The action with its texts as they are kept.
async fn checked(app: &App, action: BulkAction) -> Result<BulkAction, Error> {
    Ok(match action {
        BulkAction::AddTag { tag } => BulkAction::AddTag {
            tag: input::tag("action.tag", &tag)?,
        },
        BulkAction::RemoveTag { tag } => BulkAction::RemoveTag {
            tag: tag.trim().to_owned(),
        },
        BulkAction::SetCategory { category } => {
            let mut conn = app.db.read().await?;
            let known = known_category(&mut conn, input::category(&category).as_ref()).await;
            known.map_err(|_| {
                Error::invalid_field("action.category", "is the handle of no category")
            })?;
            BulkAction::SetCategory { category }
        }
        action @ (BulkAction::SetStatus { .. } | BulkAction::ChangePrice { .. }) => action,
    })
}

/// What a product is after the action.
fn applied(action: &BulkAction, record: &Record) -> Result<ProductDraft, Error> {
    let mut draft = input::current(record)?;
    match action {
        BulkAction::SetStatus { status } => draft.status = *status,
        BulkAction::SetCategory { category } => draft.category = input::category(category),
        BulkAction::AddTag { tag } => {
            if !draft.tags.contains(tag) {
                if draft.tags.len() >= limits::TAGS {
                    let message = format!("are {} already", limits::TAGS);
                    return Err(Error::invalid_field("tags", message));
                }
                draft.tags.push(tag.clone());
            }
        }
        BulkAction::RemoveTag { tag } => draft.tags.retain(|own| own != tag),
        BulkAction::ChangePrice { percent } => {
            for (index, variant) in draft.variants.iter_mut().enumerate() {
                reprice(index, variant, *percent)?;
            }
        }
    }
    Ok(draft)
}

fn reprice(index: usize, variant: &mut VariantDraft, percent: Percent) -> Result<(), Error> {
    let price = percent.applied_to(variant.price);
    variant.price = price
        .filter(|price| *price <= limits::PRICE)
        .ok_or_else(|| {
            let message = format!("would be above {}", limits::PRICE);
            Error::invalid_field(format!("variants[{index}].price.amount"), message)
        })?;
    variant.compare_at_price = variant
        .compare_at_price
        .filter(|before| *before > variant.price);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The new price is the exact one, rounded to the next minor unit, halves upwards (prices
        /// are never below zero).
        #[test]
        fn prices_are_rounded_to_the_next_minor_unit(
            price in 0..=limits::PRICE,
            hundredths in -10_000_i32..=100_000,
        ) {
            let percent = Percent::from_hundredths(hundredths).unwrap();
            let new = i128::from(percent.applied_to(price).unwrap());
            let exact = i128::from(price) * i128::from(10_000 + hundredths);
            prop_assert!(new >= 0);
            prop_assert!(new * 10_000 - exact <= 5_000);
            prop_assert!(exact - new * 10_000 < 5_000);
        }

        #[test]
        fn a_higher_percentage_never_makes_a_lower_price(
            price in 0..=limits::PRICE,
            one in -10_000_i32..=100_000,
            two in -10_000_i32..=100_000,
        ) {
            let of = |hundredths| Percent::from_hundredths(hundredths).unwrap().applied_to(price);
            prop_assert!(of(one.min(two)) <= of(one.max(two)));
            prop_assert_eq!(of(0), Some(price));
        }
    }
}
