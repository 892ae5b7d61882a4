//! Through the whole service, on both engines, with a warehouse and a clock that the test holds.

mod carts;
mod checkout;
mod crashes;
mod discounts;
mod languages;
mod lists;
mod payments;
mod product_feed;
mod races;
mod receiver;
mod shop;
mod staff;
mod stripe;
mod stripe_books;
mod stripe_disputes;
mod stripe_findings;
mod stripe_nobodys;
mod stripe_secrets;
mod stripe_under_way;
mod summary;
mod told;
mod verified;
mod warehouse;
mod webhooks;
