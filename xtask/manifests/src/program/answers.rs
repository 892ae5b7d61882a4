//! What the running services answered.

use std::collections::BTreeMap;

/// By service, as `order-api`.
#[derive(Debug, Clone, Default)]
pub struct Answers(pub BTreeMap<String, Answered>);

/// Of one service.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// The status for each port and path that was asked.
    pub status: BTreeMap<(i64, String), u16>,
}

impl Answers {
    /// Whether the services were run.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
