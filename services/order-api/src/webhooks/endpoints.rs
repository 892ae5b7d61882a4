//! Endpoints as admins keep them.
//!
//! The audit log names an endpoint by its host and its description: an address may hold a key of
//! the receiver's in its path, and all of staff read the log.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Principal, codes,
    order_api::{
        NewWebhook, Webhook, WebhookCreated, WebhookDelivery, WebhookDisabled, WebhookEdit,
        WebhookEventType, WebhookRotated,
    },
};
use techcommerce_jobs::{NewJob, enqueue};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_once::{Answer, Once};
use techcommerce_store::{Conn, execute, transact, with};
use url::Url;

use super::{
    body::{Data, Subject},
    deliveries,
    events::{self, About},
    input, not_found,
    notice::{self, Notice},
    secret::Secret,
    unreadable,
};
use crate::app::App;

/// How many there may be: each adds a row to every event's transaction.
const MOST: i64 = 20;
/// For how long the secret of before signs too.
const OVERLAP: Duration = Duration::from_hours(24);

const COLUMNS: &str = "e.id, e.url, e.description, e.types, e.enabled, e.disabled_reason, \
     e.failing_since, e.created_at, e.updated_at, \
     (SELECT MAX(s.ends_at) FROM webhook_secrets s WHERE s.endpoint_id = e.id) AS previous_until";

#[derive(Debug, Clone, sqlx::FromRow)]
struct Row {
    id: Uuid,
    url: String,
    description: String,
    types: String,
    enabled: bool,
    disabled_reason: Option<String>,
    failing_since: Option<i64>,
    created_at: i64,
    updated_at: i64,
    previous_until: Option<i64>,
}

impl Row {
    fn shown(self, now: Timestamp) -> Result<Webhook, Error> {
        let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let reason = self.disabled_reason.map(|reason| reason.parse());
        Ok(Webhook {
            id: self.id,
            types: input::stored_types(&self.types),
            enabled: self.enabled,
            disabled_reason: reason.transpose().map_err(unreadable)?,
            failing_since: time(self.failing_since),
            previous_secret_until: time(self.previous_until).filter(|until| *until > now),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            url: self.url,
            description: self.description,
        })
    }

    /// What it is called in the audit log.
    fn title(&self) -> String {
        title(&self.url, &self.description)
    }

    /// For the audit log.
    fn told(&self) -> Value {
        json!({
            "host": host(&self.url),
            "description": self.description,
            "types": input::stored_types(&self.types),
            "enabled": self.enabled,
        })
    }
}

fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or_default().to_owned()
}

/// What an endpoint is called in the audit log.
pub(super) fn title(url: &str, description: &str) -> String {
    match description {
        "" => host(url),
        description => description.to_owned(),
    }
}

/// All endpoints, the oldest first.
///
/// # Errors
/// Those of the database.
pub(crate) async fn list(app: &App) -> Result<Vec<Webhook>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM webhook_endpoints e WHERE e.deleted_at IS NULL \
         ORDER BY e.created_at, e.id"
    );
    let mut conn = app.db.read().await?;
    let rows: Vec<Row> = with!(conn, |c| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .fetch_all(c)
            .await
    })?;
    let now = app.env.now();
    rows.into_iter().map(|row| row.shown(now)).collect()
}

/// One endpoint.
///
/// # Errors
/// `webhook_not_found`.
pub(crate) async fn show(app: &App, id: Uuid) -> Result<Webhook, Error> {
    let mut conn = app.db.read().await?;
    find(&mut conn, id).await?.shown(app.env.now())
}

async fn find(conn: &mut Conn, id: Uuid) -> Result<Row, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM webhook_endpoints e WHERE e.id = $1 AND e.deleted_at IS NULL"
    );
    let row: Option<Row> = with!(conn, |c| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(id)
            .fetch_optional(c)
            .await
    })?;
    row.ok_or_else(not_found)
}

/// The endpoint, locked until the transaction ends.
async fn lock(tx: &mut Conn, id: Uuid) -> Result<Row, Error> {
    // Taking the row with an update makes others wait on both engines.
    const LOCK: &str =
        "UPDATE webhook_endpoints SET enabled = enabled WHERE id = $1 AND deleted_at IS NULL";
    match execute!(tx, sqlx::query(LOCK).bind(id))? {
        1 => find(tx, id).await,
        _ => Err(not_found()),
    }
}

/// Puts a new secret in force, and gives its id too.
async fn add_secret(tx: &mut Conn, app: &App, endpoint: Uuid) -> Result<(Uuid, Secret), Error> {
    const INSERT: &str = "INSERT INTO webhook_secrets (id, endpoint_id, secret, created_at) \
         VALUES ($1, $2, $3, $4)";
    let (id, secret) = (app.env.new_id(), Secret::new(&app.env));
    execute!(
        tx,
        sqlx::query(INSERT)
            .bind(id)
            .bind(endpoint)
            .bind(secret.expose())
            .bind(app.env.now().as_micros())
    )?;
    Ok((id, secret))
}

/// What is kept of an answer that holds a secret, for a request that comes again: all but the
/// secret, which lies in one place only and goes with it.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    secret_id: Uuid,
    rest: T,
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    async fn keep(self, tx: &mut Conn, once: &Once, status: StatusCode) -> Result<T, Error> {
        once.keep(tx, Answer::json(status, &self)?).await?;
        Ok(self.rest)
    }

    /// The secret and the rest of an answer that was given before.
    ///
    /// # Errors
    /// `webhook_not_found` if it was deleted since.
    async fn again(tx: &mut Conn, answer: &Answer) -> Result<(Secret, T), Error> {
        const SECRET: &str = "SELECT secret FROM webhook_secrets WHERE id = $1";
        let kept: Self = serde_json::from_slice(answer.body()).map_err(Error::internal)?;
        let secret: Option<String> = with!(tx, |c| sqlx::query_scalar(SECRET)
            .bind(kept.secret_id)
            .fetch_optional(c)
            .await)?;
        let secret = secret.map(Secret::stored).ok_or_else(not_found)?;
        Ok((secret, kept.rest))
    }
}

/// Makes an endpoint and its secret.
///
/// # Errors
/// `invalid_input`, `webhook_limit`; `webhook_not_found` if it was made by the same request before
/// and is deleted since.
pub(crate) async fn create(
    app: &App,
    who: &Principal,
    new: &NewWebhook,
    once: &Once,
) -> Result<WebhookCreated, Error> {
    const COUNT: &str = "SELECT COUNT(*) FROM webhook_endpoints WHERE deleted_at IS NULL";
    const INSERT: &str = "INSERT INTO webhook_endpoints (id, url, description, types, enabled, \
         disabled_reason, tests, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7)";
    let url = input::url(&new.url, &app.webhooks.allowed)?;
    let description = input::description(&new.description)?;
    let types = input::types(&new.types)?;
    let reason = (!new.enabled).then_some(WebhookDisabled::Staff.name());
    let id = app.env.new_id();
    let (secret, webhook) = transact!(app.db, |tx| -> Result<(Secret, Webhook), Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Kept::again(tx, &answer).await;
        }
        let count: i64 = with!(tx, |c| sqlx::query_scalar(COUNT).fetch_one(c).await)?;
        if count >= MOST {
            let why = format!("There are {MOST} webhooks, as many as there may be.");
            return Err(Error::conflict(codes::WEBHOOK_LIMIT, why));
        }
        execute!(
            tx,
            sqlx::query(INSERT)
                .bind(id)
                .bind(&url)
                .bind(&description)
                .bind(&types)
                .bind(new.enabled)
                .bind(reason)
                .bind(app.env.now().as_micros())
        )?;
        let (secret_id, secret) = add_secret(tx, app, id).await?;
        let row = find(tx, id).await?;
        let entry = Entry::new(who, "webhook.create")
            .object("webhook", id, row.title())
            .change(&row.told());
        techcommerce_audit::record(tx, &app.env, entry).await?;
        let rest = row.shown(app.env.now())?;
        let kept = Kept { secret_id, rest };
        Ok((secret, kept.keep(tx, once, StatusCode::CREATED).await?))
    })?;
    Ok(WebhookCreated {
        secret: secret.expose().to_owned(),
        webhook,
    })
}

/// Changes an endpoint. What waits to be sent is given up when it is switched off; one that is
/// switched on begins anew.
///
/// # Errors
/// `webhook_not_found`, `invalid_input`.
pub(crate) async fn edit(
    app: &App,
    who: &Principal,
    id: Uuid,
    edit: &WebhookEdit,
) -> Result<Webhook, Error> {
    const SAVE: &str = "UPDATE webhook_endpoints SET url = $2, description = $3, types = $4, \
         enabled = $5, disabled_reason = $6, failing_since = $7, updated_at = $8 WHERE id = $1";
    let url = edit.url.as_deref();
    let url = url.map(|url| input::url(url, &app.webhooks.allowed));
    let url = url.transpose()?;
    let description = edit.description.as_deref().map(input::description);
    let description = description.transpose()?;
    let types = edit.types.as_deref().map(input::types).transpose()?;
    transact!(app.db, |tx| -> Result<(), Error> {
        let old = lock(tx, id).await?;
        let mut new = old.clone();
        new.url = url.clone().unwrap_or(new.url);
        new.description = description.clone().unwrap_or(new.description);
        new.types = types.clone().unwrap_or(new.types);
        new.enabled = edit.enabled.unwrap_or(new.enabled);
        match (old.enabled, new.enabled) {
            (true, false) => {
                new.disabled_reason = Some(WebhookDisabled::Staff.name().to_owned());
                cancel(tx, app, id).await?;
            }
            (false, true) => (new.disabled_reason, new.failing_since) = (None, None),
            _ => {}
        }
        if new.url != old.url {
            // Nothing is known of the new one.
            new.failing_since = None;
        }
        execute!(
            tx,
            sqlx::query(SAVE)
                .bind(id)
                .bind(&new.url)
                .bind(&new.description)
                .bind(&new.types)
                .bind(new.enabled)
                .bind(new.disabled_reason.as_deref())
                .bind(new.failing_since)
                .bind(app.env.now().as_micros())
        )?;
        let (mut before, mut after) = (old.told(), new.told());
        if new.url != old.url {
            // That it is another one is told, and which one to admins only.
            (before["url"], after["url"]) = (json!("[before]"), json!("[changed]"));
        }
        let entry = Entry::new(who, "webhook.update")
            .object("webhook", id, new.title())
            .difference(&before, &after);
        match entry {
            Some(entry) => techcommerce_audit::record(tx, &app.env, entry).await,
            None => Ok(()),
        }
    })?;
    show(app, id).await
}

/// Deletes an endpoint: nobody sees it any more, nothing is sent, its secrets are gone. Its
/// deliveries are taken away by [`super::tidy`].
///
/// # Errors
/// `webhook_not_found`.
pub(crate) async fn delete(app: &App, who: &Principal, id: Uuid) -> Result<(), Error> {
    const DELETE: &str =
        "UPDATE webhook_endpoints SET deleted_at = $2, enabled = FALSE WHERE id = $1";
    const SECRETS: &str = "DELETE FROM webhook_secrets WHERE endpoint_id = $1";
    transact!(app.db, |tx| -> Result<(), Error> {
        let row = lock(tx, id).await?;
        let now = app.env.now().as_micros();
        execute!(tx, sqlx::query(DELETE).bind(id).bind(now))?;
        execute!(tx, sqlx::query(SECRETS).bind(id))?;
        cancel(tx, app, id).await?;
        let entry = Entry::new(who, "webhook.delete")
            .object("webhook", id, row.title())
            .change(&row.told());
        techcommerce_audit::record(tx, &app.env, entry).await
    })
}

/// Puts a new secret in force; that of before signs for another day beside it.
///
/// # Errors
/// `webhook_not_found`.
pub(crate) async fn rotate(
    app: &App,
    who: &Principal,
    id: Uuid,
    once: &Once,
) -> Result<WebhookRotated, Error> {
    const END: &str =
        "UPDATE webhook_secrets SET ends_at = $2 WHERE endpoint_id = $1 AND ends_at IS NULL";
    let (secret, until) = transact!(app.db, |tx| -> Result<(Secret, Timestamp), Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Kept::again(tx, &answer).await;
        }
        let until = app.env.now() + OVERLAP;
        let row = lock(tx, id).await?;
        execute!(tx, sqlx::query(END).bind(id).bind(until.as_micros()))?;
        let (secret_id, secret) = add_secret(tx, app, id).await?;
        let entry = Entry::new(who, "webhook.rotate")
            .object("webhook", id, row.title())
            .change(&json!({ "previous_until": until }));
        techcommerce_audit::record(tx, &app.env, entry).await?;
        let rest = until;
        let kept = Kept { secret_id, rest };
        Ok((secret, kept.keep(tx, once, StatusCode::OK).await?))
    })?;
    Ok(WebhookRotated {
        secret: secret.expose().to_owned(),
        previous_until: until,
    })
}

/// Sends a trial, once, also to one that is switched off: so it can be tried before it is not.
///
/// # Errors
/// `webhook_not_found`.
pub(crate) async fn test(app: &App, who: &Principal, id: Uuid) -> Result<WebhookDelivery, Error> {
    const COUNT: &str = "UPDATE webhook_endpoints SET tests = tests + 1 \
         WHERE id = $1 AND deleted_at IS NULL RETURNING tests";
    let delivery = transact!(app.db, |tx| -> Result<Uuid, Error> {
        let sequence: Option<i64> = with!(tx, |c| sqlx::query_scalar(COUNT)
            .bind(id)
            .fetch_optional(c)
            .await)?;
        let sequence = sequence.ok_or_else(not_found)?;
        let row = find(tx, id).await?;
        let subject = Subject {
            kind: "webhook",
            id,
        };
        let data = Data {
            webhook: Some(subject),
            ..Data::default()
        };
        let kind = WebhookEventType::WebhookTest;
        let about = About {
            kind,
            subject,
            sequence,
            at: app.env.now(),
            after: Duration::ZERO,
        };
        let delivery = events::write(tx, app, about, &data, &[id]).await?;
        let entry = Entry::new(who, "webhook.test").object("webhook", id, row.title());
        techcommerce_audit::record(tx, &app.env, entry).await?;
        delivery.ok_or_else(|| Error::internal("a trial went to nobody"))
    })?;
    app.queue.wake();
    Ok(deliveries::show(app, id, delivery).await?.delivery)
}

/// The house itself disables an endpoint, gives up what waits, and has staff told.
///
/// # Errors
/// Those of the database.
pub(super) async fn disable(
    tx: &mut Conn,
    app: &App,
    id: Uuid,
    reason: WebhookDisabled,
) -> Result<(), Error> {
    const DISABLE: &str = "UPDATE webhook_endpoints \
         SET enabled = FALSE, disabled_reason = $2, updated_at = $3 WHERE id = $1 AND enabled";
    let now = app.env.now().as_micros();
    let disabled = execute!(
        tx,
        sqlx::query(DISABLE).bind(id).bind(reason.name()).bind(now)
    )?;
    if disabled == 0 {
        return Ok(());
    }
    cancel(tx, app, id).await?;
    let row = find(tx, id).await?;
    let entry = Entry::by("system", "webhook.disable")
        .object("webhook", id, row.title())
        .change(&json!({ "reason": reason }));
    techcommerce_audit::record(tx, &app.env, entry).await?;
    let notice = NewJob::new(notice::KIND).payload(&Notice {
        endpoint: id,
        reason,
    })?;
    enqueue(tx, &app.env, notice).await?;
    Ok(())
}

/// What is told of an endpoint in a mail: its host and what it is for.
pub(super) async fn named(app: &App, id: Uuid) -> Result<(String, String), Error> {
    let mut conn = app.db.read().await?;
    let row = find(&mut conn, id).await?;
    Ok((host(&row.url), row.description))
}

/// Gives up what waits to be sent to an endpoint that this transaction holds.
async fn cancel(tx: &mut Conn, app: &App, id: Uuid) -> Result<(), Error> {
    const CANCEL: &str = "UPDATE webhook_deliveries \
         SET state = 'cancelled', finished_at = $2 \
         WHERE endpoint_id = $1 AND state = 'pending'";
    let now = app.env.now().as_micros();
    execute!(tx, sqlx::query(CANCEL).bind(id).bind(now))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_neither_path_nor_query() {
        let url = "https://hooks.example.com/services/T0/secret?key=1";
        assert_eq!(title(url, ""), "hooks.example.com");
        assert_eq!(title(url, "Slack"), "Slack");
        assert_eq!(host("nonsense"), "");
    }
}
