//! What pgBackRest says of its backups (`pgbackrest info --output=json`).

use std::{fs, path::Path};

use serde::Deserialize;
use techcommerce_kernel::{Error, Timestamp};

#[derive(Deserialize)]
struct Stanza {
    #[serde(default)]
    backup: Vec<Backup>,
}

#[derive(Deserialize)]
struct Backup {
    info: Info,
    timestamp: Times,
    /// Whether pages with a wrong checksum were found.
    #[serde(default)]
    error: Option<bool>,
}

#[derive(Deserialize)]
struct Info {
    /// Of the whole database, whatever kind of backup it is.
    size: u64,
}

#[derive(Deserialize)]
struct Times {
    stop: i64,
}

/// When the newest backup ended, before which everything is in it, and how large the database was.
///
/// # Errors
/// There is none, or it found damaged pages; the file is something else.
pub fn newest(file: &Path) -> Result<(Timestamp, u64), Error> {
    let wrong = |why: &str| {
        let message = format!("{}: {why}.", file.display());
        Error::invalid("backup_unknown", message)
    };
    let text = fs::read(file).map_err(|error| wrong(&error.to_string()))?;
    let stanzas: Vec<Stanza> =
        serde_json::from_slice(&text).map_err(|error| wrong(&error.to_string()))?;
    let all = stanzas.into_iter().flat_map(|stanza| stanza.backup);
    let newest = all.max_by_key(|backup| backup.timestamp.stop);
    let newest = newest.ok_or_else(|| wrong("there is no backup"))?;
    if newest.error == Some(true) {
        return Err(wrong(
            "the newest backup found pages of the database that are damaged",
        ));
    }
    let seconds = newest.timestamp.stop.checked_mul(1_000_000);
    let micros = seconds.ok_or_else(|| wrong("its time is out of range"))?;
    Ok((Timestamp::from_micros(micros), newest.info.size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, text: &str) -> Result<(Timestamp, u64), Error> {
        let name = format!("techcommerce-info-{name}-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, text).unwrap();
        let newest = newest(&file);
        fs::remove_file(file).unwrap();
        newest
    }

    #[test]
    fn the_newest_one_counts_and_a_damaged_one_does_not() {
        let backup = |stop: i64, error: &str| {
            format!(
                r#"{{"error": {error}, "info": {{"size": {stop}, "delta": 1}},
                    "timestamp": {{"start": 1, "stop": {stop}}}, "type": "full"}}"#
            )
        };
        let of = |backups: &[String]| {
            format!(r#"[{{"name": "shop", "backup": [{}]}}]"#, backups.join(","))
        };
        let both = [backup(1_795_248_000, "false"), backup(7, "null")];
        let (at, bytes) = said("both", &of(&both)).unwrap();
        assert_eq!((at.as_seconds(), bytes), (1_795_248_000, 1_795_248_000));
        assert!(said("none", &of(&[])).is_err());
        assert!(said("damaged", &of(&[backup(7, "true")])).is_err());
        assert!(said("other", "{}").is_err());
    }
}
