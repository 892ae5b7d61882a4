//! What becomes of lines: `lines/sent.json` is what Fluent Bit 4.1.1 itself sent to Loki of the files beside
//! it, with the configuration of k8s/logging. The model makes the same of them; who changes the
//! configuration changes what the model makes, and has to ask the real one again (docs/observability.md).

use serde_json::{Value, json};
use techcommerce_manifests::fluent_bit::{Config, Sent, sent};
use techcommerce_manifests::rendered::Rendered;

use crate::rig::{all_found_in, edit, plant, remove, rendered, set, variable};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Each file with its pod and container.
const FILES: [(&str, &str, &str); 3] = [
    ("frontend.docker.log", "frontend-1", "frontend"),
    (
        "order-api.cri.log",
        "order-api-7d9c5b6f4-abcde",
        "order-api",
    ),
    ("postgres.cri.log", "postgres-0", "postgres"),
];

fn by_the_model(rendered: &Rendered) -> anyhow::Result<Vec<Sent>> {
    let config = Config::of(rendered).unwrap()?;
    let mut all = Vec::new();
    for (file, pod, container) in FILES {
        let path = crate::rig::root()
            .join("xtask/manifests/tests/planted/lines")
            .join(file);
        let content = std::fs::read_to_string(path)?;
        let name = format!("{pod}_techcommerce_{container}-{ID}.log");
        let said = json!({
            "pod_name": pod,
            "namespace_name": "techcommerce",
            "container_name": container,
            "host": "node-1",
            "labels": {"app.kubernetes.io/name": container},
        });
        all.extend(sent(&config, &name, &content, &said)?);
    }
    all.sort_by_key(|sent| (sent.stream["app"].clone(), sent.time.clone()));
    Ok(all)
}

fn by_the_real_one() -> Vec<Sent> {
    serde_json::from_str(include_str!("lines/sent.json")).unwrap()
}

#[test]
fn lines_are_sent_as_the_real_one_did() {
    let rendered = rendered("k8s/logging");
    assert_eq!(by_the_model(&rendered).unwrap(), by_the_real_one());
    let config = Config::of(&rendered).unwrap().unwrap();
    let own = format!("fluent-bit-x_logging_fluent-bit-{ID}.log");
    let line = "2026-11-21T18:00:00.1Z stderr F own words\n";
    assert_eq!(sent(&config, &own, line, &Value::Null).unwrap(), []);
}

/// Another configuration is another result, or beyond the model.
#[test]
fn another_configuration_is_noticed() {
    let good = rendered("k8s/logging");
    for (file, from, to) in [
        ("fluent-bit.yaml", "docker, cri", "cri"),
        (
            "fluent-bit.yaml",
            "merge_log_key: line",
            "merge_log_key: parsed",
        ),
        (
            "fluent-bit.yaml",
            "containers.postgres-*",
            "containers.mysql-*",
        ),
        (
            "output.yaml",
            "trace_id=$line['trace_id']",
            "trace_id=$line['trace']",
        ),
        (
            "output.yaml",
            "remove_keys: kubernetes, line,",
            "remove_keys: kubernetes,",
        ),
        ("output.yaml", "['app.kubernetes.io/name']", "['app']"),
        ("parsers.yaml", r"/^\s+.*/", r"/^x.*/"),
    ] {
        let mut bad = good.clone();
        replace(&mut bad, file, from, to);
        let same =
            std::panic::catch_unwind(|| by_the_model(&bad).is_ok_and(|it| it == by_the_real_one()));
        assert!(!same.unwrap_or(false), "{from} → {to} is not noticed");
    }
}

fn replace(rendered: &mut Rendered, file: &str, from: &str, to: &str) {
    edit(rendered, "ConfigMap/fluent-bit", |object| {
        let text = object["data"][file].as_str().unwrap().to_owned();
        assert!(text.contains(from), "{file} has no {from}");
        object["data"][file] = text.replace(from, to).into();
    });
}

fn replace_in(rendered: &mut Rendered, map: &str, file: &str, from: &str, to: &str) {
    edit(rendered, map, |object| {
        let text = object["data"][file].as_str().unwrap().to_owned();
        assert!(text.contains(from), "{file} has no {from}");
        object["data"][file] = text.replace(from, to).into();
    });
}

#[test]
fn the_collector_of_logs() {
    all_found_in(
        "k8s/logging",
        "collectors",
        &[
            plant(
                "a misspelt setting",
                |r| replace(r, "fluent-bit.yaml", "skip_long_lines", "skip_longlines"),
                &["skip_longlines", "tail"],
            ),
            plant(
                "a misspelt setting of the service",
                |r| {
                    replace(
                        r,
                        "fluent-bit.yaml",
                        "storage.max_chunks_up",
                        "storage.max_chunk_up",
                    )
                },
                &["storage.max_chunk_up"],
            ),
            plant(
                "a plugin that there is not",
                |r| replace(r, "output.yaml", "name: loki", "name: lokki"),
                &["lokki"],
            ),
            plant(
                "lines in memory alone",
                |r| {
                    replace(
                        r,
                        "fluent-bit.yaml",
                        "storage.type: filesystem\n      storage.pause",
                        "storage.type: memory\n      storage.pause",
                    )
                },
                &["storage.type"],
            ),
            plant(
                "no bound on the node's disk",
                |r| {
                    replace(
                        r,
                        "output.yaml",
                        "storage.total_limit_size: 2G",
                        "storage.total_limit_size: 0",
                    )
                },
                &["storage.total_limit_size"],
            ),
            plant(
                "lines that are given up",
                |r| replace(r, "output.yaml", "retry_limit: no_limits", "retry_limit: 3"),
                &["retry_limit"],
            ),
            plant(
                "positions that nobody keeps",
                |r| {
                    replace(
                        r,
                        "fluent-bit.yaml",
                        "/var/lib/fluent-bit/positions.db",
                        "/tmp/positions.db",
                    )
                },
                &["/tmp/positions.db"],
            ),
            plant(
                "a file that is not there",
                |r| replace(r, "fluent-bit.yaml", "- output.yaml", "- outputs.yaml"),
                &["outputs.yaml"],
            ),
            plant(
                "a parser that is not there",
                |r| {
                    replace(
                        r,
                        "fluent-bit.yaml",
                        "multiline.parser: indented",
                        "multiline.parser: idented",
                    )
                },
                &["idented"],
            ),
            plant(
                "a secret in a file",
                |r| replace(r, "output.yaml", "workers: 2", "http_passwd: hunter2"),
                &["http_passwd"],
            ),
            plant(
                "nobody at that address",
                |r| replace(r, "output.yaml", "logging-backend.logging", "loki.logging"),
                &["loki.logging"],
            ),
            plant(
                "another port than the Service's",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/loki",
                        "loki.yaml",
                        "http_listen_port: 3100",
                        "http_listen_port: 3101",
                    )
                },
                &["3101"],
            ),
            plant(
                "logs that are kept for ever",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/loki",
                        "loki.yaml",
                        "retention_enabled: true",
                        "retention_enabled: false",
                    )
                },
                &["retention_enabled"],
            ),
            plant(
                "a folder of Loki that goes with its pod",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/loki",
                        "loki.yaml",
                        "dir: /loki/wal",
                        "dir: /wal",
                    )
                },
                &["/wal"],
            ),
            plant(
                "a folder that is not mounted",
                |r| {
                    remove(
                        r,
                        "DaemonSet/fluent-bit",
                        "/spec/template/spec/containers/0/volumeMounts/1",
                    )
                },
                &["/var/log/containers"],
            ),
        ],
    );
    all_found_in(
        "k8s/combinations/logging-datadog",
        "collectors",
        &[plant(
            "a variable that nobody sets",
            |r| {
                variable(r, "DaemonSet/fluent-bit", "DATADOG_API_KEY", |it| {
                    it["name"] = "DATADOG_KEY".into()
                })
            },
            &["DATADOG_API_KEY"],
        )],
    );
}

#[test]
fn the_collector_of_traces() {
    all_found_in(
        "k8s/tracing",
        "collectors",
        &[
            plant(
                "a processor that is used and not there",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/otel-collector",
                        "collector.yaml",
                        "[memory_limiter, tail_sampling, batch]",
                        "[memory_limiter, tail_sample, batch]",
                    )
                },
                &["tail_sample"],
            ),
            plant(
                "batches before whole traces are seen",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/otel-collector",
                        "collector.yaml",
                        "[memory_limiter, tail_sampling, batch]",
                        "[memory_limiter, batch, tail_sampling]",
                    )
                },
                &["batch"],
            ),
            plant(
                "memory that is looked at too late",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/otel-collector",
                        "collector.yaml",
                        "[memory_limiter, tail_sampling, batch]",
                        "[tail_sampling, memory_limiter, batch]",
                    )
                },
                &["memory_limiter"],
            ),
            plant(
                "an exporter to nobody",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/otel-collector",
                        "collector.yaml",
                        "endpoint: tempo:4317",
                        "endpoint: tempo:4318",
                    )
                },
                &["tempo:4318"],
            ),
            plant(
                "a port that the container does not have",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/otel-collector",
                        "collector.yaml",
                        "endpoint: 0.0.0.0:4318",
                        "endpoint: 0.0.0.0:4319",
                    )
                },
                &["4319"],
            ),
            plant(
                "errors that are let go",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/otel-collector",
                        "collector.yaml",
                        "status_codes: [ERROR]",
                        "status_codes: [OK]",
                    )
                },
                &["ERROR"],
            ),
            plant(
                "two collectors that share the spans of a trace",
                |r| set(r, "Deployment/otel-collector", "/spec/replicas", json!(2)),
                &["replicas"],
            ),
            plant(
                "another port of Tempo",
                |r| {
                    replace_in(
                        r,
                        "ConfigMap/tempo",
                        "tempo.yaml",
                        "http_listen_port: 3200",
                        "http_listen_port: 3201",
                    )
                },
                &["3201"],
            ),
        ],
    );
}
