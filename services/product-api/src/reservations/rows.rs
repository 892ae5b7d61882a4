//! Reservations as they are stored.

use std::collections::HashMap;

use sqlx::types::Json;
use techcommerce_contracts::{
    codes,
    product_api::{Quote, Reservation, ReservationState, ReservedLine},
};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, StoreError, dialect::in_list, with};

/// A reservation with its lines in the order of variants' ids.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: Uuid,
    /// What became of it.
    pub state: ReservationState,
    /// Of its lines.
    pub lines_hash: String,
    /// When it runs out, while it is held.
    pub deadline: Timestamp,
    /// The order that claimed it.
    pub reference: Option<String>,
    /// Its lines.
    pub lines: Vec<StoredLine>,
}

/// A line of a reservation.
#[derive(Debug, Clone)]
pub struct StoredLine {
    /// Which variant.
    pub variant_id: Uuid,
    /// How many.
    pub quantity: i64,
    /// Whether it counts in the stock.
    pub counted: bool,
    /// How many came back after the claim.
    pub restocked: i64,
    /// What was answered.
    pub quote: Quote,
}

impl Stored {
    /// As the caller sees it.
    pub fn answer(&self) -> Reservation {
        Reservation {
            id: self.id,
            state: self.state,
            deadline: self.deadline,
            lines: self
                .lines
                .iter()
                .map(|line| ReservedLine {
                    quantity: line.quantity,
                    quote: line.quote.clone(),
                })
                .collect(),
        }
    }

    /// The lines that count in the stock, in the order of variants' ids.
    pub fn counted(&self) -> impl Iterator<Item = &StoredLine> {
        self.lines.iter().filter(|line| line.counted)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    state: String,
    lines_hash: String,
    deadline: i64,
    reference: Option<String>,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    reservation_id: Uuid,
    variant_id: Uuid,
    quantity: i64,
    counted: bool,
    restocked: i64,
    quote: Json<Quote>,
}

/// The reservation with an id.
///
/// # Errors
/// `reservation_not_found`.
pub async fn find(conn: &mut Conn, id: Uuid) -> Result<Stored, Error> {
    stored(conn, &[id]).await?.remove(&id).ok_or_else(|| {
        Error::not_found(
            codes::RESERVATION_NOT_FOUND,
            "There is no such reservation.",
        )
    })
}

/// Reservations by their ids; those that do not exist are left out.
pub async fn stored(conn: &mut Conn, ids: &[Uuid]) -> Result<HashMap<Uuid, Stored>, Error> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let list = in_list(1, chunk.len());
        let sql = format!(
            "SELECT id, state, lines_hash, deadline, reference FROM reservations WHERE id IN {list}"
        );
        let rows: Vec<Row> = with!(conn, |c| {
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()));
            for id in chunk {
                query = query.bind(*id);
            }
            query.fetch_all(c).await
        })?;
        if rows.is_empty() {
            continue;
        }
        for row in rows {
            found.insert(
                row.id,
                Stored {
                    id: row.id,
                    state: state(&row.state)?,
                    lines_hash: row.lines_hash,
                    deadline: Timestamp::from_micros(row.deadline),
                    reference: row.reference,
                    lines: Vec::new(),
                },
            );
        }
        for line in lines(conn, chunk, &list).await? {
            if let Some(reservation) = found.get_mut(&line.reservation_id) {
                reservation.lines.push(StoredLine {
                    variant_id: line.variant_id,
                    quantity: line.quantity,
                    counted: line.counted,
                    restocked: line.restocked,
                    quote: line.quote.0,
                });
            }
        }
    }
    Ok(found)
}

async fn lines(conn: &mut Conn, ids: &[Uuid], list: &str) -> Result<Vec<LineRow>, StoreError> {
    let sql = format!(
        "SELECT reservation_id, variant_id, quantity, counted, restocked, quote
         FROM reservation_lines WHERE reservation_id IN {list}
         ORDER BY reservation_id, variant_id"
    );
    with!(conn, |c| {
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()));
        for id in ids {
            query = query.bind(*id);
        }
        query.fetch_all(c).await
    })
}

fn state(name: &str) -> Result<ReservationState, Error> {
    use ReservationState::{Claimed, Expired, Held, Released};
    [Held, Claimed, Released, Expired]
        .into_iter()
        .find(|state| state.name() == name)
        .ok_or_else(|| Error::internal(format!("a reservation is in the unknown state {name}")))
}
