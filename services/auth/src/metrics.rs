//! What this service counts.

use techcommerce_telemetry::{Counter, Counters, Label, Telemetry};

/// The counters.
pub(crate) struct Metrics {
    /// Sign-ins by how they went.
    pub sign_ins: Counters<1>,
    /// Sessions that were begun.
    pub sessions: Counter,
}

impl Metrics {
    /// Counters under `telemetry`.
    pub fn new(telemetry: &Telemetry) -> Self {
        let sign_ins = telemetry.counters(
            "techcommerce_auth_sign_ins_total",
            "Attempts to sign in: failed for a wrong address or password, throttled for too many of \
             these",
            [Label::one_of(
                "outcome",
                &["succeeded", "failed", "throttled"],
            )],
        );
        Self {
            sign_ins: sign_ins.at_zero(),
            sessions: telemetry.counter(
                "techcommerce_sessions_created_total",
                "Sessions that were begun, by signing in or by registering",
            ),
        }
    }
}
