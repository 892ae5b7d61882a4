//! What this service asks of product-api: prices and stock.

use std::collections::HashMap;

use techcommerce_contracts::{
    Client, codes,
    product_api::{
        ChangesQuery, ClaimRequest, LineRequest, LookRequest, ProductChanges, Quote, QuoteRequest,
        Quotes, Reservation, ReserveRequest, RestockRequest,
    },
};
use techcommerce_kernel::{Error, Uuid};

/// The way to product-api. All calls here may be repeated: the channel does where a connection
/// breaks, and whoever asked does where product-api itself says that it is busy.
#[derive(Debug, Clone)]
pub struct Products(Client);

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The stock is ours.
    Ours,
    /// It ran out and cannot be taken again, or was given back.
    Lost,
}

impl Products {
    /// Calls through `client`.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// What variants are and cost now, by their ids; those that are gone are left out. One call.
    pub async fn quotes(&self, variants: Vec<Uuid>) -> Result<HashMap<Uuid, Quote>, Error> {
        if variants.is_empty() {
            return Ok(HashMap::new());
        }
        let request = QuoteRequest {
            variant_ids: variants,
        };
        let call = self.0.post("/internal/quotes").json(&request);
        let quotes: Quotes = call.idempotent().send().await?;
        let by_id = quotes
            .items
            .into_iter()
            .map(|quote| (quote.variant_id, quote));
        Ok(by_id.collect())
    }

    /// What changed after a place in the change feed, at most `limit`.
    pub async fn changes(&self, after: i64, limit: u32) -> Result<ProductChanges, Error> {
        let query = ChangesQuery { after, limit };
        self.0.get("/internal/changes").query(&query).send().await
    }

    /// Whether a reservation of these may succeed.
    ///
    /// # Errors
    /// `out_of_stock` with the lines, if it was refused to others a moment ago.
    pub async fn look(&self, lines: Vec<LineRequest>) -> Result<(), Error> {
        let request = LookRequest { lines };
        let call = self.0.post("/internal/reservations/look").json(&request);
        call.idempotent().send_empty().await
    }

    /// Holds all lines or none. The same request is the same reservation.
    ///
    /// # Errors
    /// `out_of_stock` and `not_for_sale` with the lines; `reservation_mismatch`.
    pub async fn reserve(&self, request: &ReserveRequest) -> Result<Reservation, Error> {
        let call = self.0.post("/internal/reservations").json(request);
        call.idempotent().send().await
    }

    /// Makes the reserved stock ours.
    pub async fn claim(&self, reservation: Uuid, order: Uuid) -> Result<Claimed, Error> {
        let path = format!("/internal/reservations/{reservation}/claim");
        let request = ClaimRequest {
            reference: reference(order),
        };
        let call = self.0.post(path).json(&request);
        match call.idempotent().send_empty().await {
            Ok(()) => Ok(Claimed::Ours),
            Err(error) if is_gone(&error) => Ok(Claimed::Lost),
            Err(error) => Err(error),
        }
    }

    /// Gives a reservation back, whatever became of it. One that nobody knows is given back.
    pub async fn release(&self, reservation: Uuid) -> Result<(), Error> {
        let path = format!("/internal/reservations/{reservation}/release");
        match self.0.post(path).idempotent().send_empty().await {
            Err(error) if error.code() == codes::RESERVATION_NOT_FOUND => Ok(()),
            done => done,
        }
    }

    /// Puts sold stock back, once for each `id`.
    ///
    /// # Errors
    /// `reservation_not_found` if the order has nothing claimed, or it was released.
    pub async fn restock(
        &self,
        id: Uuid,
        order: Uuid,
        reason: &str,
        lines: Vec<LineRequest>,
    ) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let request = RestockRequest {
            id,
            reference: reference(order),
            reason: reason.to_owned(),
            lines,
        };
        let call = self.0.post("/internal/restocks").json(&request);
        call.idempotent().send_empty().await
    }
}

/// Names the order in stock movements.
fn reference(order: Uuid) -> String {
    format!("order:{order}")
}

fn is_gone(error: &Error) -> bool {
    const GONE: [&str; 4] = [
        codes::RESERVATION_EXPIRED,
        codes::RESERVATION_NOT_FOUND,
        codes::RESERVATION_RELEASED,
        codes::OUT_OF_STOCK,
    ];
    GONE.contains(&error.code())
}
