//! The public interface as staff's pages use it: orders, discounts, accounts, keys, logs, jobs.

use http::{HeaderName, Method};
use serde::Serialize;
use techcommerce_contracts::{
    Page,
    audit::{AuditEntry, AuditQuery},
    auth::{
        AccountDetail, AccountInput, AccountPatch, AccountQuery, AccountRecord, ApiKey,
        ApiKeyCreated, ApiKeyInput, ApiKeyList,
    },
    channel::Call,
    jobs::{DiscardQuery, JobCounts, JobDetail, JobEntry, JobQuery, Retried, RetryMany},
    order_api::{
        CancelInput, Discount, DiscountEdit, DiscountQuery, NewDiscountInput, NewWebhook,
        NoteInput, Order, OrderSummary, PaymentFinding, PaymentFindingQuery, PaymentFindingSettled,
        RefundInput, ShipmentInput, SummaryQuery, Webhook, WebhookCreated, WebhookDelivery,
        WebhookDeliveryDetail, WebhookDeliveryQuery, WebhookEdit, WebhookList, WebhookResent,
        WebhookRotated,
    },
    product_api::{StockItem, StockQuery},
    system::{BackupList, SystemReport},
};
use techcommerce_kernel::{Error, Uuid};

use crate::api::{Api, segment};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Api<'_> {
    /// How the orders stood in the last `days` days.
    pub async fn order_summary(&self, days: u32) -> Result<OrderSummary, Error> {
        let query = SummaryQuery { days: Some(days) };
        let call = self.own(Method::GET, "/api/orders/summary".into());
        call.query(&query).send().await
    }

    /// Sends goods of an order; the same `key` is the same shipment.
    pub async fn ship(&self, id: Uuid, key: &str, input: &ShipmentInput) -> Result<Order, Error> {
        self.with_order(id, "shipments", key, input).await
    }

    /// Pays back; the same `key` is the same refund.
    pub async fn refund(&self, id: Uuid, key: &str, input: &RefundInput) -> Result<Order, Error> {
        self.with_order(id, "refunds", key, input).await
    }

    /// Notes something on an order for staff; the same `key` is the same note.
    pub async fn note(&self, id: Uuid, key: &str, input: &NoteInput) -> Result<Order, Error> {
        self.with_order(id, "notes", key, input).await
    }

    async fn with_order(
        &self,
        id: Uuid,
        what: &str,
        key: &str,
        input: &impl Serialize,
    ) -> Result<Order, Error> {
        let call = self.once(key, format!("/api/orders/{id}/{what}"));
        call.json(input).send().await
    }

    /// A POST that has its effect once for each `key`.
    pub(in crate::admin) fn once(&self, key: &str, path: String) -> Call<'_> {
        self.own(Method::POST, path).header(IDEMPOTENCY_KEY, key)
    }

    /// Calls an order off; with the same `key` once.
    pub async fn cancel(&self, id: Uuid, key: &str, input: &CancelInput) -> Result<Order, Error> {
        self.with_order(id, "cancel", key, input).await
    }

    /// The money of an invoice has arrived; with the same `key` once.
    pub async fn mark_paid(&self, id: Uuid, key: &str) -> Result<Order, Error> {
        let call = self.once(key, format!("/api/orders/{id}/mark-paid"));
        call.send().await
    }

    /// What somebody has to look at about payments.
    pub async fn payment_findings(
        &self,
        query: &PaymentFindingQuery,
    ) -> Result<Page<PaymentFinding>, Error> {
        let call = self.own(Method::GET, "/api/payments/findings".into());
        call.query(query).send().await
    }

    /// Pays back once more what came back to the shop.
    pub async fn refund_again(&self, finding: &str) -> Result<PaymentFinding, Error> {
        let path = format!("/api/payments/findings/{}/refund-again", segment(finding));
        self.own(Method::POST, path).send().await
    }

    /// Says that something found is dealt with.
    pub async fn settle_finding(&self, finding: &str, note: &str) -> Result<PaymentFinding, Error> {
        let path = format!("/api/payments/findings/{}/settle", segment(finding));
        let note = note.to_owned();
        let call = self.own(Method::POST, path);
        call.json(&PaymentFindingSettled { note }).send().await
    }

    /// Discount codes.
    pub async fn discounts(&self, query: &DiscountQuery) -> Result<Page<Discount>, Error> {
        let call = self.own(Method::GET, "/api/discounts".into());
        call.query(query).send().await
    }

    /// A discount code.
    pub async fn discount(&self, code: &str) -> Result<Discount, Error> {
        self.own(Method::GET, discount_path(code)).send().await
    }

    /// Makes a discount code; the same `key` is the same one.
    pub async fn create_discount(
        &self,
        key: &str,
        input: &NewDiscountInput,
    ) -> Result<Discount, Error> {
        let call = self.once(key, "/api/discounts".into());
        call.json(input).send().await
    }

    /// Changes a discount code.
    pub async fn edit_discount(&self, code: &str, edit: &DiscountEdit) -> Result<Discount, Error> {
        let call = self.own(Method::PATCH, discount_path(code));
        call.json(edit).send().await
    }

    /// Deletes a discount code.
    pub async fn delete_discount(&self, code: &str) -> Result<(), Error> {
        self.own(Method::DELETE, discount_path(code))
            .send_empty()
            .await
    }

    /// Accounts.
    pub async fn accounts(&self, query: &AccountQuery) -> Result<Page<AccountRecord>, Error> {
        let call = self.own(Method::GET, "/api/auth/accounts".into());
        call.query(query).send().await
    }

    /// An account.
    pub async fn account(&self, id: Uuid) -> Result<AccountDetail, Error> {
        self.own(Method::GET, format!("/api/auth/accounts/{id}"))
            .send()
            .await
    }

    /// Invites somebody.
    pub async fn invite(&self, input: &AccountInput) -> Result<AccountRecord, Error> {
        let call = self.own(Method::POST, "/api/auth/accounts".into());
        call.json(input).send().await
    }

    /// Changes an account.
    pub async fn change_account(
        &self,
        id: Uuid,
        patch: &AccountPatch,
    ) -> Result<AccountRecord, Error> {
        let call = self.own(Method::PATCH, format!("/api/auth/accounts/{id}"));
        call.json(patch).send().await
    }

    /// Ends all sessions of an account.
    pub async fn end_sessions(&self, id: Uuid) -> Result<(), Error> {
        self.own(Method::DELETE, format!("/api/auth/accounts/{id}/sessions"))
            .send_empty()
            .await
    }

    /// All API keys.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, Error> {
        let list = self.own(Method::GET, "/api/auth/api-keys".into());
        Ok(list.send::<ApiKeyList>().await?.items)
    }

    /// Makes an API key.
    pub async fn create_api_key(&self, input: &ApiKeyInput) -> Result<ApiKeyCreated, Error> {
        let call = self.own(Method::POST, "/api/auth/api-keys".into());
        call.json(input).send().await
    }

    /// Ends an API key.
    pub async fn delete_api_key(&self, id: Uuid) -> Result<(), Error> {
        self.own(Method::DELETE, format!("/api/auth/api-keys/{id}"))
            .send_empty()
            .await
    }

    /// All webhooks.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, Error> {
        let list = self.own(Method::GET, "/api/webhooks".into());
        Ok(list.send::<WebhookList>().await?.items)
    }

    /// Makes a webhook; the same `key` is the same one.
    pub async fn create_webhook(
        &self,
        key: &str,
        input: &NewWebhook,
    ) -> Result<WebhookCreated, Error> {
        let call = self.once(key, "/api/webhooks".into());
        call.json(input).send().await
    }

    /// A webhook.
    pub async fn webhook(&self, id: Uuid) -> Result<Webhook, Error> {
        let call = self.own(Method::GET, format!("/api/webhooks/{id}"));
        call.send().await
    }

    /// Changes a webhook.
    pub async fn edit_webhook(&self, id: Uuid, edit: &WebhookEdit) -> Result<Webhook, Error> {
        let call = self.own(Method::PATCH, format!("/api/webhooks/{id}"));
        call.json(edit).send().await
    }

    /// Deletes a webhook.
    pub async fn delete_webhook(&self, id: Uuid) -> Result<(), Error> {
        let call = self.own(Method::DELETE, format!("/api/webhooks/{id}"));
        call.send_empty().await
    }

    /// Gives a webhook a new secret; the same `key` is the same one.
    pub async fn rotate_webhook(&self, id: Uuid, key: &str) -> Result<WebhookRotated, Error> {
        let path = format!("/api/webhooks/{id}/rotate-secret");
        self.once(key, path).send().await
    }

    /// Sends a webhook a trial.
    pub async fn test_webhook(&self, id: Uuid) -> Result<WebhookDelivery, Error> {
        let path = format!("/api/webhooks/{id}/test");
        self.own(Method::POST, path).send().await
    }

    /// Sends again all that did not arrive at a webhook.
    pub async fn resend_failed_deliveries(&self, id: Uuid) -> Result<WebhookResent, Error> {
        let path = format!("/api/webhooks/{id}/resend-failed");
        self.own(Method::POST, path).send().await
    }

    /// What was sent to a webhook.
    pub async fn webhook_deliveries(
        &self,
        id: Uuid,
        query: &WebhookDeliveryQuery,
    ) -> Result<Page<WebhookDelivery>, Error> {
        let call = self.own(Method::GET, format!("/api/webhooks/{id}/deliveries"));
        call.query(query).send().await
    }

    /// One delivery to a webhook.
    pub async fn webhook_delivery(
        &self,
        id: Uuid,
        delivery: Uuid,
    ) -> Result<WebhookDeliveryDetail, Error> {
        let path = format!("/api/webhooks/{id}/deliveries/{delivery}");
        self.own(Method::GET, path).send().await
    }

    /// Sends an event again.
    pub async fn resend_delivery(
        &self,
        id: Uuid,
        delivery: Uuid,
    ) -> Result<WebhookDelivery, Error> {
        let path = format!("/api/webhooks/{id}/deliveries/{delivery}/resend");
        self.own(Method::POST, path).send().await
    }

    /// What was changed in an area: `catalogue`, `orders`, `accounts` or `images`.
    pub async fn audit(&self, area: &str, query: &AuditQuery) -> Result<Page<AuditEntry>, Error> {
        let call = self.own(Method::GET, format!("/api/audit/{}", segment(area)));
        call.query(query).send().await
    }

    /// Jobs that are not done.
    pub async fn jobs(&self, query: &JobQuery) -> Result<Page<JobEntry>, Error> {
        let call = self.own(Method::GET, "/api/jobs".into());
        call.query(query).send().await
    }

    /// How many jobs there are.
    pub async fn job_counts(&self) -> Result<JobCounts, Error> {
        self.own(Method::GET, "/api/jobs/counts".into())
            .send()
            .await
    }

    /// Has a dead job tried again.
    pub async fn retry_job(&self, service: &str, id: Uuid) -> Result<(), Error> {
        let path = format!("/api/jobs/{}/{id}/retry", segment(service));
        self.own(Method::POST, path).send_empty().await
    }

    /// A job that is not done.
    pub async fn job(&self, service: &str, id: Uuid) -> Result<JobDetail, Error> {
        let path = format!("/api/jobs/{}/{id}", segment(service));
        self.own(Method::GET, path).send().await
    }

    /// Has all dead jobs of a kind tried again; how many there were.
    pub async fn retry_jobs(&self, service: &str, kind: &str) -> Result<u64, Error> {
        let which = RetryMany {
            service: service.to_owned(),
            kind: kind.to_owned(),
        };
        let call = self.own(Method::POST, "/api/jobs/retry".into());
        Ok(call.json(&which).send::<Retried>().await?.count)
    }

    /// Gives a dead job up, for a reason if there is one.
    pub async fn discard_job(&self, service: &str, id: Uuid, reason: &str) -> Result<(), Error> {
        let path = format!("/api/jobs/{}/{id}", segment(service));
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        let call = self.own(Method::DELETE, path);
        call.query(&DiscardQuery { reason }).send_empty().await
    }

    /// All services, how each stands.
    pub async fn system(&self) -> Result<SystemReport, Error> {
        self.own(Method::GET, "/api/system".into()).send().await
    }

    /// The backups that are known of.
    pub async fn backups(&self) -> Result<BackupList, Error> {
        self.own(Method::GET, "/api/backups".into()).send().await
    }

    /// Of what fewer than `below` are left, the fewest first.
    pub async fn low_stock(&self, below: i64, limit: u32) -> Result<Vec<StockItem>, Error> {
        let query = StockQuery {
            below: Some(below),
            limit: Some(limit),
            ..StockQuery::default()
        };
        let call = self.own(Method::GET, "/api/stock".into()).query(&query);
        Ok(call.send::<Page<StockItem>>().await?.items)
    }
}

fn discount_path(code: &str) -> String {
    format!("/api/discounts/{}", segment(code))
}
