//! Mistakes that can be put into what the real loops run on. Each is one that a shop of this kind has
//! had, or that somebody would make who mends the code without knowing why it is as it is.

use std::{fmt, str::FromStr};

macro_rules! bugs {
    ($($name:ident $text:literal: $about:literal;)*) => {
        /// A planted mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $(#[doc = $about] $name,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What is wrong.
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => $about),* }
            }
        }
    };
}

bugs! {
    NoFenceOnRecord "no-fence-on-record": "a job records what happened without proving that it is still its own";
    NoFenceOnEnd "no-fence-on-end": "a job that was taken over can still be failed or put off";
    ClaimKeepsFence "claim-keeps-fence": "taking a job does not raise its fence";
    TwoHolders "two-holders": "a job that is leased is given to whoever asks next";
    KeyLost "key-lost": "the idempotency record is not kept";
    KeyNotAnswered "key-not-answered": "the order is written without the answer to its key";
    KeyForgottenAnyway "key-forgotten-anyway": "a refusal forgets the key although it has become an order";
    KeyIgnoresNonce "key-ignores-nonce": "who was overtaken by another one of the same request goes on with what that one gave up";
    KeyIgnoresBody "key-ignores-body": "another request under the same key gets the first one's order";
    KeyOfAnybody "key-of-anybody": "the key is not bound to who sent it";
    CartNotTaken "cart-not-taken": "writing an order does not look whether its cart has become one";
    JobOutsideTransaction "job-outside-transaction": "the job is written after the order is committed";
    LedgerOutsideTransaction "ledger-outside-transaction": "the ledger is written after the order is committed";
    EffectsRepeated "effects-repeated": "an event that is known already has its effects again";
    RefundWithoutLock "refund-without-lock": "a refund is decided on the order as it was read before";
    CancelWithoutLock "cancel-without-lock": "a cancellation is decided on the order as it was read before";
    ShipWithoutLock "ship-without-lock": "a shipment is decided on the order as it was read before";
    RefundKeyPerAttempt "refund-key-per-attempt": "each attempt at a refund has a new key at the provider";
    PaymentPerAttempt "payment-per-attempt": "each attempt of the job makes a new payment at the provider";
    CaptureAtOnce "capture-at-once": "the money is taken together with the authorisation";
    DoubtIsDecline "doubt-is-decline": "an unknown authorisation counts as declined";
    ErrorIsSoldOut "error-is-sold-out": "a claim whose answer is lost counts as sold out";
    VoidForgotten "void-forgotten": "a void is recorded without being asked of the provider";
    NoJobWhileOneRuns "no-job-while-one-runs": "a change writes no job while another is open, and that one ends without looking again";
    ReserveTwice "reserve-twice": "the same reservation asked for again is held again";
    ReserveOnOldCount "reserve-on-old-count": "stock is promised by a count that was read before";
    ClaimExpiredUnseen "claim-expired-unseen": "a reservation that ran out is claimed without looking whether the stock is there";
    RefusedClaimStays "refused-claim-stays": "a claim that was refused for want of stock can be made again";
    ExpiryTakesClaimed "expiry-takes-claimed": "the schedule takes back what was claimed";
    ReleaseForgetsClaimed "release-forgets-claimed": "releasing claimed goods does not put them back";
    RestockTwice "restock-twice": "goods that come back are counted again when they are told again";
    NewsBelieved "news-believed": "what a notification says is written into the ledger as it comes";
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Bug {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|bug| bug.name() == name);
        known.copied().ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|bug| bug.name()).collect();
            format!("is none of {}", names.join(", "))
        })
    }
}
