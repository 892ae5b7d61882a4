//! `techcommerce admin`: who runs the shop.

use std::process::ExitCode;

use techcommerce_auth::create_admin;
use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::{EmailAddress, Env, Error};

use crate::{data_folder::DataFolder, ground::sessions, say, stores::Stores};

/// Makes an admin, or makes an account one, and prints a one-time password.
pub async fn create(settings: Settings, email: &EmailAddress) -> Result<ExitCode, Error> {
    let env = Env::system();
    let folder = DataFolder::open(&settings.data_dir)?;
    let stores = Stores::open(&settings, Some(&folder), &[Service::Auth]).await?;
    stores.migrate().await?;
    let accounts = stores.get(Service::Auth)?;
    let sessions = sessions(&settings, accounts, &env)?;
    let password = create_admin(accounts, &env, &sessions, email).await?;
    stores.close().await;
    say(format_args!("Admin:    {}", email.as_str()));
    say(format_args!("Password: {password}"));
    say("It is shown only here. Change it after signing in.");
    Ok(ExitCode::SUCCESS)
}
