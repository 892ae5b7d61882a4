//! The rules of the provider for trials, without its database.

use techcommerce_kernel::Uuid;

use super::Answer;

/// A step of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Hold the total.
    Authorise,
    /// Take it.
    Capture,
    /// Let go of it.
    Void,
    /// Pay some of it back.
    Refund(Uuid),
}

impl Operation {
    /// The name in keys and books.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund(_) => "refund",
        }
    }
}

/// How the provider behaves for a payment, as its token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Does what it is asked.
    Success,
    /// Refuses to authorise.
    Decline,
    /// The first call never arrives.
    Timeout,
    /// Says everything twice.
    Twice,
    /// Does it, but the first reply is lost.
    LostReply,
    /// Keeps the outcome of the authorisation to itself for some questions.
    SlowUnknown,
}

/// How often `tok_slow_unknown` leaves the question open before it tells.
const SLOW: i64 = 3;

impl Behaviour {
    /// The behaviour that a token asks for; `None` for a token that the provider never gave out.
    pub fn of(token: Option<&str>) -> Option<Self> {
        match token {
            None | Some("tok_success") => Some(Self::Success),
            Some("tok_decline") => Some(Self::Decline),
            Some("tok_timeout") => Some(Self::Timeout),
            Some("tok_twice") => Some(Self::Twice),
            Some("tok_lost_reply") => Some(Self::LostReply),
            Some("tok_slow_unknown") => Some(Self::SlowUnknown),
            Some(_) => None,
        }
    }
}

/// What the provider has done with one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// `new`, `held`, `declined`, `voided` or `captured`.
    pub state: String,
    /// Minor units taken.
    pub captured: i64,
    /// Minor units paid back.
    pub refunded: i64,
    /// How often it was asked in a way that `Timeout` and `SlowUnknown` count.
    pub asked: i64,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What is put down under the key, to be told whenever the key comes again.
    pub recorded: Option<Answer>,
    /// What the caller hears now.
    pub told: Answer,
}

impl Decision {
    fn both(answer: Answer) -> Self {
        Self {
            recorded: Some(answer),
            told: answer,
        }
    }
}

impl Book {
    /// A step under a key that was not seen yet.
    pub fn operate(&mut self, behaviour: Behaviour, operation: Operation, amount: i64) -> Decision {
        if behaviour == Behaviour::Timeout && operation == Operation::Authorise && self.asked == 0 {
            self.asked += 1;
            return Decision {
                recorded: None,
                told: Answer::Unknown,
            };
        }
        let answer = self.do_it(behaviour, operation, amount);
        let loses = behaviour == Behaviour::LostReply && operation != Operation::Void;
        let keeps = behaviour == Behaviour::SlowUnknown && operation == Operation::Authorise;
        if answer == Answer::Done && (loses || keeps) {
            return Decision {
                recorded: Some(answer),
                told: Answer::Unknown,
            };
        }
        Decision::both(answer)
    }

    /// What is told when a step whose outcome is on record is asked for or looked up again.
    pub fn recall(
        &mut self,
        behaviour: Behaviour,
        operation: Operation,
        recorded: Answer,
    ) -> Answer {
        let keeps = behaviour == Behaviour::SlowUnknown && operation == Operation::Authorise;
        if keeps && self.asked < SLOW {
            self.asked += 1;
            return Answer::Unknown;
        }
        recorded
    }

    fn do_it(&mut self, behaviour: Behaviour, operation: Operation, amount: i64) -> Answer {
        match (operation, self.state.as_str()) {
            (Operation::Authorise, "new") if behaviour == Behaviour::Decline => {
                self.state = "declined".into();
                Answer::Refused
            }
            (Operation::Authorise, "new") => {
                self.state = "held".into();
                Answer::Done
            }
            (Operation::Authorise, "held" | "captured") => Answer::Done,
            (Operation::Capture, "held") => {
                self.state = "captured".into();
                self.captured = amount;
                Answer::Done
            }
            (Operation::Capture, "captured") => Answer::Done,
            (Operation::Void, "captured") => Answer::Refused,
            (Operation::Void, _) => {
                self.state = "voided".into();
                Answer::Done
            }
            (Operation::Refund(_), "captured") if amount <= self.captured - self.refunded => {
                self.refunded += amount;
                Answer::Done
            }
            _ => Answer::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> Book {
        Book {
            state: "new".into(),
            captured: 0,
            refunded: 0,
            asked: 0,
        }
    }

    const REFUND: Operation = Operation::Refund(Uuid::nil());

    #[test]
    fn takes_what_it_holds_and_pays_back_no_more() {
        let mut book = new();
        let mut step = |operation, amount| book.operate(Behaviour::Success, operation, amount).told;
        assert_eq!(step(Operation::Capture, 100), Answer::Refused);
        assert_eq!(step(Operation::Authorise, 100), Answer::Done);
        assert_eq!(step(Operation::Capture, 100), Answer::Done);
        assert_eq!(step(REFUND, 60), Answer::Done);
        assert_eq!(step(REFUND, 60), Answer::Refused);
        assert_eq!(step(Operation::Void, 100), Answer::Refused);
    }

    #[test]
    fn a_void_is_final() {
        let mut book = new();
        let mut step = |operation| book.operate(Behaviour::Success, operation, 100).told;
        assert_eq!(step(Operation::Void), Answer::Done);
        assert_eq!(step(Operation::Authorise), Answer::Refused);
        assert_eq!(step(Operation::Capture), Answer::Refused);
    }

    #[test]
    fn tokens_decide() {
        let first = |token| {
            let behaviour = Behaviour::of(Some(token)).unwrap();
            new().operate(behaviour, Operation::Authorise, 1)
        };
        assert_eq!(first("tok_decline").told, Answer::Refused);
        assert_eq!(first("tok_timeout").recorded, None);
        assert_eq!(first("tok_lost_reply").recorded, Some(Answer::Done));
        assert_eq!(first("tok_lost_reply").told, Answer::Unknown);
        assert_eq!(Behaviour::of(Some("4242")), None);
    }

    #[test]
    fn a_slow_answer_comes_in_the_end() {
        let mut book = new();
        let slow = Behaviour::SlowUnknown;
        let first = book.operate(slow, Operation::Authorise, 1);
        let mut answers = vec![first.told];
        while answers.last() == Some(&Answer::Unknown) && answers.len() < 10 {
            answers.push(book.recall(slow, Operation::Authorise, Answer::Done));
        }
        assert_eq!(answers.last(), Some(&Answer::Done));
        assert_eq!(answers.len(), 5);
    }
}
