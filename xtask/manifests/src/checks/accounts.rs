//! Accounts and rights: every pod has an account of its own without a token, and roles give no
//! more than somebody needs.

use serde_json::Value;

use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;

pub const NAME: &str = "accounts";

/// Whose pods speak with the API server, and so get a token.
const WITH_TOKEN: &[&str] = &[
    "secrets",
    "night-scale-down",
    "scale-down",
    "scale-up",
    "schedule",
    "scaler",
];

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        let account = workload
            .pod
            .service_account_name
            .as_deref()
            .unwrap_or("default");
        let token = workload.pod.automount_service_account_token != Some(false);
        let projected = workload.pod.volumes.iter().flatten().any(|volume| {
            let sources = volume
                .projected
                .iter()
                .flat_map(|p| p.sources.iter().flatten());
            sources
                .into_iter()
                .any(|source| source.service_account_token.is_some())
        });
        if account == "default" {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field("spec.serviceAccountName"),
                "is the namespace's default account",
                "give it a ServiceAccount of its own",
            ));
        }
        if (token || projected) && !has_rights(rendered, account) {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field("spec.automountServiceAccountToken"),
                "is not false: the pod gets a token of the API server that it has no use for",
                "false",
            ));
        }
    }
    for account in rendered.of("ServiceAccount") {
        let mounts = account.value["automountServiceAccountToken"] != Value::Bool(false);
        if mounts && !WITH_TOKEN.contains(&account.name.as_str()) {
            found.push(Finding::at(
                NAME,
                account,
                "automountServiceAccountToken",
                "is not false",
                "false; a pod that needs the token says so itself",
            ));
        }
    }
    for role in rendered.of("Role").chain(rendered.of("ClusterRole")) {
        found.extend(rights(role));
    }
    for binding in rendered.of("ClusterRoleBinding") {
        if binding.text("/roleRef/name") == Some("cluster-admin") {
            found.push(Finding::at(
                NAME,
                binding,
                "roleRef",
                "gives the whole cluster away",
                "a role with what is needed",
            ));
        }
    }
    found
}

/// Whether anything is bound to the account: then its token is of use.
fn has_rights(rendered: &Rendered, account: &str) -> bool {
    let bindings = rendered
        .of("RoleBinding")
        .chain(rendered.of("ClusterRoleBinding"));
    bindings
        .flat_map(|binding| binding.list("/subjects"))
        .any(|subject| subject["kind"] == "ServiceAccount" && subject["name"] == account)
}

fn rights(role: &Object) -> Vec<Finding> {
    let mut found = Vec::new();
    let text = |rule: &Value, field: &str| -> Vec<String> {
        let list = rule[field].as_array().into_iter().flatten();
        list.filter_map(|value| Some(value.as_str()?.to_owned()))
            .collect()
    };
    for (index, rule) in role.list("/rules").iter().enumerate() {
        let (verbs, resources) = (text(rule, "verbs"), text(rule, "resources"));
        let field = format!("rules[{index}]");
        for (what, list) in [
            ("verbs", &verbs),
            ("resources", &resources),
            ("apiGroups", &text(rule, "apiGroups")),
        ] {
            if list.iter().any(|one| one == "*") {
                found.push(Finding::at(
                    NAME,
                    role,
                    &format!("{field}.{what}"),
                    "is `*`",
                    "name what is needed",
                ));
            }
        }
        let secrets = resources.iter().any(|resource| resource == "secrets");
        if secrets && role.kind == "ClusterRole" {
            found.push(Finding::at(
                NAME,
                role,
                &field,
                "reads Secrets of all namespaces",
                "a Role",
            ));
        }
        let escalates = verbs
            .iter()
            .any(|verb| ["escalate", "bind", "impersonate"].contains(&verb.as_str()));
        let roles = resources
            .iter()
            .any(|resource| resource.starts_with("role") || resource.starts_with("clusterrole"));
        if escalates
            || (roles
                && verbs
                    .iter()
                    .any(|v| ["create", "update", "patch"].contains(&v.as_str())))
        {
            found.push(Finding::at(
                NAME,
                role,
                &field,
                "lets its holder give itself more rights",
                "take it out",
            ));
        }
    }
    found
}
