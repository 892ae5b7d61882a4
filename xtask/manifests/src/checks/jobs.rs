//! Jobs end, are tidied up, and do not run twice at once.

use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;

pub const NAME: &str = "jobs";

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for job in rendered.of("Job") {
        found.extend(one(job, "/spec"));
    }
    for cron in rendered.of("CronJob") {
        found.extend(one(cron, "/spec/jobTemplate/spec"));
        found.extend(by_the_clock(cron));
    }
    found.extend(migration(rendered, program));
    found
}

fn one(object: &Object, spec: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let dotted = spec.trim_start_matches('/').replace('/', ".");
    for (field, why) in [
        (
            "backoffLimit",
            "one that fails is tried six times, with growing pauses",
        ),
        ("activeDeadlineSeconds", "one that hangs hangs for ever"),
        (
            "ttlSecondsAfterFinished",
            "what has ended stays until somebody removes it",
        ),
    ] {
        // A CronJob's history limits tidy up.
        if field == "ttlSecondsAfterFinished" && object.kind == "CronJob" {
            continue;
        }
        if object.number(&format!("{spec}/{field}")).is_none() {
            found.push(Finding::at(
                NAME,
                object,
                &format!("{dotted}.{field}"),
                format!("is missing: {why}"),
                "set it",
            ));
        }
    }
    let policy = object.text(&format!("{spec}/template/spec/restartPolicy"));
    if !matches!(policy, Some("Never" | "OnFailure")) {
        found.push(Finding::at(
            NAME,
            object,
            &format!("{dotted}.template.spec.restartPolicy"),
            "is neither Never nor OnFailure",
            "the API server refuses it",
        ));
    }
    found
}

fn by_the_clock(cron: &Object) -> Vec<Finding> {
    let mut found = Vec::new();
    let schedule = cron.text("/spec/schedule").unwrap_or_default();
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let legal = |c: char| c.is_ascii_alphanumeric() || "*/,-".contains(c);
    if !schedule.starts_with('@')
        && (fields.len() != 5 || !fields.iter().all(|f| f.chars().all(legal)))
    {
        found.push(Finding::at(
            NAME,
            cron,
            "spec.schedule",
            format!("`{schedule}` is no schedule"),
            "five fields",
        ));
    }
    match cron.text("/spec/concurrencyPolicy") {
        Some("Forbid" | "Replace") => {}
        _ => found.push(Finding::at(
            NAME,
            cron,
            "spec.concurrencyPolicy",
            "lets two run at once",
            "Forbid",
        )),
    }
    if cron.number("/spec/startingDeadlineSeconds").is_none() {
        found.push(Finding::at(
            NAME,
            cron,
            "spec.startingDeadlineSeconds",
            "is missing: after 100 missed runs it never starts again",
            "set it",
        ));
    }
    found
}

/// The pods wait for a schema that somebody has to make.
fn migration(rendered: &Rendered, _: &Program) -> Option<Finding> {
    let workloads = rendered.workloads();
    let served = workloads
        .iter()
        .any(|workload| workload.service().is_some());
    let migrates = workloads.iter().any(|workload| {
        workload.object.kind == "Job"
            && workload.ours().iter().any(|(_, container)| {
                container
                    .args
                    .iter()
                    .flatten()
                    .next()
                    .is_some_and(|word| word == "migrate")
            })
    });
    (served && !migrates).then(|| {
        Finding::of(
            NAME,
            rendered.folder.as_str(),
            "has no Job that runs `migrate`: the pods would wait for their schema for ever",
            "take k8s/base's Job `migrate` in",
        )
    })
}
