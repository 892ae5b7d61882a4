//! Carrying out one command of an order's path.

use techcommerce_contracts::{codes, order_api::PaymentMethod, product_api::LineRequest};
use techcommerce_kernel::{Currency, Error, Money, Quantity, Uuid};
use techcommerce_telemetry::{Span, SpanKind};

use crate::{
    app::App,
    checkout::derived_id,
    orders::{OrderRow, unreadable},
    path::{Command, Event, State},
    payment::{Answer, Charge, Operation, Provider, Reply},
    products::Claimed,
};

/// What came of a command: one event, or two if the provider answered twice.
pub struct Outcome {
    /// What happened.
    pub event: Event,
    /// Whether it is told twice.
    pub twice: bool,
}

impl From<Event> for Outcome {
    fn from(event: Event) -> Self {
        Self {
            event,
            twice: false,
        }
    }
}

/// Carries out `command` for the order whose lines are of `variants`, by position. It may have
/// been carried out before.
///
/// # Errors
/// When it is not known what happened outside. Asking again is harmless and tells.
pub(super) async fn execute(
    app: &App,
    order: &OrderRow,
    variants: &[Uuid],
    state: &State,
    command: &Command,
) -> Result<Outcome, Error> {
    let mut span = Span::child(SpanKind::Internal, || named(command));
    let outcome = span
        .around(carry_out(app, order, variants, state, command))
        .await;
    if let Err(error) = &outcome {
        span.fail(error.code().to_owned());
    }
    outcome
}

/// The command as traces call it.
fn named(command: &Command) -> &'static str {
    match command {
        Command::Authorise => "order authorise",
        Command::LookupAuthorisation => "order look up authorisation",
        Command::Capture => "order capture",
        Command::LookupCapture => "order look up capture",
        Command::Void => "order void",
        Command::Refund { .. } => "order refund",
        Command::LookupRefund { .. } => "order look up refund",
        Command::Claim => "order claim stock",
        Command::Release => "order release stock",
        Command::Return { .. } => "order return stock",
        Command::Restock { .. } => "order restock",
    }
}

async fn carry_out(
    app: &App,
    order: &OrderRow,
    variants: &[Uuid],
    state: &State,
    command: &Command,
) -> Result<Outcome, Error> {
    let (provider, charge) = payment(app, order)?;
    let heard = state.heard;
    Ok(match command {
        Command::Authorise => authorised(heard, provider.authorise(&charge).await?),
        Command::LookupAuthorisation => {
            authorised(heard, provider.lookup(&charge, Operation::Authorise).await?)
        }
        Command::Capture => captured(provider.capture(&charge).await?),
        Command::LookupCapture => captured(provider.lookup(&charge, Operation::Capture).await?),
        Command::Void => {
            let reply = provider.void(&charge).await?;
            Outcome {
                event: match reply.answer {
                    Answer::Done => Event::Voided,
                    Answer::Refused => Event::VoidRefused,
                    Answer::Action | Answer::Unknown | Answer::NotSeen => {
                        return Err(Error::unavailable("The provider does not say."));
                    }
                },
                twice: reply.twice,
            }
        }
        Command::Refund { id, amount } => {
            refunded(*id, provider.refund(&charge, *id, *amount).await?)
        }
        Command::LookupRefund { id, .. } => {
            let told = provider.lookup(&charge, Operation::Refund(*id)).await?;
            let outcome = refunded(*id, told);
            match outcome.event {
                // Asked since the provider spoke: an answer of before would be no news.
                Event::Refunded { id } if state.is_doubted(id) => Event::RefundStands { id }.into(),
                _ => outcome,
            }
        }
        Command::Claim => match app.products.claim(order.reservation_id, order.id).await? {
            Claimed::Ours => Event::Claimed.into(),
            Claimed::Lost => Event::StockLost.into(),
        },
        Command::Release => {
            app.products.release(order.reservation_id).await?;
            Event::Released.into()
        }
        Command::Return { lines } => {
            let id = derived_id("return", &[&order.id.to_string()]);
            let lines = line_requests(variants, lines)?;
            let restock = app.products.restock(id, order.id, "cancelled", lines);
            match restock.await {
                Ok(()) => Event::Returned.into(),
                // What was claimed is not claimed any more: a release that was under way, and is
                // perhaps never recorded, gave all of it back.
                Err(error) if error.code() == codes::RESERVATION_NOT_FOUND => {
                    Event::Released.into()
                }
                Err(error) => return Err(error),
            }
        }
        Command::Restock { id, lines } => {
            let restock = derived_id("restock", &[&id.to_string()]);
            let lines = line_requests(variants, lines)?;
            app.products
                .restock(restock, order.id, "refunded", lines)
                .await?;
            Event::Restocked { id: *id }.into()
        }
    })
}

fn payment(app: &App, order: &OrderRow) -> Result<(Provider, Charge), Error> {
    let method: PaymentMethod = order.method.parse().map_err(unreadable)?;
    let currency: Currency = order.currency.parse().map_err(unreadable)?;
    let charge = Charge {
        payment: order.id,
        total: Money::new(order.total, currency),
        token: order.token.clone(),
    };
    Ok((app.providers.of(method)?, charge))
}

fn authorised(heard: u32, reply: Reply) -> Outcome {
    Outcome {
        event: match reply.answer {
            Answer::Done => Event::Authorised,
            Answer::Action => Event::ActionRequired { heard },
            Answer::Refused => Event::Declined,
            Answer::Unknown => Event::AuthorisationUnknown,
            Answer::NotSeen => Event::AuthorisationNotSeen,
        },
        twice: reply.twice,
    }
}

fn captured(reply: Reply) -> Outcome {
    Outcome {
        event: match reply.answer {
            Answer::Done => Event::Captured,
            Answer::Refused => Event::CaptureRefused,
            Answer::Action | Answer::Unknown => Event::CaptureUnknown,
            Answer::NotSeen => Event::CaptureNotSeen,
        },
        twice: reply.twice,
    }
}

fn refunded(id: Uuid, reply: Reply) -> Outcome {
    Outcome {
        event: match reply.answer {
            Answer::Done => Event::Refunded { id },
            Answer::Refused => Event::RefundRefused { id },
            Answer::Action | Answer::Unknown => Event::RefundUnknown { id },
            Answer::NotSeen => Event::RefundNotSeen { id },
        },
        twice: reply.twice,
    }
}

fn line_requests(variants: &[Uuid], lines: &[(u32, i64)]) -> Result<Vec<LineRequest>, Error> {
    let line = |&(position, quantity): &(u32, i64)| {
        let variant = variants.get(position as usize);
        Ok(LineRequest {
            variant_id: *variant.ok_or_else(|| Error::internal("the order has no such line"))?,
            quantity: Quantity::new(quantity).map_err(Error::internal)?,
        })
    };
    lines.iter().map(line).collect()
}
