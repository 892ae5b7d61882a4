//! What every dashboard has to have, whoever writes the next one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files;
use super::objectives::{OBJECTIVES, percent};

/// `kubectl apply` keeps a copy of what it applies in an annotation, which may not be larger.
const MOST_BYTES: usize = 200_000;

fn dashboards() -> Vec<Value> {
    let each = files().into_iter();
    each.filter(|(name, _)| name.ends_with(".json"))
        .map(|(_, text)| serde_json::from_str(&text).unwrap())
        .collect()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.map(Vec::as_slice).unwrap_or_default()
}

/// What is wrong with a dashboard, for people who have to read it.
fn mistakes(dashboard: &Value) -> Vec<String> {
    let name = dashboard["uid"].as_str().unwrap_or("?");
    let mut found = Vec::new();
    let mut say = |wrong: String| found.push(format!("{name}: {wrong}"));
    let panels: Vec<&Value> = list(dashboard, "/panels")
        .iter()
        .filter(|panel| panel["type"] != "row")
        .collect();
    if panels.len() < 5 {
        say(format!("has {} panels", panels.len()));
    }
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for panel in list(dashboard, "/panels") {
        if !ids.insert(panel["id"].to_string()) {
            say(format!("two panels are number {}", panel["id"]));
        }
        let (x, w) = (
            panel["gridPos"]["x"].as_u64(),
            panel["gridPos"]["w"].as_u64(),
        );
        if x.zip(w).is_none_or(|(x, w)| w == 0 || x + w > 24) {
            say(format!("{} is not on the page", panel["title"]));
        }
    }
    for panel in panels {
        let title = panel["title"].as_str().unwrap_or_default();
        titles.insert(title);
        if title.is_empty() {
            say("a panel has no title".to_owned());
        }
        let description = panel["description"].as_str().unwrap_or_default();
        if description.split_whitespace().count() < 5 || !description.ends_with(['.', '?']) {
            say(format!(
                "{title}: the description says nothing: `{description}`"
            ));
        }
        if panel
            .pointer("/fieldConfig/defaults/unit")
            .is_none_or(|unit| unit == "")
        {
            say(format!("{title}: has no unit"));
        }
        if panel["datasource"]["uid"] != "${datasource}" {
            say(format!(
                "{title}: asks a Prometheus that the reader did not choose"
            ));
        }
        let targets = list(panel, "/targets");
        if targets.is_empty() {
            say(format!("{title}: asks nothing"));
        }
        let mut legends = BTreeSet::new();
        for target in targets {
            let expression = target["expr"].as_str().unwrap_or_default();
            let legend = target["legendFormat"].as_str().unwrap_or_default();
            if legend.is_empty() || !legends.insert(legend) {
                say(format!("{title}: two lines are called `{legend}`"));
            }
            for label in legend
                .split("{{")
                .skip(1)
                .filter_map(|part| part.split("}}").next())
            {
                if !expression.contains(label) {
                    say(format!(
                        "{title}: the legend names {label}, which the query takes away"
                    ));
                }
            }
            let ours = expression.contains("techcommerce_") || expression.contains("http_server_");
            if ours && !expression.contains("$namespace") {
                say(format!("{title}: adds up all shops of the cluster"));
            }
            if expression.matches('(').count() != expression.matches(')').count() {
                say(format!("{title}: a bracket is missing in {expression}"));
            }
        }
    }
    found
}

#[test]
fn every_panel_makes_sense_to_a_person() {
    let wrong: Vec<String> = dashboards().iter().flat_map(mistakes).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_small_and_names_are_unique() {
    let names: BTreeSet<String> = files().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), files().len());
    let uids: BTreeSet<String> = dashboards()
        .iter()
        .map(|one| one["uid"].to_string())
        .collect();
    assert_eq!(uids.len(), names.len() - 1, "one file is the kustomization");
    for (name, text) in files() {
        assert!(text.len() < MOST_BYTES, "{name} has {} bytes", text.len());
    }
}

/// docs/objectives.md is what is promised; the alerts are held against it as well.
#[test]
fn objectives_are_those_that_are_written_down() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/objectives.md");
    let text = std::fs::read_to_string(path).unwrap();
    let ours: BTreeSet<String> = OBJECTIVES
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {}",
                one.what,
                one.kind,
                percent(one.target),
                one.within()
            )
        })
        .collect();
    let written: BTreeSet<String> = text
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [what, kind, _, target, within] = cells.as_slice() else {
                return None;
            };
            let what = what.strip_prefix('`')?.strip_suffix('`')?;
            let target = target.strip_suffix(" %")?;
            let within = within.strip_suffix(" s").unwrap_or_default();
            Some(format!("{what} {kind} {target} {within}"))
        })
        .collect();
    assert_eq!(ours, written);
}

/// The check above finds what it is for.
#[test]
fn planted_mistakes_are_found() {
    let good = dashboards().remove(1);
    let panel = |dashboard: &Value| {
        let panels = list(dashboard, "/panels");
        panels
            .iter()
            .position(|panel| panel["type"] == "timeseries")
            .unwrap()
    };
    let at = panel(&good);
    type Plant = fn(&mut Value);
    let plants: [(&str, Plant); 6] = [
        ("says nothing", |panel| panel["description"] = "".into()),
        ("no unit", |panel| {
            panel["fieldConfig"]["defaults"]["unit"] = "".into()
        }),
        ("two lines", |panel| {
            panel["targets"][0]["legendFormat"] = "".into()
        }),
        ("takes away", |panel| {
            panel["targets"][0]["legendFormat"] = "{{pod}}".into()
        }),
        ("all shops", |panel| {
            panel["targets"][0]["expr"] = "techcommerce_jobs".into();
        }),
        ("did not choose", |panel| {
            panel["datasource"]["uid"] = "prometheus".into()
        }),
    ];
    for (word, plant) in plants {
        let mut bad = good.clone();
        plant(&mut bad["panels"][at]);
        let found = mistakes(&bad);
        assert!(
            found.iter().any(|line| line.contains(word)),
            "{word}: {found:?}"
        );
    }
}
