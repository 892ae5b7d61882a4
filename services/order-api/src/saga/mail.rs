//! Mails about orders.

use std::fmt::Write;

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Currency, Error, Money};
use techcommerce_mail::Mail;

use super::{
    Mailing,
    words::{Words, fill},
};
use crate::{
    app::App,
    locale::Locale,
    orders::{self, Loaded, unreadable},
    path::{CancelReason, Notice, RefundProgress},
    settings::Settings,
};

/// Runs [`Mailing`].
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        Mailing::KIND
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let Self(app) = self;
        let mailing: Mailing = job.payload()?;
        let mut conn = app.db.read().await?;
        let loaded = match mailing.notice {
            // The confirmation tells what was ordered, not what became of it.
            None => orders::load_new(&mut conn, mailing.order).await?,
            Some(_) => orders::load(&mut conn, &[mailing.order]).await?.pop(),
        };
        drop(conn);
        let loaded = loaded.ok_or_else(orders::not_found)?;
        let to = loaded.order.email.parse().map_err(unreadable)?;
        let text = Text::of(&app.settings, &loaded, mailing.notice)?;
        let mail = Mail::new(job.id, to, &text.subject, text.plain()).html(text.html());
        match app.mailer.send(&mail).await {
            // No mail server will ever take it.
            Err(error) if !error.is_transient() && error.code() == "mail_refused" => {
                Ok(Outcome::GiveUp("the mail was refused".to_owned()))
            }
            sent => sent.map(|()| Outcome::Done),
        }
    }
}

/// What a mail says, before it is plain text or HTML.
struct Text {
    subject: String,
    greeting: String,
    paragraphs: Vec<String>,
    /// What and how much.
    rows: Vec<(String, String)>,
    link: String,
    shop: String,
    words: &'static Words,
}

impl Text {
    fn of(settings: &Settings, loaded: &Loaded, notice: Option<Notice>) -> Result<Self, Error> {
        let order = &loaded.order;
        let words = Words::of(Locale::of_tag(&order.locale).unwrap_or_default());
        let currency: Currency = order.currency.parse().map_err(unreadable)?;
        let money = |amount| words.money(Money::new(amount, currency));
        let number = order.number.to_string();
        let (subject, mut paragraphs) = said(words, loaded, notice, &money);
        paragraphs.extend(told(loaded, notice).map(str::to_owned));
        Ok(Self {
            subject: format!("{} – {}", fill(subject, &[&number]), settings.shop_name),
            greeting: match &loaded.address {
                Some(address) => fill(words.greeting, &[&address.name]),
                None => words.greeting_nobody.to_owned(),
            },
            paragraphs,
            rows: if notice.is_none() {
                rows(words, loaded, money)
            } else {
                Vec::new()
            },
            link: format!(
                "{}/orders/{}?access_token={}",
                settings.public_url, order.id, order.access_token
            ),
            shop: settings.shop_name.clone(),
            words,
        })
    }

    fn plain(&self) -> String {
        let mut text = format!("{}\n\n", self.greeting);
        for paragraph in &self.paragraphs {
            text.push_str(paragraph);
            text.push_str("\n\n");
        }
        for (what, how_much) in &self.rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{what}: {how_much}");
        }
        let _ = write!(
            text,
            "\n{}: {}\n\n{}\n",
            self.words.your_order, self.link, self.shop
        );
        text
    }

    fn html(&self) -> String {
        let language = self.words.language;
        let mut html = format!(
            "<div lang=\"{language}\"><p>{}</p>",
            escaped(&self.greeting)
        );
        for paragraph in &self.paragraphs {
            let lines = escaped(paragraph).replace('\n', "<br>");
            let _ = write!(html, "<p>{lines}</p>");
        }
        if !self.rows.is_empty() {
            html.push_str("<table>");
            for (what, how_much) in &self.rows {
                let _ = write!(
                    html,
                    "<tr><td>{}</td><td align=\"right\">{}</td></tr>",
                    escaped(what),
                    escaped(how_much)
                );
            }
            html.push_str("</table>");
        }
        let _ = write!(
            html,
            "<p><a href=\"{}\">{}</a></p><p>{}</p></div>",
            escaped(&self.link),
            self.words.see_order,
            escaped(&self.shop)
        );
        html
    }
}

/// The subject, and what the shop says.
fn said(
    words: &'static Words,
    loaded: &Loaded,
    notice: Option<Notice>,
    money: &impl Fn(i64) -> String,
) -> (&'static str, Vec<String>) {
    let order = &loaded.order;
    let state = &order.path.0;
    let one = |text: &str| vec![text.to_owned()];
    match notice {
        None => {
            let payment = match order.method.as_str() {
                "invoice" => words.pay_invoice,
                _ => words.pay_provider,
            };
            let paragraphs = vec![words.thanks.to_owned(), payment.to_owned()];
            (words.confirmed, paragraphs)
        }
        Some(Notice::Failed) => match state.cancelled {
            Some(CancelReason::OutOfStock) => (words.failed, one(words.sold_out)),
            _ => (words.failed, one(words.declined)),
        },
        Some(Notice::Cancelled) => (words.cancelled, one(words.was_cancelled)),
        Some(Notice::Paid) => {
            let total = money(state.captured);
            (words.paid, vec![fill(words.was_paid, &[&total])])
        }
        Some(Notice::Shipped) => {
            let mut paragraphs = one(words.on_its_way);
            if let Some((shipment, _)) = loaded.shipments.last() {
                let carrier = shipment.carrier.as_deref().unwrap_or(words.the_carrier);
                if let Some(tracking) = &shipment.tracking_number {
                    paragraphs.push(fill(words.tracking, &[carrier, tracking]));
                }
            }
            (words.shipped, paragraphs)
        }
        Some(Notice::Refunded) => {
            let amount = money(state.refunded());
            (words.refunded, vec![fill(words.paid_back, &[&amount])])
        }
    }
}

/// What staff say to the customer about what the mail tells of.
fn told(loaded: &Loaded, notice: Option<Notice>) -> Option<&str> {
    let state = &loaded.order.path.0;
    let message = match notice {
        Some(Notice::Cancelled) => {
            let mut events = loaded.events.iter().rev();
            let event = events.find(|event| event.kind == "cancelled");
            event.map(|event| event.customer_message.as_str())
        }
        Some(Notice::Refunded) => {
            let done = |id| {
                let mut refunds = state.refunds.iter();
                refunds.any(|refund| refund.id == id && refund.progress == RefundProgress::Done)
            };
            let mut refunds = loaded.refunds.iter().rev();
            let refund = refunds.find(|refund| done(refund.id));
            refund.map(|refund| refund.customer_message.as_str())
        }
        None | Some(Notice::Failed | Notice::Paid | Notice::Shipped) => None,
    };
    message.filter(|message| !message.is_empty())
}

fn rows(words: &Words, loaded: &Loaded, money: impl Fn(i64) -> String) -> Vec<(String, String)> {
    let order = &loaded.order;
    let mut rows: Vec<_> = loaded
        .lines
        .iter()
        .map(|line| {
            let variant = match line.variant_title.as_str() {
                "" => String::new(),
                title => format!(" ({title})"),
            };
            (
                format!("{} × {}{variant}", line.quantity, line.title),
                money(line.subtotal),
            )
        })
        .collect();
    if order.discount > 0 {
        rows.push((words.discount.to_owned(), money(-order.discount)));
    }
    rows.push((words.shipping.to_owned(), money(order.shipping)));
    let tax = match order.tax_included {
        true => words.tax_included,
        false => words.tax,
    };
    rows.push((tax.to_owned(), money(order.tax)));
    rows.push((words.total.to_owned(), money(order.total)));
    rows
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod golden;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_customer_becomes_markup() {
        assert_eq!(
            escaped("<a href='x'>\"&"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;"
        );
    }
}
