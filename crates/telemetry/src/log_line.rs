//! A line in JSON, written straight into bytes: where no span adds to it nothing has to be put
//! together first.

use std::{cell::RefCell, collections::HashMap, fmt};

use techcommerce_kernel::{
    Timestamp,
    env::{Clock, SystemClock},
};
use tracing::{
    Event,
    field::{Field, Visit},
};

use crate::{
    log_scope,
    redact::{REDACTED, is_sensitive_name, scrub},
};

thread_local! {
    /// The room of the last line.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// The second of the last line, as text.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    /// Which names of fields are sensitive, by where they stand in the program.
    static SENSITIVE: RefCell<HashMap<(usize, usize), bool>> = RefCell::default();
}

/// RFC 3339, always to the millisecond, so that lines stand under each other.
pub(crate) fn now() -> String {
    let now = SystemClock.now();
    let millis = now.as_micros().rem_euclid(1_000_000) / 1000;
    let second = now.as_seconds();
    SECOND.with_borrow_mut(|(known, text)| {
        if *known != second {
            let whole = Timestamp::from_micros(second * 1_000_000).to_string();
            *known = second;
            *text = whole.trim_end_matches('Z').to_owned();
        }
        format!("{text}.{millis:03}Z")
    })
}

/// Hands the line of an event to `then`, with its newline.
pub(crate) fn write(event: &Event<'_>, then: impl FnOnce(&[u8])) {
    // Taken, not borrowed: what is shown may log while it is.
    let mut line = ROOM.take();
    line.clear();
    line.extend_from_slice(b"{\"fields\":{");
    let mut fields = Fields {
        empty: true,
        message: None,
        lifted: [None, None, None],
        out: &mut line,
    };
    event.record(&mut fields);
    let Fields {
        message, lifted, ..
    } = fields;
    let metadata = event.metadata();
    line.extend_from_slice(b"},\"level\":\"");
    line.extend_from_slice(metadata.level().as_str().as_bytes());
    line.extend_from_slice(b"\",\"message\":");
    match message {
        Some(message) => line.extend_from_slice(&message),
        None => line.extend_from_slice(b"\"\""),
    }
    let [service, request_id, trace_id] = lifted;
    log_scope::with(|scope| {
        // What the event says itself goes before.
        if service.is_none() {
            member(&mut line, "service", scope.service);
        }
        if request_id.is_none() && !scope.request_id.is_empty() {
            member(&mut line, "request_id", &scope.shown_request_id());
        }
        if trace_id.is_none() {
            member(&mut line, "trace_id", &scope.trace_id_hex());
        }
    });
    for (name, value) in LIFTED.iter().zip([service, request_id, trace_id]) {
        if let Some(value) = value {
            line.extend_from_slice(format!(",\"{name}\":").as_bytes());
            line.extend_from_slice(&value);
        }
    }
    member(&mut line, "target", metadata.target());
    member(&mut line, "timestamp", &now());
    line.extend_from_slice(b"}\n");
    then(&line);
    ROOM.set(line);
}

/// What stands beside the fields, not among them.
const LIFTED: [&str; 3] = ["service", "request_id", "trace_id"];

fn member(line: &mut Vec<u8>, name: &str, value: &str) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
    json(line, value);
}

/// Numbers and texts always serialise.
fn json<T: serde::Serialize + ?Sized>(line: &mut Vec<u8>, value: &T) {
    if serde_json::to_writer(&mut *line, value).is_err() {
        line.extend_from_slice(b"null");
    }
}

/// The fields of an event, scrubbed.
struct Fields<'o> {
    empty: bool,
    message: Option<Vec<u8>>,
    lifted: [Option<Vec<u8>>; 3],
    out: &'o mut Vec<u8>,
}

impl Fields<'_> {
    fn put<T: serde::Serialize + ?Sized>(&mut self, field: &Field, value: &T) {
        // `r#type` is how Rust spells a field named `type`.
        let name = field.name().trim_start_matches("r#");
        let aside = match name {
            "message" => Some(&mut self.message),
            _ => LIFTED
                .iter()
                .position(|lifted| *lifted == name)
                .map(|index| &mut self.lifted[index]),
        };
        if let Some(aside) = aside {
            let mut text = Vec::new();
            json(&mut text, value);
            *aside = Some(text);
            return;
        }
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        json(self.out, name);
        self.out.push(b':');
        json(self.out, value);
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        if is_sensitive(field.name()) {
            self.put(field, REDACTED);
        } else {
            self.put(field, scrub(text).as_ref());
        }
    }
}

/// [`is_sensitive_name`], judged once for each name.
fn is_sensitive(name: &'static str) -> bool {
    SENSITIVE.with_borrow_mut(|known| {
        *known
            .entry((name.as_ptr().addr(), name.len()))
            .or_insert_with(|| is_sensitive_name(name))
    })
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, &format!("{value:?}"));
    }
}
