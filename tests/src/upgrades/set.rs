//! A released version's data: files, a dump of PostgreSQL, and what must be found in them.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::shop::Engine;

/// All files of a set together; packed.
const MOST_BYTES: u64 = 200 * 1024;

/// One released version's data on one engine.
#[derive(Debug)]
pub struct Set {
    pub folder: PathBuf,
    pub engine: Engine,
}

impl Set {
    /// Where that of a version is.
    pub fn new(version: &str, engine: Engine) -> Self {
        let name = match engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres | Engine::Split => "postgres",
        };
        Self {
            folder: all().join(version).join(name),
            engine,
        }
    }

    /// Those of all released versions on an engine, oldest first.
    pub fn released(engine: Engine) -> Result<Vec<Self>> {
        let mut versions = Vec::new();
        for entry in fs::read_dir(all())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let numbers: Option<Vec<u32>> = name.split('.').map(|part| part.parse().ok()).collect();
            versions.push((numbers.with_context(|| name.clone())?, name));
        }
        versions.sort();
        ensure!(!versions.is_empty(), "no version was released");
        let sets = versions
            .iter()
            .map(|(_, version)| Self::new(version, engine));
        Ok(sets.collect())
    }

    /// What must be found.
    pub fn manifest(&self) -> Result<Value> {
        let file = self.folder.join("manifest.json");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Empties the folder, and writes what must be found.
    pub fn begin(&self, manifest: &Value) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        let text = format!("{manifest:#}\n");
        Ok(fs::write(self.folder.join("manifest.json"), text)?)
    }

    /// Packs something, as `order-api.db`.
    pub fn pack(&self, name: &str, content: &[u8]) -> Result<()> {
        let file = self.folder.join(format!("{name}.gz"));
        fs::create_dir_all(file.parent().context("a folder")?)?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(content)?;
        Ok(fs::write(file, packed.finish()?)?)
    }

    /// Packs a folder of the data folder, with all that is in it.
    pub fn pack_folder(&self, data: &Path, name: &str) -> Result<()> {
        for entry in fs::read_dir(data.join(name)).context(name.to_owned())? {
            let entry = entry?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => self.pack_folder(data, &name)?,
                false => self.pack(&name, &fs::read(entry.path())?)?,
            }
        }
        Ok(())
    }

    /// It stays small: there will be one for every release.
    pub fn end(&self) -> Result<u64> {
        let mut bytes = 0;
        for file in files(&self.folder)? {
            bytes += fs::metadata(&file)?.len();
        }
        ensure!(
            bytes < MOST_BYTES,
            "{} has {bytes} bytes",
            self.folder.display()
        );
        Ok(bytes)
    }

    /// Unpacks all files into a data folder; the dump, if there is one, is given instead.
    pub fn unpack(&self, data: &Path) -> Result<Option<String>> {
        let mut dump = None;
        for file in files(&self.folder)? {
            let name = file.strip_prefix(&self.folder)?.with_extension("");
            if file.extension().is_none_or(|extension| extension != "gz") {
                continue;
            }
            let mut content = Vec::new();
            GzDecoder::new(fs::File::open(&file)?).read_to_end(&mut content)?;
            if name == Path::new("database.sql") {
                dump = Some(String::from_utf8(content)?);
                continue;
            }
            let to = data.join(name);
            fs::create_dir_all(to.parent().context("a folder")?)?;
            fs::write(to, content)?;
        }
        Ok(dump)
    }
}

fn all() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("upgrades")
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => all.extend(files(&entry.path())?),
            false => all.push(entry.path()),
        }
    }
    all.sort();
    Ok(all)
}

/// Whether all that was said is still said: a later version may say more.
pub fn still_says(before: &Value, now: &Value, place: &str) -> Result<()> {
    match (before, now) {
        (Value::Object(fields), Value::Object(_)) => fields.iter().try_for_each(|(name, value)| {
            still_says(value, &now[name], &format!("{place}.{name}"))
        }),
        (Value::Array(items), Value::Array(others)) => {
            ensure!(
                items.len() == others.len(),
                "{place}: {before} became {now}"
            );
            let mut pairs = items.iter().zip(others).enumerate();
            pairs.try_for_each(|(at, (item, other))| {
                still_says(item, other, &format!("{place}[{at}]"))
            })
        }
        _ => {
            ensure!(before == now, "{place}: {before} became {now}");
            Ok(())
        }
    }
}

#[test]
fn more_may_be_said_and_nothing_less() {
    use serde_json::json;
    let before = json!({"total": 7, "lines": [{"title": "Lamp"}]});
    let says = |now| still_says(&before, &now, "order");
    says(json!({"total": 7, "lines": [{"title": "Lamp", "sku": 1}], "locale": "en"})).unwrap();
    for (now, place) in [
        (
            json!({"total": 8, "lines": [{"title": "Lamp"}]}),
            "order.total",
        ),
        (json!({"total": 7, "lines": []}), "order.lines"),
        (
            json!({"total": 7, "lines": [{"title": "Lump"}]}),
            "order.lines[0].title",
        ),
        (json!({"lines": [{"title": "Lamp"}]}), "order.total"),
    ] {
        let error = says(now).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{place}: ")), "{error}");
    }
}
