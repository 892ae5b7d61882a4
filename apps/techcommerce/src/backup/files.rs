//! Files, byte by byte: copied with their hash, made sure of, removed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest, Sha256};
use techcommerce_kernel::Error;

const PIECE: usize = 256 * 1024;

/// Reads to the end; length and SHA-256 in hexadecimal.
pub fn hash(path: &Path) -> io::Result<(u64, String)> {
    pump(File::open(path)?, &mut io::sink())
}

/// Copies into a new file that its owner alone may read; length and SHA-256.
pub fn copy(from: &Path, to: &Path) -> io::Result<(u64, String)> {
    let source = File::open(from)?;
    pump(source, &mut create(to)?)
}

/// Writes a new file; its SHA-256.
pub fn write(to: &Path, content: &[u8]) -> io::Result<String> {
    pump(content, &mut create(to)?).map(|(_, hash)| hash)
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a folder for its owner alone, with those above it.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn pump(mut from: impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut length = 0;
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let read = piece.get(..read).unwrap_or_default();
        hash.update(read);
        to.write_all(read)?;
        length += read.len() as u64;
    }
    to.flush()?;
    let hash = hash.finalize();
    Ok((
        length,
        hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

/// Waits until everything of the file system that `folder` is on is on the disk: once, instead of
/// once for each of thousands of pictures.
pub fn settle(folder: &Path) -> io::Result<()> {
    let opened = File::open(folder)?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(&opened)?;
    opened.sync_all()
}

/// Renames, and makes sure that the new name is on the disk. Both are in the same folder.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    match to.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Removes a folder with all that is in it; one that is not there is fine.
pub fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What went wrong with a file, in words for whoever gave it.
pub fn wrong(what: &str, path: &Path, error: &io::Error) -> Error {
    let mend = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "\nThe disk is full: make room, or give it another place."
        }
        io::ErrorKind::PermissionDenied => {
            "\nGive the user that runs techcommerce the right to it, or give it another place."
        }
        _ => "",
    };
    Error::invalid(
        "backup_files",
        format!("{} cannot be {what}: {error}.{mend}", path.display()),
    )
}
