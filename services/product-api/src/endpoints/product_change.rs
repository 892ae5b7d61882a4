//! One change of one product, as all endpoints make it: under the product's lock, with its entry
//! in the audit log and in the change feed, or nothing at all.

use std::collections::BTreeSet;

use http::{HeaderMap, StatusCode};
use techcommerce_audit::Entry;
use techcommerce_contracts::Principal;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Once};
use techcommerce_store::transact;

use super::{App, check_tag, known_category};
use crate::{
    catalogue::{
        draft::ProductDraft,
        input, read,
        rows::Record,
        trail,
        write::{Writer, lock_product},
    },
    changes,
    stock::Reason,
};

/// Which version of a product somebody wants to change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    /// The request's, for `If-Match`.
    pub headers: &'a HeaderMap,
    /// As the body says.
    pub version: Option<i64>,
}

impl Expected<'_> {
    /// # Errors
    /// `product_changed`.
    pub fn check(&self, record: &Record) -> Result<(), Error> {
        check_tag(self.headers, record.row.version)?;
        match self.version {
            Some(version) if version != record.row.version => Err(super::product_changed()),
            _ => Ok(()),
        }
    }
}

/// Makes a product what `draft` says of it. Gives the place in the change feed; `None` if it was
/// so already.
///
/// # Errors
/// `product_not_found`, `invalid_input`, `handle_taken` and what `draft` refuses.
pub(super) async fn change(
    app: &App,
    who: &Principal,
    action: &'static str,
    id: Uuid,
    draft: impl Fn(&Record) -> Result<ProductDraft, Error> + Send + Sync,
) -> Result<Option<i64>, Error> {
    let changed = change_once(app, who, action, id, draft, &Once::UNNAMED).await?;
    Ok(changed.1)
}

/// As [`change`], once for a request that has a name. Gives whether it changed (or did, when the
/// request came before) and the place in the change feed if it did now.
///
/// # Errors
/// Those of [`change`].
pub(super) async fn change_once(
    app: &App,
    who: &Principal,
    action: &'static str,
    id: Uuid,
    draft: impl Fn(&Record) -> Result<ProductDraft, Error> + Send + Sync,
    once: &Once,
) -> Result<(bool, Option<i64>), Error> {
    type Done = (bool, Option<i64>);
    let keep = |changed: bool| Answer::json(StatusCode::OK, &changed);
    let actor = who.actor();
    let writer = Writer::new(&app.env, app.settings.currency, &actor, Reason::Set);
    transact!(app.db, |tx| -> Result<Done, Error> {
        if let Some(known) = once.begin(tx, &app.env).await? {
            return Ok((known.body().as_ref() == b"true", None));
        }
        lock_product(tx, id).await?;
        let record = read::product(tx, id).await?;
        let after = draft(&record)?;
        let before = input::current(&record)?;
        known_category(tx, after.category.as_ref()).await?;
        let Some(difference) = trail::difference(&before, &after) else {
            once.keep(tx, keep(false)?).await?;
            return Ok((false, None));
        };
        let mut changed = BTreeSet::new();
        let stock = writer.update(tx, &record, &after, &mut changed).await?;
        writer.set_stock(tx, &stock).await?;
        let entry = Entry::new(who, action)
            .object("product", id, &after.title)
            .change(&difference);
        techcommerce_audit::record(tx, &app.env, entry).await?;
        once.keep(tx, keep(true)?).await?;
        Ok((true, changes::record(tx, app.env.now(), &changed).await?))
    })
}
