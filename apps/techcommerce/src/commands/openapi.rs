//! `techcommerce openapi`: the document of the public interface, made from the handlers.

use std::process::ExitCode;

use techcommerce_config::Sources;
use techcommerce_kernel::Error;
use techcommerce_runtime::Switchboard;

use crate::{
    compose::{self, House},
    data_folder::DataFolder,
    ground::Ground,
    say,
};

/// Prints the document. It comes from a shop that is put together in a folder of its own and
/// never opened, with all settings at their defaults.
pub async fn run() -> Result<ExitCode, Error> {
    let scratch = std::env::temp_dir().join(format!("techcommerce-openapi-{}", std::process::id()));
    let document = document(&scratch).await;
    let _ = std::fs::remove_dir_all(&scratch);
    say(document?);
    Ok(ExitCode::SUCCESS)
}

async fn document(scratch: &std::path::Path) -> Result<String, Error> {
    let mut settings = techcommerce_config::load(&Sources::default())?.settings;
    settings.demo_catalogue = false;
    let ground = Ground::open(settings, DataFolder::open(scratch)?).await?;
    let switchboard = Switchboard::new([]);
    let House { openapi, .. } =
        compose::house(&ground, &switchboard, ([127, 0, 0, 1], 3000).into()).await?;
    ground.stores.close().await;
    openapi.to_pretty_json().map_err(Error::internal)
}
