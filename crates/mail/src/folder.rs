//! Mail into a folder: one `.eml` file each, complete or not there at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use techcommerce_kernel::{Env, Error};

use crate::{Mail, Sender};

/// Writes mail as files that only the shop's own user may read.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    sender: Sender,
    env: Env,
}

impl Folder {
    pub(crate) fn new(path: PathBuf, sender: Sender, env: Env) -> Self {
        Self { path, sender, env }
    }

    /// Writes `<time in ms>-<id>.eml`: names sort by time.
    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), Error> {
        let bytes = mail.to_message(&self.sender, &self.env)?.formatted();
        let name = format!("{}-{}.eml", self.env.now().as_micros() / 1000, mail.id());
        self.in_background(move |folder| write_whole(folder, &name, &bytes))
            .await
    }

    pub(crate) async fn check(&self) -> Result<(), Error> {
        let name = format!(".check-{}", self.env.new_id());
        self.in_background(move |folder| {
            write_whole(folder, &name, b"")?;
            fs::remove_file(folder.join(&name))
        })
        .await
    }

    async fn in_background(
        &self,
        work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<(), Error> {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || {
            create_private(&path)?;
            work(&path)
        });
        match done.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                Err(Error::unavailable("The mail folder cannot be written.").caused_by(error))
            }
            Err(error) => Err(Error::internal(error)),
        }
    }
}

/// Makes the folder for its owner alone; one that is there keeps its rights.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Under another name first, then renamed, so that nobody ever reads half a mail.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let partial = folder.join(format!(".{name}.part"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = write_synced(options.open(&partial)?, bytes)
        .and_then(|()| fs::rename(&partial, folder.join(name)));
    if written.is_err() {
        // The first error is the one to tell; the rest of a failed write is only rubbish.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write_synced(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use techcommerce_kernel::Uuid;

    use super::*;
    use crate::{Mailer, Transport};

    fn mailer(path: PathBuf) -> Mailer {
        let sender = Sender {
            name: "Tidewell".into(),
            address: "shop@tidewell.example".parse().unwrap(),
        };
        Mailer::new(Transport::Folder(path), sender, Env::manual(3).0).unwrap()
    }

    fn names(path: &Path) -> Vec<String> {
        fs::read_dir(path)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn one_private_file_per_mail_and_the_same_for_a_repeat() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox");
        let mailer = mailer(path.clone());
        let mail = Mail::new(
            Uuid::from_u128(9),
            "jo@example.com".parse().unwrap(),
            "Hello",
            "Text",
        );
        mailer.send(&mail).await.unwrap();
        mailer.send(&mail).await.unwrap();
        mailer.check().await.unwrap();
        let names = names(&path);
        assert_eq!(
            names,
            ["1800000000000-00000000-0000-0000-0000-000000000009.eml"]
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path.join(&names[0]))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_worth_a_retry() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = mailer(file.join("outbox")).check().await.unwrap_err();
        assert!(error.is_transient());
    }
}
