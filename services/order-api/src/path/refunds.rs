//! Money on its way back, and money that came back to us although it had been paid back.

use uuid::Uuid;

use super::{
    Command, Effect, Entry, Event, Notice, Payment, Refund, RefundProgress, Refusal, State,
    apply::{Effects, nothing},
};

impl State {
    /// What is still to be done about refunds.
    pub(super) fn commands_of_refunds(&self) -> Vec<Command> {
        let mut commands = Vec::new();
        for refund in &self.refunds {
            let (id, amount) = (refund.id, refund.amount);
            match refund.progress {
                RefundProgress::Pending => commands.push(Command::Refund { id, amount }),
                RefundProgress::Unknown | RefundProgress::Doubted => {
                    commands.push(Command::LookupRefund { id, amount });
                }
                RefundProgress::Done | RefundProgress::Refused | RefundProgress::Returned => {}
            }
            if !refund.restock.is_empty() && !refund.restocked {
                let lines = refund.restock.clone();
                commands.push(Command::Restock { id, lines });
            }
        }
        commands
    }

    /// Whether the provider has spoken of this refund since it was made.
    pub fn is_doubted(&self, id: Uuid) -> bool {
        let mut refunds = self.refunds.iter();
        refunds.any(|refund| refund.id == id && refund.progress == RefundProgress::Doubted)
    }

    /// An order pays back everything as soon as it is cancelled and the money is taken, which it was
    /// not both `before`. What is there to be paid back after that, because the provider refused
    /// it, or sent it back, is for staff to ask for by hand.
    pub(super) fn pay_back_if_cancelled(&mut self, before: &Self) {
        let is_due = |it: &Self| it.cancelled.is_some() && it.payment == Payment::Captured;
        let amount = self.refundable();
        if is_due(self) && !is_due(before) && amount > 0 {
            self.refunds.push(Refund {
                id: self.order,
                amount,
                progress: RefundProgress::Pending,
                restock: Vec::new(),
                restocked: false,
            });
        }
    }

    pub(super) fn request_refund(
        &mut self,
        id: Uuid,
        amount: i64,
        restock: &[(u32, i64)],
    ) -> Effects {
        if let Some(known) = self.refunds.iter().find(|refund| refund.id == id) {
            let same = known.amount == amount && known.restock == restock;
            return if same {
                nothing()
            } else {
                Err(Refusal::Reused)
            };
        }
        if self.payment != Payment::Captured {
            return Err(Refusal::NotCaptured);
        }
        let refundable = self.refundable();
        if amount <= 0 || amount > refundable {
            return Err(Refusal::MoreThanRefundable(refundable));
        }
        if self.cancelled.is_some() && !restock.is_empty() {
            return Err(Refusal::Cancelled);
        }
        for &(position, quantity) in restock {
            let refusal = Refusal::Quantity(position);
            let line = self.lines.get_mut(position as usize).ok_or(refusal)?;
            // What has not left the house is taken out of the order first.
            let withdrawn = quantity.min(line.open());
            let returned = quantity - withdrawn;
            if quantity <= 0 || returned > line.shipped - line.returned {
                return Err(refusal);
            }
            line.withdrawn += withdrawn;
            line.returned += returned;
        }
        self.refunds.push(Refund {
            id,
            amount,
            progress: RefundProgress::Pending,
            restock: restock.to_vec(),
            restocked: false,
        });
        Ok(vec![Effect::Timeline("refund_requested")])
    }

    /// What became of a refund.
    pub(super) fn refund(&mut self, event: &Event) -> Effects {
        match event {
            Event::Refunded { id } => self.refund_is(*id, RefundProgress::Done),
            Event::RefundRefused { id } => self.refund_is(*id, RefundProgress::Refused),
            Event::RefundUnknown { id } => self.refund_is(*id, RefundProgress::Unknown),
            Event::RefundNotSeen { id } => self.refund_is(*id, RefundProgress::Pending),
            Event::RefundDoubted { id } => self.refund_is(*id, RefundProgress::Doubted),
            Event::RefundStands { id } => {
                let refund = self.refund_mut(*id)?;
                if refund.progress == RefundProgress::Doubted {
                    refund.progress = RefundProgress::Done;
                    self.asked = 0;
                }
                nothing()
            }
            Event::Restocked { id } => {
                self.refund_mut(*id)?.restocked = true;
                nothing()
            }
            _ => Err(Refusal::Contradiction),
        }
    }

    fn refund_mut(&mut self, id: Uuid) -> Result<&mut Refund, Refusal> {
        let mut refunds = self.refunds.iter_mut();
        refunds
            .find(|refund| refund.id == id)
            .ok_or(Refusal::Contradiction)
    }

    fn refund_is(&mut self, id: Uuid, next: RefundProgress) -> Effects {
        use RefundProgress::{Done, Doubted, Pending, Refused, Returned, Unknown};
        let asked = self.asked + u32::from(matches!(next, Unknown | Pending));
        let refund = self.refund_mut(id)?;
        let amount = refund.amount;
        match (refund.progress, next) {
            (Pending | Unknown, Done) => {
                refund.progress = Done;
                self.asked = 0;
                Ok(vec![
                    in_ledger(Entry::Refunded, id, amount),
                    Effect::Timeline("refunded"),
                    Effect::Notify(Notice::Refunded),
                ])
            }
            (Pending | Unknown, Refused) => {
                refund.progress = Refused;
                self.asked = 0;
                Ok(vec![
                    Effect::Timeline("refund_failed"),
                    Effect::RefundFailed {
                        refund: id,
                        amount,
                        made: false,
                    },
                ])
            }
            (Pending | Unknown, Unknown) => {
                refund.progress = Unknown;
                self.asked = asked;
                nothing()
            }
            (Unknown, Pending) => {
                refund.progress = Pending;
                nothing()
            }
            // The provider says that something became of it. What, is asked for; until then it
            // counts as made, so that nobody pays it back once more.
            (Done, Doubted) => {
                refund.progress = Doubted;
                self.asked = 0;
                nothing()
            }
            (Doubted, Refused) => {
                refund.progress = Returned;
                self.asked = 0;
                Ok(vec![
                    in_ledger(Entry::RefundReturned, id, amount),
                    Effect::Timeline("refund_returned"),
                    Effect::RefundFailed {
                        refund: id,
                        amount,
                        made: true,
                    },
                ])
            }
            // Also if the provider should not know it any more: it is never made anew.
            (Doubted, Unknown | Pending) => {
                self.asked = asked;
                nothing()
            }
            (Done, Refused) | (Refused, Done) => Err(Refusal::Contradiction),
            // Known already; or from before the provider spoke, and no news any more.
            _ => nothing(),
        }
    }
}

fn in_ledger(entry: Entry, refund: Uuid, amount: i64) -> Effect {
    Effect::Ledger {
        entry,
        amount,
        refund: Some(refund),
    }
}
