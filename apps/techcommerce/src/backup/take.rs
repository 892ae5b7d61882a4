//! Taking a backup, while the shop serves.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use techcommerce_contracts::Service;
use techcommerce_images::{Store, copies};
use techcommerce_kernel::{Env, Error, Timestamp};
use techcommerce_store::{Copying, Snapshot, seal};

use super::{
    DATABASES, IMAGES, REST, files,
    manifest::{FORMAT, File, Manifest, NAME},
    proof::Books,
    shelf::Shelf,
};
use crate::{data_folder::DataFolder, here::WITH_DATABASE, stores::Stores};

/// What of the data folder is not copied as it is: databases and pictures are in their own way, and
/// the rest belongs to what is under way.
const LEFT: [&str; 7] = [
    "images",
    "incoming",
    "imports",
    "serve.lock",
    "restore.unfinished",
    ".restoring",
    "backup.lock",
];

/// A backup that was taken.
#[derive(Debug)]
pub struct Taken {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    /// How long the shop could not write.
    pub held: Duration,
    /// How many pictures' files were taken over from the backup before.
    pub linked: usize,
}

/// Takes a backup of the shop in `folder`, with the pictures of `pictures`, into the shelf.
///
/// # Errors
/// A database is damaged or away, the disk is full. Nothing that looks like a backup is left then.
pub async fn take(
    folder: &DataFolder,
    pictures: &Store,
    shelf: &Shelf,
    env: &Env,
) -> Result<Taken, Error> {
    let _writing = shelf.lock()?;
    let (part, _) = shelf.places(env.now());
    let made = files::make_folder(&part.join(DATABASES));
    made.map_err(|error| files::wrong("made", &part, &error))?;
    let taken = fill(folder, pictures, shelf, &part, env).await;
    if taken.is_err() {
        // Else a full disk would stay full.
        let _ = files::remove(&part);
    }
    taken
}

async fn fill(
    folder: &DataFolder,
    pictures: &Store,
    shelf: &Shelf,
    part: &Path,
    env: &Env,
) -> Result<Taken, Error> {
    // The databases first: what they name of pictures is there as long as they were copied before.
    let snapshot = hold(folder, part, env).await?;
    let (taken_at, held) = (snapshot.taken_at, snapshot.held);
    snapshot.write().await.map_err(|error| {
        let message = "The databases could not be copied: the disk is full, or one of them is damaged; \
             `techcommerce doctor --audit` looks at them.";
        Error::invalid("backup_databases", message).caused_by(error)
    })?;
    let stores = Stores::open_files(&DataFolder::open(&part.join(DATABASES))?).await?;
    let read = read(&stores, pictures).await;
    stores.close().await;
    let Read {
        schemas,
        books,
        files: picture_files,
        missing,
    } = read?;

    let mut listed = Vec::new();
    for service in WITH_DATABASE {
        let path = format!("{DATABASES}/{service}.db");
        let file = part.join(&path);
        seal(&file).await?;
        let hashed = files::hash(&file);
        let (bytes, sha256) = hashed.map_err(|error| files::wrong("read", &file, &error))?;
        listed.push(File {
            path,
            bytes,
            sha256,
            written_at: None,
        });
    }
    rest(folder, shelf, part, taken_at, &mut listed)?;
    let before = Before::find(shelf);
    let linked = copy_pictures(pictures, picture_files, part, &before, &mut listed).await?;
    listed.sort_by(|one, other| one.path.cmp(&other.path));

    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        schemas,
        books,
        missing,
        files: listed,
    };
    let path = finish(shelf, part, &manifest)?;
    Ok(Taken {
        path,
        manifest,
        held,
        linked,
    })
}

async fn hold(folder: &DataFolder, part: &Path, env: &Env) -> Result<Snapshot, Error> {
    let files = WITH_DATABASE.map(|service| {
        let name = format!("{service}.db");
        Copying {
            from: folder.join(&name),
            to: part.join(DATABASES).join(&name),
        }
    });
    if let Some(gone) = files.iter().find(|file| !file.from.is_file()) {
        let message = format!(
            "There is no shop in {}: {} is missing. Which folder it is: --set data_dir=PATH or \
             TECHCOMMERCE_DATA_DIR.",
            folder.path().display(),
            gone.from.display()
        );
        return Err(Error::invalid("backup_databases", message));
    }
    Snapshot::take(&files, env).await.map_err(|error| {
        Error::unavailable(
            "The databases could not be held still for a moment; nothing was copied.",
        )
        .caused_by(Error::from(error))
    })
}

/// What is read of the copies.
struct Read {
    schemas: BTreeMap<String, String>,
    books: Books,
    files: Vec<copies::PictureFile>,
    missing: Vec<String>,
}

async fn read(stores: &Stores, pictures: &Store) -> Result<Read, Error> {
    let mut schemas = BTreeMap::new();
    for (service, db, migrator) in stores.all() {
        let state = db.schema_state(migrator).await?;
        schemas.insert(service.name().to_owned(), state.at.unwrap_or_default());
    }
    let books = Books::read(stores, None).await?;
    let (files, missing) = copies::files(stores.get(Service::Images)?, pictures).await?;
    let missing = missing.iter().map(ToString::to_string).collect();
    Ok(Read {
        schemas,
        books,
        files,
        missing,
    })
}

/// Keys, the worker's name, mails: small files beside databases and pictures, as far as they are from
/// before the instant.
fn rest(
    folder: &DataFolder,
    shelf: &Shelf,
    part: &Path,
    taken_at: Timestamp,
    listed: &mut Vec<File>,
) -> Result<(), Error> {
    let mut folders = vec![(folder.path().to_owned(), REST.to_owned())];
    while let Some((from, to)) = folders.pop() {
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_top = to == REST;
            let skipped = is_top
                && (LEFT.contains(&name)
                    || name.starts_with(".probe-")
                    || name.starts_with("before-restore-")
                    || [".db", ".db-wal", ".db-shm", ".db-journal"]
                        .iter()
                        .any(|end| name.ends_with(end)));
            let path = entry.path();
            // A shelf inside the data folder does not go into itself, nor does another one.
            if skipped || path == shelf.path() || path.join("backup.lock").exists() {
                continue;
            }
            let kind = entry.file_type()?;
            let inside = format!("{to}/{name}");
            if kind.is_dir() {
                folders.push((path, inside));
            } else if kind.is_file() && is_before(&entry, taken_at) {
                let copied = files::copy(&path, &part.join(&inside));
                // A mail that was taken away meanwhile is no loss.
                let (bytes, sha256) = match copied {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    copied => copied.map_err(|error| files::wrong("copied", &path, &error))?,
                };
                listed.push(File {
                    path: inside,
                    bytes,
                    sha256,
                    written_at: None,
                });
            }
        }
    }
    Ok(())
}

fn is_before(entry: &fs::DirEntry, taken_at: Timestamp) -> bool {
    let modified = entry.metadata().and_then(|meta| meta.modified());
    let Ok(modified) = modified else { return false };
    let since = modified.duration_since(std::time::UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    i64::try_from(micros).is_ok_and(|micros| micros <= taken_at.as_micros())
}

/// The newest backup on the shelf, for what has not changed since.
#[derive(Default)]
struct Before {
    folder: PathBuf,
    files: HashMap<String, File>,
}

impl Before {
    fn find(shelf: &Shelf) -> Self {
        let Some(folder) = shelf.all().unwrap_or_default().pop() else {
            return Self::default();
        };
        let Ok(manifest) = Manifest::read(&folder) else {
            return Self::default();
        };
        let pictures = manifest.files.into_iter();
        let pictures = pictures.filter(|file| file.written_at.is_some());
        Self {
            folder,
            files: pictures.map(|file| (file.path.clone(), file)).collect(),
        }
    }

    /// Makes `to` the same file, if nothing says that it is another one: a picture's file never
    /// changes, and if one was made anew its time has.
    fn link(&self, path: &str, picture: &copies::PictureFile, to: &Path) -> Option<File> {
        let known = self.files.get(path)?;
        let same = known.bytes == picture.bytes && known.written_at == Some(picture.written_at);
        let there = self.folder.join(path);
        let whole = fs::metadata(&there).is_ok_and(|meta| meta.len() == known.bytes);
        if !same || !whole {
            return None;
        }
        files::make_folder(to.parent()?).ok()?;
        fs::hard_link(there, to).ok()?;
        Some(known.clone())
    }
}

async fn copy_pictures(
    store: &Store,
    pictures: Vec<copies::PictureFile>,
    part: &Path,
    before: &Before,
    listed: &mut Vec<File>,
) -> Result<usize, Error> {
    let mut linked = 0;
    for picture in pictures {
        let path = format!("{IMAGES}/{}", picture.path);
        let to = part.join(&path);
        if let Some(file) = before.link(&path, &picture, &to) {
            listed.push(file);
            linked += 1;
            continue;
        }
        // A smaller size that is gone since is made again by the shop.
        let Some(content) = copies::read(store, &picture.path).await? else {
            continue;
        };
        let written = files::write(&to, &content);
        let sha256 = written.map_err(|error| files::wrong("written", &to, &error))?;
        listed.push(File {
            path,
            bytes: content.len() as u64,
            sha256,
            written_at: Some(picture.written_at),
        });
    }
    Ok(linked)
}

/// Everything to the disk, then the manifest, then the name.
fn finish(shelf: &Shelf, part: &Path, manifest: &Manifest) -> Result<PathBuf, Error> {
    let (_, path) = shelf.places(manifest.taken_at);
    let text = serde_json::to_vec_pretty(manifest).map_err(Error::internal)?;
    let done = files::settle(part)
        .and_then(|()| files::write(&part.join(NAME), &text).map(drop))
        .and_then(|()| files::settle(part))
        .and_then(|()| files::rename(part, &path));
    done.map_err(|error| files::wrong("finished", part, &error))?;
    Ok(path)
}
