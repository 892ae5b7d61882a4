//! What a refusal says of stock.

use techcommerce_kernel::Error;

use super::Shortage;
use crate::codes;

impl Shortage {
    /// The lines that a refusal for want of stock names; none of any other error.
    pub fn named_by(refusal: &Error) -> Vec<Self> {
        if refusal.code() != codes::OUT_OF_STOCK {
            return Vec::new();
        }
        let lines = refusal.detail().and_then(|detail| detail.get("lines"));
        let lines = lines.and_then(|lines| serde_json::from_value(lines.clone()).ok());
        lines.unwrap_or_default()
    }
}
