//! Starting pods' own programs with their own arguments, variables and files, each on a loopback
//! address of its own, so that every port is the one that the manifest says.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::{Container, Secret};
use techcommerce_testservers::{Kind, Server};

use crate::checks;
use crate::finding::Finding;
use crate::program::Program;
use crate::program::answers::{Answered, Answers};
use crate::program::pod::{self, SecretValues};
use crate::rendered::Rendered;
use crate::workload::Workload;

pub const NAME: &str = "running";

/// A debug build on a busy machine takes its time.
const START: Duration = Duration::from_secs(90);

/// The paths that every service answers, asked beside those of the probes.
const PATHS: &[&str] = &["/live", "/healthz", "/readyz", "/health"];

/// The stores that stand in for those of the cluster.
pub struct Stores {
    postgres: Server,
    _redis: Server,
    home: PathBuf,
    values: SecretValues,
}

impl Stores {
    /// Starts PostgreSQL and Redis, and has the program make the Secrets.
    pub fn start(program: &Program, home: &Path) -> Result<Self> {
        let postgres = techcommerce_testservers::start(Kind::Postgres)?;
        let redis = techcommerce_testservers::start(Kind::Redis)?;
        let (_, at) = postgres.url().rsplit_once('@').context("an address")?;
        let (address, _) = at.split_once('/').context("a database")?;
        let output = Command::new(&program.binary)
            .args([
                "cluster",
                "secrets",
                "--print",
                "--postgres",
                address,
                "--postgres-database",
                "postgres",
            ])
            .current_dir(home)
            .output()?;
        if !output.status.success() {
            bail!(
                "`cluster secrets --print`: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let mut values = secrets(&String::from_utf8(output.stdout)?)?;
        set(&mut values, "postgres-admin", "url", postgres.url());
        set(&mut values, "redis", "url", redis.url());
        Ok(Self {
            postgres,
            _redis: redis,
            home: home.to_path_buf(),
            values,
        })
    }

    /// Where a store of the cluster is here: `host:port`.
    fn address(url: &str) -> &str {
        let at = url.rsplit_once('@').map_or(url, |(_, at)| at);
        at.split('/').next().unwrap_or(at)
    }
}

fn set(values: &mut SecretValues, name: &str, key: &str, value: &str) {
    values
        .entry(name.to_owned())
        .or_default()
        .insert(key.to_owned(), value.to_owned());
}

/// From a List of Secrets, as `cluster secrets --print` gives it.
fn secrets(text: &str) -> Result<SecretValues> {
    // A `List`, as kubectl reads and writes it; the library's own type knows `SecretList` alone.
    let list: serde_json::Value = serde_json::from_str(text)?;
    let items: Vec<Secret> = serde_json::from_value(list["items"].clone())
        .context("`cluster secrets --print` gives no list of Secrets")?;
    let mut all = SecretValues::new();
    for secret in items {
        let values = secret.data.unwrap_or_default().into_iter();
        let values = values.map(|(key, value)| Ok((key, String::from_utf8(value.0)?)));
        all.insert(
            secret.metadata.name.unwrap_or_default(),
            values.collect::<Result<_>>()?,
        );
    }
    Ok(all)
}

/// Starts one pod of each distinct kind in the renderings; what they answered, and what is wrong.
pub fn run(
    program: &Program,
    renderings: &[Rendered],
    home: &Path,
) -> Result<(Answers, Vec<Finding>)> {
    let stores = Stores::start(program, home)?;
    let mut answers = Answers::default();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut number = 0_u32;
    for rendered in renderings {
        let workloads = rendered.workloads();
        let mut pods = Vec::new();
        for workload in &workloads {
            let Some((_, container)) = workload.ours().into_iter().next_back() else {
                continue;
            };
            // What the settings alone show to be wrong is said by `environment`.
            if checks::effective(rendered, workload, container, program).is_err() {
                continue;
            }
            if seen.insert(distinct(rendered, workload, container, program)) {
                number += 1;
                pods.push(Pod {
                    rendered,
                    workload,
                    container,
                    number,
                });
            }
        }
        // Migrations first: services wait for the schema.
        let (jobs, services): (Vec<_>, Vec<_>) =
            pods.into_iter().partition(|pod| !pod.workload.is_lasting());
        for job in jobs {
            if job
                .container
                .args
                .iter()
                .flatten()
                .next()
                .is_some_and(|word| word == "migrate")
            {
                found.extend(job.to_the_end(program, &stores)?);
            }
        }
        found.extend(all_at_once(program, &stores, &services, &mut answers)?);
    }
    Ok((answers, found))
}

/// What tells one pod from another: its arguments and settings, without what only shoppers see.
fn distinct(
    rendered: &Rendered,
    workload: &Workload<'_>,
    container: &Container,
    program: &Program,
) -> String {
    let mut variables =
        pod::variables(rendered, workload, container, program, &SecretValues::new());
    for name in [
        "TECHCOMMERCE_PUBLIC_URL",
        "TECHCOMMERCE_LOG_LEVEL",
        "TECHCOMMERCE_DEMO_CATALOGUE",
    ] {
        variables.remove(name);
    }
    variables.retain(|name, _| !name.starts_with("TECHCOMMERCE_SHOP_"));
    let probes: Vec<String> = checks_of(container)
        .into_iter()
        .map(|(kind, port, path)| format!("{kind}{port:?}{path}"))
        .collect();
    format!("{:?}{variables:?}{probes:?}", container.args)
}

/// Kind, port and path of each probe that asks over HTTP.
fn checks_of(container: &Container) -> Vec<(&'static str, Option<i64>, String)> {
    crate::checks::probes_of(container)
        .into_iter()
        .filter_map(|(kind, probe)| {
            let action = probe?.http_get.as_ref()?;
            let path = action.path.clone().unwrap_or_else(|| "/".to_owned());
            Some((kind, crate::checks::probe_port(container, action), path))
        })
        .collect()
}

struct Pod<'a> {
    rendered: &'a Rendered,
    workload: &'a Workload<'a>,
    container: &'a Container,
    number: u32,
}

struct Running<'a> {
    pod: &'a Pod<'a>,
    child: Child,
    log: PathBuf,
    ip: String,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pod<'_> {
    /// Its own address on the loopback interface: Linux has all of 127.0.0.0/8.
    fn ip(&self) -> String {
        let process = std::process::id();
        format!(
            "127.{}.{}.{}",
            64 + process % 64,
            1 + process / 64 % 250,
            1 + self.number % 250
        )
    }

    fn command(&self, program: &Program, stores: &Stores) -> Result<(Command, PathBuf)> {
        let root = stores.home.join(format!("pod-{}", self.number));
        fs::create_dir_all(&root)?;
        let mut values = pod::stand_ins(self.workload, program);
        for (name, keys) in &stores.values {
            values.entry(name.clone()).or_default().extend(keys.clone());
        }
        let made = pod::surroundings(
            self.rendered,
            self.workload,
            self.container,
            program,
            &values,
            &root,
        )?;
        let mut variables = made.variables;
        let ip = self.ip();
        for name in [
            "TECHCOMMERCE_LISTEN_ADDRESS",
            "TECHCOMMERCE_LISTEN_MANAGEMENT_ADDRESS",
        ] {
            if let Some(value) = variables
                .get_mut(name)
                .filter(|value| *value == "0.0.0.0" || *value == "::")
            {
                value.clone_from(&ip);
            }
        }
        // The stores of the cluster are ours here.
        for (name, url) in [
            (
                "TECHCOMMERCE_DATABASE_DIRECT_ADDRESS",
                stores.postgres.url(),
            ),
            (
                "TECHCOMMERCE_DATABASE_REPLICA_ADDRESS",
                stores.postgres.url(),
            ),
        ] {
            if let Some(value) = variables.get_mut(name).filter(|value| !value.is_empty()) {
                *value = Stores::address(url).to_owned();
            }
        }
        // Object storage is not here: what is asked of it is whether the settings are sound.
        if variables
            .get("TECHCOMMERCE_IMAGES_STORE")
            .is_some_and(|store| store.contains("://"))
        {
            variables.remove("TECHCOMMERCE_IMAGES_STORE");
        }
        let data = root.join("data");
        fs::create_dir_all(&data)?;
        variables.insert(
            "TECHCOMMERCE_DATA_DIR".to_owned(),
            data.display().to_string(),
        );
        let log = root.join("log");
        let mut command = Command::new(&program.binary);
        command
            .args(self.container.args.iter().flatten())
            .env_clear()
            .envs(variables)
            .current_dir(&root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        Ok((command, log))
    }

    /// Runs a Job's pod.
    fn to_the_end(&self, program: &Program, stores: &Stores) -> Result<Option<Finding>> {
        let (mut command, log) = self.command(program, stores)?;
        let mut child = command.spawn()?;
        let end = Instant::now() + START;
        loop {
            if let Some(status) = child.try_wait()? {
                let said = last_lines(&log);
                return Ok((!status.success()).then(|| {
                    Finding::at(
                        NAME,
                        self.workload.object,
                        "",
                        format!("ended with {status}: {said}"),
                        "run it with these settings by hand",
                    )
                }));
            }
            if Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(Some(Finding::at(
                    NAME,
                    self.workload.object,
                    "",
                    format!("does not end: {}", last_lines(&log)),
                    "",
                )));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn all_at_once(
    program: &Program,
    stores: &Stores,
    pods: &[Pod<'_>],
    answers: &mut Answers,
) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut running = Vec::new();
    for pod in pods {
        let (mut command, log) = pod.command(program, stores)?;
        running.push(Running {
            pod,
            child: command.spawn()?,
            log,
            ip: pod.ip(),
        });
    }
    for one in &mut running {
        found.extend(one.ask(answers)?);
    }
    Ok(found)
}

impl Running<'_> {
    /// Waits until it is ready as its probe sees it, then asks all.
    fn ask(&mut self, answers: &mut Answers) -> Result<Vec<Finding>> {
        let mut found = Vec::new();
        let (workload, container) = (self.pod.workload, self.pod.container);
        let service = workload.service().unwrap_or_default().to_owned();
        let probes = checks_of(container);
        let ready = probes.iter().find(|(kind, ..)| *kind == "readinessProbe");
        if let Some((_, Some(port), path)) = ready
            && let Err(why) = self.wait(*port, path)
        {
            found.push(Finding::at(
                NAME,
                workload.object,
                &workload.field(&format!("spec.containers[{}].readinessProbe", container.name)),
                format!("with this pod's arguments, variables and files, :{port}{path} never answers 200: {why}"),
                "run it with these settings by hand; docs/operations.md says what each service needs",
            ));
            return Ok(found);
        }
        let mut answered = answers.0.remove(&service).unwrap_or_default();
        self.ask_paths(&probes, &mut answered);
        for port in container.ports.iter().flatten() {
            if TcpStream::connect_timeout(
                &self.socket(i64::from(port.container_port))?,
                Duration::from_secs(2),
            )
            .is_err()
            {
                found.push(Finding::at(
                    NAME,
                    workload.object,
                    &workload.field(&format!("spec.containers[{}].ports", container.name)),
                    format!("nothing listens on {}", port.container_port),
                    "declare the ports that the program listens on",
                ));
            }
        }
        answers.0.insert(service, answered);
        Ok(found)
    }

    fn ask_paths(&self, probes: &[(&'static str, Option<i64>, String)], answered: &mut Answered) {
        let ports: BTreeSet<i64> = self
            .pod
            .container
            .ports
            .iter()
            .flatten()
            .map(|port| i64::from(port.container_port))
            .collect();
        let mut wanted: BTreeSet<(i64, String)> = probes
            .iter()
            .filter_map(|(_, port, path)| Some(((*port)?, path.clone())))
            .collect();
        for port in &ports {
            wanted.extend(PATHS.iter().map(|path| (*port, (*path).to_owned())));
        }
        for (port, path) in wanted {
            if let Ok((status, _)) = self.get(port, &path) {
                answered.status.insert((port, path), status);
            }
        }
    }

    fn socket(&self, port: i64) -> Result<SocketAddr> {
        Ok(format!("{}:{port}", self.ip).parse()?)
    }

    fn wait(&mut self, port: i64, path: &str) -> Result<(), String> {
        let end = Instant::now() + START;
        let mut last = "nothing listens there".to_owned();
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended with {status}: {}", last_lines(&self.log)));
            }
            match self.get(port, path) {
                Ok((200, _)) => return Ok(()),
                Ok((404, _)) => return Err("404".to_owned()),
                Ok((status, body)) => last = format!("{status} {}", body.trim()),
                Err(error) => last = error.to_string(),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("{last}; {}", last_lines(&self.log)))
    }

    fn get(&self, port: i64, path: &str) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.socket(port)?, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.ip
        )?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.parse().ok());
        let body = text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
            .to_owned();
        Ok((status.context("no HTTP")?, body))
    }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(6)..].join(" | ")
}
