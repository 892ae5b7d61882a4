//! `techcommerce keys`: what services that run apart know each other by.

use std::{fs, io::ErrorKind, path::Path, process::ExitCode};

use techcommerce_auth::{load_or_create_signing_key, write_secret_file};
use techcommerce_contracts::{Service, TrustedKeys};
use techcommerce_kernel::{Env, Error};

use crate::{cli::Keys, data_folder::DataFolder, say};

/// The file with the public keys of all services.
const TRUSTED: &str = "trusted-keys";

/// Makes a key for each service that has none, and the file with the public keys of all. With
/// `--rotate` one service gets a second key, to take the first one's place.
pub fn run(arguments: &Keys) -> Result<ExitCode, Error> {
    let env = Env::system();
    let folder = DataFolder::open(&arguments.folder)?;
    for service in Service::ALL {
        load_or_create_signing_key(&folder.join(format!("{service}.key")), &env)?;
    }
    if let Some(service) = arguments.rotate {
        load_or_create_signing_key(&next(&folder, service), &env)?;
    }
    let mut lines = Vec::new();
    for service in Service::ALL {
        let mut paths = vec![folder.join(format!("{service}.key"))];
        paths.extend(Some(next(&folder, service)).filter(|path| path.exists()));
        for path in paths {
            let signer = load_or_create_signing_key(&path, &env)?;
            lines.push(TrustedKeys::line(service, &signer.public_key()));
        }
    }
    let path = folder.join(TRUSTED);
    let old = old_lines(&path, &lines)?;
    let text = text(&lines, &old);
    TrustedKeys::parse(&text)?;
    write_secret_file(&path, &env, &text)?;
    readable(&path)?;
    tell(arguments, &folder, old.len());
    Ok(ExitCode::SUCCESS)
}

fn next(folder: &DataFolder, service: Service) -> std::path::PathBuf {
    folder.join(format!("{service}.next.key"))
}

fn text(lines: &[String], old: &[String]) -> String {
    let mut text = String::from(
        "# Whose signature the services believe: a service and its public key on each line.\n\
         # Every service reads this file, also again when it changes.\n",
    );
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    if !old.is_empty() {
        text.push_str("# Without a private key here. Remove them once nobody signs with them.\n");
    }
    for line in old {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// What the file trusts beside the keys that lie here: the old keys of a change that is under
/// way, or those of services whose private keys are kept elsewhere.
fn old_lines(path: &Path, lines: &[String]) -> Result<Vec<String>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let kept = text.lines().map(str::trim);
    Ok(kept
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter(|line| lines.iter().all(|known| known != line))
        .map(str::to_owned)
        .collect())
}

/// Public keys are no secret, and services may run as different users.
fn readable(path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    let _ = path;
    Ok(())
}

fn tell(arguments: &Keys, folder: &DataFolder, old: usize) {
    let path = folder.path().display();
    let Some(service) = arguments.rotate else {
        say(format_args!("The keys of all services are in {path}."));
        say(format_args!(
            "Give each service its own <service>.key (keys.private) and {TRUSTED} (keys.trusted)."
        ));
        if old > 0 {
            say(format_args!(
                "{TRUSTED} also trusts {old} keys whose private part is not here."
            ));
        }
        return;
    };
    say(format_args!(
        "{service} has a second key, {service}.next.key in {path}, and {TRUSTED} trusts both.\n\
         1. Hand {TRUSTED} out to all services; each reads it within seconds.\n\
         2. Put {service}.next.key in the place of {service}.key; it is read within seconds too.\n\
         3. A minute later, remove the old line of {service} from {TRUSTED}, and hand it out again."
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_changed_without_a_gap() {
        let path = std::env::temp_dir().join(format!("techcommerce-keys-{}", std::process::id()));
        let make = |rotate| {
            let folder = path.clone();
            run(&Keys { folder, rotate }).unwrap();
            fs::read_to_string(path.join(TRUSTED)).unwrap()
        };
        let first = make(None);
        assert_eq!(make(None), first);
        let keys = TrustedKeys::parse(&first).unwrap();
        assert_eq!(keys.services().count(), Service::ALL.len());
        let both = make(Some(Service::Auth));
        assert_eq!(lines(&both), lines(&first) + 1);
        fs::rename(path.join("auth.next.key"), path.join("auth.key")).unwrap();
        assert_eq!(
            lines(&make(None)),
            lines(&both),
            "the old key is still believed"
        );
        fs::remove_dir_all(path).unwrap();
    }

    fn lines(text: &str) -> usize {
        text.lines().filter(|line| !line.starts_with('#')).count()
    }
}
