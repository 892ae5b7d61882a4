//! `techcommerce serve`: the shop, all services in this process.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::ExitCode,
    time::Duration,
};

use techcommerce_auth::{bootstrap_admin, write_secret_file};
use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;
use techcommerce_runtime::{Listener, Shutdown, Starter, Switchboard, end_on_signals};
use techcommerce_telemetry::init_logs;

use crate::{
    compose::{self, House},
    data_folder::DataFolder,
    demo,
    ground::Ground,
    say,
};

/// Serves until it is told to stop. What can go wrong before the shop is open is tried first:
/// the folder, its lock, the ports.
pub async fn run(settings: Settings) -> Result<ExitCode, Error> {
    let wrong = |error: String| Error::invalid("configuration", error);
    init_logs(
        settings.log.format.parse().map_err(wrong)?,
        &settings.log.level,
    )
    .map_err(wrong)?;
    let folder = DataFolder::open(&settings.data_dir)?;
    let lock = folder.lock_for_serving()?;
    let listen = settings.listen.clone();
    let public = Listener::bind(listen.address, listen.port, "listen.port").await?;
    let management = Listener::bind(
        listen.management_address,
        listen.management_port,
        "listen.management_port",
    )
    .await?;
    let (public_address, management_address) = (public.address(), management.address());

    let shutdown = Shutdown::new();
    #[allow(
        clippy::disallowed_methods,
        reason = "whoever asks a second time wants no drain"
    )]
    let at_once = || std::process::exit(130);
    end_on_signals(shutdown.clone(), at_once)?;

    let ground = Ground::open(settings, folder).await?;
    let password_file = first_admin(&ground).await?;
    if ground.settings.demo_catalogue {
        demo::load(&ground).await?;
    }
    let switchboard = Switchboard::new([]);
    let House { modules, .. } = compose::house(&ground, &switchboard, public_address).await?;

    let grace = Duration::from_secs(ground.settings.shutdown.grace_seconds.into());
    let mut starter = Starter::new(ground.telemetry.clone(), switchboard)
        .listen(Service::Frontend, public)
        .management(management)
        .grace(grace);
    for module in modules {
        starter = starter.module(module);
    }
    let ended = starter
        .run(shutdown, || {
            say(format_args!("{} is open.\n", ground.settings.shop.name));
            say(format_args!(
                "  Shop:        http://{}",
                reachable(public_address)
            ));
            say(format_args!(
                "  Interface:   http://{}/api/docs",
                reachable(public_address)
            ));
            say(format_args!(
                "  Metrics:     http://{}/metrics",
                reachable(management_address)
            ));
            say(format_args!(
                "  Data:        {}",
                ground.folder.path().display()
            ));
            if password_file.exists() {
                say(format_args!(
                    "  Admin:       address and one-time password are in {}",
                    password_file.display()
                ));
            }
            say("\nStop it with Ctrl-C; everything is kept.");
        })
        .await;
    ground.stores.close().await;
    drop(lock);
    ended.map(|()| ExitCode::SUCCESS)
}

/// Makes the shop's first admin, and gives the file that holds the one-time password.
async fn first_admin(ground: &Ground) -> Result<std::path::PathBuf, Error> {
    let path = ground.folder.join("admin-password");
    let deliver = |email: &techcommerce_kernel::EmailAddress, password: &str| {
        let text = format!("email: {}\npassword: {password}\n", email.as_str());
        write_secret_file(&path, &ground.env, &text)
    };
    bootstrap_admin(&ground.stores.auth, &ground.env, None, deliver).await?;
    Ok(path)
}

/// An address that a browser on this machine can open.
fn reachable(address: std::net::SocketAddr) -> std::net::SocketAddr {
    if address.ip().is_unspecified() {
        return (IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()).into();
    }
    address
}
