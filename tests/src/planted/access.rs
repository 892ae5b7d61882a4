//! One access line for each request, and no line that is louder than what happened.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::roles::cast::Cast;
use crate::roles::matrix::nonsense;
use crate::roles::table::table;

/// A request that was sent: its id, method and status.
pub struct Asked {
    id: String,
    method: String,
    status: u16,
}

/// Asks for every operation once, each under an id of its own.
pub async fn every_operation(cast: &Cast) -> Result<Vec<Asked>> {
    let client = cast.shop.plain_client();
    let mut all = Vec::new();
    for (number, rule) in table().iter().enumerate() {
        let id = format!("access-line-{number}");
        let asked = nonsense(&client, rule, cast)?.header("x-request-id", &id);
        let answer = asked.send().await?;
        ensure!(
            answer.header("x-request-id") == Some(&id),
            "{}",
            rule.operation
        );
        let (method, _) = rule.parts();
        let (method, status) = (method.to_uppercase(), answer.status);
        all.push(Asked { id, method, status });
    }
    Ok(all)
}

/// The lines of the log. (On standard output stands that the shop is open.)
fn lines(output: &str) -> Result<Vec<Value>> {
    let ours = output.lines().filter(|line| line.starts_with('{'));
    let parsed = ours.map(|line| {
        let value: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let whole = ["timestamp", "level", "target", "message"];
        ensure!(whole.iter().all(|name| value[name].is_string()), "{line}");
        ensure!(value["fields"].is_object(), "{line}");
        Ok(value)
    });
    parsed.collect()
}

/// In the process that a request came to from outside there is one line about its answer; where
/// services call each other over the network each has one.
pub fn one_line_each(output: &str, asked: &[Asked]) -> Result<()> {
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in lines(output)? {
        let ours = line["target"] == "access" && line["level"] == "INFO";
        if let (true, Some(id)) = (ours, line["request_id"].as_str()) {
            told.entry(id.to_owned()).or_default().push(line);
        }
    }
    for Asked { id, method, status } in asked {
        let about = told.get(id).map(Vec::as_slice).unwrap_or_default();
        let services: BTreeSet<&str> = about
            .iter()
            .filter_map(|line| line["service"].as_str())
            .collect();
        ensure!(
            !about.is_empty() && services.len() == about.len(),
            "{method} {id}: {about:#?}"
        );
        let of = |service: &str| about.iter().find(|line| line["service"] == service);
        let outermost = of("frontend").or_else(|| of("api")).context("the first")?;
        let fields = &outermost["fields"];
        ensure!(outermost["message"] == "answered", "{outermost}");
        ensure!(
            fields["method"] == **method && fields["status"] == *status,
            "{method} {status}: {outermost}"
        );
        for line in about {
            let fields = &line["fields"];
            let route = fields["route"].as_str().context("a route")?;
            ensure!(!route.contains(crate::roles::things::NOTHING), "{line}");
            ensure!(fields["duration_ms"].is_number(), "{line}");
            ensure!(
                line["trace_id"].as_str().is_some_and(|id| id.len() == 32),
                "{line}"
            );
        }
        // Who passes a refusal on does not look into it.
        let coded = about.iter().any(|line| line["fields"]["code"].is_string());
        ensure!(*status < 400 || coded, "{about:#?}");
    }
    Ok(())
}

/// What somebody asked wrongly is no warning: a request that was answered with less than 500 has
/// no `ERROR`, and no `WARN` with the code of a refusal. (It may have one about what the shop coped
/// with, as Redis that was late.) Jobs that follow from it have their own.
pub fn levels_fit(output: &str) -> Result<()> {
    let lines = lines(output)?;
    let mut worst: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["target"] == "access") {
        let id = line["request_id"].as_str().context("an id")?;
        let status = line["fields"]["status"].as_u64().unwrap_or(0);
        let known = worst.entry(id).or_default();
        *known = status.max(*known);
    }
    for line in &lines {
        let coped = line["level"] == "WARN" && !line["fields"]["code"].is_string();
        let loud = line["level"] == "ERROR" || (line["level"] == "WARN" && !coped);
        let id = line["request_id"].as_str().and_then(|id| worst.get(id));
        let of_a_job = line["fields"]["kind"].is_string();
        ensure!(
            !loud || of_a_job || id.is_none_or(|status| *status >= 500),
            "a mistake of a client's is told as if it were ours: {line}"
        );
    }
    Ok(())
}
