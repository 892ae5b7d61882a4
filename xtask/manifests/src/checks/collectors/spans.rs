//! The collector of traces.

use serde_json::Value;

use crate::finding::Finding;
use crate::object::Object;
use crate::rendered::Rendered;
use crate::workload::Workload;

use super::{NAME, listens, reached};

/// The collector of traces: its pipelines name what is there, in an order that works.
pub fn check(rendered: &Rendered, object: &Object, config: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |field: &str, wrong: String, mend: &str| {
        found.push(Finding::at(NAME, object, field, wrong, mend));
    };
    let names = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let pipeline = &config["service"]["pipelines"]["traces"];
    for kind in ["receivers", "processors", "exporters", "extensions"] {
        let used = if kind == "extensions" {
            &config["service"][kind]
        } else {
            &pipeline[kind]
        };
        let used = names(used);
        let defined: Vec<String> = config[kind]
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys().cloned())
            .collect();
        for name in used.iter().filter(|name| !defined.contains(name)) {
            say(
                kind,
                format!("`{name}` is used and not defined"),
                "define it, or mend its name",
            );
        }
        for name in defined.iter().filter(|name| !used.contains(name)) {
            say(
                kind,
                format!("`{name}` is defined and not used"),
                "use it, or take it out",
            );
        }
    }
    let order = names(&pipeline["processors"]);
    if order.first().is_none_or(|first| first != "memory_limiter") {
        say(
            "processors",
            "memory_limiter is not the first".to_owned(),
            "what comes before it fills the memory",
        );
    }
    if order.last().is_none_or(|last| last != "batch") {
        say(
            "processors",
            "batch is not the last".to_owned(),
            "traces are taken apart by it",
        );
    }
    let policies = config.pointer("/processors/tail_sampling/policies");
    let policies = policies
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let errors = policies
        .iter()
        .any(|one| names(&one["status_code"]["status_codes"]).contains(&"ERROR".to_owned()));
    if !errors
        || !policies
            .iter()
            .any(|one| one["latency"]["threshold_ms"].is_number())
    {
        say(
            "processors.tail_sampling",
            "does not keep status ERROR and what is slow".to_owned(),
            "a policy for each",
        );
    }
    let collector = rendered
        .find("Deployment", None, "otel-collector")
        .and_then(Workload::of);
    if let Some(workload) = collector {
        if workload.replicas() != 1 {
            say(
                "processors.tail_sampling",
                "spans of a trace go to several replicas".to_owned(),
                "replicas: 1",
            );
        }
        let ports = [
            "/receivers/otlp/protocols/http/endpoint",
            "/receivers/otlp/protocols/grpc/endpoint",
            "/extensions/health_check/endpoint",
        ];
        let told = ports
            .iter()
            .filter_map(|pointer| config.pointer(pointer)?.as_str()?.rsplit_once(':'));
        let told: Vec<&str> = told.map(|(_, port)| port).collect();
        found.extend(
            told.iter()
                .filter_map(|port| listens(&workload, "otel-collector", "endpoint", port)),
        );
    }
    for exporter in config["exporters"]
        .as_object()
        .into_iter()
        .flat_map(|map| map.values())
    {
        if let Some((host, port)) = exporter["endpoint"]
            .as_str()
            .and_then(|it| it.rsplit_once(':'))
        {
            found.extend(reached(rendered, "otel-collector", host, port));
        }
    }
    found
}
