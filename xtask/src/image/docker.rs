//! A Docker daemon of our own for the nightly test of compose, with images that stand in for those
//! that cannot be pulled. The machine's own Docker, and what somebody keeps in it, is never touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::base;
use super::engine::Engine;
use crate::program::{output, target};
use crate::tools::{self, Tool};

/// Debian's packages in which all the stores are.
const PACKAGES: &str = "ca-certificates,netcat-openbsd,postgresql,python3,redis-server,wget";

/// Each image of docker-compose.yml that is not ours: its program here, where it goes, its volume.
const STAND_INS: &[(&str, &str, &str, &str)] = &[
    (
        "postgres:",
        include_str!("stand-ins/postgres.sh"),
        "/usr/local/bin/docker-entrypoint.sh",
        "/var/lib/postgresql/data",
    ),
    (
        "redis:",
        include_str!("stand-ins/redis.sh"),
        "/usr/local/bin/docker-entrypoint.sh",
        "/data",
    ),
    (
        "seaweedfs:",
        include_str!("stand-ins/weed.py"),
        "/usr/bin/weed",
        "/data",
    ),
    (
        "mailpit:",
        include_str!("stand-ins/mailpit.py"),
        "/mailpit",
        "",
    ),
];

/// The daemon; ended when dropped.
pub struct Docker {
    daemon: Child,
    socket: PathBuf,
    data: PathBuf,
}

impl Docker {
    pub fn start(install: bool) -> Result<Self> {
        tools::docker(install)?;
        let data = std::path::absolute(target().join("tools/containers/docker"))?;
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data)?;
        // A socket's path may be a hundred letters.
        let socket = std::env::temp_dir().join(format!("techcommerce-{}.sock", std::process::id()));
        let log = fs::File::create(data.join("dockerd.log"))?;
        let daemon = Command::new("dockerd")
            .arg("--data-root")
            .arg(data.join("data"))
            .arg("--exec-root")
            .arg(data.join("exec"))
            .arg("--pidfile")
            .arg(data.join("pid"))
            .arg(format!("--host=unix://{}", socket.display()))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start dockerd")?;
        let docker = Self {
            daemon,
            socket,
            data,
        };
        let begin = Instant::now();
        while output(docker.docker().arg("info")).is_err() {
            if begin.elapsed() > Duration::from_secs(60) {
                let log = fs::read_to_string(docker.data.join("dockerd.log")).unwrap_or_default();
                bail!("dockerd does not answer:\n{log}");
            }
            sleep(Duration::from_millis(250));
        }
        Ok(docker)
    }

    pub fn docker(&self) -> Command {
        self.command("docker")
    }

    /// A program that speaks to this daemon.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("DOCKER_HOST", format!("unix://{}", self.socket.display()));
        command.env("DOCKER_BUILDKIT", "0");
        command
    }

    /// Gives the daemon an image that podman has.
    pub fn load(&self, engine: &Engine, image: &str, name: &str) -> Result<()> {
        let file = self.data.join("image.tar");
        let _ = fs::remove_file(&file);
        output(
            engine
                .podman()
                .args(["save", "--format=docker-archive", "--output"])
                .arg(&file)
                .arg(image),
        )?;
        output(self.docker().arg("load").arg("--input").arg(&file))?;
        fs::remove_file(&file)?;
        output(self.docker().args(["tag", image, name]))?;
        Ok(())
    }

    /// Pulls these images, or makes what stands in for them.
    pub fn have(&self, images: &[&str]) -> Result<()> {
        if images
            .iter()
            .all(|image| output(self.docker().args(["pull", "--quiet", image])).is_ok())
        {
            return Ok(());
        }
        println!("the images of the stores cannot be pulled; making some from Debian's packages");
        self.stores()?;
        for image in images {
            let (_, program, at, volume) = STAND_INS
                .iter()
                .find(|(name, ..)| image.contains(name))
                .with_context(|| format!("nothing stands in for {image}"))?;
            let folder = self.data.join("context");
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("program"), program)?;
            let volume = match *volume {
                "" => String::new(),
                path => format!("VOLUME {path}\n"),
            };
            let dockerfile = format!(
                "FROM stores\nCOPY program {at}\nRUN chmod 755 {at}\n{volume}ENTRYPOINT [\"{at}\"]\n"
            );
            fs::write(folder.join("Dockerfile"), dockerfile)?;
            output(
                self.docker()
                    .args(["build", "--quiet", "--tag", image])
                    .arg(&folder),
            )?;
        }
        Ok(())
    }

    /// The image `stores`: Debian with all of them in it.
    fn stores(&self) -> Result<()> {
        let root = self.data.join("stores");
        base::debian(&root, PACKAGES)?;
        fs::copy(Tool::S3.find()?, root.join("usr/bin/s3s-fs"))?;
        // The number that PostgreSQL has in its official image.
        let users = root.join("etc/passwd");
        let renumbered: String = fs::read_to_string(&users)?
            .lines()
            .map(|line| match line.strip_prefix("postgres:x:") {
                Some(rest) => {
                    let rest = rest.splitn(3, ':').nth(2).unwrap_or_default();
                    format!("postgres:x:999:999:{rest}\n")
                }
                None => format!("{line}\n"),
            })
            .collect();
        fs::write(&users, renumbered)?;
        let path = path_of(&root)?;
        let mut tar = Command::new("tar")
            .arg("-C")
            .arg(&root)
            .args(["-c", "."])
            .stdout(Stdio::piped())
            .spawn()?;
        let packed = tar.stdout.take().context("no output")?;
        output(
            self.docker()
                .args([
                    "import",
                    "--change",
                    &format!("ENV PATH={path}"),
                    "-",
                    "stores",
                ])
                .stdin(packed),
        )?;
        tar.wait()?;
        fs::remove_dir_all(&root)?;
        Ok(())
    }
}

/// Where its programs are; those of PostgreSQL are in a folder with its version.
fn path_of(root: &Path) -> Result<String> {
    let version = fs::read_dir(root.join("usr/lib/postgresql"))?
        .next()
        .context("no PostgreSQL")??
        .file_name();
    Ok(format!(
        "/usr/lib/postgresql/{}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        version.display()
    ))
}

impl Drop for Docker {
    fn drop(&mut self) {
        // SIGTERM, so that it takes its mounts down; it is our own child.
        let _ = Command::new("kill")
            .arg(self.daemon.id().to_string())
            .status();
        let _ = self.daemon.wait();
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_dir_all(&self.data);
    }
}
