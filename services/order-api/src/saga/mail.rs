//! Mails about orders.

use std::fmt::Write;

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Currency, Error, Money};
use techcommerce_mail::Mail;

use super::Mailing;
use crate::{
    app::App,
    orders::{self, Loaded, unreadable},
    path::{CancelReason, Notice},
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
        let loaded = orders::load(&mut conn, &[mailing.order]).await?.pop();
        drop(conn);
        let loaded = loaded.ok_or_else(orders::not_found)?;
        let to = loaded.order.email.parse().map_err(unreadable)?;
        let text = Text::of(app, &loaded, mailing.notice)?;
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
}

impl Text {
    fn of(app: &App, loaded: &Loaded, notice: Option<Notice>) -> Result<Self, Error> {
        let order = &loaded.order;
        let state = &order.path.0;
        let currency: Currency = order.currency.parse().map_err(unreadable)?;
        let money = |amount| Money::new(amount, currency).to_string();
        let number = order.number;
        let (subject, paragraphs) = match notice {
            None => (
                format!("Your order {number}"),
                vec![
                    "Thank you for your order. This is what we have noted down:".to_owned(),
                    match order.method.as_str() {
                        "invoice" => "You pay by invoice. We pack your order now and wait for your transfer.",
                        _ => "As soon as your payment is confirmed, we pack it.",
                    }
                    .to_owned(),
                ],
            ),
            Some(Notice::Failed) => (
                format!("Your order {number} could not be completed"),
                vec![match state.cancelled {
                    Some(CancelReason::OutOfStock) => {
                        "Something that you ordered was sold out before your payment was confirmed. You were not charged."
                    }
                    _ => "Your payment was declined, so we have cancelled the order. You were not charged. Your cart is still there if you want to try another way to pay.",
                }
                .to_owned()],
            ),
            Some(Notice::Cancelled) => (
                format!("Your order {number} was cancelled"),
                vec!["Your order was cancelled. What you have paid is paid back.".to_owned()],
            ),
            Some(Notice::Shipped) => {
                let mut paragraphs = vec!["Your order is on its way.".to_owned()];
                if let Some((shipment, _)) = loaded.shipments.last() {
                    let carrier = shipment.carrier.as_deref().unwrap_or("the carrier");
                    if let Some(tracking) = &shipment.tracking_number {
                        paragraphs.push(format!("Tracking number with {carrier}: {tracking}"));
                    }
                }
                (format!("Your order {number} is on its way"), paragraphs)
            }
            Some(Notice::Refunded) => (
                format!("We have paid back for your order {number}"),
                vec![format!("So far we have paid back {}.", money(state.refunded()))],
            ),
        };
        Ok(Self {
            subject: format!("{subject} – {}", app.settings.shop_name),
            greeting: match &loaded.address {
                Some(address) => format!("Hello {},", address.name),
                None => "Hello,".to_owned(),
            },
            paragraphs,
            rows: if notice.is_none() {
                rows(loaded, money)
            } else {
                Vec::new()
            },
            link: format!(
                "{}/orders/{}?access_token={}",
                app.settings.public_url, order.id, order.access_token
            ),
            shop: app.settings.shop_name.clone(),
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
        let _ = write!(text, "\nYour order: {}\n\n{}\n", self.link, self.shop);
        text
    }

    fn html(&self) -> String {
        let mut html = format!("<p>{}</p>", escaped(&self.greeting));
        for paragraph in &self.paragraphs {
            let _ = write!(html, "<p>{}</p>", escaped(paragraph));
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
            "<p><a href=\"{}\">See your order</a></p><p>{}</p>",
            escaped(&self.link),
            escaped(&self.shop)
        );
        html
    }
}

fn rows(loaded: &Loaded, money: impl Fn(i64) -> String) -> Vec<(String, String)> {
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
        rows.push(("Discount".to_owned(), money(-order.discount)));
    }
    rows.push(("Shipping".to_owned(), money(order.shipping)));
    let tax = match order.tax_included {
        true => "Tax included",
        false => "Tax",
    };
    rows.push((tax.to_owned(), money(order.tax)));
    rows.push(("Total".to_owned(), money(order.total)));
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
