//! The transitions.

use super::{
    CancelReason, Command, Effect, Entry, Event, Method, Notice, Payment, Refusal, State, Status,
    Step, Stock,
};

pub(super) type Effects = Result<Vec<Effect>, Refusal>;

pub(super) fn nothing() -> Effects {
    Ok(Vec::new())
}

impl State {
    /// What follows from `event`.
    ///
    /// An event that is already known changes nothing and has no effects, so that events may be
    /// repeated.
    ///
    /// # Errors
    /// A [`Refusal`] when the event is not possible now.
    pub fn apply(&self, event: &Event) -> Result<Step, Refusal> {
        let mut state = self.clone();
        let mut effects = state.take(event)?;
        state.pay_back_if_cancelled(self);
        if self.status() != Status::Completed && state.status() == Status::Completed {
            effects.push(Effect::Timeline("completed"));
        }
        let commands = state.commands();
        Ok(Step {
            state,
            effects,
            commands,
        })
    }

    /// What is to be done next, most urgent first. Empty when nothing is under way.
    pub fn commands(&self) -> Vec<Command> {
        let mut commands = if self.cancelled.is_some() {
            self.commands_of_the_end()
        } else {
            self.commands_of_the_way()
        };
        commands.extend(self.commands_of_refunds());
        commands
    }

    fn commands_of_the_way(&self) -> Vec<Command> {
        match (self.payment, self.stock) {
            (Payment::Due, _) => vec![Command::Authorise],
            // The doubt may outlast the reservation's deadline: claim first, then ask.
            (Payment::AuthorisationUnknown, Stock::Reserved) => {
                vec![Command::Claim, Command::LookupAuthorisation]
            }
            // Not so here: whether a customer who is asked pays at all is not in doubt but open.
            (Payment::AuthorisationUnknown | Payment::ActionTaken, _) => {
                vec![Command::LookupAuthorisation]
            }
            (Payment::Authorised | Payment::Awaiting | Payment::Free, Stock::Reserved) => {
                vec![Command::Claim]
            }
            (Payment::Authorised, Stock::Claimed) => vec![Command::Capture],
            (Payment::CaptureUnknown, _) => vec![Command::LookupCapture],
            _ => Vec::new(),
        }
    }

    /// The payment first, because as long as it is in doubt the goods may yet be sold.
    fn commands_of_the_end(&self) -> Vec<Command> {
        match self.payment {
            // Also when nothing was asked yet: an authorisation may be on its way, and a void is
            // final for those that arrive later.
            Payment::Due
            | Payment::AuthorisationUnknown
            | Payment::ActionRequired
            | Payment::ActionTaken
            | Payment::Authorised => return vec![Command::Void],
            Payment::CaptureUnknown => return vec![Command::LookupCapture],
            _ => {}
        }
        match self.stock {
            Stock::Reserved => vec![Command::Release],
            Stock::Claimed => {
                let open = self.lines.iter().zip(0..);
                let lines = open.map(|(line, position)| (position, line.open()));
                let lines: Vec<_> = lines.filter(|(_, quantity)| *quantity > 0).collect();
                vec![Command::Return { lines }]
            }
            Stock::Lost | Stock::Released | Stock::Returned => Vec::new(),
        }
    }

    fn take(&mut self, event: &Event) -> Effects {
        match event {
            Event::Authorised
            | Event::Declined
            | Event::AuthorisationUnknown
            | Event::AuthorisationNotSeen
            | Event::ActionRequired { .. } => self.authorisation(event),
            Event::ProviderSpoke => self.heard_of(),
            Event::PaymentOverdue => self.overdue(),
            Event::Captured
            | Event::CaptureRefused
            | Event::CaptureUnknown
            | Event::CaptureNotSeen
            | Event::Voided
            | Event::VoidRefused => self.capture(event),
            Event::Claimed | Event::StockLost | Event::Released | Event::Returned => {
                self.goods(event)
            }
            Event::CancelRequested => self.cancel(),
            Event::MarkedPaid => self.mark_paid(),
            Event::RefundRequested {
                id,
                amount,
                restock,
            } => self.request_refund(*id, *amount, restock),
            Event::Refunded { .. }
            | Event::RefundRefused { .. }
            | Event::RefundUnknown { .. }
            | Event::RefundNotSeen { .. }
            | Event::RefundDoubted { .. }
            | Event::RefundStands { .. }
            | Event::Restocked { .. } => self.refund(event),
            Event::Shipped { lines } => self.ship(lines),
        }
    }

    fn authorisation(&mut self, event: &Event) -> Effects {
        if self.method != Method::Provider {
            return Err(Refusal::Contradiction);
        }
        let open = self.payment.is_open();
        match (event, self.payment) {
            (Event::Authorised, _) if open => {
                self.payment = Payment::Authorised;
                self.asked = 0;
                Ok(vec![
                    ledger(Entry::Authorised, self.total),
                    Effect::Timeline("authorized"),
                ])
            }
            (Event::Declined, _) if open => {
                self.payment = Payment::Declined;
                self.asked = 0;
                let mut effects = vec![Effect::Timeline("payment_failed")];
                effects.extend(self.give_up(CancelReason::PaymentFailed));
                Ok(effects)
            }
            (Event::ActionRequired { heard }, _) if open => Ok(self.customers_turn(*heard)),
            (Event::AuthorisationUnknown, _) if open => {
                let first = self.payment == Payment::Due && self.asked == 0;
                self.payment = Payment::AuthorisationUnknown;
                self.asked += 1;
                Ok(first
                    .then_some(Effect::Timeline("payment_in_doubt"))
                    .into_iter()
                    .collect())
            }
            (Event::AuthorisationNotSeen, Payment::AuthorisationUnknown | Payment::ActionTaken) => {
                self.payment = Payment::Due;
                nothing()
            }
            (Event::Declined, Payment::Authorised | Payment::CaptureUnknown)
            | (Event::Declined, Payment::Captured)
            | (Event::Authorised, Payment::Declined) => Err(Refusal::Contradiction),
            // Known already, or too late to matter: a void is final.
            _ => nothing(),
        }
    }

    /// The provider waits for the customer, or did when `heard` was what we had heard.
    fn customers_turn(&mut self, heard: u32) -> Vec<Effect> {
        let begins = matches!(self.payment, Payment::Due | Payment::AuthorisationUnknown);
        self.asked = 0;
        // An answer from before the provider spoke is no news: it is asked again.
        if heard < self.heard {
            self.payment = Payment::ActionTaken;
        } else {
            self.payment = Payment::ActionRequired;
        }
        if self.cancelled.is_some() {
            return Vec::new();
        }
        if self.overdue && self.payment == Payment::ActionRequired {
            let mut effects = vec![Effect::Timeline("payment_overdue")];
            effects.extend(self.give_up(CancelReason::PaymentFailed));
            return effects;
        }
        match begins {
            true => vec![
                Effect::Timeline("payment_action_required"),
                Effect::AwaitCustomer,
            ],
            false => Vec::new(),
        }
    }

    /// Something happened at the provider. Only what is open can have changed: the rest is asked
    /// for anyhow, or over.
    fn heard_of(&mut self) -> Effects {
        if self.method == Method::Provider {
            match self.payment {
                Payment::ActionRequired | Payment::ActionTaken => {
                    self.payment = Payment::ActionTaken;
                    self.heard = self.heard.saturating_add(1);
                }
                Payment::Due | Payment::AuthorisationUnknown => {
                    self.heard = self.heard.saturating_add(1);
                }
                _ => {}
            }
        }
        nothing()
    }

    /// Time is up. The provider is asked a last time, because what it said of a payment that was
    /// made may have been lost.
    fn overdue(&mut self) -> Effects {
        let open = self.payment.is_open();
        if open && self.cancelled.is_none() {
            self.overdue = true;
            if self.payment == Payment::ActionRequired {
                self.payment = Payment::ActionTaken;
            }
        }
        nothing()
    }

    fn capture(&mut self, event: &Event) -> Effects {
        if self.method != Method::Provider {
            return Err(Refusal::Contradiction);
        }
        let held = matches!(self.payment, Payment::Authorised | Payment::CaptureUnknown);
        let ours = self.stock == Stock::Claimed;
        match (event, self.payment) {
            (Event::Captured, _) if held && ours => self.captured(vec![Effect::Timeline("paid")]),
            (Event::Captured, Payment::Captured) => nothing(),
            (Event::Captured, _) => Err(Refusal::Contradiction),

            // The void is already what comes next.
            (Event::CaptureRefused, Payment::Authorised) if self.cancelled.is_some() => nothing(),
            (Event::CaptureRefused, _) if held => {
                self.payment = Payment::Authorised;
                self.asked = 0;
                let mut effects = vec![Effect::Timeline("payment_failed")];
                effects.extend(self.give_up(CancelReason::PaymentFailed));
                Ok(effects)
            }
            (Event::CaptureUnknown, _) if held && ours => {
                let first = self.payment == Payment::Authorised && self.asked == 0;
                self.payment = Payment::CaptureUnknown;
                self.asked += 1;
                Ok(first
                    .then_some(Effect::Timeline("payment_in_doubt"))
                    .into_iter()
                    .collect())
            }
            (Event::CaptureNotSeen, Payment::CaptureUnknown) => {
                self.payment = Payment::Authorised;
                nothing()
            }

            // Also when another job records its doubt about a capture first: what is voided was
            // not captured and never will be.
            (
                Event::Voided,
                Payment::Due
                | Payment::AuthorisationUnknown
                | Payment::ActionRequired
                | Payment::ActionTaken
                | Payment::Authorised
                | Payment::CaptureUnknown,
            ) if self.cancelled.is_some() => {
                self.payment = Payment::Voided;
                self.asked = 0;
                let mut effects = vec![Effect::Timeline("voided")];
                if held {
                    effects.push(ledger(Entry::Voided, self.total));
                }
                Ok(effects)
            }
            (Event::Voided, Payment::Voided | Payment::Declined) => nothing(),
            (Event::Voided, _) => Err(Refusal::Contradiction),
            (Event::VoidRefused, _) if held && ours => {
                self.captured(vec![Effect::Timeline("paid")])
            }
            (Event::VoidRefused, Payment::Captured) => nothing(),
            (Event::VoidRefused, _) => Err(Refusal::Contradiction),
            // Known already, or too late to matter.
            _ => nothing(),
        }
    }

    fn goods(&mut self, event: &Event) -> Effects {
        match (event, self.stock) {
            // What is claimed after all is put back by the end's commands. Not so once it was
            // released: that gave the claimed goods back too, and refuses every later claim.
            (Event::Claimed, Stock::Reserved | Stock::Lost) => {
                self.stock = Stock::Claimed;
                Ok(vec![Effect::Timeline("stock_claimed")])
            }
            (Event::StockLost, Stock::Reserved) => {
                self.stock = Stock::Lost;
                // An invoice or a free order has nothing at a provider that would have to be let go.
                let mut effects = vec![Effect::Timeline("stock_lost")];
                effects.extend(self.give_up(CancelReason::OutOfStock));
                Ok(effects)
            }
            (Event::StockLost, Stock::Claimed) => Err(Refusal::Contradiction),
            // A claim that was under way when the order was cancelled may be recorded before the
            // release that came after it outside. What was captured is never released.
            (Event::Released, Stock::Reserved | Stock::Claimed)
                if self.cancelled.is_some() && self.captured == 0 =>
            {
                self.stock = Stock::Released;
                Ok(vec![Effect::Timeline("stock_released")])
            }
            (Event::Released, Stock::Reserved | Stock::Claimed) => Err(Refusal::Contradiction),
            (Event::Returned, Stock::Claimed) if self.cancelled.is_some() => {
                self.stock = Stock::Returned;
                Ok(vec![Effect::Timeline("stock_returned")])
            }
            // Put back first, released after it, and recorded the other way round.
            (Event::Returned, Stock::Returned | Stock::Released) => nothing(),
            (Event::Returned, _) => Err(Refusal::Contradiction),
            _ => nothing(),
        }
    }

    fn cancel(&mut self) -> Effects {
        if self.cancelled.is_some() {
            return nothing();
        }
        if self.lines.iter().any(|line| line.shipped > 0) || self.status() == Status::Completed {
            return Err(Refusal::AlreadyShipped);
        }
        Ok(self.give_up(CancelReason::Requested))
    }

    fn mark_paid(&mut self) -> Effects {
        if self.method != Method::Invoice {
            return Err(Refusal::NotAnInvoice);
        }
        match (self.payment, self.stock) {
            (Payment::Captured, _) => nothing(),
            _ if self.cancelled.is_some() => Err(Refusal::Cancelled),
            (Payment::Awaiting, Stock::Claimed) => self.captured(vec![Effect::Timeline("paid")]),
            _ => Err(Refusal::NotReady),
        }
    }

    fn captured(&mut self, mut effects: Vec<Effect>) -> Effects {
        self.payment = Payment::Captured;
        self.captured = self.total;
        self.asked = 0;
        effects.push(ledger(Entry::Captured, self.total));
        if self.cancelled.is_none() {
            // Else it is paid back, and that is what the customer is told.
            effects.push(Effect::Notify(Notice::Paid));
        }
        Ok(effects)
    }

    /// Marks the order cancelled; the commands do the rest.
    fn give_up(&mut self, reason: CancelReason) -> Vec<Effect> {
        if self.cancelled.is_some() {
            return Vec::new();
        }
        self.cancelled = Some(reason);
        if self.payment == Payment::Awaiting {
            self.payment = Payment::Voided;
        }
        match reason {
            CancelReason::Requested => vec![
                Effect::Timeline("cancelled"),
                Effect::ReturnDiscount,
                Effect::Notify(Notice::Cancelled),
            ],
            CancelReason::PaymentFailed | CancelReason::OutOfStock => vec![
                Effect::Timeline("cancelled"),
                Effect::ReopenCart,
                Effect::Notify(Notice::Failed),
            ],
        }
    }

    fn ship(&mut self, lines: &[(u32, i64)]) -> Effects {
        if self.cancelled.is_some() {
            return Err(Refusal::Cancelled);
        }
        if !matches!(
            self.payment,
            Payment::Captured | Payment::Awaiting | Payment::Free
        ) {
            return Err(Refusal::NotPaid);
        }
        if self.stock != Stock::Claimed {
            return Err(Refusal::NotReady);
        }
        if lines.is_empty() {
            return Err(Refusal::Quantity(0));
        }
        for &(position, quantity) in lines {
            let refusal = Refusal::Quantity(position);
            let line = self.lines.get_mut(position as usize).ok_or(refusal)?;
            if quantity <= 0 || quantity > line.open() {
                return Err(refusal);
            }
            line.shipped += quantity;
        }
        Ok(vec![
            Effect::Timeline("shipped"),
            Effect::Notify(Notice::Shipped),
        ])
    }
}

fn ledger(entry: Entry, amount: i64) -> Effect {
    Effect::Ledger {
        entry,
        amount,
        refund: None,
    }
}
