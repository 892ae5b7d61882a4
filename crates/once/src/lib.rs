//! A request that is sent again has its effect once and the same answer, byte for byte.
//!
//! A client names a request with the header `Idempotency-Key`. The handler takes the key and keeps the
//! answer **in the transaction of the effect**: there is no effect without its answer, and no answer
//! without its effect, wherever a process dies. Two at once wait for each other at the key's row.
//!
//! ```ignore
//! async fn create(…, Keyed { once, input }: Keyed<ProductInput>) -> ApiResult<Answer> {
//!     let answer = transact!(app.db, |tx| -> Result<Answer, Error> {
//!         if let Some(answer) = once.begin(tx, &app.env).await? {
//!             return Ok(answer);
//!         }
//!         let product = …;
//!         once.keep(tx, Answer::json(StatusCode::CREATED, &product)?).await
//!     })?;
//! }
//! ```
//!
//! What is refused has no effect and is not kept: the same key may be tried again. A key belongs to
//! who is signed in and to the operation; another request under it is refused. Guests have no keys:
//! nobody could tell one's from another's. Answers are kept for a day ([`Prune`]), the tables come with
//! [`with_tables`]. Never keep an answer that holds a secret.

mod answer;
mod request;
mod tidy;

pub use answer::Answer;
pub use request::{Keyed, KeyedOrDefault, Once};
pub use tidy::{KEEP, Prune, schedule};

use sqlx::migrate::Migrator;

/// Services number their migrations 1, 2, 3, …; the queue's are from 900,000 on, the log's from
/// 910,000, these from here.
const FIRST_VERSION: i64 = 920_000;

const TABLES: &[(&str, &str)] = &[(
    "idempotency_answers",
    include_str!("../migrations/answers.sql"),
)];

/// A service's migrations with the table of answers added.
pub fn with_tables(own: Migrator) -> Migrator {
    techcommerce_store::with_tables(own, FIRST_VERSION, TABLES)
}
