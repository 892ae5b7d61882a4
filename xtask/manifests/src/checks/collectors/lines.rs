//! Fluent Bit.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::fluent_bit::{Config, Section, text};
use crate::rendered::Rendered;
use crate::workload::Workload;

use super::{listens, of, reached};

/// Settings of Fluent Bit 4.1's service that are of use in a cluster.
const SERVICE: &str = "flush grace daemon log_level parsers_file http_server http_listen http_port health_check \
     hc_errors_count hc_retry_failure_count hc_period scheduler.base scheduler.cap storage.path storage.sync \
     storage.checksum storage.max_chunks_up storage.backlog.mem_limit storage.delete_irrecoverable_chunks \
     storage.metrics storage.trim_files dns.mode dns.resolver";
const INPUT: &str = "name tag alias mem_buf_limit threaded storage.type storage.pause_on_chunks_overlimit log_level";
const FILTER: &str = "name match match_regex alias log_level";
const OUTPUT: &str = "name match match_regex alias log_level host port retry_limit workers storage.total_limit_size tls \
     tls.verify tls.ca_file tls.vhost net.connect_timeout net.keepalive net.keepalive_idle_timeout";

/// Plugins with what each takes beside that.
const PLUGINS: &[(&str, &str)] = &[
    (
        "tail",
        "path exclude_path multiline.parser db db.sync db.locking db.journal_mode read_from_head refresh_interval \
         rotate_wait buffer_chunk_size buffer_max_size skip_long_lines skip_empty_lines path_key offset_key ignore_older",
    ),
    (
        "multiline",
        "mode multiline.parser multiline.key_content buffer flush_ms emitter_name emitter_storage.type \
         emitter_mem_buf_limit",
    ),
    (
        "kubernetes",
        "kube_tag_prefix kube_url kube_ca_file kube_token_file kube_token_ttl kube_meta_cache_ttl tls.verify labels \
         annotations owner_references namespace_labels namespace_annotations merge_log merge_log_key merge_log_trim \
         keep_log k8s-logging.parser k8s-logging.exclude buffer_size dns_retries dns_wait_time",
    ),
    (
        "loki",
        "uri tenant_id labels structured_metadata label_keys remove_keys drop_single_key line_format \
         auto_kubernetes_labels http_user http_passwd bearer_token compress",
    ),
    (
        "es",
        "index http_user http_passwd http_api_key compress logstash_format logstash_prefix suppress_type_name \
         replace_dots generate_id trace_error time_key buffer_size write_operation id_key path",
    ),
    (
        "datadog",
        "apikey compress dd_service dd_source dd_tags dd_message_key provider json_date_key include_tag_key tag_key",
    ),
];

/// Settings whose value nobody may read in the repository.
const SECRET: &[&str] = &["http_passwd", "http_api_key", "bearer_token", "apikey"];

pub fn check(rendered: &Rendered, config: &Config) -> Vec<Finding> {
    let mut found = known("service", &config.service, SERVICE, "");
    for (kind, general, sections) in [
        ("input", INPUT, &config.inputs),
        ("filter", FILTER, &config.filters),
        ("output", OUTPUT, &config.outputs),
    ] {
        for section in sections {
            let name = text(section, "name");
            match PLUGINS.iter().find(|(plugin, _)| *plugin == name) {
                Some((_, own)) => found.extend(known(&name, section, general, own)),
                None => found.push(of(
                    "fluent-bit",
                    kind,
                    format!("there is no plugin `{name}` that is known here"),
                    "mend its name; a new one gets a line in src/checks/collectors.rs, of its version's own list",
                )),
            }
            for key in SECRET {
                let value = text(section, key);
                if !value.is_empty() && !value.starts_with("${") {
                    found.push(of(
                        &name,
                        key,
                        "is in the repository".to_owned(),
                        "${VARIABLE}, of a Secret",
                    ));
                }
            }
        }
    }
    let mut demand = |section: &Section, key: &str, good: fn(&str) -> bool, mend: &str| {
        let value = text(section, key);
        if !good(&value) {
            let name = text(section, "name");
            found.push(of(&name, key, format!("is `{value}`"), mend));
        }
    };
    for input in &config.inputs {
        demand(
            input,
            "storage.type",
            |it| it == "filesystem",
            "filesystem, or what waits is lost with the pod",
        );
        demand(
            input,
            "read_from_head",
            |it| it == "on",
            "on, or the first lines of a pod are lost",
        );
        demand(
            input,
            "skip_long_lines",
            |it| it == "on",
            "on, or a long line ends the reading of its file",
        );
        // The kubelet begins a new file every ten seconds at most.
        demand(
            input,
            "refresh_interval",
            |it| it.parse::<u32>().is_ok_and(|it| it < 10),
            "less than 10",
        );
        demand(
            input,
            "rotate_wait",
            |it| it.parse::<u32>().is_ok_and(|it| it >= 30),
            "30 or more",
        );
    }
    for output in &config.outputs {
        demand(
            output,
            "retry_limit",
            |it| it == "no_limits",
            "no_limits, or lines are given up",
        );
        let bounded = |it: &str| it.ends_with(['G', 'M']);
        demand(
            output,
            "storage.total_limit_size",
            bounded,
            "as 2G, or the node's disk is filled",
        );
    }
    let Some(set) = rendered.find("DaemonSet", None, "fluent-bit") else {
        return found;
    };
    let Some(workload) = Workload::of(set) else {
        return found;
    };
    found.extend(folders(&workload, config));
    found.extend(variables(rendered, &workload, config));
    found.extend(parsers(config));
    for output in &config.outputs {
        found.extend(reached(
            rendered,
            "fluent-bit",
            &text(output, "host"),
            &text(output, "port"),
        ));
    }
    let port = text(&config.service, "http_port");
    found.extend(listens(&workload, "fluent-bit", "service.http_port", &port));
    found
}

fn known(name: &str, section: &Section, general: &str, own: &str) -> Vec<Finding> {
    let words: BTreeSet<&str> = general
        .split_whitespace()
        .chain(own.split_whitespace())
        .collect();
    let unknown = section.keys().filter(|key| !words.contains(key.as_str()));
    unknown
        .map(|key| {
            of(
                &format!("fluent-bit {name}"),
                key,
                "is no setting that is known here".to_owned(),
                "Fluent Bit 4.1 does not start with one that it does not know; a new one goes into src/checks/collectors.rs",
            )
        })
        .collect()
}

/// Paths lie in folders that are mounted, and what is written in one that may be written.
fn folders(workload: &Workload<'_>, config: &Config) -> Vec<Finding> {
    let mut wanted = vec![(
        "service storage.path",
        text(&config.service, "storage.path"),
        true,
    )];
    for input in &config.inputs {
        wanted.push(("tail path", text(input, "path"), false));
        wanted.push(("tail db", text(input, "db"), true));
    }
    let mounts = workload
        .pod
        .containers
        .iter()
        .flat_map(|it| it.volume_mounts.iter().flatten());
    let mounts: Vec<_> = mounts.collect();
    let wrong = wanted.into_iter().filter(|(_, path, written)| {
        !mounts.iter().any(|mount| {
            let inside = path.starts_with(&format!("{}/", mount.mount_path));
            inside && (!written || mount.read_only != Some(true))
        })
    });
    wrong
        .map(|(field, path, _)| {
            of(
                "fluent-bit",
                field,
                format!("`{path}` lies in nothing that is mounted for it"),
                "a volume of the DaemonSet",
            )
        })
        .collect()
}

/// Every `${NAME}` is set for the container.
fn variables(rendered: &Rendered, workload: &Workload<'_>, config: &Config) -> Vec<Finding> {
    let mut given = BTreeSet::new();
    for container in &workload.pod.containers {
        given.extend(container.env.iter().flatten().map(|one| one.name.clone()));
        for from in container.env_from.iter().flatten() {
            let map = from.config_map_ref.as_ref().map(|map| map.name.as_str());
            let map = map.and_then(|name| rendered.find("ConfigMap", None, name));
            given.extend(
                map.into_iter()
                    .flat_map(|map| map.texts("/data").into_keys()),
            );
        }
    }
    let values = config.outputs.iter().flat_map(|section| section.values());
    let named = values.filter_map(|value| value.as_str()?.strip_prefix("${")?.strip_suffix('}'));
    named
        .filter(|name| !given.contains(*name))
        .map(|name| {
            of(
                "fluent-bit",
                name,
                "is set by nobody".to_owned(),
                "env of the DaemonSet",
            )
        })
        .collect()
}

fn parsers(config: &Config) -> Vec<Finding> {
    let ours = |name: &str| {
        config
            .parsers
            .iter()
            .any(|parser| text(parser, "name") == name)
    };
    let sections = config.inputs.iter().chain(&config.filters);
    let named = sections.flat_map(|section| {
        let list = text(section, "multiline.parser");
        list.split(',')
            .map(|name| name.trim().to_owned())
            .collect::<Vec<_>>()
    });
    named
        .filter(|name| {
            !name.is_empty() && !["docker", "cri"].contains(&name.as_str()) && !ours(name)
        })
        .map(|name| {
            of(
                "fluent-bit",
                "multiline.parser",
                format!("there is no `{name}`"),
                "docker, cri, or one of parsers.yaml",
            )
        })
        .collect()
}
