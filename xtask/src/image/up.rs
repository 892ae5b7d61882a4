//! `docker compose up` for real, in the nightly run: the seven as containers, from nothing to a shop
//! that answers, down and up again with everything kept, and gone with `down -v`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use super::Checks;
use super::build::Image;
use super::compose::SERVICES;
use super::docker::Docker;
use super::engine::Engine;
use crate::program::output;

const PROJECT: &str = "techcommerce-test";

/// Brings it up and takes it down.
pub fn check(
    engine: &Engine,
    image: &Image,
    compose: PathBuf,
    install: bool,
    checks: &mut Checks,
) -> Result<()> {
    let docker = Docker::start(install)?;
    docker.load(
        engine,
        &image.name,
        "ghcr.io/techcommerce/techcommerce:local",
    )?;
    let project = Project {
        docker: &docker,
        compose,
    };
    let file: Value = serde_json::from_str(&output(
        project.compose().args(["config", "--format=json"]),
    )?)?;
    let mut others: Vec<&str> = file["services"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, service)| service["image"].as_str())
        .filter(|image| !image.starts_with("ghcr.io/techcommerce/"))
        .map(|image| {
            image
                .trim_start_matches("docker.io/")
                .trim_start_matches("library/")
        })
        .collect();
    others.sort_unstable();
    others.dedup();
    docker.have(&others)?;

    let begin = Instant::now();
    checks.note("compose: from nothing, everything comes up", project.up());
    println!("  compose up took {:.0} s", begin.elapsed().as_secs_f64());
    checks.note(
        "compose: every service is healthy and can do its work",
        project.doctor(),
    );
    checks.same(
        "compose: the shop's page is on port 8080",
        &get(8080, "/"),
        &Some(200),
    );
    checks.same(
        "compose: its interface is on port 3000",
        &get(3000, "/api/products?limit=1"),
        &Some(200),
    );
    let password = project.password();
    checks.is(
        "compose: the first admin's password can be read",
        password.len() == 48,
    );
    checks.is(
        "compose: logs are shown",
        project
            .ask(&["logs", "--tail=5", "order-api"])
            .is_ok_and(|log| !log.is_empty()),
    );

    checks.note("compose: down", project.ask(&["down"]).map(drop));
    checks.note("compose: up again", project.up());
    checks.is(
        "compose: down keeps passwords and data",
        project.password() == password,
    );
    checks.note(
        "compose: asked to stop, all seven end in order",
        project.stops(),
    );
    checks.note(
        "compose: down -v",
        project.ask(&["down", "--volumes"]).map(drop),
    );
    let left = output(docker.docker().args([
        "volume",
        "ls",
        "--quiet",
        "--filter",
        &format!("name={PROJECT}"),
    ]))?;
    checks.same(
        "compose: down -v leaves nothing",
        &left.trim().to_owned(),
        &String::new(),
    );
    Ok(())
}

struct Project<'a> {
    docker: &'a Docker,
    compose: PathBuf,
}

impl Project<'_> {
    fn compose(&self) -> Command {
        let mut command = self.docker.command(&self.compose);
        command.args(["--project-name", PROJECT]);
        command
    }

    fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        output(self.compose().args(arguments)).map_err(|error| format!("{error:#}"))
    }

    fn up(&self) -> Result<(), String> {
        // Not --wait: it takes a one-off container that ended for one that failed. The frontend starts when
        // everything before it is healthy.
        self.ask(&["up", "--detach", "--no-build"])?;
        let begin = Instant::now();
        while get(8080, "/readyz").is_none() {
            if begin.elapsed() > Duration::from_secs(120) {
                let log = self.ask(&["logs", "--tail=20"])?;
                return Err(format!("the frontend does not answer:\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        Ok(())
    }

    fn doctor(&self) -> Result<(), String> {
        for (service, _) in SERVICES {
            self.ask(&["exec", "--no-TTY", service, "techcommerce", "health"])?;
            self.ask(&[
                "exec",
                "--no-TTY",
                service,
                "techcommerce",
                "doctor",
                service,
            ])?;
        }
        Ok(())
    }

    fn password(&self) -> String {
        let said = self.ask(&["run", "--rm", "--no-deps", "--no-TTY", "secrets", "admin"]);
        said.unwrap_or_default().trim().to_owned()
    }

    /// Whether all of ours ended with 0.
    fn stops(&self) -> Result<(), String> {
        self.ask(&["stop"])?;
        for (service, _) in SERVICES {
            let name = format!("{PROJECT}-{service}-1");
            let code = output(self.docker.docker().args([
                "inspect",
                "--format={{.State.ExitCode}}",
                &name,
            ]))
            .map_err(|error| format!("{error:#}"))?;
            if code.trim() != "0" {
                return Err(format!("{service} ended with {}", code.trim()));
            }
        }
        Ok(())
    }
}

/// The status of one request to this machine.
fn get(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.split_whitespace().nth(1)?.parse().ok()
}
