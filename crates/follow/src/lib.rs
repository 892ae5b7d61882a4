//! What is made from a secret that may change while it is in use: the address of a database with
//! its password, the keys of a store, the headers that a collector wants.
//!
//! A [`Source`] says what the secret was when the process began and how it is read again, and a
//! [`Current`] holds what is made from it. A mounted file tells nobody that it changed, so somebody
//! [looks](Current::look) every few seconds, and at once when asked to. What is found is tried
//! before it counts: while it is refused, what was made from the one before stays in force, and the
//! log says so once. Whoever uses what is in force waits for nobody: taking it is no lock.

mod current;
mod source;

pub use current::{Current, Follow, Look};
pub use source::Source;
