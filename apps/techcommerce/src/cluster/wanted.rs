//! The Secrets that a shop in a cluster needs, by name and key.

use techcommerce_contracts::Service;

use crate::here::WITH_DATABASE;

/// What a Secret holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The database server's owner, by whom `techcommerce migrate` makes roles and schemas.
    PostgresAdmin,
    /// A service's own way into the database.
    Database(Service),
    /// The way to Redis.
    Redis,
    /// What a service signs with.
    Key(Service),
    /// Whose signature the services believe.
    TrustedKeys,
    /// Who the shop is in the store of pictures.
    ObjectStore,
    /// The first admin's password.
    Admin,
}

/// A Secret by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub holds: Holds,
}

/// All Secrets, in the order in which they are made: what others follow from comes first.
pub fn wanted(object_store: bool) -> Vec<Wanted> {
    let mut all = vec![Holds::PostgresAdmin];
    all.extend(WITH_DATABASE.map(Holds::Database));
    all.push(Holds::Redis);
    all.extend(Service::ALL.map(Holds::Key));
    all.extend([Holds::TrustedKeys, Holds::Admin]);
    if object_store {
        all.push(Holds::ObjectStore);
    }
    all.into_iter().map(Wanted::of).collect()
}

impl Wanted {
    fn of(holds: Holds) -> Self {
        let name = match holds {
            Holds::PostgresAdmin => "postgres-admin".to_owned(),
            Holds::Database(service) => format!("{service}-database"),
            Holds::Redis => "redis".to_owned(),
            Holds::Key(service) => format!("{service}-key"),
            Holds::TrustedKeys => "trusted-keys".to_owned(),
            Holds::ObjectStore => "object-store".to_owned(),
            Holds::Admin => "admin".to_owned(),
        };
        Self { name, holds }
    }

    /// Its keys, and who reads each: `techcommerce` must find it, the others only where they run
    /// in the cluster.
    pub fn keys(&self) -> Vec<(String, &'static str)> {
        let own = |key: &str| (key.to_owned(), "techcommerce");
        match self.holds {
            Holds::PostgresAdmin => vec![
                own("url"),
                ("username".to_owned(), "postgres"),
                ("password".to_owned(), "postgres"),
            ],
            Holds::Database(_) => vec![own("url")],
            Holds::Redis => vec![own("url"), ("password".to_owned(), "redis")],
            Holds::Key(service) => vec![own(&format!("{service}.key"))],
            Holds::TrustedKeys => vec![own("trusted-keys")],
            Holds::ObjectStore => vec![own("access-key"), own("secret-key")],
            Holds::Admin => vec![own("password")],
        }
    }

    /// What it is, for a person.
    pub fn what(&self) -> String {
        match self.holds {
            Holds::PostgresAdmin => "the database server's owner".to_owned(),
            Holds::Database(service) => format!("{service}'s own role in the database"),
            Holds::Redis => "the way to Redis".to_owned(),
            Holds::Key(service) => format!("what {service} signs with"),
            Holds::TrustedKeys => "the public keys of all services".to_owned(),
            Holds::ObjectStore => "who the shop is in the store of pictures".to_owned(),
            Holds::Admin => "the first admin's password".to_owned(),
        }
    }
}
