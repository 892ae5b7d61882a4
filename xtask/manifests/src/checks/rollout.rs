//! A rolling update never goes below capacity, and a pod that ends has the time to finish.

use serde_json::Value;

use crate::checks::effective;
use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::replicas::scaled;
use crate::workload::Workload;

pub const NAME: &str = "rollout";

/// Seconds beyond what the program asks for, before it is killed (docs/operations.md).
const MARGIN: i64 = 5;

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        if workload.service().is_none() || !workload.is_lasting() {
            continue;
        }
        match workload.object.kind.as_str() {
            "Deployment" => found.extend(deployment(&workload)),
            "Rollout" => found.extend(canary(&workload)),
            _ => {}
        }
        found.extend(ending(rendered, &workload, program));
    }
    found
}

fn zero(value: Option<&Value>) -> bool {
    value.and_then(|value| scaled(value, 100)) == Some(0)
}

fn deployment(workload: &Workload<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let object = workload.object;
    let mut say = |field: &str, wrong: &str, mend: &str| {
        found.push(Finding::at(NAME, object, field, wrong, mend));
    };
    if object.text("/spec/strategy/type") == Some("Recreate") {
        say(
            "spec.strategy.type",
            "stops all pods before it starts new ones",
            "RollingUpdate",
        );
        return found;
    }
    if !zero(
        object
            .value
            .pointer("/spec/strategy/rollingUpdate/maxUnavailable"),
    ) {
        say(
            "spec.strategy.rollingUpdate.maxUnavailable",
            "is not 0: an update goes below capacity",
            "0, with maxSurge of at least 1",
        );
    }
    let surge = object
        .value
        .pointer("/spec/strategy/rollingUpdate/maxSurge");
    if surge.is_some() && zero(surge) {
        say(
            "spec.strategy.rollingUpdate.maxSurge",
            "is 0: with maxUnavailable 0 no update begins",
            "at least 1",
        );
    }
    if object.number("/spec/revisionHistoryLimit") == Some(0) {
        say(
            "spec.revisionHistoryLimit",
            "is 0: nothing can be rolled back",
            "at least 2",
        );
    }
    if object.value.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        say(
            "spec.paused",
            "is true: nothing is rolled out",
            "take it out",
        );
    }
    let deadline = object
        .number("/spec/progressDeadlineSeconds")
        .unwrap_or(600);
    let ready = object.number("/spec/minReadySeconds").unwrap_or(0);
    if deadline < ready + 120 {
        say(
            "spec.progressDeadlineSeconds",
            "is shorter than a start may take",
            "at least 120 more than minReadySeconds",
        );
    }
    found
}

fn canary(workload: &Workload<'_>) -> Vec<Finding> {
    let object = workload.object;
    let mut found = Vec::new();
    if object.value.pointer("/spec/strategy/canary").is_some()
        && !zero(object.value.pointer("/spec/strategy/canary/maxUnavailable"))
    {
        found.push(Finding::at(
            NAME,
            object,
            "spec.strategy.canary.maxUnavailable",
            "is not 0: an update goes below capacity",
            "0",
        ));
    }
    found
}

fn ending(rendered: &Rendered, workload: &Workload<'_>, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for (_, container) in workload.ours() {
        let Ok(settings) = effective(rendered, workload, container, program) else {
            continue;
        };
        let unready = settings.seconds("shutdown.unready_seconds").unwrap_or(5);
        let grace = settings.seconds("shutdown.grace_seconds").unwrap_or(20);
        let stop = container
            .lifecycle
            .as_ref()
            .and_then(|l| l.pre_stop.as_ref());
        let sleep = stop
            .and_then(|s| s.sleep.as_ref())
            .map_or(0, |sleep| sleep.seconds);
        let needed = unready + grace + sleep + MARGIN;
        let given = workload.pod.termination_grace_period_seconds.unwrap_or(30);
        if given < needed {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field("spec.terminationGracePeriodSeconds"),
                format!("is {given}, but the program may take {unready} unready, {grace} to finish, and preStop {sleep}"),
                format!("at least {needed}"),
            ));
        }
        if unready + sleep < 3 {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field("spec.containers.lifecycle.preStop"),
                "the pod stops before everybody has heard of it",
                "preStop sleep, or TECHCOMMERCE_SHUTDOWN_UNREADY_SECONDS of at least 3",
            ));
        }
        if let Some(exec) = stop.and_then(|s| s.exec.as_ref()) {
            let command = exec.command.clone().unwrap_or_default();
            if command
                .first()
                .is_none_or(|program| !program.ends_with("techcommerce"))
            {
                found.push(Finding::at(
                    NAME,
                    workload.object,
                    &workload.field("spec.containers.lifecycle.preStop"),
                    format!("runs {command:?}, but the image has no shell and no such program"),
                    "preStop: sleep",
                ));
            }
        }
    }
    found
}
