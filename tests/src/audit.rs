//! Every balance, computed anew from the movements and ledgers.

use anyhow::{Result, ensure};

use crate::shop::Shop;

/// `techcommerce doctor --audit` has nothing to complain of.
pub async fn clean(shop: &Shop) -> Result<()> {
    let output = shop.run(&["doctor", "--audit"]).await?;
    ensure!(
        output.status.success(),
        "the audit ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok(())
}
