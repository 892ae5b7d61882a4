//! Makes the Secrets that are missing. One that is there is never changed, but for the trusted
//! keys, to which the line of a key that was made anew is added.

use techcommerce_contracts::Service;
use techcommerce_kernel::Error;

use super::{
    api::{Api, Secret},
    values::{Data, Values, trusted_line, with_lines},
    wanted::{Holds, Wanted},
};

/// How often somebody else may be faster before we give up.
const RACES: u32 = 8;

/// What became of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It was there.
    Was,
    /// It was made.
    New,
    /// The lines of these services were added.
    Added(Vec<Service>),
    /// It is made by others, and is there.
    Given,
}

/// A Secret and what became of it.
#[derive(Debug, Clone)]
pub struct Done {
    pub wanted: Wanted,
    pub made: Made,
    /// Keys that it lacks, with who reads them.
    pub lacks: Vec<(String, &'static str)>,
}

/// Makes what is missing; with `dry` only looks. What is `given` by name is waited for and not
/// made.
///
/// # Errors
/// Those of the cluster; a Secret that is there and holds nonsense.
pub async fn make(
    api: &Api,
    mut values: Values,
    wanted: Vec<Wanted>,
    given: &[String],
    dry: bool,
) -> Result<Vec<Done>, Error> {
    let mut done = Vec::with_capacity(wanted.len());
    let mut lines = Vec::new();
    for wanted in wanted {
        let given = given.contains(&wanted.name);
        if wanted.holds == Holds::TrustedKeys && !given {
            done.push(trust(api, wanted, &lines, dry).await?);
            continue;
        }
        let (made, data) = match given {
            true => (Made::Given, wait_for(api, &wanted, dry).await?),
            false => ensure(api, &values, &wanted, dry).await?,
        };
        match wanted.holds {
            Holds::PostgresAdmin => {
                if let Some(url) = data.get("url") {
                    let url = String::from_utf8_lossy(url);
                    values.addresses.follow(&url)?;
                }
            }
            Holds::Key(service) => {
                lines.push((service, trusted_line(service, &data, &values.env)?));
            }
            _ => {}
        }
        done.push(Done::new(wanted, made, &data));
    }
    Ok(done)
}

impl Done {
    fn new(wanted: Wanted, made: Made, data: &Data) -> Self {
        let mut lacks = wanted.keys();
        lacks.retain(|(key, _)| data.get(key).is_none_or(Vec::is_empty));
        Self {
            wanted,
            made,
            lacks,
        }
    }

    /// Whether the shop cannot start like this.
    pub fn is_wrong(&self) -> bool {
        self.lacks
            .iter()
            .any(|(_, reader)| *reader == "techcommerce")
    }
}

async fn ensure(
    api: &Api,
    values: &Values,
    wanted: &Wanted,
    dry: bool,
) -> Result<(Made, Data), Error> {
    for _ in 0..RACES {
        if let Some(there) = api.get(&wanted.name).await? {
            return Ok((Made::Was, there.data));
        }
        let data = values.of(wanted.holds);
        // What counts is what is in the cluster: when somebody was faster, theirs is read.
        if dry || api.create(&wanted.name, &data).await? {
            return Ok((Made::New, data));
        }
    }
    Err(contested(&wanted.name))
}

async fn wait_for(api: &Api, wanted: &Wanted, dry: bool) -> Result<Data, Error> {
    let tries = if dry { 1 } else { api.pace.tries.max(1) };
    for turn in 0..tries {
        if turn > 0 {
            tokio::time::sleep(api.pace.pause * 2).await;
        }
        if let Some(there) = api.get(&wanted.name).await? {
            return Ok(there.data);
        }
    }
    let keys: Vec<String> = wanted
        .keys()
        .iter()
        .filter(|(_, reader)| *reader == "techcommerce")
        .map(|(key, _)| format!("--from-literal={key}=…"))
        .collect();
    Err(Error::not_found(
        "cluster",
        format!(
            "Secret {}: it was said to be made by others, and is not there. Make it: `kubectl \
             create secret generic {} -n {} {}`.",
            wanted.name,
            wanted.name,
            api.namespace(),
            keys.join(" ")
        ),
    ))
}

/// The trusted keys, with a line for each service's key; those of keys that are no more stay.
async fn trust(
    api: &Api,
    wanted: Wanted,
    lines: &[(Service, String)],
    dry: bool,
) -> Result<Done, Error> {
    const KEY: &str = "trusted-keys";
    for _ in 0..RACES {
        let there = api.get(&wanted.name).await?;
        let old = there.as_ref().map(text_of).unwrap_or_default();
        let Some((text, added)) = with_lines(&old, lines) else {
            let data = there.map(|secret| secret.data).unwrap_or_default();
            return Ok(Done::new(wanted, Made::Was, &data));
        };
        let (made, written) = match &there {
            None => {
                let data = Data::from([(KEY.to_owned(), text.clone().into_bytes())]);
                let written = dry || api.create(&wanted.name, &data).await?;
                (Made::New, written)
            }
            Some(secret) => {
                let written = dry || api.write(&wanted.name, secret, KEY, &text).await?;
                (Made::Added(added), written)
            }
        };
        if written {
            let data = Data::from([(KEY.to_owned(), text.into_bytes())]);
            return Ok(Done::new(wanted, made, &data));
        }
    }
    Err(contested(&wanted.name))
}

fn text_of(secret: &Secret) -> String {
    let bytes = secret.data.get("trusted-keys").cloned().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn contested(name: &str) -> Error {
    Error::conflict(
        "cluster",
        format!("Secret {name}: others write it all the time. See who does, and run this again."),
    )
}
