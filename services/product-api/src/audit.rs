//! Recomputes the stock from its ledger and its reservations.

use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Db, with};

/// A number that is not what its sources add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Of this variant.
    pub variant_id: Uuid,
    /// Which number: `on_hand`, `reserved` or `movement`.
    pub number: &'static str,
    /// What is stored.
    pub stored: i64,
    /// What it should be.
    pub expected: i64,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            variant_id,
            number,
            stored,
            expected,
        } = self;
        write!(
            f,
            "variant {variant_id}: {number} is {stored}, but its sources say {expected}"
        )
    }
}

/// How many variants are looked at at a time: each page is one short statement, so that a large
/// catalogue can be audited while people shop.
const PAGE: i64 = 500;

/// All differences; none if the books are right. Reads one variant's numbers at one moment, so
/// that it may run beside checkouts.
///
/// # Errors
/// Those of the database.
pub async fn audit(db: &Db) -> Result<Vec<Difference>, Error> {
    const IDS: &str =
        "SELECT variant_id FROM stock_levels WHERE variant_id > $1 ORDER BY variant_id LIMIT $2";
    const ON_HAND: &str = "SELECT s.variant_id, s.on_hand, CAST(COALESCE((SELECT SUM(m.delta)
            FROM stock_movements m WHERE m.variant_id = s.variant_id), 0) AS BIGINT) AS expected
         FROM stock_levels s
         WHERE s.variant_id > $1 AND s.variant_id <= $2
            AND s.on_hand <> COALESCE((SELECT SUM(m.delta)
            FROM stock_movements m WHERE m.variant_id = s.variant_id), 0)
         ORDER BY s.variant_id";
    const RESERVED: &str = "SELECT s.variant_id, s.reserved, CAST(COALESCE((SELECT SUM(l.quantity)
            FROM reservation_lines l JOIN reservations r ON r.id = l.reservation_id
            WHERE l.variant_id = s.variant_id AND l.counted AND r.state = 'held'), 0) AS BIGINT)
            AS expected
         FROM stock_levels s
         WHERE s.variant_id > $1 AND s.variant_id <= $2
            AND s.reserved <> COALESCE((SELECT SUM(l.quantity)
            FROM reservation_lines l JOIN reservations r ON r.id = l.reservation_id
            WHERE l.variant_id = s.variant_id AND l.counted AND r.state = 'held'), 0)
         ORDER BY s.variant_id";
    const CHAIN: &str =
        "SELECT m.variant_id, m.on_hand_after, m.on_hand_before + m.delta AS expected
         FROM stock_movements m WHERE m.variant_id > $1 AND m.variant_id <= $2
            AND m.on_hand_after <> m.on_hand_before + m.delta
         ORDER BY m.variant_id, m.id";
    let mut differences = Vec::new();
    let mut after = Uuid::nil();
    loop {
        // Others get the connection between two pages.
        let mut conn = db.read().await?;
        let ids: Vec<Uuid> = with!(conn, |c| sqlx::query_scalar(IDS)
            .bind(after)
            .bind(PAGE)
            .fetch_all(c)
            .await)?;
        let Some(last) = ids.last().copied() else {
            return Ok(differences);
        };
        for (number, sql) in [
            ("on_hand", ON_HAND),
            ("reserved", RESERVED),
            ("movement", CHAIN),
        ] {
            let rows: Vec<(Uuid, i64, i64)> = with!(conn, |c| sqlx::query_as(sql)
                .bind(after)
                .bind(last)
                .fetch_all(c)
                .await)?;
            let found = rows.into_iter();
            differences.extend(found.map(|(variant_id, stored, expected)| Difference {
                variant_id,
                number,
                stored,
                expected,
            }));
        }
        after = last;
    }
}
