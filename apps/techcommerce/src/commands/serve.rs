//! `techcommerce serve`: the shop in one process, or the services that are named.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use techcommerce_auth::{FirstAdmin, bootstrap_admin, write_secret_file};
use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::{EmailAddress, Error};
use techcommerce_runtime::{
    Listener, Module, Shutdown, Starter, Switchboard, Waiting, end_on_signals, serve_while,
};
use techcommerce_telemetry::{flush_logs, init_logs};

use crate::{
    compose,
    data_folder::DataFolder,
    demo,
    ground::{Ground, needs_folder},
    here::{Here, address},
    notices, say, schemas, standing, systemd, traces,
};

/// The port of a whole shop.
const SHOP_PORT: u16 = 3000;
/// How long services that run apart stay open for balancers after they reported themselves
/// unready.
const UNREADY_APART: u32 = 5;

/// Serves until it is told to stop. What can go wrong before the services are open is tried first:
/// the folder, its lock, the ports.
pub async fn run(settings: Settings, services: Vec<Service>) -> Result<ExitCode, Error> {
    let wrong = |error: String| Error::invalid("configuration", error);
    init_logs(
        settings.log.format.parse().map_err(wrong)?,
        &settings.log.level,
    )
    .map_err(wrong)?;
    let here = Here::of(services, &settings)?;
    let folder = match needs_folder(&here) {
        true => Some(DataFolder::open(&settings.data_dir)?),
        false => None,
    };
    // Services that run apart keep their books in PostgreSQL: several may share a folder.
    let lock = match &folder {
        Some(folder) if here.is_whole() => Some(folder.lock_for_serving()?),
        _ => None,
    };
    let public = bind(&settings, &here).await?;
    let addresses: Vec<_> = public
        .iter()
        .map(|(service, listener)| (*service, listener.address()))
        .collect();
    let management = Listener::bind(
        settings.listen.management_address,
        settings.listen.management_port,
        "listen.management_port",
    )
    .await?;
    let management_address = management.address();

    let shutdown = Shutdown::new();
    #[allow(
        clippy::disallowed_methods,
        reason = "whoever asks a second time wants no drain"
    )]
    let at_once = || {
        flush_logs();
        std::process::exit(130)
    };
    end_on_signals(shutdown.clone(), at_once)?;

    let mut ground = Ground::open(settings, folder, here).await?;
    let switchboard = Switchboard::new(elsewhere(&ground)?);
    let listening = |service: Service| {
        let own = addresses.iter().find(|(name, _)| *name == service);
        // A whole shop has one address for all.
        own.or(addresses.first())
            .map_or(management_address, |(_, address)| *address)
    };
    let beside = Shutdown::new();
    let waiting = Waiting::default();
    let preparing = async {
        tokio::select! {
            () = shutdown.requested() => Ok(None),
            prepared = prepare(&ground, &switchboard, &listening, &waiting) => prepared.map(Some),
        }
    };
    // Whoever wants a page of a whole shop that starts gets it a moment later.
    let answers = !ground.here.is_whole() || !ground.settings.database_migrate;
    let prepared = serve_while(
        public.get(..).filter(|_| answers).unwrap_or_default(),
        &management,
        ground.here.services(),
        &ground.telemetry,
        &waiting,
        preparing,
    );
    let Some((password_file, modules)) = prepared.await? else {
        ground.following.end().await;
        ground.stores.close().await;
        return Ok(ExitCode::SUCCESS);
    };

    let unready = match ground.settings.shutdown.unready_seconds {
        Some(seconds) => seconds,
        None if ground.here.is_whole() => 0,
        None => UNREADY_APART,
    };
    let grace = Duration::from_secs(ground.settings.shutdown.grace_seconds.into());
    let mut starter = Starter::new(ground.telemetry.clone(), switchboard)
        .management(management)
        .unready_for(Duration::from_secs(unready.into()))
        .grace(grace);
    for (service, listener) in public {
        starter = starter.listen(service, listener);
    }
    for module in modules {
        starter = starter.module(module);
    }
    if ground.here.is_whole() {
        // The storefront would only pass it on, to a neighbour that is fit for outsiders itself.
        starter = starter.straight("/api/", Service::Api);
    }
    let notices = notices::start(&ground, &beside);
    let standing = standing::start(&ground, beside.clone());
    let supervised = shutdown.clone();
    let ended = starter
        .run(shutdown, || {
            match ground.here.is_whole() {
                true => announce_shop(&ground, listening(Service::Frontend)),
                false => announce_services(&addresses),
            }
            let metrics = reachable(management_address);
            say(format_args!("  Metrics:     http://{metrics}/metrics"));
            if let Some(file) = password_file.filter(|file| file.exists()) {
                say(format_args!(
                    "  Admin:       address and one-time password are in {}",
                    file.display()
                ));
            }
            say("\nStop it with Ctrl-C; everything is kept.");
            systemd::supervise(supervised);
        })
        .await;
    beside.request();
    ground.following.end().await;
    notices.join_all().await;
    let _ = standing.await;
    ground.stores.close().await;
    if let Some(exporter) = ground.exporter.take() {
        exporter.finish(traces::LAST).await;
    }
    drop(lock);
    ended.map(|()| ExitCode::SUCCESS)
}

/// Waits until the databases are as the services need them, and puts the services together.
async fn prepare(
    ground: &Ground,
    switchboard: &Switchboard,
    listening: compose::Listening<'_>,
    waiting: &Waiting,
) -> Result<(Option<std::path::PathBuf>, Vec<Module>), Error> {
    schemas::ready(&ground.stores, &ground.settings, &ground.here, waiting).await?;
    let password_file = first_admin(ground).await?;
    if ground.settings.demo_catalogue {
        demo::load(ground).await?;
    }
    let modules = compose::modules(ground, switchboard, listening).await?;
    Ok((password_file, modules))
}

/// Where shoppers come in, or each of the services that run apart: at `listen.port` if it is set,
/// else at the port of its address.
async fn bind(settings: &Settings, here: &Here) -> Result<Vec<(Service, Listener)>, Error> {
    let at = settings.listen.address;
    let set = settings.listen.port;
    if here.is_whole() {
        let listener = Listener::bind(at, set.unwrap_or(SHOP_PORT), "listen.port").await?;
        return Ok(vec![(Service::Frontend, listener)]);
    }
    if set.is_some() && here.services().len() > 1 {
        return Err(Error::invalid(
            "configuration",
            "listen.port is one port, and several services run here. Leave it out: each listens on \
             the port of its address in [services].",
        ));
    }
    let mut listeners = Vec::new();
    for service in here.services() {
        let port = set.unwrap_or_else(|| address(settings, *service).port());
        let listener = Listener::bind(at, port, "listen.port").await?;
        listeners.push((*service, listener));
    }
    Ok(listeners)
}

/// The addresses of the services that run in other processes.
fn elsewhere(ground: &Ground) -> Result<Vec<(Service, http::Uri)>, Error> {
    let remote = ground.here.elsewhere().map(|service| {
        let uri = address(&ground.settings, service).as_str().parse();
        Ok((service, uri.map_err(Error::internal)?))
    });
    remote.collect()
}

fn announce_shop(ground: &Ground, listening: SocketAddr) {
    let shop = reachable(listening);
    say(format_args!("{} is open.\n", ground.settings.shop.name));
    say(format_args!("  Shop:        http://{shop}"));
    say(format_args!("  Interface:   http://{shop}/api/docs"));
    if let Ok(folder) = ground.folder() {
        say(format_args!("  Data:        {}", folder.path().display()));
    }
}

fn announce_services(addresses: &[(Service, SocketAddr)]) {
    say("Ready.\n");
    for (service, address) in addresses {
        let name = format!("{service}:");
        say(format_args!("  {name:12} http://{}", reachable(*address)));
    }
}

/// Makes the shop's first admin where accounts are kept, and gives the file that holds the
/// one-time password.
async fn first_admin(ground: &Ground) -> Result<Option<std::path::PathBuf>, Error> {
    if !ground.here.has(Service::Auth) {
        return Ok(None);
    }
    let path = ground.folder()?.join("admin-password");
    let deliver = |email: &EmailAddress, password: &str| {
        let text = format!("email: {}\npassword: {password}\n", email.as_str());
        write_secret_file(&path, &ground.env, &text)
    };
    let admin = &ground.settings.admin;
    let chosen = admin.password.as_ref();
    let first = FirstAdmin {
        email: admin.email.clone(),
        password: chosen.map(|password| password.expose().to_owned()),
    };
    let db = ground.db(Service::Auth)?;
    bootstrap_admin(&db, &ground.env, first, deliver).await?;
    Ok(Some(path))
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return (IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()).into();
    }
    address
}
