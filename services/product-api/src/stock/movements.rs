//! The append-only ledger of stock.

use techcommerce_kernel::{Env, Uuid};
use techcommerce_store::{Conn, StoreError, execute};

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

impl Movement<'_> {
    /// Writes that `delta` pieces came (or, negative, went) and `after` is what there is now.
    pub(super) async fn write(
        &self,
        tx: &mut Conn,
        env: &Env,
        variant_id: Uuid,
        delta: i64,
        after: i64,
    ) -> Result<(), StoreError> {
        execute!(
            tx,
            sqlx::query(
                "INSERT INTO stock_movements (id, variant_id, delta, on_hand_before, on_hand_after,
                 reason, note, actor, reference, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            )
            .bind(env.new_id())
            .bind(variant_id)
            .bind(delta)
            .bind(after - delta)
            .bind(after)
            .bind(self.reason.name())
            .bind(self.note)
            .bind(self.actor)
            .bind(self.reference)
            .bind(env.now().as_micros())
        )?;
        Ok(())
    }
}
