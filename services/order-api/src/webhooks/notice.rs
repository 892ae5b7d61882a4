//! The mail that says that an endpoint was disabled.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use techcommerce_contracts::order_api::WebhookDisabled;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_mail::Mail;

use super::endpoints::named;
use crate::app::App;

/// The job's kind.
pub(super) const KIND: &str = "webhook.notice";

/// Says that an endpoint was disabled, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Notice {
    pub endpoint: Uuid,
    pub reason: WebhookDisabled,
}

/// Runs [`Notice`].
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let Self(app) = self;
        let Some(to) = app.settings.webhooks.notice_to.clone() else {
            return Ok(Outcome::Done);
        };
        let notice: Notice = job.payload()?;
        let (host, description) = match named(app, notice.endpoint).await {
            Ok(named) => named,
            // Deleted meanwhile: nobody wants to know.
            Err(error) if error.code() == techcommerce_contracts::codes::WEBHOOK_NOT_FOUND => {
                return Ok(Outcome::Done);
            }
            Err(error) => return Err(error),
        };
        let text = Text {
            shop: &app.settings.shop_name,
            host: &host,
            description: &description,
            link: format!(
                "{}/admin/webhooks/{}",
                app.settings.public_url, notice.endpoint
            ),
            reason: notice.reason,
        };
        let mail = Mail::new(job.id, to, &text.subject(), text.plain());
        match app.mailer.send(&mail).await {
            Err(error) if !error.is_transient() && error.code() == "mail_refused" => {
                Ok(Outcome::GiveUp("the mail was refused".to_owned()))
            }
            sent => sent.map(|()| Outcome::Done),
        }
    }
}

/// What is said; in both languages, as it is to whoever reads the shop's mail.
struct Text<'a> {
    shop: &'a str,
    host: &'a str,
    description: &'a str,
    link: String,
    reason: WebhookDisabled,
}

impl Text<'_> {
    fn subject(&self) -> String {
        format!(
            "{}: webhook disabled / Webhook abgeschaltet ({})",
            self.shop, self.host
        )
    }

    fn plain(&self) -> String {
        let (why, warum) = match self.reason {
            WebhookDisabled::Gone => (
                "it answered that it is gone (410)",
                "er hat geantwortet, dass es ihn nicht mehr gibt (410)",
            ),
            WebhookDisabled::Failing => (
                "nothing has arrived there for days",
                "dort ist seit Tagen nichts mehr angekommen",
            ),
            WebhookDisabled::Staff => ("it was switched off", "er wurde abgeschaltet"),
        };
        let name = match self.description {
            "" => self.host.to_owned(),
            description => format!("{description} ({})", self.host),
        };
        format!(
            "The webhook {name} was disabled: {why}. It is told nothing more. When it works again, \
             enable it and have sent again what was missed:\n\n{link}\n\n\
             Der Webhook {name} wurde abgeschaltet: {warum}. Er erfährt nichts mehr. Wenn er wieder \
             geht, schalten Sie ihn ein und lassen Sie das Versäumte noch einmal senden:\n\n{link}\n\n\
             {shop}\n",
            link = self.link,
            shop = self.shop,
        )
    }
}
