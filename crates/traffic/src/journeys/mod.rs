//! What shoppers do, one file for each sort of visit.

mod browse;
mod buy;
mod cart;
mod find;
mod misfortune;

pub use buy::{Verdict, request, verdict};

use crate::{measure::End, plan::Journey, shopper::Shopper};

/// A whole visit.
pub async fn visit(shopper: &mut Shopper, journey: Journey) -> End {
    let visit = match journey {
        Journey::Browse => browse::browse(shopper).await,
        Journey::Search => find::search(shopper).await,
        Journey::Filter => find::filter(shopper).await,
        Journey::Abandon => cart::abandon(shopper).await,
        Journey::Discount => cart::discount(shopper).await,
        Journey::Guest => buy::guest(shopper).await,
        Journey::SignedIn => buy::signed_in(shopper).await,
        Journey::Declined => buy::declined(shopper).await,
        Journey::Troubled => buy::troubled(shopper).await,
        Journey::Status => buy::look_after(shopper).await,
        Journey::Forgetful => misfortune::forgetful(shopper).await,
        Journey::Lost => misfortune::lost(shopper).await,
    };
    match visit {
        Ok(()) => End::Done,
        Err(end) => end,
    }
}
