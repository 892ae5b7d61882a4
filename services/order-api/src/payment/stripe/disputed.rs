//! Disputes as Stripe's books have them: those that were begun lately, and those that are open here,
//! however old they are.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::transact;

use super::{client::Failure, reconcile::Comparison, rows, wire::Dispute};
use crate::{
    app::App,
    payment::{disputes, findings},
};

impl Comparison<'_> {
    /// Records how they stand.
    pub(super) async fn disputes(&mut self, since: Timestamp) -> Result<(), Error> {
        let since = since.as_seconds().to_string();
        let query = [("created[gte]", since.as_str())];
        let listed: Vec<Dispute> = self.stripe.client.list("/v1/disputes", &query).await?;
        for dispute in &listed {
            let recorded = listed_one(self.app, dispute).await;
            self.goes_on(&dispute.id, recorded);
        }
        for (id, order) in findings::to_ask(&self.app.db).await? {
            if !listed.iter().any(|dispute| dispute.id == id) {
                let asked = self.ask(&id, order).await;
                self.goes_on(&id, asked);
            }
        }
        Ok(())
    }

    async fn ask(&self, id: &str, order: Uuid) -> Result<(), Error> {
        match self.stripe.client.get(&format!("/v1/disputes/{id}")).await {
            Ok(dispute) => record(self.app, order, &dispute).await,
            // Of an account that the shop had before: it stays as it is.
            Err(Failure::Impossible(problem)) => {
                let why = problem.named();
                tracing::warn!(dispute = id, why, "the provider does not know a dispute");
                Ok(())
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Records one that is of a payment that we know: any other is another shop's.
async fn listed_one(app: &App, dispute: &Dispute) -> Result<(), Error> {
    let Some(intent) = &dispute.payment_intent else {
        return Ok(());
    };
    let mut conn = app.db.read().await?;
    let order = rows::order_of(&mut conn, intent).await?;
    drop(conn);
    match order {
        Some(order) => record(app, order, dispute).await,
        None => Ok(()),
    }
}

async fn record(app: &App, order: Uuid, dispute: &Dispute) -> Result<(), Error> {
    transact!(app.db, |tx| -> Result<(), Error> {
        disputes::record(tx, app, order, dispute).await
    })
}
