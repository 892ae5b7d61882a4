//! What each service needs (docs/operations.md, "What each needs") is given to it, and nothing
//! that is another's.

use crate::checks::effective;
use crate::finding::Finding;
use crate::program::Program;
use crate::rendered::Rendered;

pub const NAME: &str = "needs";

struct Need {
    service: &'static str,
    /// Of which databases it has the password.
    databases: &'static [&'static str],
    redis: bool,
    /// Where the address of the shop stands in what it writes.
    public_url: bool,
}

const NEEDS: &[Need] = &[
    Need {
        service: "frontend",
        databases: &[],
        redis: false,
        public_url: true,
    },
    Need {
        service: "api",
        databases: &[],
        redis: true,
        public_url: true,
    },
    Need {
        service: "product-api",
        databases: &["product_api"],
        redis: false,
        public_url: false,
    },
    Need {
        service: "order-api",
        databases: &["order_api"],
        redis: false,
        public_url: true,
    },
    Need {
        service: "auth",
        databases: &["auth"],
        redis: true,
        public_url: true,
    },
    Need {
        service: "images",
        databases: &["images"],
        redis: false,
        public_url: false,
    },
    Need {
        service: "worker",
        databases: &["product_api", "order_api", "auth", "images"],
        redis: true,
        public_url: true,
    },
];

const DATABASES: &[&str] = &["product_api", "order_api", "auth", "images"];

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for workload in rendered.workloads() {
        let Some(service) = workload.service() else {
            continue;
        };
        let Some(need) = NEEDS.iter().find(|need| need.service == service) else {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field("spec.containers.args"),
                format!("there is no service `{service}`"),
                "frontend, api, product-api, order-api, auth, images, worker",
            ));
            continue;
        };
        seen.push(service.to_owned());
        for (field, container) in workload.ours() {
            let Ok(settings) = effective(rendered, &workload, container, program) else {
                continue;
            };
            let mut must = vec!["keys.private".to_owned(), "keys.trusted".to_owned()];
            must.extend(
                need.databases
                    .iter()
                    .map(|name| format!("databases.{name}")),
            );
            if need.redis {
                must.push("redis_url".to_owned());
            }
            if need.public_url {
                must.push("public_url".to_owned());
            }
            for key in must {
                // One URL for all is right where one role has all schemas.
                let by_all = key.starts_with("databases.") && settings.is_set("database_url");
                if !settings.is_set(&key) && !by_all {
                    found.push(Finding::at(
                        NAME,
                        workload.object,
                        &format!("{field}.env"),
                        format!("{service} needs `{key}`, which nobody sets"),
                        format!("set it: {}", variable(&key, program)),
                    ));
                }
            }
            let others = DATABASES
                .iter()
                .filter(|name| !need.databases.contains(name))
                .map(|name| format!("databases.{name}"));
            let others = others.chain(["database_admin_url".to_owned()]);
            for key in others.filter(|key| settings.is_set(key)) {
                found.push(Finding::at(
                    NAME,
                    workload.object,
                    &format!("{field}.env"),
                    format!("{service} is given `{key}`, which is another's secret"),
                    "take it out",
                ));
            }
            if settings.value("database_migrate") != Some("false") && !need.databases.is_empty() {
                found.push(Finding::at(
                    NAME,
                    workload.object,
                    &format!("{field}.env"),
                    format!("{service} would migrate the database by itself"),
                    "TECHCOMMERCE_DATABASE_MIGRATE=false: the Job does it",
                ));
            }
        }
        found.extend(others_keys(&workload, service));
    }
    // A rendering of the shop has all of it.
    if !seen.is_empty() {
        for need in NEEDS
            .iter()
            .filter(|need| !seen.iter().any(|name| name == need.service))
        {
            found.push(Finding::of(
                NAME,
                rendered.folder.as_str(),
                format!("nothing runs `serve {}`", need.service),
                "add its Deployment",
            ));
        }
    }
    found
}

/// No pod mounts another service's private key or database.
fn others_keys(workload: &crate::workload::Workload<'_>, service: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in secrets(workload) {
        let owner = name
            .strip_suffix("-key")
            .or_else(|| name.strip_suffix("-database"));
        let Some(owner) = owner else { continue };
        let all = service == "worker" && name.ends_with("-database");
        if owner != service && !all && NEEDS.iter().any(|need| need.service == owner) {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field("spec.volumes"),
                format!("mounts the Secret `{name}`, which is {owner}'s"),
                "take it out",
            ));
        }
    }
    found
}

/// The Secrets that a pod mounts.
pub fn secrets(workload: &crate::workload::Workload<'_>) -> Vec<String> {
    let volumes = workload.pod.volumes.iter().flatten();
    volumes
        .flat_map(|volume| {
            let one = volume
                .secret
                .iter()
                .filter_map(|secret| secret.secret_name.clone());
            let sources = volume
                .projected
                .iter()
                .flat_map(|p| p.sources.iter().flatten());
            let many = sources.filter_map(|source| Some(source.secret.as_ref()?.name.clone()));
            one.chain(many).collect::<Vec<_>>()
        })
        .collect()
}

fn variable(key: &str, program: &Program) -> String {
    let found = program
        .settings
        .iter()
        .find(|(_, setting)| setting.key == key);
    match found {
        Some((variable, setting)) if setting.secret => format!("{variable}_FILE"),
        Some((variable, _)) => variable.clone(),
        None => key.to_owned(),
    }
}
