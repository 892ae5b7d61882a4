//! PostgreSQL with pgBackRest: the shop's server, its repository, and the server that comes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sqlx::{Connection, PgConnection};
use techcommerce_testkit::{Kind, Server, TempDir, folder, free_address, is_root, start_with};
use tokio::time::{Instant, sleep};

use super::books::done;

/// A segment of the log goes to the repository after so many seconds at the latest.
const ARCHIVE_TIMEOUT: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(60);
/// What the repository is encrypted with.
const PASSPHRASE: &str = "a passphrase of this test alone";

/// What outlives the shop's server: the repository, and how it is reached.
pub struct Repository {
    home: TempDir,
}

/// The shop's server, whose every change goes to the repository.
pub struct Source {
    pub server: Server,
}

impl Repository {
    /// An empty one, set up as `packaging/pgbackrest` says.
    pub fn new() -> Result<Self> {
        let found = Command::new("pgbackrest").arg("version").output();
        ensure!(
            found.is_ok_and(|said| said.status.success()),
            "pgBackRest is needed by this test and was not found. Install it with:\n  \
             sudo apt-get install -y pgbackrest\nor let `cargo xtask test` install it."
        );
        let home = folder();
        for part in ["repository", "log", "lock", "spool"] {
            fs::create_dir(home.path().join(part))?;
        }
        let repository = Self { home };
        repository.script("pgbackrest-push", "archive-push \"$1\"")?;
        repository.own(repository.home.path())?;
        Ok(repository)
    }

    fn path(&self, part: &str) -> String {
        self.home.path().join(part).display().to_string()
    }

    /// What the server calls; without a configuration it fails, and is called again.
    fn script(&self, name: &str, arguments: &str) -> Result<()> {
        let path = self.home.path().join(name);
        let config = self.path("pgbackrest.conf");
        let text = format!(
            "#!/bin/sh\nPGBACKREST_REPO1_CIPHER_PASS='{PASSPHRASE}' exec \
             pgbackrest --config='{config}' --stanza=shop {arguments}\n"
        );
        fs::write(&path, text)?;
        Ok(fs::set_permissions(
            &path,
            PermissionsExt::from_mode(0o755),
        )?)
    }

    /// PostgreSQL does not run as root, and what it calls is its own.
    fn own(&self, path: &Path) -> Result<()> {
        if is_root() {
            let mut owned = Command::new("chown");
            done(&owned.args(["-R", "postgres"]).arg(path).output()?)?;
        }
        Ok(())
    }

    /// A server for the shop; its settings are those of `packaging/pgbackrest/postgresql.conf` but for
    /// the time and the place.
    pub fn source(&self) -> Result<Source> {
        let settings = fs::read_to_string(packaged("postgresql.conf"))?;
        let setting = |line: &str| {
            let (name, value) = line.split_once(" = ")?;
            Some(match name {
                "archive_command" => format!("{name}='{} %p'", self.path("pgbackrest-push")),
                "archive_timeout" => format!("{name}={ARCHIVE_TIMEOUT}"),
                _ => format!("{name}={value}"),
            })
        };
        let mut settings: Vec<String> = settings.lines().filter_map(setting).collect();
        ensure!(settings.len() == 4, "{settings:?}");
        // What is acknowledged is there, and says when it was.
        settings.extend(
            [
                "synchronous_commit=on",
                "full_page_writes=on",
                "fsync=on",
                "track_commit_timestamp=on",
                "max_wal_senders=4",
            ]
            .map(str::to_owned),
        );
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let server = start_with(Kind::Postgres, &settings)?;
        let data = server.home().join("data").display().to_string();
        self.configure(&data, port(server.url())?)?;
        let source = Source { server };
        done(
            &self
                .run(&["stanza-create"], source.server.url())?
                .output()?,
        )?;
        done(&self.run(&["check"], source.server.url())?.output()?)?;
        Ok(source)
    }

    /// The configuration that we ship, with this test's places.
    fn configure(&self, data: &str, port: u16) -> Result<()> {
        let shipped = fs::read_to_string(packaged("pgbackrest.conf"))?;
        let mut text = String::new();
        for line in shipped.lines() {
            let line = match line.split_once('=') {
                Some(("repo1-path", _)) => format!("repo1-path={}", self.path("repository")),
                Some(("log-path", _)) => format!(
                    "log-path={}\nlock-path={}\nspool-path={}",
                    self.path("log"),
                    self.path("lock"),
                    self.path("spool")
                ),
                Some(("pg1-path", _)) => {
                    format!("pg1-path={data}\npg1-port={port}\npg1-user=postgres")
                }
                _ => line.to_owned(),
            };
            text.push_str(&line);
            text.push('\n');
        }
        fs::write(self.home.path().join("pgbackrest.conf"), text)?;
        self.own(&self.home.path().join("pgbackrest.conf"))
    }

    /// pgBackRest, with the password of the server at `url`.
    pub fn run(&self, words: &[&str], url: &str) -> Result<Command> {
        let mut command = as_postgres(Path::new("pgbackrest"));
        command
            .arg("--stanza=shop")
            .args(words)
            .envs(self.environment())
            .env("PGPASSWORD", password(url)?);
        Ok(command)
    }

    fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("PGBACKREST_CONFIG", self.path("pgbackrest.conf")),
            ("PGBACKREST_REPO1_CIPHER_PASS", PASSPHRASE.to_owned()),
            // The files are here, the server is asked over the network: as in the cluster.
            ("PGHOST", "127.0.0.1".to_owned()),
        ]
    }

    /// A script of `k8s/components/backup-pgbackrest`, with its places here; it writes what pgBackRest
    /// says of its backups into the file that comes back.
    pub fn script_of_the_cluster(&self, name: &str, url: &str) -> Result<(Command, PathBuf)> {
        let shipped = fs::read_to_string(component(name))?;
        let work = self.home.path().join("work");
        for folder in ["work", "scratch"] {
            let folder = self.home.path().join(folder);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder)?;
            self.own(&folder)?;
        }
        let secret = self.home.path().join("admin-password");
        fs::write(&secret, password(url)?)?;
        let text = shipped
            .replace(
                "/etc/techcommerce/postgres-admin/password",
                &secret.display().to_string(),
            )
            .replace("/work/", &format!("{}/", work.display()))
            .replace("/scratch/", &format!("{}/", self.path("scratch")));
        ensure!(text != shipped, "{name} has none of the places that it had");
        let script = self.home.path().join(name);
        fs::write(&script, text)?;
        self.own(&script)?;
        self.own(&secret)?;
        let mut command = as_postgres(Path::new("bash"));
        command.arg(&script).envs(self.environment());
        Ok((command, work.join("info.json")))
    }

    /// The server inside the pod of `backup-restore-test`, as its manifest starts it.
    pub async fn scratch(&self) -> Result<Restored> {
        let manifest = fs::read_to_string(component("restore-test.yaml"))?;
        let (_, words) = manifest.split_once("- postgres\n").context("a command")?;
        let (words, _) = words.split_once("env:").context("its end")?;
        let words = words
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- "));
        let own = |word: &str| {
            word.replace("/scratch/pgdata", &self.path("scratch/pgdata"))
                .replace("=/tmp", &format!("={}", self.path("scratch")))
                .replace(
                    "/etc/techcommerce/backup/pg_hba.conf",
                    &self.path("pg_hba.conf"),
                )
        };
        let words: Vec<String> = words.map(own).collect();
        ensure!(
            words.iter().any(|word| word.starts_with("hba_file=")),
            "{words:?}"
        );
        fs::copy(component("pg_hba.conf"), self.path("pg_hba.conf"))?;
        self.own(&self.home.path().join("pg_hba.conf"))?;
        let address = free_address();
        let options = format!("-p {} {}", address.port(), words[2..].join(" "));
        let restored = Restored {
            data: self.home.path().join("scratch/pgdata"),
            url: format!("postgres://postgres@{address}/postgres"),
            log: self.home.path().join("scratch/server.log"),
            _home: None,
        };
        restored.start(&options, &self.environment()).await?;
        Ok(restored)
    }

    /// Whether a text stands in the repository as it is: nothing of ours may, it is encrypted.
    pub fn holds(&self, text: &str) -> Result<bool> {
        let found = Command::new("grep")
            .args(["--recursive", "--quiet", "--text", "--fixed-strings", text])
            .arg(self.path("repository"))
            .status()?;
        Ok(found.success())
    }

    /// A new server from the repository alone, as everything was at `target`.
    pub async fn restore(&self, target: &str, password: &str) -> Result<Restored> {
        let home = folder();
        let data = home.path().join("data");
        fs::create_dir(&data)?;
        fs::set_permissions(&data, PermissionsExt::from_mode(0o700))?;
        self.own(home.path())?;
        let to = format!("--pg1-path={}", data.display());
        let target = format!("--target={target}");
        let words = [
            to.as_str(),
            "--type=time",
            target.as_str(),
            "--target-action=promote",
            // The server's own settings are elsewhere, and so is its archive: nothing goes there.
            "--archive-mode=off",
            "restore",
        ];
        let mut restore = self.run(&words, &format!("postgres://postgres:{password}@x"))?;
        done(&restore.output()?)?;
        let address = free_address();
        let options = format!(
            "-p {} -k '{}' -c listen_addresses=127.0.0.1 -c hot_standby=off -c fsync=off",
            address.port(),
            home.path().display()
        );
        let restored = Restored {
            data,
            url: format!("postgres://postgres:{password}@{address}/postgres"),
            log: home.path().join("server.log"),
            _home: Some(home),
        };
        restored.start(&options, &self.environment()).await?;
        Ok(restored)
    }
}

impl Source {
    /// Waits until everything that is written now is in the repository.
    pub async fn wait_for_archive(&self) -> Result<()> {
        let mut conn = PgConnection::connect(self.server.url()).await?;
        let now = "SELECT pg_walfile_name(pg_current_wal_insert_lsn())";
        let wanted: String = sqlx::query_scalar(now).fetch_one(&mut conn).await?;
        let end = Instant::now() + PATIENCE;
        loop {
            let sql = "SELECT last_archived_wal FROM pg_stat_archiver";
            let last: Option<String> = sqlx::query_scalar(sql).fetch_one(&mut conn).await?;
            if last.is_some_and(|last| last >= wanted) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{wanted} does not come into the repository");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A server that came of the repository.
pub struct Restored {
    pub url: String,
    data: PathBuf,
    log: PathBuf,
    _home: Option<TempDir>,
}

impl Restored {
    /// restore_command runs pgBackRest, which needs its `environment` to decrypt.
    async fn start(&self, options: &str, environment: &[(&str, String)]) -> Result<()> {
        let started = self
            .control(&["start", "-w", "-t", "60"])?
            .envs(environment.iter().cloned())
            .arg("-l")
            .arg(&self.log)
            .args(["-o", options])
            .status()?;
        let said = || fs::read_to_string(&self.log).unwrap_or_default();
        ensure!(started.success(), "it does not start: {}", said());
        // It takes no connection before it has gone through the whole log.
        let end = Instant::now() + PATIENCE;
        while self.recovers().await != Some(false) {
            ensure!(
                Instant::now() < end,
                "it does not come to an end: {}",
                said()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Whether it still goes through the log, if it says so.
    async fn recovers(&self) -> Option<bool> {
        let mut conn = PgConnection::connect(&self.url).await.ok()?;
        let sql = "SELECT pg_is_in_recovery()";
        sqlx::query_scalar(sql).fetch_one(&mut conn).await.ok()
    }

    fn control(&self, arguments: &[&str]) -> Result<Command> {
        let bin = Kind::Postgres.program()?;
        let bin = bin.parent().context("a folder")?;
        let mut command = as_postgres(&bin.join("pg_ctl"));
        command
            .args(arguments)
            .arg("-D")
            .arg(&self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(command)
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        if let Ok(mut stop) = self.control(&["stop", "-m", "immediate"]) {
            let _ = stop.status();
        }
    }
}

fn as_postgres(program: &Path) -> Command {
    let mut command = match is_root() {
        true => Command::new("runuser"),
        false => Command::new(program),
    };
    if is_root() {
        command.args(["-u", "postgres", "--"]).arg(program);
    }
    command.current_dir("/");
    command
}

fn port(url: &str) -> Result<u16> {
    let (_, place) = url.rsplit_once(':').context("an address")?;
    let (port, _) = place.split_once('/').context("a port")?;
    Ok(port.parse()?)
}

/// The superuser's password in an address.
pub fn password(url: &str) -> Result<&str> {
    let (_, rest) = url.split_once("://postgres:").context("an address")?;
    let (password, _) = rest.split_once('@').context("a password")?;
    Ok(password)
}

fn component(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../k8s/components/backup-pgbackrest")
        .join(name)
}

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging/pgbackrest")
        .join(name)
}
