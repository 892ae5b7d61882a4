//! What the orders keep is missing from the shelves, and nothing else is.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{Account, Standing};
use crate::{book::Attempt, prepare::Patient, shopper::Market, web::Ask, wire::Product};

/// How long what anybody sees may lag behind what was sold.
const LAG: Duration = Duration::from_secs(15);

/// Pieces of each variant that settled orders keep.
pub fn kept(standing: &[Standing]) -> BTreeMap<&str, i64> {
    let mut kept = BTreeMap::new();
    for one in standing {
        let order = one.now.as_ref().unwrap_or(&one.promised);
        for line in order.lines.iter().filter(|_| order.keeps_goods()) {
            *kept.entry(line.variant_id.as_str()).or_default() += line.quantity;
        }
    }
    kept
}

/// Holds the stock that anybody sees against what it was before.
pub async fn check(
    account: &mut Account,
    market: &Market,
    patient: &Patient,
    standing: &[Standing],
    doubtful: &[Attempt],
) {
    let kept = kept(standing);
    let ordered = standing.iter().flat_map(|one| &one.promised.lines);
    let mut touched: Vec<_> = ordered.map(|line| line.variant_id.as_str()).collect();
    touched.sort_unstable();
    touched.dedup();
    account.stock.variants = touched.len();
    account.stock.pieces = kept.values().sum();
    account.stock.checked_by = "public";
    // What nobody knows of may hold its goods or not.
    let mut may_hold: BTreeMap<&str, i64> = BTreeMap::new();
    for line in doubtful.iter().flat_map(|attempt| &attempt.expected.lines) {
        *may_hold.entry(line.variant_id.as_str()).or_default() += line.quantity;
    }
    let deadline = Instant::now() + LAG.min(market.plan.settle);
    let mut differences = BTreeMap::new();
    for product in &market.shop.products {
        let ours = |id: &str| touched.binary_search(&id).is_ok();
        if !product.variants.iter().any(|variant| ours(&variant.id)) {
            continue;
        }
        loop {
            let path = format!("/api/products/{}", product.handle);
            match patient.json::<Product>(Ask::get(path), 200).await {
                Err(why) => {
                    account.remark(format!(
                        "{}: its stock cannot be seen any more: {why}",
                        product.handle
                    ));
                    break;
                }
                Ok(now) => {
                    let found = off(product, &now, &kept, &may_hold);
                    if found.is_empty() || Instant::now() >= deadline {
                        differences.extend(found);
                        break;
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    // With the ledger, or with others in the shop, what anybody sees is no proof.
    let certain = !market.plan.shared && market.plan.staff_key.is_none();
    for (variant, (gone, wanted)) in differences {
        let what = format!(
            "variant {variant}: {gone} pieces went from the shelf, the orders keep {wanted}"
        );
        if certain {
            account.find(format!(
                "{what} (if others buy here meanwhile, say --shared)"
            ));
        } else {
            account.remark(what);
        }
    }
}

/// Variants whose shelf lost other than it should have: how much it lost, and should have.
fn off(
    before: &Product,
    now: &Product,
    kept: &BTreeMap<&str, i64>,
    may_hold: &BTreeMap<&str, i64>,
) -> BTreeMap<String, (i64, i64)> {
    let mut off = BTreeMap::new();
    for variant in &before.variants {
        let id = variant.id.as_str();
        let same = now.variants.iter().find(|one| one.id == variant.id);
        let (Some(was), Some(is)) = (variant.available, same.and_then(|one| one.available)) else {
            continue;
        };
        let wanted = kept.get(id).copied().unwrap_or(0);
        let most = wanted + may_hold.get(id).copied().unwrap_or(0);
        // What is sold below nothing is shown as nothing.
        let left = |gone: i64| match variant.inventory_policy.as_str() {
            "continue" => (was - gone).max(0),
            _ => was - gone,
        };
        if !(left(most)..=left(wanted)).contains(&is) {
            off.insert(variant.id.clone(), (was - is, wanted));
        }
    }
    off
}
