//! The seven services.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One of the services that make up the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Pages for shoppers and staff.
    Frontend,
    /// The public JSON edge.
    Api,
    /// Products, stock and search.
    ProductApi,
    /// Carts, orders and payments.
    OrderApi,
    /// Accounts and sessions.
    Auth,
    /// Pictures.
    Images,
    /// Background work.
    Worker,
}

impl Service {
    /// All services.
    pub const ALL: [Self; 7] = [
        Self::Frontend,
        Self::Api,
        Self::ProductApi,
        Self::OrderApi,
        Self::Auth,
        Self::Images,
        Self::Worker,
    ];

    /// The name in configuration, logs, metrics and addresses, as `product-api`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frontend => "frontend",
            Self::Api => "api",
            Self::ProductApi => "product-api",
            Self::OrderApi => "order-api",
            Self::Auth => "auth",
            Self::Images => "images",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|service| service.name() == text)
            .ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|service| service.name()).collect();
                format!("`{text}` is no service; there are {}", names.join(", "))
            })
    }
}
