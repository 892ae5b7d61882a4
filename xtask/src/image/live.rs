//! Runs the image as a strict cluster would: nothing writable but its volume, no capability, a user
//! without a name on this machine.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::build::Image;
use super::engine::Engine;
use super::{Checks, NAME};
use crate::program::output;

const SHOP: &str = "techcommerce-test-shop";
const NETWORK: &str = "techcommerce-test";
const PROGRAM: &str = "/usr/local/bin/techcommerce";

/// What every container of ours is run with.
const STRICT: &[&str] = &[
    "--pull=never",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--memory=512m",
    "--pids-limit=256",
];

/// Starts the whole shop in one container, visits it, and stops it.
pub fn check(engine: &Engine, image: &Image, checks: &mut Checks) -> Result<()> {
    let shop = Shop::start(engine, image)?;
    let page = shop.get(3000, "/")?;
    checks.is(
        "it serves the shop's page",
        page.status == 200 && page.body.contains("<!doctype html>"),
    );
    let products = shop.get(3000, "/api/products?limit=2")?;
    checks.is(
        "it answers programs",
        products.status == 200 && products.body.contains("\"items\""),
    );
    checks.same(
        "it reports that it is ready",
        &shop.get(9464, "/readyz")?.status,
        &200,
    );
    let metrics = shop.get(9464, "/metrics")?.body;
    checks.is(
        "its metrics say which commit it is",
        metrics.contains(&image.commit),
    );

    let said = |arguments: &[&str]| output(engine.podman().arg("exec").arg(SHOP).args(arguments));
    checks.is(
        "`techcommerce health` says so too",
        said(&[PROGRAM, "health"]).is_ok(),
    );
    checks.is(
        "the image's own health check passes",
        output(engine.podman().args(["healthcheck", "run", SHOP])).is_ok(),
    );
    checks.is(
        "there is no shell in it",
        ["/bin/sh", "/bin/bash", "/bin/busybox", "/usr/bin/env"]
            .iter()
            .all(|shell| said(&[shell]).is_err()),
    );
    powerless(engine, checks)?;
    names(engine, image, checks);
    checks.same(
        "on SIGTERM it ends in order",
        &shop.stop()?,
        &"0".to_owned(),
    );
    Ok(())
}

/// What the kernel says of the process.
fn powerless(engine: &Engine, checks: &mut Checks) -> Result<()> {
    let process = engine.inspect("container", SHOP, "{{.State.Pid}}")?;
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    checks.same(
        "its process is user 1001",
        &field("Uid:"),
        &"1001".to_owned(),
    );
    checks.same(
        "its process is group 1001",
        &field("Gid:"),
        &"1001".to_owned(),
    );
    for set in ["CapEff:", "CapPrm:", "CapBnd:", "CapInh:"] {
        checks.same(
            &format!("it has no capability ({set})"),
            &field(set),
            &"0000000000000000".to_owned(),
        );
    }
    checks.same(
        "it can gain no privilege",
        &field("NoNewPrivs:"),
        &"1".to_owned(),
    );
    Ok(())
}

/// The C library is in the program: does it find other machines by their names all the same? A second
/// container asks the first by its name, which the network's name server knows, and localhost by
/// /etc/hosts; and a name that nobody has is an error in words.
fn names(engine: &Engine, image: &Image, checks: &mut Checks) {
    let ask = |address: &str| {
        let network = format!("--network={NETWORK}");
        let mut command = engine.podman();
        command.args(["run", "--rm", &network]).args(STRICT);
        output(command.args([&image.name, "doctor", "http", address]))
    };
    let by_name = ask(&format!("http://{SHOP}:9464/readyz"));
    checks.note(
        "it finds others by a name server",
        by_name.map(drop).map_err(|error| format!("{error:#}")),
    );
    let unknown = ask("http://nobody.invalid:9464/readyz");
    checks.is("a name that nobody has is an error", unknown.is_err());
    let by_file = output(engine.podman().args([
        "exec",
        SHOP,
        PROGRAM,
        "doctor",
        "http",
        "http://localhost:9464/readyz",
    ]));
    checks.note(
        "it finds itself by /etc/hosts",
        by_file.map(drop).map_err(|error| format!("{error:#}")),
    );
}

/// The container, gone when dropped.
struct Shop<'a> {
    engine: &'a Engine,
}

struct Answer {
    status: u16,
    body: String,
}

impl<'a> Shop<'a> {
    fn start(engine: &'a Engine, image: &Image) -> Result<Self> {
        let shop = Self { engine };
        shop.clear();
        output(engine.podman().args(["network", "create", NETWORK]))?;
        let network = format!("--network={NETWORK}");
        let mut command = engine.podman();
        command
            .args(["run", "--detach", "--name", SHOP, &network])
            .args(STRICT);
        command.args(["--publish=127.0.0.1::3000", "--publish=127.0.0.1::9464"]);
        output(command.arg(&image.name))?;
        let begin = Instant::now();
        loop {
            if shop
                .get(9464, "/readyz")
                .is_ok_and(|answer| answer.status == 200)
            {
                return Ok(shop);
            }
            if begin.elapsed() > Duration::from_secs(120) {
                let log = output(engine.podman().args(["logs", SHOP])).unwrap_or_default();
                bail!("{NAME} is not ready after two minutes:\n{log}");
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// One request over the published port.
    fn get(&self, port: u16, path: &str) -> Result<Answer> {
        let published = output(self.engine.podman().args(["port", SHOP, &port.to_string()]))?;
        let mut stream = TcpStream::connect(published.trim())?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n"
        )?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").context("no HTTP answer")?;
        let status = head
            .split_whitespace()
            .nth(1)
            .context("no status")?
            .parse()?;
        Ok(Answer {
            status,
            body: body.to_owned(),
        })
    }

    /// Asks it to stop, and gives the code it ended with.
    fn stop(&self) -> Result<String> {
        output(self.engine.podman().args(["stop", "--time=40", SHOP]))?;
        self.engine
            .inspect("container", SHOP, "{{.State.ExitCode}}")
    }

    fn clear(&self) {
        let _ = output(
            self.engine
                .podman()
                .args(["rm", "--force", "--volumes", "--time=1", SHOP]),
        );
        let _ = output(
            self.engine
                .podman()
                .args(["network", "rm", "--force", NETWORK]),
        );
    }
}

impl Drop for Shop<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}
