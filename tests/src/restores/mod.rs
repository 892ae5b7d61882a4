//! Backups that are made under load, and what comes back of them on another machine.
//!
//! Buyers remember what they were told. The shop is killed, and another one made from the backup
//! alone, as it was at a chosen second. It has every order that was acknowledged before that second,
//! and nothing of later; its books are those that the first shop had then, recomputed here from what is
//! left of it; and it goes on selling.

mod books;
mod buyers;
mod cluster;
mod cut_off;
mod postgres;
mod sqlite;
