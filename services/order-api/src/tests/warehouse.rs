//! A product-api of a few lines: quotes, reservations, claims, restocks.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    extract::{Path, Query, State},
    routing::{get, post},
};
use http::StatusCode;
use serde_json::json;
use techcommerce_contracts::product_api::{
    ChangedProduct, ChangedStock, ChangesQuery, ClaimRequest, InventoryPolicy, LineRequest,
    LookRequest, ProductChange, ProductChanges, ProductStatus, Quote, QuoteRequest, Quotes,
    Reservation, ReservationState, ReserveRequest, ReservedLine, RestockRequest, WhatChanged,
};
use techcommerce_http::{ApiResult, Json};
use techcommerce_kernel::{Currency, Env, Error, Money, Timestamp, Uuid};
use tokio::sync::Notify;

/// When a call waits at its gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Nothing is done yet.
    Before,
    /// It is done, and the answer is not on its way.
    After,
}

/// Holds up one call.
#[derive(Default)]
pub struct Gate {
    /// Somebody waits.
    pub reached: Notify,
    /// Lets it go on.
    pub open: Notify,
}

#[derive(Clone)]
pub struct Warehouse(Arc<Mutex<Inner>>);

pub struct Inner {
    env: Env,
    pub quotes: HashMap<Uuid, Quote>,
    pub on_hand: HashMap<Uuid, i64>,
    pub reservations: HashMap<Uuid, Reservation>,
    /// By reservation: the order that claimed it.
    references: HashMap<Uuid, String>,
    /// By reservation and variant: what of the claimed has come back.
    came_back: HashMap<(Uuid, Uuid), i64>,
    restocked: HashMap<Uuid, Vec<(Uuid, i64)>>,
    gates: HashMap<(&'static str, Moment), Arc<Gate>>,
    /// How many calls from now on fail.
    pub away: u32,
    /// By how many seconds its clock is ahead of the orders'.
    pub ahead: i64,
    /// What is refused to those who look before they order.
    pub refused_at_once: HashSet<Uuid>,
    /// How many asked to hold something.
    pub asked: u32,
    /// The change feed, and how the products in it stand.
    pub feed: Vec<ProductChange>,
    pub products: HashMap<Uuid, ChangedProduct>,
}

impl Inner {
    /// What its clock says.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.env.now().as_micros() + self.ahead * 1_000_000)
    }

    /// What is on the shelf and not promised to anybody.
    pub fn available(&self, variant: Uuid) -> i64 {
        let held: i64 = self
            .reservations
            .values()
            .filter(|r| r.state == ReservationState::Held && r.deadline > self.now())
            .flat_map(|r| &r.lines)
            .filter(|line| line.quote.variant_id == variant)
            .map(|line| line.quantity)
            .sum();
        self.on_hand[&variant] - held
    }

    fn hold(&mut self, request: &ReserveRequest) -> Result<Reservation, Error> {
        let now = self.now();
        // As product-api does it, which does not look at the deadline where there is a duration.
        let deadline = request.hold_seconds.map_or(request.deadline, |seconds| {
            now + std::time::Duration::from_secs(seconds.into())
        });
        if deadline <= now {
            return Err(Error::invalid_field("deadline", "must lie in the future"));
        }
        if let Some(known) = self.reservations.get(&request.id) {
            let live = match known.state {
                ReservationState::Held => known.deadline > now,
                ReservationState::Claimed => true,
                ReservationState::Released => {
                    return Err(Error::conflict("reservation_released", "Released."));
                }
                ReservationState::Expired => false,
            };
            if live {
                return Ok(known.clone());
            }
        }
        let mut short = Vec::new();
        for line in &request.lines {
            let available = self.available(line.variant_id);
            if available < line.quantity.get() {
                short.push(json!({
                    "variant_id": line.variant_id,
                    "requested": line.quantity,
                    "available": available,
                }));
            }
        }
        if !short.is_empty() {
            return Err(
                Error::conflict("out_of_stock", "Not enough.").with_detail(json!({"lines": short}))
            );
        }
        let lines = request.lines.iter().map(|line| ReservedLine {
            quantity: line.quantity.get(),
            quote: self.quotes[&line.variant_id].clone(),
        });
        let reservation = Reservation {
            id: request.id,
            state: ReservationState::Held,
            deadline,
            lines: lines.collect(),
        };
        self.reservations.insert(request.id, reservation.clone());
        Ok(reservation)
    }

    fn claim(&mut self, id: Uuid, reference: &str) -> Result<Reservation, Error> {
        let known = self.reservations.get(&id).cloned();
        let known = known.ok_or_else(|| Error::not_found("reservation_not_found", "None."))?;
        let lines = known.lines.clone();
        match known.state {
            ReservationState::Claimed if self.references[&id] != reference => {
                return Err(Error::conflict("reservation_mismatch", "Another's."));
            }
            ReservationState::Claimed => return Ok(known),
            ReservationState::Released => {
                return Err(Error::conflict("reservation_released", "Released."));
            }
            ReservationState::Held if known.deadline > self.now() => {}
            ReservationState::Held | ReservationState::Expired => {
                let all = lines
                    .iter()
                    .all(|line| self.available(line.quote.variant_id) >= line.quantity);
                if !all {
                    let reservation = self.reservations.get_mut(&id).unwrap();
                    reservation.state = ReservationState::Released;
                    return Err(Error::conflict("reservation_expired", "Gone."));
                }
            }
        }
        for line in &lines {
            *self.on_hand.get_mut(&line.quote.variant_id).unwrap() -= line.quantity;
        }
        let reservation = self.reservations.get_mut(&id).unwrap();
        reservation.state = ReservationState::Claimed;
        self.references.insert(id, reference.to_owned());
        Ok(reservation.clone())
    }

    /// Gives back what is held, or what is claimed and has not come back, for good.
    fn release(&mut self, id: Uuid) -> Result<Reservation, Error> {
        let reservation = self.reservations.get_mut(&id);
        let reservation =
            reservation.ok_or_else(|| Error::not_found("reservation_not_found", "None."))?;
        if reservation.state == ReservationState::Claimed {
            for line in &reservation.lines {
                let variant = line.quote.variant_id;
                let came_back = self.came_back.entry((id, variant)).or_default();
                *self.on_hand.get_mut(&variant).unwrap() += line.quantity - *came_back;
                *came_back = line.quantity;
            }
        }
        reservation.state = ReservationState::Released;
        Ok(reservation.clone())
    }

    fn restock(&mut self, request: &RestockRequest) -> Result<(), Error> {
        let lines = request.lines.iter();
        let mut lines: Vec<_> = lines.map(|l| (l.variant_id, l.quantity.get())).collect();
        lines.sort_unstable();
        match self.restocked.get(&request.id) {
            Some(known) if *known == lines => return Ok(()),
            Some(_) => return Err(Error::conflict("reservation_mismatch", "Other lines.")),
            None => {}
        }
        let claimed = self.reservations.values().find(|reservation| {
            reservation.state == ReservationState::Claimed
                && self.references[&reservation.id] == request.reference
        });
        let claimed = claimed.ok_or_else(|| Error::not_found("reservation_not_found", "None."))?;
        for (variant, quantity) in &lines {
            let of_variant = |line: &&ReservedLine| line.quote.variant_id == *variant;
            let sold = claimed
                .lines
                .iter()
                .find(of_variant)
                .map_or(0, |l| l.quantity);
            let came_back = self.came_back.get(&(claimed.id, *variant)).unwrap_or(&0);
            if came_back + quantity > sold {
                return Err(Error::conflict("restock_exceeds_sold", "Too many."));
            }
        }
        for (variant, quantity) in &lines {
            *self.came_back.entry((claimed.id, *variant)).or_default() += quantity;
            *self.on_hand.get_mut(variant).unwrap() += quantity;
        }
        self.restocked.insert(request.id, lines);
        Ok(())
    }

    fn answers(&mut self) -> Result<(), Error> {
        if self.away == 0 {
            return Ok(());
        }
        self.away -= 1;
        Err(Error::unavailable("The warehouse is away."))
    }
}

impl Warehouse {
    pub fn new(env: Env) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            env,
            quotes: HashMap::new(),
            on_hand: HashMap::new(),
            reservations: HashMap::new(),
            references: HashMap::new(),
            came_back: HashMap::new(),
            restocked: HashMap::new(),
            gates: HashMap::new(),
            away: 0,
            ahead: 0,
            refused_at_once: HashSet::new(),
            asked: 0,
            feed: Vec::new(),
            products: HashMap::new(),
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Makes the next call of this name wait until the gate is opened.
    pub fn gate(&self, call: &'static str, moment: Moment) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        self.lock().gates.insert((call, moment), gate.clone());
        gate
    }

    fn answer<T>(&self, call: impl FnOnce(&mut Inner) -> Result<T, Error>) -> Result<T, Error> {
        let mut inner = self.lock();
        inner.answers()?;
        call(&mut inner)
    }

    async fn pass(&self, call: &'static str, moment: Moment) {
        let gate = self.lock().gates.remove(&(call, moment));
        if let Some(gate) = gate {
            gate.reached.notify_one();
            gate.open.notified().await;
        }
    }

    /// Puts a new thing on the shelf.
    pub fn stock(&self, price: i64, on_hand: i64) -> Uuid {
        let mut inner = self.lock();
        let id = inner.env.new_id();
        let quote = Quote {
            variant_id: id,
            product_id: inner.env.new_id(),
            product_handle: "mug".parse().unwrap(),
            product_title: "Mug <1>".into(),
            variant_title: String::new(),
            sku: None,
            price: Money::new(price, Currency::EUR),
            compare_at_price: None,
            image: None,
            for_sale: true,
            available: Some(on_hand),
            inventory_policy: InventoryPolicy::Deny,
        };
        inner.quotes.insert(id, quote);
        inner.on_hand.insert(id, on_hand);
        id
    }

    /// Something happens to the product of this number, of whose one variant so many are then left.
    pub fn happens(&self, number: u128, what: WhatChanged, available: i64) {
        let mut inner = self.lock();
        let (id, at) = (Uuid::from_u128(number), inner.env.now());
        let position = inner.feed.last().map_or(1, |last| last.position + 1);
        inner.feed.push(ProductChange {
            position,
            at,
            product_id: Some(id),
            what,
        });
        let archived = what == WhatChanged::Archived;
        let product = ChangedProduct {
            id,
            handle: format!("mug-{number}").parse().unwrap(),
            title: format!("Mug {number}"),
            status: match archived {
                true => ProductStatus::Archived,
                false => ProductStatus::Active,
            },
            version: position,
            created_at: at,
            updated_at: at,
            stock: vec![ChangedStock {
                variant_id: Uuid::from_u128(number + 1000),
                sku: Some(format!("M-{number}")),
                on_hand: available + 1,
                reserved: 1,
            }],
        };
        inner.products.insert(id, product);
    }

    /// Units that somebody holds with a deadline that has not passed.
    pub fn reserved(&self) -> i64 {
        let inner = self.lock();
        let all = inner.on_hand.keys();
        all.map(|id| inner.on_hand[id] - inner.available(*id)).sum()
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/internal/changes", get(changes))
            .route("/internal/quotes", post(quotes))
            .route("/internal/reservations", post(reserve))
            .route("/internal/reservations/look", post(look))
            .route("/internal/reservations/{id}/claim", post(claim))
            .route("/internal/reservations/{id}/release", post(release))
            .route("/internal/restocks", post(restock))
            .with_state(self.clone())
    }
}

async fn changes(
    State(warehouse): State<Warehouse>,
    Query(query): Query<ChangesQuery>,
) -> ApiResult<Json<ProductChanges>> {
    let mut inner = warehouse.lock();
    inner.answers()?;
    let position = inner.feed.last().map_or(0, |last| last.position);
    let later = inner.feed.iter().filter(|it| it.position > query.after);
    let changes: Vec<ProductChange> = later.take(query.limit as usize).copied().collect();
    let named: HashSet<Uuid> = changes.iter().filter_map(|it| it.product_id).collect();
    let products = inner.products.values().filter(|it| named.contains(&it.id));
    Ok(Json(ProductChanges {
        position,
        products: products.cloned().collect(),
        changes,
    }))
}

async fn quotes(
    State(warehouse): State<Warehouse>,
    Json(request): Json<QuoteRequest>,
) -> ApiResult<Json<Quotes>> {
    let mut inner = warehouse.lock();
    inner.answers()?;
    let quote = |id: &Uuid| {
        let mut quote = inner.quotes.get(id)?.clone();
        quote.available = Some(inner.available(*id));
        Some(quote)
    };
    let items = request.variant_ids.iter().filter_map(quote).collect();
    Ok(Json(Quotes { items }))
}

async fn reserve(
    State(warehouse): State<Warehouse>,
    Json(request): Json<ReserveRequest>,
) -> ApiResult<Json<Reservation>> {
    warehouse.pass("reserve", Moment::Before).await;
    let answer = warehouse.answer(|inner| {
        inner.asked += 1;
        inner.hold(&request)
    });
    warehouse.pass("reserve", Moment::After).await;
    Ok(Json(answer?))
}

async fn look(
    State(warehouse): State<Warehouse>,
    Json(request): Json<LookRequest>,
) -> ApiResult<StatusCode> {
    let mut inner = warehouse.lock();
    inner.answers()?;
    let refused = |line: &LineRequest| inner.refused_at_once.contains(&line.variant_id);
    if request.lines.iter().any(refused) {
        return Err(Error::conflict("out_of_stock", "Not enough.").into());
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn claim(
    State(warehouse): State<Warehouse>,
    Path(id): Path<Uuid>,
    Json(request): Json<ClaimRequest>,
) -> ApiResult<Json<Reservation>> {
    warehouse.pass("claim", Moment::Before).await;
    let answer = warehouse.answer(|inner| inner.claim(id, &request.reference));
    warehouse.pass("claim", Moment::After).await;
    Ok(Json(answer?))
}

async fn release(
    State(warehouse): State<Warehouse>,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<Reservation>> {
    warehouse.pass("release", Moment::Before).await;
    let answer = warehouse.answer(|inner| inner.release(id));
    warehouse.pass("release", Moment::After).await;
    Ok(Json(answer?))
}

async fn restock(
    State(warehouse): State<Warehouse>,
    Json(request): Json<RestockRequest>,
) -> ApiResult<Json<serde_json::Value>> {
    warehouse.answer(|inner| inner.restock(&request))?;
    Ok(Json(json!({})))
}
