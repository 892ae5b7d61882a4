//! What the shop tells its operators: metrics in Prometheus text, and logs.
//!
//! [`Telemetry`] is a handle that the composition makes once and hands down; there is no global
//! registry. Labels are bounded by construction ([`Label`]), so that no request can make the
//! number of series grow. Logs go to standard error, one JSON object per line (or readable text
//! on a terminal), and nothing secret passes: wrap what must not be seen in [`Redacted`]; what is
//! forgotten is caught by the names of fields and by the shape of values ([`scrub`]).

mod catalogue;
mod dependency;
mod http;
mod labels;
mod log_counts;
mod log_line;
mod log_scope;
mod log_sink;
mod logs;
mod metrics;
mod process;
mod redact;
pub mod trace;

pub use catalogue::{Bound, DescribedLabel, Descriptor, Kind as MetricKind};
pub use dependency::DEPENDENCIES;
pub use http::{DURATION_BUCKETS, HttpRecorder};
pub use labels::{Label, SERVICES};
pub use log_scope::LogScope;
pub use log_sink::flush_logs;
pub use logs::{LogFormat, LogLayer, init_logs};
pub use metrics::{
    Counter, Counters, FloatGauge, FloatGauges, Gauge, Gauges, Histogram, Histograms, Telemetry,
};
pub use redact::{REDACTED, Redacted, is_sensitive_name, scrub};
pub use trace::{ActiveSpan, Span, SpanKind, Tracer};
