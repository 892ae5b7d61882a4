//! Through the whole service, on both engines, with a warehouse and a clock that the test holds.

mod carts;
mod checkout;
mod crashes;
mod payments;
mod races;
mod shop;
mod staff;
mod warehouse;
