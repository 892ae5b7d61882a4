//! Points at which a test can make the order's path break off, as a killed process would.
//!
//! What breaks off can only be made where tests are, and in a program that was built for trials
//! (with debug assertions): in one that is released nothing can switch a fault on.

use std::fmt;
use std::sync::Arc;

use techcommerce_kernel::Error;

/// A place between a side effect and what is written about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// The request is fixed; nothing is reserved.
    RequestFixed,
    /// The stock is reserved; no order is written.
    StockReserved,
    /// The order is written; the caller does not know.
    OrderWritten,
    /// The command of this name is about to be carried out.
    Before(&'static str),
    /// It was carried out outside; nothing is written about it here.
    After(&'static str),
    /// What became of it is written; what follows has not begun.
    Recorded(&'static str),
}

/// Its name, as `after-capture`.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestFixed => f.write_str("request-fixed"),
            Self::StockReserved => f.write_str("stock-reserved"),
            Self::OrderWritten => f.write_str("order-written"),
            Self::Before(command) => write!(f, "before-{command}"),
            Self::After(command) => write!(f, "after-{command}"),
            Self::Recorded(command) => write!(f, "recorded-{command}"),
        }
    }
}

type Hook = dyn Fn(Point) -> Result<(), Error> + Send + Sync;

/// Breaks off where a test says; never otherwise.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<Hook>>);

impl Faults {
    /// Breaks off wherever `hook` gives an error.
    #[cfg(any(test, debug_assertions))]
    pub fn new(hook: impl Fn(Point) -> Result<(), Error> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// Breaks off here if a test says so.
    pub(crate) fn at(&self, point: Point) -> Result<(), Error> {
        match &self.0 {
            Some(hook) => hook(point),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faults").field(&self.0.is_some()).finish()
    }
}
