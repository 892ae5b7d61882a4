//! The README's picture.

use std::path::Path;

use anyhow::Result;

use super::driver::Look;
use super::visit;

/// Run by `cargo xtask picture`, not by the tests: it writes into the repository.
#[ignore = "writes docs/images/storefront.png; `cargo xtask picture` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_storefront() -> Result<()> {
    let look = Look {
        width: 1360,
        height: 1000,
        ..Look::default()
    };
    let (_shop, browser) = visit(look).await?;
    browser.open("/").await?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/images/storefront.png");
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    browser.driver.screenshot(&file).await?;
    browser.close().await
}
