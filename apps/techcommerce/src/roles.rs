//! The roles of the services in PostgreSQL, as the settings name them.

use std::{collections::BTreeSet, str::FromStr};

use percent_encoding::percent_decode_str;
use sqlx::postgres::PgConnectOptions;
use techcommerce_config::{Secret, Settings};
use techcommerce_contracts::Service;
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Role, make_roles};
use url::Url;

use crate::{
    here::{Here, setting},
    schemas::schema,
    stores,
};

/// Makes the roles of the services that have an address of their own, if an admin's address is
/// set, and gives their names.
pub async fn make(settings: &Settings, here: &Here) -> Result<Option<Vec<String>>, Error> {
    let Some(admin) = &settings.database_admin_url else {
        return Ok(None);
    };
    let connect = PgConnectOptions::from_str(admin.expose()).map_err(|_| {
        Error::invalid(
            "configuration",
            "database_admin_url is no PostgreSQL address",
        )
    })?;
    // Past a pooler: the lock under which roles are made is the session's.
    let connect = match &settings.database_direct_address {
        Some(direct) => {
            let port = direct.port().unwrap_or(connect.get_port());
            connect.host(direct.host()).port(port)
        }
        None => connect,
    };
    let mut roles = Vec::new();
    for service in here.databases() {
        match stores::own_url(settings, service) {
            Some(url) => roles.push(role(service, url)?),
            None => {
                return Err(Error::invalid(
                    "configuration",
                    format!(
                        "database_admin_url is set, but {} is not: it names the role to make and its \
                         password.",
                        setting(service)
                    ),
                ));
            }
        }
    }
    let names: BTreeSet<_> = roles.iter().map(|role| &role.name).collect();
    if names.len() < roles.len() {
        return Err(Error::invalid(
            "configuration",
            "Two of databases.* name the same role: each service has its own, so that none reads \
             what is another's.",
        ));
    }
    make_roles(&connect, &roles, &Env::system()).await?;
    Ok(Some(roles.into_iter().map(|role| role.name).collect()))
}

fn role(service: Service, url: &Secret) -> Result<Role, Error> {
    let wrong = |what: &str| {
        let key = setting(service);
        Error::invalid(
            "configuration",
            format!("{key} {what}: it must be postgres://role:password@host/database."),
        )
    };
    let url = Url::parse(url.expose()).map_err(|_| wrong("is no address"))?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let name = plain(url.username());
    let password = plain(url.password().unwrap_or_default());
    let database = plain(url.path().trim_start_matches('/'));
    match (name.is_empty(), password.is_empty(), database.is_empty()) {
        (true, ..) => Err(wrong("names no role")),
        (_, true, _) => Err(wrong("has no password")),
        (.., true) => Err(wrong("names no database")),
        _ => Ok(Role {
            name,
            password,
            database,
            schema: schema(service),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_who_and_where() {
        let url = Secret::new("postgres://order_api:a%2Fb%40c@db:5432/shop?sslmode=disable");
        let role = role(Service::OrderApi, &url).unwrap();
        assert_eq!(
            (role.name.as_str(), role.password.as_str()),
            ("order_api", "a/b@c")
        );
        assert_eq!(
            (role.database.as_str(), role.schema.as_str()),
            ("shop", "order_api")
        );
        for wrong in [
            "postgres://db/shop",
            "postgres://a@db/shop",
            "postgres://a:b@db",
        ] {
            assert!(
                super::role(Service::Auth, &Secret::new(wrong)).is_err(),
                "{wrong}"
            );
        }
    }
}
