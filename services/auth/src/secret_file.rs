//! Files with secrets, and the one that holds the signing key.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use techcommerce_contracts::TokenSigner;
use techcommerce_kernel::{Env, Error};

/// Writes `text` to a file that only its owner may read. It is there whole or not at all, also
/// after a crash; an earlier one of that name is replaced.
///
/// # Errors
/// Says which path cannot be written.
pub fn write_secret_file(path: &Path, env: &Env, text: &str) -> Result<(), Error> {
    let write = || {
        let draft = write_draft(path, env, text)?;
        fs::rename(&draft, path).inspect_err(|_| drop(fs::remove_file(&draft)))?;
        sync_folder(path)
    };
    write().map_err(|error| cannot("write", path, &error))
}

/// The signer from the key file at `path`, which is made if it is not there (first start). The
/// file holds the 32 bytes of an Ed25519 private key in base64.
///
/// # Errors
/// Says what is wrong with the file and what to do.
pub fn load_or_create_signing_key(path: &Path, env: &Env) -> Result<TokenSigner, Error> {
    match fs::read_to_string(path) {
        Ok(text) => signer_from(&text, path, env),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_signing_key(path, env),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

/// The private key from the text of a key file.
///
/// # Errors
/// `signing_key` if it is not 32 bytes in base64. The text is not repeated.
pub fn signing_seed_from_text(text: &str) -> Result<[u8; 32], Error> {
    let wrong = || Error::invalid("signing_key", "The signing key is not 32 bytes in base64.");
    let bytes = STANDARD.decode(text.trim()).map_err(|_| wrong())?;
    bytes.try_into().map_err(|_| wrong())
}

/// The text of a new key file.
pub fn new_signing_key(env: &Env) -> String {
    format!("{}\n", STANDARD.encode(env.random_bytes::<32>()))
}

fn signer_from(text: &str, path: &Path, env: &Env) -> Result<TokenSigner, Error> {
    let seed = signing_seed_from_text(text);
    seed.map(|seed| TokenSigner::from_seed(&seed, env.clone())).map_err(|_| {
        Error::invalid(
            "signing_key",
            format!(
                "{} does not hold a signing key (32 bytes in base64). Put the right file back, or \
                 remove it: a new key is made at the next start, and people stay signed in.",
                path.display()
            ),
        )
    })
}

fn create_signing_key(path: &Path, env: &Env) -> Result<TokenSigner, Error> {
    let text = new_signing_key(env);
    let create = || {
        let draft = write_draft(path, env, &text)?;
        // Unlike a rename this fails if somebody was faster: then theirs is the key.
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(path)?,
        }
        fs::read_to_string(path)
    };
    let text = create().map_err(|error| cannot("make", path, &error))?;
    signer_from(&text, path, env)
}

fn write_draft(path: &Path, env: &Env, text: &str) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", env.new_id().simple()));
    let draft = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(&draft)))?;
    Ok(draft)
}

/// A new name is safe only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) && folder != Path::new("") => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::invalid(
        "secret_file",
        format!("cannot {what} {}: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once() {
        let folder = techcommerce_testkit::folder();
        let path = folder.path().join("signing.key");
        let env = Env::system();
        let one = load_or_create_signing_key(&path, &env).unwrap();
        let two = load_or_create_signing_key(&path, &env).unwrap();
        assert_eq!(one.public_key(), two.public_key());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
        fs::write(&path, "nonsense").unwrap();
        let error = load_or_create_signing_key(&path, &env).unwrap_err();
        assert!(error.message().contains("signing.key"), "{error}");
        assert!(!error.message().contains("nonsense"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = techcommerce_testkit::folder();
        let env = Env::system();
        let secret = folder.path().join("admin-password");
        write_secret_file(&secret, &env, "old").unwrap();
        write_secret_file(&secret, &env, "new").unwrap();
        assert_eq!(fs::read_to_string(&secret).unwrap(), "new");
        let key = folder.path().join("signing.key");
        load_or_create_signing_key(&key, &env).unwrap();
        for path in [secret, key] {
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        let nowhere = folder.path().join("no/such/folder");
        assert!(write_secret_file(&nowhere, &env, "x").is_err());
    }
}
