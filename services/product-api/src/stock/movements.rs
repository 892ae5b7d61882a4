//! The append-only ledger of stock.

use techcommerce_kernel::{Env, Uuid};
use techcommerce_store::{Conn, StoreError, dialect::rows, with};

/// Why the stock changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Somebody counted.
    Set,
    /// Somebody added or took away.
    Adjustment,
    /// A catalogue file said so.
    Import,
    /// An order took it.
    Sale,
    /// An order that took it was given up as a whole.
    Release,
    /// Parts of an order came back.
    Restock,
}

impl Reason {
    /// The name as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Adjustment => "adjustment",
            Self::Import => "import",
            Self::Sale => "sale",
            Self::Release => "release",
            Self::Restock => "restock",
        }
    }
}

/// What a change of stock is for.
#[derive(Debug, Clone, Copy)]
pub struct Movement<'a> {
    /// Why.
    pub reason: Reason,
    /// Who, as `account:0193…`.
    pub actor: &'a str,
    /// In the words of who did it.
    pub note: Option<&'a str>,
    /// What it belongs to, as an order's id.
    pub reference: Option<&'a str>,
}

/// How the stock of one variant changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub variant_id: Uuid,
    /// How many came, or, negative, went.
    pub delta: i64,
    /// How many there are now.
    pub after: i64,
}

impl Movement<'_> {
    /// Writes what moved, which is not to be more than [`ROWS`](techcommerce_store::dialect::ROWS).
    pub(super) async fn write_all(
        &self,
        tx: &mut Conn,
        env: &Env,
        moved: &[Moved],
    ) -> Result<(), StoreError> {
        if moved.is_empty() {
            return Ok(());
        }
        let now = env.now().as_micros();
        let sql = format!(
            "INSERT INTO stock_movements (id, variant_id, delta, on_hand_before, on_hand_after,
             reason, note, actor, reference, created_at) VALUES {}",
            rows(1, moved.len(), 10)
        );
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for one in moved {
                query = query
                    .bind(env.new_id())
                    .bind(one.variant_id)
                    .bind(one.delta)
                    .bind(one.after - one.delta)
                    .bind(one.after)
                    .bind(self.reason.name())
                    .bind(self.note)
                    .bind(self.actor)
                    .bind(self.reference)
                    .bind(now);
            }
            query.execute(c).await.map(|_| ())
        })
    }
}
