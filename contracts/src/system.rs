//! How the house stands: for staff in its own words, for everyone in those of a customer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use techcommerce_kernel::Timestamp;
use utoipa::ToSchema;

/// How a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStatus {
    /// It serves.
    Ready,
    /// It answers, but cannot serve: it starts, ends, or a store of its own is away.
    Unavailable,
    /// It does not answer.
    Away,
}

/// All services, as the edge found them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemReport {
    /// When they were asked; at most some seconds ago.
    pub checked_at: Timestamp,
    /// The edge itself, and those behind it.
    pub services: Vec<ServiceReport>,
}

/// One service. Of several replicas one answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceReport {
    /// As `order-api`.
    pub service: String,
    /// How it stands.
    pub status: ServiceStatus,
    /// The program's version; `null` if it does not answer.
    pub version: Option<String>,
    /// What the program was built from; `null` if it does not answer or nobody said so.
    pub commit: Option<String>,
    /// How long its answer took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// What it stores in, as it found it.
    pub dependencies: Vec<DependencyReport>,
    /// Its schema, where it has one.
    pub schema: Option<SchemaReport>,
}

/// Something that a service stores in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DependencyReport {
    /// As `database`.
    pub name: String,
    /// Whether it answers.
    pub up: bool,
    /// How long that took, in milliseconds.
    pub latency_ms: f64,
}

/// How far a schema is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaReport {
    /// The database's kind, as `SQLite`.
    pub database: String,
    /// The last migration that was applied, as `4 staff`.
    pub at: Option<String>,
    /// The last one that the program knows.
    pub needed: String,
    /// Migrations of a newer program.
    pub ahead: u64,
}

/// A part of the shop as customers know it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Looking at goods.
    Browsing,
    /// Carts and ordering.
    Checkout,
    /// Taking the money of orders.
    Payment,
    /// Signing in.
    Accounts,
    /// Mails to customers.
    Mail,
    /// Pictures of goods.
    Pictures,
}

impl Component {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Browsing,
        Self::Checkout,
        Self::Payment,
        Self::Accounts,
        Self::Mail,
        Self::Pictures,
    ];

    /// The name as written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browsing => "browsing",
            Self::Checkout => "checkout",
            Self::Payment => "payment",
            Self::Accounts => "accounts",
            Self::Mail => "mail",
            Self::Pictures => "pictures",
        }
    }
}

/// How a part of the shop works.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ComponentStatus {
    /// As it should.
    Up,
    /// It works, and takes longer than usual.
    Slow,
    /// Not at the moment.
    Down,
}

impl ComponentStatus {
    /// The name as written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Slow => "slow",
            Self::Down => "down",
        }
    }
}

/// Whether one can shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShopStatus {
    /// Everything works.
    Open,
    /// Something does not work, or not as fast as usual.
    Limited,
    /// Nothing can be looked at or ordered.
    Closed,
}

impl ShopStatus {
    /// The name as written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Limited => "limited",
            Self::Closed => "closed",
        }
    }
}

/// Whether the shop is open, for everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShopReport {
    /// In one word.
    pub status: ShopStatus,
    /// Part by part.
    #[schema(value_type = BTreeMap<String, ComponentStatus>)]
    pub components: BTreeMap<Component, ComponentStatus>,
    /// When it was looked at; at most some seconds ago.
    pub checked_at: Timestamp,
}

impl ShopReport {
    /// What the parts come to.
    pub fn of(components: BTreeMap<Component, ComponentStatus>, checked_at: Timestamp) -> Self {
        let down = |part| components.get(&part) == Some(&ComponentStatus::Down);
        let status = if components.values().all(|part| *part == ComponentStatus::Up) {
            ShopStatus::Open
        } else if down(Component::Browsing) && down(Component::Checkout) {
            ShopStatus::Closed
        } else {
            ShopStatus::Limited
        };
        Self {
            status,
            components,
            checked_at,
        }
    }
}

/// A backup, as whoever takes them said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupReport {
    /// What was committed before is in it.
    pub taken_at: Timestamp,
    /// How large it is.
    pub bytes: u64,
    /// When it was restored somewhere and found whole.
    pub verified_at: Option<Timestamp>,
}

/// The backups that are known of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupList {
    /// The last twenty, the latest first.
    pub items: Vec<BackupReport>,
    /// Always `null`: older ones are not shown.
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parts_come_to() {
        use ComponentStatus::{Down, Slow, Up};
        let status = |changes: &[(Component, ComponentStatus)]| {
            let mut parts: BTreeMap<_, _> = Component::ALL.map(|part| (part, Up)).into();
            parts.extend(changes.iter().copied());
            ShopReport::of(parts, Timestamp::from_micros(0)).status
        };
        assert_eq!(status(&[]), ShopStatus::Open);
        for part in Component::ALL {
            assert_eq!(status(&[(part, Slow)]), ShopStatus::Limited);
            assert_eq!(status(&[(part, Down)]), ShopStatus::Limited);
        }
        let both = [(Component::Browsing, Down), (Component::Checkout, Down)];
        assert_eq!(status(&both), ShopStatus::Closed);
    }

    #[test]
    fn parts_are_written_by_their_names() {
        for part in Component::ALL {
            assert_eq!(serde_json::to_value(part).unwrap(), part.name());
        }
        for status in [
            ComponentStatus::Up,
            ComponentStatus::Slow,
            ComponentStatus::Down,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
        for status in [ShopStatus::Open, ShopStatus::Limited, ShopStatus::Closed] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }
}
