//! The proof that a shop is whole: its books, which are equal only if every order, payment and
//! movement of stock is, and whether they add up.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use techcommerce_contracts::Service;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Chain, Db};

use crate::{here::WITH_DATABASE, stores::Stores};

/// Differences that are shown of each kind.
const SHOWN: usize = 20;

/// What two shops have to have in common to be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// All orders: id, number, currency, total, when placed.
    pub orders: Link,
    /// The ledger of payments.
    pub payments: Link,
    /// The ledger of the stock.
    pub stock: Link,
    /// The rows of each table of each service.
    pub rows: BTreeMap<String, BTreeMap<String, i64>>,
}

/// The end of a chain of hashes, and how many rows are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// How many.
    pub rows: u64,
    /// SHA-256 in hexadecimal, over the rows in their order.
    pub chain: String,
}

impl From<Chain> for Link {
    fn from(chain: Chain) -> Self {
        Self {
            rows: chain.rows(),
            chain: chain.head(),
        }
    }
}

impl Books {
    /// Those of these databases; of orders and ledgers only what was up to `until`, if it is given.
    ///
    /// # Errors
    /// Those of the databases.
    pub async fn read(stores: &Stores, until: Option<Timestamp>) -> Result<Self, Error> {
        let orders = stores.get(Service::OrderApi)?;
        let products = stores.get(Service::ProductApi)?;
        let mut rows = BTreeMap::new();
        for service in WITH_DATABASE {
            let counts = stores.get(service)?.row_counts().await?;
            rows.insert(service.name().to_owned(), counts);
        }
        Ok(Self {
            orders: techcommerce_order_api::proof::orders(orders, until)
                .await?
                .into(),
            payments: techcommerce_order_api::proof::payments(orders, until)
                .await?
                .into(),
            stock: techcommerce_product_api::proof::stock(products, until)
                .await?
                .into(),
            rows,
        })
    }

    /// What is other in `found`, each in a line.
    pub fn compare(&self, found: &Self) -> Vec<String> {
        let mut differ = Vec::new();
        let links = [
            ("orders", &self.orders, &found.orders),
            ("the ledger of payments", &self.payments, &found.payments),
            ("the ledger of stock", &self.stock, &found.stock),
        ];
        for (what, expected, found) in links {
            if expected != found {
                differ.push(format!(
                    "{what}: {} rows with chain {} were expected, {} with {} are there",
                    expected.rows, expected.chain, found.rows, found.chain
                ));
            }
        }
        for (service, expected) in &self.rows {
            let there = found.rows.get(service);
            for (table, expected) in expected {
                let there = there.and_then(|tables| tables.get(table)).copied();
                if there != Some(*expected) {
                    let there = there.map_or("none".to_owned(), |rows| rows.to_string());
                    differ.push(format!(
                        "{service}: table {table}: {expected} rows were expected, {there} are there"
                    ));
                }
            }
        }
        differ
    }
}

/// What `techcommerce backup prove` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proof {
    /// When it was asked.
    pub at: Timestamp,
    /// Orders and ledgers up to then, if not all.
    pub until: Option<Timestamp>,
    /// What is there.
    pub books: Books,
    /// What does not add up; nothing, if all is well.
    pub differences: Vec<String>,
}

/// What does not add up: stock and its movements, orders and their ledger, and what both sides say of
/// reservations. The schemas have to be those of this program.
///
/// # Errors
/// Those of the databases.
pub async fn differences(stores: &Stores) -> Result<Vec<String>, Error> {
    let orders = stores.get(Service::OrderApi)?;
    let products = stores.get(Service::ProductApi)?;
    // First what orders say: what they refer to was written before them.
    let mut differ = reservations(orders, products).await?;
    let audit = techcommerce_order_api::audit(orders).await?;
    differ.extend(audit.differences.into_iter().take(SHOWN));
    let stock = techcommerce_product_api::audit::audit(products).await?;
    differ.extend(stock.iter().take(SHOWN).map(ToString::to_string));
    Ok(differ)
}

/// Orders whose reservation nobody knows, or that were paid though their goods were never taken.
async fn reservations(orders: &Db, products: &Db) -> Result<Vec<String>, Error> {
    let mut differ = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let page = techcommerce_order_api::proof::reserved(orders, after).await?;
        let Some(last) = page.last() else {
            differ.truncate(SHOWN);
            return Ok(differ);
        };
        after = last.id;
        let ids: Vec<Uuid> = page.iter().map(|order| order.reservation_id).collect();
        let known = techcommerce_product_api::proof::reservations(products, &ids).await?;
        let known: HashMap<Uuid, bool> = known.into_iter().collect();
        for order in page {
            match known.get(&order.reservation_id) {
                None => differ.push(format!(
                    "order {}: its reservation {} is not known to product-api",
                    order.number, order.reservation_id
                )),
                Some(false) if order.paid => differ.push(format!(
                    "order {}: it is paid, and its goods were not taken out of the stock",
                    order.number
                )),
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(orders: i64) -> Books {
        let link = || Link {
            rows: 1,
            chain: "00".to_owned(),
        };
        let tables = BTreeMap::from([("orders".to_owned(), orders)]);
        Books {
            orders: link(),
            payments: link(),
            stock: link(),
            rows: BTreeMap::from([("order-api".to_owned(), tables)]),
        }
    }

    #[test]
    fn every_difference_is_named() {
        let one = books(7);
        assert_eq!(one.compare(&one.clone()), Vec::<String>::new());
        let fewer = one.compare(&books(6));
        assert_eq!(
            fewer,
            ["order-api: table orders: 7 rows were expected, 6 are there"]
        );
        let mut other = books(7);
        other.payments.chain = "01".to_owned();
        other.rows.clear();
        assert_eq!(one.compare(&other).len(), 2);
    }
}
