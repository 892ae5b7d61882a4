//! `techcommerce admin`: who runs the shop.

use std::process::ExitCode;

use techcommerce_auth::create_admin;
use techcommerce_config::Settings;
use techcommerce_kernel::{EmailAddress, Error};

use crate::{data_folder::DataFolder, ground::Ground, say};

/// Makes an admin, or makes an account one, and prints a one-time password.
pub async fn create(settings: Settings, email: &EmailAddress) -> Result<ExitCode, Error> {
    let folder = DataFolder::open(&settings.data_dir)?;
    let ground = Ground::open(settings, folder).await?;
    let password = create_admin(&ground.stores.auth, &ground.env, &ground.sessions, email).await?;
    ground.stores.close().await;
    say(format_args!("Admin:    {}", email.as_str()));
    say(format_args!("Password: {password}"));
    say("It is shown only here. Change it after signing in.");
    Ok(ExitCode::SUCCESS)
}
