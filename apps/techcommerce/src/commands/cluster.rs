//! `techcommerce cluster`: what an installation in Kubernetes needs from inside.

use std::{process::ExitCode, time::Duration};

use serde_json::{Value, json};
use techcommerce_kernel::{Env, Error};

use crate::{
    cli::Secrets,
    cluster::{
        Addresses, Api, Done, Holds, Made, Pace, Place, Values, Wanted, make, manifest,
        trusted_line, wanted, with_lines,
    },
    say,
};

/// Together a little more than two minutes: a network policy may be a moment behind the pod, and
/// what `--given` waits for may be made at the same time as the Job.
const PACE: Pace = Pace {
    tries: 30,
    pause: Duration::from_millis(500),
};

/// Makes the Secrets that are missing.
pub async fn secrets(arguments: Secrets) -> Result<ExitCode, Error> {
    let all = wanted(arguments.object_store);
    for given in &arguments.given {
        if all.iter().all(|wanted| wanted.name != *given) {
            let names: Vec<&str> = all.iter().map(|wanted| wanted.name.as_str()).collect();
            return Err(Error::invalid(
                "configuration",
                format!("--given {given}: the Secrets are {}.", names.join(", ")),
            ));
        }
    }
    if arguments.list {
        say(listed());
        return Ok(ExitCode::SUCCESS);
    }
    let values = Values {
        env: Env::system(),
        addresses: Addresses {
            postgres: arguments.postgres.clone(),
            database: arguments.postgres_database.clone(),
            parameters: None,
            redis: arguments.redis.clone(),
        },
    };
    if arguments.print {
        say(printed(&values, &all, &arguments.given)?);
        return Ok(ExitCode::SUCCESS);
    }
    let api = Api::new(&place(&arguments)?, PACE, Env::system())?;
    let done = make(&api, values, all, &arguments.given, arguments.dry_run).await?;
    Ok(report(&done, api.namespace(), arguments.dry_run))
}

/// Where the cluster's interface is: as the kubelet tells every pod, unless a flag says it.
fn place(arguments: &Secrets) -> Result<Place, Error> {
    #[allow(
        clippy::disallowed_methods,
        reason = "these are Kubernetes' variables and none of our settings"
    )]
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let server = match &arguments.api_server {
        Some(server) => server.clone(),
        None => {
            let host = variable("KUBERNETES_SERVICE_HOST").ok_or_else(|| {
                Error::invalid(
                    "configuration",
                    "KUBERNETES_SERVICE_HOST is not set: this command runs in a pod of the cluster. \
                     Elsewhere name the cluster with --api-server and --service-account.",
                )
            })?;
            let port = variable("KUBERNETES_SERVICE_PORT").unwrap_or_else(|| "443".to_owned());
            match host.contains(':') {
                true => format!("https://[{host}]:{port}"),
                false => format!("https://{host}:{port}"),
            }
        }
    };
    Ok(Place {
        server,
        account: arguments.service_account.clone(),
        namespace: arguments.namespace.clone(),
    })
}

fn report(done: &[Done], namespace: &str, dry: bool) -> ExitCode {
    let mut wrong = false;
    let (mut new, mut was) = (0, 0);
    for one in done {
        let name = &one.wanted.name;
        let keys: Vec<String> = one.wanted.keys().into_iter().map(|(key, _)| key).collect();
        let keys = keys.join(", ");
        match &one.made {
            Made::New => new += 1,
            Made::Was | Made::Given => was += 1,
            Made::Added(_) => {}
        }
        match (&one.made, dry) {
            (Made::New, false) => say(format_args!("made     {name} ({keys})")),
            (Made::New, true) => say(format_args!("missing  {name} ({keys})")),
            (Made::Was, _) => say(format_args!("there    {name} ({keys})")),
            (Made::Given, _) => say(format_args!("given    {name} ({keys})")),
            (Made::Added(services), _) => {
                let services: Vec<&str> = services.iter().map(|one| one.name()).collect();
                let services = services.join(", ");
                let what = if dry { "lacks   " } else { "added to" };
                say(format_args!("{what} {name}: the public keys of {services}"));
            }
        }
        for (key, reader) in &one.lacks {
            match *reader {
                "techcommerce" => say(format_args!(
                    "WRONG    {name} has no key {key}. Add it, or delete the Secret to have it made anew."
                )),
                reader => say(format_args!(
                    "note     {name} has no key {key}: only a {reader} in the cluster reads it"
                )),
            }
        }
        wrong |= one.is_wrong();
    }
    let made = if dry { "would be made" } else { "made" };
    say(format_args!(
        "\nNamespace {namespace}: {new} Secrets {made}, {was} were there."
    ));
    match wrong {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

/// All names and keys, for whoever checks manifests or fills another store of secrets.
fn listed() -> String {
    let always = wanted(false);
    let list: Vec<Value> = wanted(true)
        .iter()
        .map(|one| {
            let keys: Vec<Value> = one
                .keys()
                .iter()
                .map(|(key, reader)| json!({"name": key, "reader": reader}))
                .collect();
            let when = match always.contains(one) {
                true => "always",
                false => "object-store",
            };
            json!({"name": one.name, "what": one.what(), "when": when, "keys": keys})
        })
        .collect();
    format!("{:#}", Value::Array(list))
}

/// All as one list of manifests, with values that belong together.
fn printed(values: &Values, all: &[Wanted], given: &[String]) -> Result<String, Error> {
    let mut lines = Vec::new();
    let mut items = Vec::new();
    for one in all.iter().filter(|one| !given.contains(&one.name)) {
        let mut data = values.of(one.holds);
        match one.holds {
            Holds::Key(service) => {
                lines.push((service, trusted_line(service, &data, &values.env)?))
            }
            Holds::TrustedKeys => {
                let text = with_lines("", &lines).map(|(text, _)| text);
                data.insert(one.name.clone(), text.unwrap_or_default().into_bytes());
            }
            _ => {}
        }
        items.push(manifest(&one.name, &data));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    Ok(format!("{list:#}"))
}
