//! In which order a cart becomes an order, whoever does the steps.
//!
//! It knows neither a database nor a network: a request brings those, and the simulation
//! (tests/simulation) others, which a seed decides.

use techcommerce_kernel::{Error, Kind};

use crate::faults::Point;

/// What was found when the request was fixed.
pub enum Fixed<S, O> {
    /// The same request made this order before.
    Ordered(O),
    /// The order is yet to be made, of this.
    Open(S),
}

/// What came of writing an order.
pub enum Written<O> {
    /// The order: this one, or the one that the same request made of the same.
    Order(O),
    /// Nothing: what was fixed has been given up meanwhile.
    GivenUp,
}

/// What came of forgetting a request.
pub enum Forgotten<O> {
    /// It is forgotten: its key may be tried again.
    Now,
    /// What was fixed has been given up already.
    Before,
    /// It has become this order.
    Ordered(O),
}

/// What is done for one request to order.
pub trait Desk: Sync {
    /// What is asked for, once it is fixed.
    type Snapshot: Send + Sync;
    /// The stock that is held.
    type Reserved: Send + Sync;
    /// What the request has become.
    type Order: Send;

    /// Breaks off here if a test says so.
    ///
    /// # Errors
    /// What the test says.
    fn at(&self, point: Point) -> Result<(), Error>;

    /// Fixes what is asked for, or finds what was fixed when the request came before.
    ///
    /// # Errors
    /// Of the cart; `idempotency_key_reused`.
    fn fix(&self)
    -> impl Future<Output = Result<Fixed<Self::Snapshot, Self::Order>, Error>> + Send;

    /// Holds the stock, under an id that follows from the request.
    ///
    /// # Errors
    /// `out_of_stock` and others of product-api.
    fn reserve(
        &self,
        snapshot: &Self::Snapshot,
    ) -> impl Future<Output = Result<Self::Reserved, Error>> + Send;

    /// Writes the order, unless the same request has made it already, or asks for something else
    /// by now.
    ///
    /// # Errors
    /// `cart_ordered`, `cart_changed`, `discount_invalid`, …
    fn write(
        &self,
        snapshot: &Self::Snapshot,
        reserved: &Self::Reserved,
    ) -> impl Future<Output = Result<Written<Self::Order>, Error>> + Send;

    /// Forgets the request, if it still asks for this.
    ///
    /// # Errors
    /// Those of the database.
    fn forget(
        &self,
        snapshot: &Self::Snapshot,
    ) -> impl Future<Output = Result<Forgotten<Self::Order>, Error>> + Send;

    /// The order that the request has become.
    ///
    /// # Errors
    /// Those of the database.
    fn ordered(&self) -> impl Future<Output = Result<Option<Self::Order>, Error>> + Send;

    /// Gives the stock back, or leaves it to run out by itself.
    fn release(&self, reserved: &Self::Reserved) -> impl Future<Output = ()> + Send;
}

/// Makes the cart an order, or gives the one that the same request made before.
///
/// # Errors
/// Those of the steps. What is transient leaves in doubt whether the order was placed: the same
/// request finishes it.
pub async fn place<D: Desk>(desk: &D) -> Result<D::Order, Error> {
    let snapshot = match desk.fix().await? {
        Fixed::Ordered(order) => return Ok(order),
        Fixed::Open(snapshot) => snapshot,
    };
    desk.at(Point::RequestFixed)?;
    let reserved = match desk.reserve(&snapshot).await {
        Ok(reserved) => reserved,
        Err(error) => return refuse(desk, &snapshot, None, error).await,
    };
    desk.at(Point::StockReserved)?;
    let order = match desk.write(&snapshot, &reserved).await {
        Ok(Written::Order(order)) => order,
        Ok(Written::GivenUp) => return given_up(desk, Some(&reserved), in_doubt()).await,
        Err(error) => return refuse(desk, &snapshot, Some(&reserved), error).await,
    };
    desk.at(Point::OrderWritten)?;
    Ok(order)
}

/// Gives back what the request holds, unless the same one, sent twice at once, has become an order
/// meanwhile. What is in doubt is left as it is: a retry finishes it.
async fn refuse<D: Desk>(
    desk: &D,
    snapshot: &D::Snapshot,
    reserved: Option<&D::Reserved>,
    error: Error,
) -> Result<D::Order, Error> {
    if error.is_transient() || error.kind() == Kind::Internal {
        return Err(error);
    }
    match desk.forget(snapshot).await? {
        Forgotten::Ordered(order) => Ok(order),
        Forgotten::Before => given_up(desk, reserved, error).await,
        Forgotten::Now => {
            if let Some(reserved) = reserved {
                desk.release(reserved).await;
            }
            Err(error)
        }
    }
}

/// Nobody orders what was fixed any more, so that what is held for it is held for nobody. The
/// request may have become an order of something else.
async fn given_up<D: Desk>(
    desk: &D,
    reserved: Option<&D::Reserved>,
    otherwise: Error,
) -> Result<D::Order, Error> {
    if let Some(reserved) = reserved {
        desk.release(reserved).await;
    }
    desk.ordered().await?.ok_or(otherwise)
}

/// Another one of the same request was refused while this one was at work.
pub fn in_doubt() -> Error {
    Error::unavailable("The same order was sent twice at once. Please send it again.")
}
