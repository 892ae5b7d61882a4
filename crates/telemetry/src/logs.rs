//! Logs on standard error: JSON lines, or text for people.
//!
//! A line in JSON has `timestamp`, `level`, `target`, `message`, `fields`, and, where a span
//! around it says so, `service`, `request_id` and `trace_id`. What the levels mean is in
//! docs/logging.md.

use std::{fmt, io::IsTerminal, str::FromStr};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    log_counts, log_line, log_scope,
    log_sink::{self, Gathering, Sink},
    redact::{REDACTED, is_sensitive_name, scrub},
};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, JSON everywhere else.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(format!("`{text}` is none of auto, json, text")),
        }
    }
}

/// Sends the logs of the whole process to standard error, and panics with them. Call it once,
/// first of all.
///
/// `filter` is a level (`info`) or directives (`info,sqlx=warn`).
///
/// # Errors
/// When `filter` cannot be read, or logs were set up before; says which.
pub fn init_logs(format: LogFormat, filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(directives(filter))
        .map_err(|error| format!("`{filter}` is no log filter: {error}"))?;
    let terminal = std::io::stderr().is_terminal();
    let style = match format {
        LogFormat::Json => Style::Json,
        LogFormat::Auto if !terminal => Style::Json,
        LogFormat::Auto | LogFormat::Text => Style::Text {
            colour: terminal && wants_colour(),
        },
    };
    let layer = LogLayer {
        style,
        write: Gathering(log_sink::standard_error()),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()
        .map_err(|error| format!("logs are set up already: {error}"))?;
    std::panic::set_hook(Box::new(|panic| {
        let message = panic
            .payload_as_str()
            .unwrap_or("a panic without a message");
        let location = panic.location().map(ToString::to_string);
        tracing::error!(target: "panic", location, "panicked: {message}");
    }));
    Ok(())
}

/// Below `info` libraries show what they were given: texts of products, headers, parts of files. So
/// the plain levels `debug` and `trace` are of our own code, and of statements, which have no
/// values in them; whoever wants another library's names it.
fn directives(filter: &str) -> &str {
    match filter.trim() {
        level if level.eq_ignore_ascii_case("debug") => {
            "info,techcommerce=debug,access=debug,sqlx=debug"
        }
        level if level.eq_ignore_ascii_case("trace") => {
            "info,techcommerce=trace,access=trace,sqlx=debug"
        }
        other => other,
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "NO_COLOR (no-color.org) is everyone's convention, not a setting of ours"
)]
fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none()
}

/// The target of the lines that say what was answered to whom.
const ACCESS: &str = "access";
/// The target of what comes from the `log` crate; its true one is a field.
const BRIDGED: &str = "log";

#[derive(Debug, Clone, Copy)]
enum Style {
    Json,
    Text { colour: bool },
}

/// Turns events into lines and hands each, with its newline, to a function in one piece.
#[derive(Debug)]
pub struct LogLayer<W> {
    style: Style,
    write: W,
}

impl<W: Fn(&[u8])> LogLayer<W> {
    /// JSON lines to `write`.
    pub fn json(write: W) -> Self {
        Self {
            style: Style::Json,
            write,
        }
    }

    /// Text without colours to `write`.
    pub fn text(write: W) -> Self {
        Self {
            style: Style::Text { colour: false },
            write,
        }
    }
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Sink + Send + Sync + 'static,
{
    fn on_new_span(&self, attrs: &span::Attributes<'_>, id: &span::Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            let mut fields = Fields::default();
            attrs.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let metadata = event.metadata();
        log_counts::line(*metadata.level());
        // Of requests answered well there may be tens of thousands a second.
        let can_wait = metadata.target() == ACCESS && *metadata.level() == Level::INFO;
        let plain = matches!(self.style, Style::Json) && metadata.target() != BRIDGED;
        if plain && ctx.lookup_current().is_none() {
            log_line::write(event, |line| self.write.line(line, can_wait));
            return;
        }
        let mut line = Line::new(event);
        if let Some(scope) = ctx.event_scope(event) {
            for span in scope.from_root() {
                if let Some(fields) = span.extensions().get::<Fields>() {
                    line.around(fields);
                }
            }
        }
        log_scope::with(|scope| line.of_request(scope));
        let mut own = Fields::default();
        event.record(&mut own);
        line.around(&own);
        let text = match self.style {
            Style::Json => line.json(),
            Style::Text { colour } => line.text(colour),
        };
        self.write.line(text.as_bytes(), can_wait);
    }
}

/// The fields of a span or an event, scrubbed.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // `r#type` is how Rust spells a field named `type`.
        let name = field.name().trim_start_matches("r#");
        self.0.insert(name.to_owned(), value.into());
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        if is_sensitive_name(field.name()) {
            self.put(field, REDACTED);
        } else {
            self.put(field, scrub(text).into_owned());
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, &format!("{value:?}"));
    }
}

/// One line on its way.
struct Line {
    level: Level,
    target: String,
    fields: Map<String, Value>,
}

impl Line {
    fn new(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        Self {
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            fields: Map::new(),
        }
    }

    /// Adds what a span or the event itself says; the innermost wins.
    fn around(&mut self, fields: &Fields) {
        for (name, value) in &fields.0 {
            match name.as_str() {
                // Events of the `log` crate carry their origin as fields.
                "log.target" => self.target = value.as_str().unwrap_or_default().to_owned(),
                name if name.starts_with("log.") => {}
                name => {
                    self.fields.insert(name.to_owned(), value.clone());
                }
            }
        }
    }

    fn of_request(&mut self, scope: &log_scope::LogScope) {
        let mut put = |name: &str, value: String| self.fields.insert(name.to_owned(), value.into());
        put("service", scope.service.to_owned());
        if !scope.request_id.is_empty() {
            put("request_id", scope.shown_request_id().into_owned());
        }
        put("trace_id", scope.trace_id_hex());
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name)
    }

    fn json(mut self) -> String {
        let mut object = Map::new();
        object.insert("timestamp".into(), log_line::now().into());
        object.insert("level".into(), self.level.as_str().into());
        object.insert("target".into(), std::mem::take(&mut self.target).into());
        object.insert(
            "message".into(),
            self.take("message").unwrap_or_else(|| "".into()),
        );
        for name in ["service", "request_id", "trace_id"] {
            if let Some(value) = self.take(name) {
                object.insert(name.into(), value);
            }
        }
        object.insert("fields".into(), Value::Object(self.fields));
        let mut line = Value::Object(object).to_string();
        line.push('\n');
        line
    }

    fn text(mut self, colour: bool) -> String {
        let level = if colour {
            let code = match self.level {
                Level::ERROR => 31,
                Level::WARN => 33,
                Level::INFO => 32,
                _ => 90,
            };
            format!("\x1b[{code}m{:>5}\x1b[0m", self.level)
        } else {
            format!("{:>5}", self.level)
        };
        // The trace's id is for machines; the request's id is what a user quotes.
        self.take("trace_id");
        let from = match self.take("service") {
            Some(Value::String(service)) => service,
            _ => std::mem::take(&mut self.target),
        };
        let message = self.take("message").as_ref().map(plain).unwrap_or_default();
        let mut line = format!("{} {level} {from}: {message}", log_line::now());
        for (name, value) in &self.fields {
            line.push_str(&format!(" {name}={}", plain(value)));
        }
        line.push('\n');
        line
    }
}

/// A value without JSON's quotes, on one line and without control characters.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains(char::is_control) {
        text.escape_debug().to_string()
    } else {
        text
    }
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
