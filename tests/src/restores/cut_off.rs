//! Backups and restores that are cut off, run out of room or were tampered with: nothing that looks
//! whole is left, and no shop is half of two.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use techcommerce_testkit::folder;
use tokio::time::sleep;

use super::books::{done, proof, refused};
use crate::shop::{Engine, Setup, Shop};
use crate::shopper::buy;
use crate::staff::{Stock, product};

/// A shop with some orders, and the folder for its backups.
async fn shop() -> Result<Shop> {
    let shop = Setup::new(Engine::Sqlite).await.with_demo().start().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(1000)).await?;
    for number in 0..5 {
        buy(
            &shop.client(),
            &lamp.variant_id,
            1,
            &format!("key-{number}"),
        )
        .await?;
    }
    Ok(shop)
}

/// The folders on a shelf that have the name of a whole backup.
fn whole(shelf: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(shelf)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .context("a name")?
            .to_string_lossy()
            .into_owned();
        if name.starts_with("techcommerce-") && !name.ends_with(".part") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_does_not_look_whole() -> Result<()> {
    let shop = shop().await?;
    let home = folder();
    let shelf = home.path().join("shelf");
    let to = shelf.display().to_string();
    fs::create_dir(&shelf)?;
    for kill in 0..8_u64 {
        let mut command = shop.setup.command(&["backup", "--to", &to])?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        sleep(Duration::from_millis(10 + kill * 25)).await;
        child.kill()?;
        child.wait()?;
        for path in whole(&shelf)? {
            let path = path.display().to_string();
            done(&shop.run(&["backup", "verify", &path]).await?)?;
        }
    }
    // No room: a limit on the length of a file, which a process can give itself.
    let before = whole(&shelf)?.len();
    let program = techcommerce_testkit::binary()?.display().to_string();
    let mut limited = shop.setup.command(&[])?;
    let script = format!("trap '' XFSZ; ulimit -f 100; exec '{program}' backup --to '{to}'");
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(script).envs(limited_env(&mut limited));
    let said = refused(&shell.output()?)?;
    ensure!(said.contains("error:"), "{said}");
    ensure!(whole(&shelf)?.len() == before, "{said}");
    // The next one cleans up and is whole; so many as are wanted stay.
    for _ in 0..3 {
        done(&shop.run(&["backup", "--to", &to, "--keep", "2"]).await?)?;
    }
    ensure!(whole(&shelf)?.len() == 2);
    let parts = fs::read_dir(&shelf)?.flatten();
    let parts = parts.filter(|entry| entry.path().extension().is_some_and(|end| end == "part"));
    ensure!(parts.count() == 0, "what was cut off is still there");
    done(&shop.run(&["backup", "verify", &to, "--record"]).await?)?;
    // And the shop noticed nothing.
    crate::audit::clean(&shop).await
}

fn limited_env(
    command: &mut std::process::Command,
) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let pair = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
        Some((name.to_owned(), value?.to_owned()))
    };
    command.get_envs().filter_map(pair).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_tampered_with_is_refused() -> Result<()> {
    let mut shop = shop().await?;
    let home = folder();
    let to = home.path().join("shelf").display().to_string();
    done(&shop.run(&["backup", "--to", &to]).await?)?;
    shop.stop().await?;
    let backup = whole(Path::new(&to))?.pop().context("a backup")?;
    let name = backup.display().to_string();
    let run = |words: &[&str]| -> Result<std::process::Output> {
        Ok(shop.setup.command(words)?.output()?)
    };
    let before = done(&run(&["backup", "prove"])?)?;
    // What is there is not overwritten unasked.
    ensure!(refused(&run(&["restore", &name])?)?.contains("is not empty"));
    // A byte of a book, a file that is gone, a count that is wrong.
    let book = backup.join("databases/order-api.db");
    let manifest = backup.join("manifest.json");
    let (sound, says) = (fs::read(&book)?, fs::read_to_string(&manifest)?);
    let mut bent = sound.clone();
    let middle = bent.len() / 2;
    bent[middle] ^= 1;
    fs::write(&book, bent)?;
    ensure!(refused(&run(&["backup", "verify", &name])?)?.contains("order-api.db has changed"));
    ensure!(refused(&run(&["restore", &name, "--replace"])?)?.contains("order-api.db has changed"));
    fs::remove_file(&book)?;
    ensure!(refused(&run(&["restore", &name, "--replace"])?)?.contains("order-api.db is missing"));
    fs::write(&book, sound)?;
    let lied = says.replace("\"orders\": 5", "\"orders\": 6");
    ensure!(lied != says, "{says}");
    fs::write(&manifest, lied)?;
    ensure!(refused(&run(&["restore", &name, "--replace"])?)?.contains("6 rows were expected"));
    fs::write(&manifest, &says[..says.len() / 2])?;
    ensure!(refused(&run(&["restore", &name, "--replace"])?)?.contains("no whole backup"));
    fs::write(&manifest, says)?;
    // Through all that the shop's own data stayed as it was.
    let after = done(&run(&["backup", "prove"])?)?;
    let books = |text: &str| -> Result<serde_json::Value> {
        Ok(serde_json::from_str::<serde_json::Value>(text)?["books"].take())
    };
    ensure!(books(&before)? == books(&after)?);
    done(&run(&["restore", &name, "--replace"])?)?;
    Ok(())
}

/// A backup of the version before, whose schema is older, is brought up to date on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_one_is_brought_up_to_date() -> Result<()> {
    let mut shop = shop().await?;
    let home = folder();
    let to = home.path().join("shelf").display().to_string();
    done(&shop.run(&["backup", "--to", &to]).await?)?;
    shop.stop().await?;
    let backup = whole(Path::new(&to))?.pop().context("a backup")?;
    let book = backup.join("databases/order-api.db");
    let mut conn = SqliteConnectOptions::new()
        .filename(&book)
        .connect()
        .await?;
    conn.execute("DROP TABLE backups; DELETE FROM _sqlx_migrations WHERE version = 5")
        .await?;
    conn.close().await?;
    let file = backup.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let rows = &mut manifest["books"]["rows"]["order-api"];
    let migrations = rows["_sqlx_migrations"].as_i64().context("migrations")?;
    rows["_sqlx_migrations"] = (migrations - 1).into();
    rows.as_object_mut().context("tables")?.remove("backups");
    let content = fs::read(&book)?;
    let files = manifest["files"].as_array_mut().context("files")?;
    let listed = files
        .iter_mut()
        .find(|one| one["path"] == "databases/order-api.db");
    let listed = listed.context("the file")?;
    listed["bytes"] = content.len().into();
    let hash: [u8; 32] = Sha256::digest(&content).into();
    listed["sha256"] = hash
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into();
    fs::write(&file, manifest.to_string())?;
    let run = |words: &[&str]| -> Result<std::process::Output> {
        Ok(shop.setup.command(words)?.output()?)
    };
    done(&run(&["backup", "verify", &to])?)?;
    done(&run(&["restore", &to, "--replace"])?)?;
    ensure!(done(&run(&["backup", "list"])?)?.contains("No backup is known"));
    shop.start_again().await?;
    crate::audit::clean(&shop).await
}

/// A restore that is cut off leaves the old shop, or the new one, or a folder that says that it has to
/// be run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_is_cut_off_is_finished() -> Result<()> {
    let mut shop = shop().await?;
    let home = folder();
    let to = home.path().join("shelf").display().to_string();
    done(&shop.run(&["backup", "--to", &to]).await?)?;
    shop.stop().await?;
    let mut unfinished = 0;
    for kill in 0..10_u64 {
        let mut command = shop.setup.command(&["restore", &to, "--replace"])?;
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        sleep(Duration::from_millis(20 + kill * 30)).await;
        child.kill()?;
        child.wait()?;
        let note = shop.setup.data().join("restore.unfinished");
        if note.exists() {
            unfinished += 1;
            let serve = shop.setup.command(&["serve"])?.output()?;
            ensure!(refused(&serve)?.contains("was cut off"), "{serve:?}");
        } else {
            proof(&shop.setup.command(&["backup", "prove"])?.output()?)?;
        }
    }
    eprintln!("{unfinished} of 10 were cut off in the middle of the change");
    // As if the machine had died in the middle of it: some of the old is aside, nothing is new.
    let data = shop.setup.data();
    done(
        &shop
            .setup
            .command(&["restore", &to, "--replace"])?
            .output()?,
    )?;
    let (aside, staged) = (data.join("before-restore-1"), data.join(".restoring"));
    fs::create_dir(&aside)?;
    fs::create_dir(&staged)?;
    fs::rename(data.join("auth.db"), aside.join("auth.db"))?;
    for name in ["auth.db", "order-api.db"] {
        let backup = whole(Path::new(&to))?.pop().context("a backup")?;
        fs::copy(backup.join("databases").join(name), staged.join(name))?;
    }
    let note = r#"{"aside": "before-restore-1", "old": ["auth.db", "order-api.db"],
        "new": ["auth.db", "order-api.db"]}"#;
    fs::write(data.join("restore.unfinished"), note)?;
    let serve = shop.setup.command(&["serve"])?.output()?;
    ensure!(refused(&serve)?.contains("was cut off"), "{serve:?}");
    done(
        &shop
            .setup
            .command(&["restore", &to, "--replace"])?
            .output()?,
    )?;
    for name in ["auth.db", "order-api.db"] {
        ensure!(
            data.join(name).is_file() && aside.join(name).is_file(),
            "{name}"
        );
    }
    proof(&shop.setup.command(&["backup", "prove"])?.output()?)?;
    shop.start_again().await?;
    crate::audit::clean(&shop).await
}
