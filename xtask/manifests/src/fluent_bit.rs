//! What Fluent Bit is told, read from a rendering, and what it makes of the lines of a log file: a model of
//! the part of it that k8s/logging uses, held against what the real one did (tests/planted/lines.rs).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::rendered::Rendered;

/// The `ConfigMap` that has its files.
pub const CONFIG_MAP: &str = "fluent-bit";

/// One plugin with its settings.
pub type Section = Map<String, Value>;

/// Its files, put together.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub service: Section,
    pub inputs: Vec<Section>,
    pub filters: Vec<Section>,
    pub outputs: Vec<Section>,
    /// Of the file that `parsers_file` names.
    pub parsers: Vec<Section>,
}

impl Config {
    /// None where a rendering has no Fluent Bit.
    ///
    /// # Errors
    /// A file is no YAML, or names one that is not there.
    pub fn of(rendered: &Rendered) -> Option<Result<Self>> {
        let mut maps = rendered.of("ConfigMap");
        let map = maps.find(|object| {
            let hash = object.name.strip_prefix(CONFIG_MAP);
            object.value.pointer("/data/fluent-bit.yaml").is_some() && hash.is_some()
        })?;
        let files = map.texts("/data");
        Some(Self::read(&files))
    }

    fn read(files: &BTreeMap<String, String>) -> Result<Self> {
        let file = |name: &str| -> Result<Value> {
            let text = files
                .get(name)
                .with_context(|| format!("{name} is not in the ConfigMap {CONFIG_MAP}"))?;
            serde_norway::from_str(text).with_context(|| name.to_owned())
        };
        let mut config = Self::default();
        let mut open = vec!["fluent-bit.yaml".to_owned()];
        while let Some(name) = open.pop() {
            let value = file(&name)?;
            for key in value.as_object().context("no map")?.keys() {
                let known = ["service", "pipeline", "includes", "env"].contains(&key.as_str());
                ensure!(known, "{name}: there is no section `{key}`");
            }
            if let Some(service) = value["service"].as_object() {
                config.service.extend(service.clone());
            }
            for (kind, list) in [
                ("inputs", &mut config.inputs),
                ("filters", &mut config.filters),
                ("outputs", &mut config.outputs),
            ] {
                let sections = value["pipeline"][kind].as_array().into_iter().flatten();
                list.extend(sections.filter_map(Value::as_object).cloned());
            }
            let includes = value["includes"].as_array().into_iter().flatten();
            open.extend(includes.filter_map(Value::as_str).map(str::to_owned));
        }
        if let Some(name) = config.service.get("parsers_file").and_then(Value::as_str) {
            let value = file(name)?;
            let parsers = value["multiline_parsers"].as_array().into_iter().flatten();
            config.parsers = parsers.filter_map(Value::as_object).cloned().collect();
        }
        Ok(config)
    }
}

/// A setting as it is written; `on` and `true` are texts here.
pub fn text(section: &Section, key: &str) -> String {
    match section.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// A line as it is sent to Loki.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Sent {
    pub stream: BTreeMap<String, String>,
    /// Nanoseconds since 1970.
    pub time: String,
    pub line: String,
    pub metadata: BTreeMap<String, String>,
}

/// What is sent of a file, `pod` being what the API server says of its pod.
///
/// # Errors
/// A line is of no format, or the configuration goes beyond the model.
pub fn sent(config: &Config, name: &str, content: &str, pod: &Value) -> Result<Vec<Sent>> {
    let [tail] = config.inputs.as_slice() else {
        bail!("the model knows one input");
    };
    ensure!(
        text(tail, "multiline.parser") == "docker, cri",
        "the model knows the formats of Docker and CRI"
    );
    if text(tail, "exclude_path")
        .split(',')
        .any(|path| matches(path, &format!("/var/log/containers/{name}")))
    {
        return Ok(Vec::new());
    }
    let mut records = whole(content)?;
    for filter in &config.filters {
        let tag = format!("kube.var.log.containers.{name}");
        if !matches(&text(filter, "match"), &tag) {
            continue;
        }
        match text(filter, "name").as_str() {
            "multiline" => {
                let parser = text(filter, "multiline.parser");
                records = indented(config, &parser, records)?;
            }
            "kubernetes" => {
                for record in &mut records {
                    record.insert("kubernetes".to_owned(), pod.clone());
                    let log = text(record, "log");
                    let parsed = serde_json::from_str::<Section>(log.trim());
                    if let Ok(line) = parsed {
                        record.insert(text(filter, "merge_log_key"), Value::Object(line));
                    }
                }
            }
            other => bail!("the model knows no filter {other}"),
        }
    }
    let [loki] = config.outputs.as_slice() else {
        bail!("the model knows one output");
    };
    ensure!(
        text(loki, "drop_single_key") == "raw",
        "the model knows lines as they are"
    );
    let removed = text(loki, "remove_keys");
    let removed: Vec<&str> = removed.split(',').map(str::trim).collect();
    records
        .iter()
        .map(|record| {
            let left: Vec<&String> = record
                .keys()
                .filter(|key| !removed.contains(&key.as_str()) && *key != "nanoseconds")
                .collect();
            ensure!(left == ["log"], "more than the line is sent: {left:?}");
            Ok(Sent {
                stream: pairs(&text(loki, "labels"), record),
                time: text(record, "nanoseconds"),
                line: text(record, "log"),
                metadata: pairs(&text(loki, "structured_metadata"), record),
            })
        })
        .collect()
}

/// `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    let parts: Vec<&str> = pattern.trim().split('*').collect();
    for (index, part) in parts.iter().enumerate() {
        match rest.find(part) {
            Some(0) => rest = &rest[part.len()..],
            Some(at) if index > 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('*')
}

/// Lines of a file, those that the runtime cut put together again.
fn whole(content: &str) -> Result<Vec<Section>> {
    let mut done: Vec<Section> = Vec::new();
    let mut open: BTreeMap<String, Section> = BTreeMap::new();
    for line in content.lines() {
        let (time, stream, log, ends) = if line.starts_with('{') {
            let line: Value = serde_json::from_str(line)?;
            let part = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let log = part("log");
            let ends = log.ends_with('\n');
            (part("time"), part("stream"), log, ends)
        } else {
            let mut parts = line.splitn(4, ' ');
            let mut next = || parts.next().context("no line of CRI").map(str::to_owned);
            let (time, stream, flag, log) = (next()?, next()?, next()?, next()?);
            (time, stream, log, flag == "F")
        };
        let record = open.entry(stream.clone()).or_insert_with(|| {
            let time = nanoseconds(&time).unwrap_or_default().to_string();
            let pairs = [("stream", json!(stream)), ("nanoseconds", json!(time))];
            pairs
                .map(|(key, value)| (key.to_owned(), value))
                .into_iter()
                .collect()
        });
        let log = text(record, "log") + &log;
        record.insert("log".to_owned(), json!(log));
        if ends {
            done.extend(open.remove(&stream));
        }
    }
    Ok(done)
}

/// Lines that begin with white space go on with the one before.
fn indented(config: &Config, parser: &str, records: Vec<Section>) -> Result<Vec<Section>> {
    let known = config
        .parsers
        .iter()
        .find(|one| text(one, "name") == parser);
    let rules = known.and_then(|one| one["rules"].as_array());
    let rules: Vec<&str> = rules
        .with_context(|| format!("there is no parser {parser}"))?
        .iter()
        .filter_map(|rule| rule["regex"].as_str())
        .collect();
    ensure!(
        rules == [r"/^\S.*/", r"/^\s+.*/"],
        "the model knows indented lines: {rules:?}"
    );
    let mut done: Vec<Section> = Vec::new();
    for record in records {
        let log = text(&record, "log");
        match done.last_mut() {
            Some(before) if log.starts_with(char::is_whitespace) => {
                let both = format!("{}\n{log}", text(before, "log"));
                before.insert("log".to_owned(), json!(both));
            }
            _ => done.push(record),
        }
    }
    Ok(done)
}

/// `name=text` or `name=$key['key']`, with commas between; what is not there is left out.
fn pairs(list: &str, record: &Section) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in list
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
    {
        let Some(path) = value.strip_prefix('$') else {
            all.insert(name.to_owned(), value.to_owned());
            continue;
        };
        let mut parts = path.split("['").map(|part| part.trim_end_matches("']"));
        let first = parts.next().and_then(|key| record.get(key));
        let found = first.and_then(|first| parts.try_fold(first, |at, key| at.get(key)));
        if let Some(text) = found.and_then(Value::as_str) {
            all.insert(name.to_owned(), text.to_owned());
        }
    }
    all
}

/// Of a time as `2026-11-21T18:00:00.123456789Z` or with an offset.
fn nanoseconds(time: &str) -> Option<i64> {
    let (date, rest) = time.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let at = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let seconds = |text: &str| {
        let mut parts = text.split(':').map(|part| part.parse::<i64>().unwrap_or(0));
        parts.next().unwrap_or(0) * 3600
            + parts.next().unwrap_or(0) * 60
            + parts.next().unwrap_or(0)
    };
    let offset = match zone.split_at(1) {
        ("+", zone) => seconds(zone),
        ("-", zone) => -seconds(zone),
        _ => 0,
    };
    // Days since 1970, counted in years that begin in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469;
    let fraction: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some((days * 86_400 + seconds(clock) - offset) * 1_000_000_000 + fraction)
}
