//! Bringing a backup back.
//!
//! Everything is copied beside what is there, and proved, before anything is touched. Then what is
//! there is moved aside and what was copied takes its place, name by name: a note says which, so that
//! a restore that is cut off is finished by the next one, and no shop opens what is half of each.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use techcommerce_images::{Store, copies};
use techcommerce_kernel::{Env, Error};

use super::{
    DATABASES, IMAGES, REST, files,
    manifest::{File, Manifest},
    verify,
};
use crate::data_folder::{DataFolder, UNFINISHED};

/// Where it is copied to, inside the data folder so that it only has to be renamed.
const STAGED: &str = ".restoring";

/// What is to be restored, and where to.
pub struct Asked<'a> {
    /// The backup.
    pub backup: &'a Path,
    /// What is in it.
    pub manifest: &'a Manifest,
    /// The data folder.
    pub folder: &'a DataFolder,
    /// Where the pictures go, if not into the data folder.
    pub pictures: Option<&'a Store>,
    /// Whether what is there may be moved aside.
    pub replace: bool,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// Where that is which was there before, if anything was.
    pub aside: Option<PathBuf>,
}

/// The note of a restore that is under way: what has to be moved where.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    aside: String,
    old: Vec<String>,
    new: Vec<String>,
}

/// Restores, or finishes the restore that was cut off.
///
/// # Errors
/// A shop serves from the folder; something is in it and `replace` is not given; the backup is
/// damaged or does not add up. The folder is then as it was.
pub async fn restore(asked: &Asked<'_>, env: &Env) -> Result<Restored, Error> {
    let folder = asked.folder;
    let _lock = folder.lock()?;
    if let Some(note) = read_note(folder)? {
        // All was proved before the note was written.
        return finish(folder, &note);
    }
    let old = present(folder)?;
    if !old.is_empty() && !asked.replace {
        let message = format!(
            "{} is not empty: {}. With --replace they are moved aside; or give it another folder: --to.",
            folder.path().display(),
            old.join(", ")
        );
        return Err(Error::conflict("data_folder_not_empty", message));
    }
    let staged = folder.join(STAGED);
    files::remove(&staged)?;
    let prepared = stage(asked, &staged).await;
    if let Err(error) = prepared {
        let _ = files::remove(&staged);
        return Err(error);
    }
    files::settle(&staged).map_err(|error| files::wrong("written", &staged, &error))?;
    let note = Note {
        aside: format!("before-restore-{}", env.now().as_micros()),
        old,
        new: names(&staged)?,
    };
    write_note(folder, &note)?;
    finish(folder, &note)
}

/// Copies all files, held against the manifest as they come, and proves the databases.
async fn stage(asked: &Asked<'_>, staged: &Path) -> Result<(), Error> {
    let damaged = |wrong: &[String]| {
        let message = format!(
            "The backup {} is damaged; nothing was changed:\n  {}",
            asked.backup.display(),
            wrong.join("\n  ")
        );
        Error::invalid("backup_damaged", message)
    };
    files::make_folder(staged).map_err(|error| files::wrong("made", staged, &error))?;
    let mut wrong = Vec::new();
    for file in &asked.manifest.files {
        let from = asked.backup.join(&file.path);
        let (part, rest) = file.path.split_once('/').unwrap_or_default();
        let to = match part {
            DATABASES | REST => staged.join(rest),
            IMAGES => staged.join(IMAGES).join(rest),
            _ => continue,
        };
        if to.exists() {
            wrong.push(format!("{} is there twice", file.path));
            continue;
        }
        match files::copy(&from, &to) {
            Ok((bytes, sha256)) if bytes == file.bytes && sha256 == file.sha256 => {}
            Ok(_) => wrong.push(format!("{} has changed since it was written", file.path)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                wrong.push(format!("{} is missing", file.path));
            }
            Err(error) => return Err(files::wrong("copied", &from, &error)),
        }
    }
    if !wrong.is_empty() {
        return Err(damaged(&wrong));
    }
    let differ = verify::prove(staged, asked.manifest).await?;
    if !differ.is_empty() {
        return Err(damaged(&differ));
    }
    if let Some(store) = asked.pictures {
        pictures(store, &asked.manifest.files, staged).await?;
    }
    Ok(())
}

/// Pictures that are kept elsewhere are put there; they do not change, so what is there stays as good.
async fn pictures(store: &Store, listed: &[File], staged: &Path) -> Result<(), Error> {
    let beginning = format!("{IMAGES}/");
    for file in listed {
        let Some(path) = file.path.strip_prefix(&beginning) else {
            continue;
        };
        let content = fs::read(staged.join(&file.path))?;
        copies::write(store, path, content.into()).await?;
    }
    Ok(files::remove(&staged.join(IMAGES))?)
}

/// What is in the folder and would be in the way.
fn present(folder: &DataFolder) -> Result<Vec<String>, Error> {
    let ours = |name: &String| {
        name != "serve.lock" && name != STAGED && !name.starts_with("before-restore-")
    };
    let mut names = names(folder.path())?;
    names.retain(ours);
    Ok(names)
}

fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn read_note(folder: &DataFolder) -> Result<Option<Note>, Error> {
    match fs::read(folder.join(UNFINISHED)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(Error::internal),
    }
}

fn write_note(folder: &DataFolder, note: &Note) -> Result<(), Error> {
    let (part, path) = (folder.join(".restore.part"), folder.join(UNFINISHED));
    let text = serde_json::to_vec(note).map_err(Error::internal)?;
    let _ = fs::remove_file(&part);
    files::write(&part, &text)?;
    files::settle(folder.path())?;
    Ok(files::rename(&part, &path)?)
}

/// Moves what is there aside and what was proved into its place. May be done again at any point:
/// nothing new comes before all that is old is aside.
fn finish(folder: &DataFolder, note: &Note) -> Result<Restored, Error> {
    let (aside, staged) = (folder.join(&note.aside), folder.join(STAGED));
    if !note.old.is_empty() {
        files::make_folder(&aside)?;
    }
    for name in &note.old {
        let (from, to) = (folder.join(name), aside.join(name));
        if from.exists() && !to.exists() {
            fs::rename(from, to)?;
        }
    }
    for name in &note.new {
        let (from, to) = (staged.join(name), folder.join(name));
        if from.exists() {
            fs::rename(from, to)?;
        }
    }
    files::settle(folder.path())?;
    fs::remove_file(folder.join(UNFINISHED))?;
    files::remove(&staged)?;
    files::settle(folder.path())?;
    Ok(Restored {
        aside: (!note.old.is_empty()).then_some(aside),
    })
}
