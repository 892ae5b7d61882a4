//! The servers that tests share when they are run by hand, without `xtask`.
//!
//! `target/test-servers/<kind>.url` holds the address of the one that runs; it is written anew
//! by each user, so that its age tells the watchdog when nobody needs the server any more.
//! A lock on `<kind>.lock` lets parallel test processes start just one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::host::{self, Until};
use crate::{Kind, launch};

/// The address of the shared server, which is started if there is none.
pub fn url(kind: Kind) -> io::Result<String> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join(format!("{}.lock", kind.name())))?;
    lock.lock()?;
    let stamp = folder.join(format!("{}.url", kind.name()));
    if let Ok(url) = fs::read_to_string(&stamp)
        && answers(&url)
    {
        write_private(&stamp, &url)?;
        return Ok(url);
    }
    let mut server = launch(kind, &[])?;
    write_private(&stamp, server.url())?;
    host::watch(kind, server.home(), &Until::Idle(stamp))?;
    server.owned = false;
    Ok(server.url().to_owned())
}

/// Beside the build's files, in the repository that this was built from.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-servers")
}

fn answers(url: &str) -> bool {
    let address = url
        .rsplit_once('@')
        .map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    TcpStream::connect(address).is_ok()
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_serves_every_caller() {
        for kind in [Kind::Postgres, Kind::Redis, Kind::S3] {
            let first = url(kind).unwrap();
            let second = url(kind).unwrap();
            assert_eq!(first, second);
            assert!(answers(&first));
        }
    }

    #[test]
    fn an_owned_server_leaves_nothing() {
        for kind in [Kind::Redis, Kind::S3] {
            let server = crate::start(kind).unwrap();
            let (url, home) = (server.url().to_owned(), server.home().to_path_buf());
            assert!(answers(&url));
            drop(server);
            assert!(!answers(&url));
            assert!(!home.exists());
        }
    }
}
