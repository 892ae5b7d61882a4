//! Spans as OTLP has them.

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    resource::v1::Resource as WireResource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status,
        span::{Link as WireLink, SpanKind as WireKind},
        status::StatusCode,
    },
};
use prost::Message;
use techcommerce_telemetry::{
    scrub,
    trace::{Batch, Finished, Link, SpanKind, Value},
};

use crate::Export;

/// The bit of a span's flags that says that its trace is sampled (W3C Trace Context).
const SAMPLED: u32 = 1;

/// What is said of the process.
pub struct Resource {
    version: &'static str,
    attributes: Vec<KeyValue>,
}

impl Resource {
    pub fn of(export: Export) -> Self {
        let mut attributes = BTreeMap::from([
            ("service.namespace".to_owned(), "techcommerce".to_owned()),
            ("service.version".to_owned(), export.version.to_owned()),
            ("service.instance.id".to_owned(), export.instance),
        ]);
        attributes.extend(export.attributes);
        // That each span knows itself: several services may run in one process.
        attributes.remove("service.name");
        Self {
            version: export.version,
            attributes: attributes
                .into_iter()
                .map(|(name, value)| text(&name, value))
                .collect(),
        }
    }

    /// The message for `batches`: a part for each service.
    pub fn message(&self, batches: Vec<Batch>) -> Bytes {
        let mut by_service: BTreeMap<&'static str, Vec<Span>> = BTreeMap::new();
        for batch in batches {
            let (trace_id, sampled) = (batch.trace_id, batch.sampled);
            for span in batch.spans {
                let service = by_service.entry(span.service).or_default();
                service.push(wire_span(trace_id, sampled, span));
            }
        }
        let parts = by_service.into_iter();
        let resource_spans = parts
            .map(|(service, spans)| self.part(service, spans))
            .collect();
        let request = ExportTraceServiceRequest { resource_spans };
        request.encode_to_vec().into()
    }

    fn part(&self, service: &str, spans: Vec<Span>) -> ResourceSpans {
        let mut attributes = vec![text("service.name", service.to_owned())];
        attributes.extend_from_slice(&self.attributes);
        let scope = InstrumentationScope {
            name: "techcommerce".to_owned(),
            version: self.version.to_owned(),
            ..InstrumentationScope::default()
        };
        ResourceSpans {
            resource: Some(WireResource {
                attributes,
                ..WireResource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    }
}

fn wire_span(trace_id: u128, sampled: bool, span: Finished) -> Span {
    let mut attributes: Vec<KeyValue> = span.attributes.into_iter().map(attribute).collect();
    let status = span.error.map(|code| {
        attributes.push(text("error.type", shown(code)));
        Status {
            code: StatusCode::Error.into(),
            ..Status::default()
        }
    });
    Span {
        trace_id: trace_id.to_be_bytes().to_vec(),
        span_id: span.span_id.to_be_bytes().to_vec(),
        parent_span_id: match span.parent_id {
            0 => Vec::new(),
            parent => parent.to_be_bytes().to_vec(),
        },
        flags: if sampled { SAMPLED } else { 0 },
        name: shown(span.name),
        kind: match span.kind {
            SpanKind::Internal => WireKind::Internal,
            SpanKind::Server => WireKind::Server,
            SpanKind::Client => WireKind::Client,
            SpanKind::Consumer => WireKind::Consumer,
        }
        .into(),
        start_time_unix_nano: span.started,
        end_time_unix_nano: span.ended,
        attributes,
        links: span.links.into_iter().map(wire_link).collect(),
        status,
        ..Span::default()
    }
}

fn wire_link(link: Link) -> WireLink {
    WireLink {
        trace_id: link.trace_id.to_be_bytes().to_vec(),
        span_id: link.span_id.to_be_bytes().to_vec(),
        attributes: vec![text("techcommerce.relation", link.relation.to_owned())],
        ..WireLink::default()
    }
}

fn attribute((name, value): (&'static str, Value)) -> KeyValue {
    match value {
        Value::Text(value) => text(name, shown(value)),
        Value::Number(number) => key_value(name, any_value::Value::IntValue(number)),
        Value::Flag(flag) => key_value(name, any_value::Value::BoolValue(flag)),
    }
}

/// A text as it may be seen. None should hold a secret; what was put together at run time is
/// looked through all the same, as a line of the log is.
fn shown(text: Cow<'static, str>) -> String {
    match text {
        Cow::Borrowed(ours) => ours.to_owned(),
        Cow::Owned(made) => scrub(&made).into_owned(),
    }
}

fn text(name: &str, value: String) -> KeyValue {
    key_value(name, any_value::Value::StringValue(value))
}

fn key_value(name: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
