//! Payment by invoice: money moves outside, staff say that it did.

use super::{Answer, Operation};

/// There is nobody to ask. What staff ask for has happened; a bank transfer holds nothing that
/// could be authorised.
pub(super) fn answer(operation: Operation) -> Answer {
    match operation {
        Operation::Refund(_) | Operation::Void => Answer::Done,
        Operation::Authorise | Operation::Capture => Answer::Refused,
    }
}
