//! Reading the sources, in their order.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use techcommerce_kernel::Error;

use crate::{
    Definition, Settings,
    parse::Value,
    secret::{Around, percent},
    table::Resolved,
};

const PREFIX: &str = "TECHCOMMERCE_";

/// What the settings are read from.
#[derive(Debug, Default)]
pub struct Sources {
    /// `--config`: a file that must be there. Without it `TECHCOMMERCE_CONFIG` is asked, then
    /// `techcommerce.toml` in the working folder, which may be missing.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// `--set key=value`, and flags of their own.
    pub flags: Vec<(String, String)>,
}

/// The settings and where they came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Each with its source.
    pub effective: Vec<Effective>,
}

/// A value that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// As `shop.name`.
    pub key: &'static str,
    /// The value; of a secret only whether it is set.
    pub value: String,
    /// As `default`, `techcommerce.toml`, `TECHCOMMERCE_SHOP_NAME` or `--set`.
    pub source: String,
}

/// Reads the settings. The error names every wrong one, where it stands and how to mend it.
pub fn load(sources: &Sources) -> Result<Loaded, Error> {
    let mut found = Found::default();
    found.read_file(sources);
    found.read_opentelemetry(&sources.environment);
    found.read_foreign_variables(&sources.environment);
    found.read_variables(&sources.environment);
    for (key, value) in &sources.flags {
        found.put(key, Value::Text(value.clone()), "--set".to_owned());
    }
    found.finish()
}

#[derive(Default)]
struct Found {
    values: BTreeMap<&'static str, Value>,
    origins: BTreeMap<&'static str, String>,
    wrong: Vec<String>,
}

impl Found {
    /// Takes a value for `key`, which may name a file with the secret.
    fn put(&mut self, key: &str, value: Value, source: String) {
        if let Some(definition) = definition(key) {
            self.values.insert(definition.key, value);
            self.origins.insert(definition.key, source);
        } else if let Some(definition) = key
            .strip_suffix("_file")
            .and_then(definition)
            .filter(|definition| definition.secret)
        {
            let path = value.show();
            match std::fs::read_to_string(&path) {
                Ok(secret) => {
                    let secret = Value::File {
                        text: secret.trim_end().to_owned(),
                        path: PathBuf::from(&path),
                        around: None,
                    };
                    self.put(definition.key, secret, format!("{source}, file {path}"));
                }
                Err(error) => self.wrong.push(format!(
                    "{key} ({source}): cannot read the file {path}: {error}"
                )),
            }
        } else {
            let near =
                nearest(key).map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
            self.wrong
                .push(format!("{key} ({source}): there is no such setting.{near}"));
        }
    }

    fn read_file(&mut self, sources: &Sources) {
        let variable = sources
            .environment
            .iter()
            .find(|(name, _)| name == "TECHCOMMERCE_CONFIG")
            .map(|(_, path)| PathBuf::from(path));
        let named = sources.file.clone().or(variable);
        let path = named.clone().unwrap_or_else(|| "techcommerce.toml".into());
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                self.wrong
                    .push(format!("cannot read {}: {error}", path.display()));
                return;
            }
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.read_table(&path, "", table),
            Err(error) => self.wrong.push(format!("{}: {error}", path.display())),
        }
    }

    fn read_table(&mut self, path: &Path, prefix: &str, table: toml::Table) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            let source = path.display().to_string();
            match value {
                toml::Value::Table(table) => self.read_table(path, &format!("{key}."), table),
                toml::Value::Array(items) => {
                    let items = items.into_iter().map(plain).collect();
                    self.put(&key, Value::List(items), source);
                }
                value => self.put(&key, Value::Text(plain(value)), source),
            }
        }
    }

    fn read_variables(&mut self, environment: &[(String, String)]) {
        for (name, value) in environment {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            // The file was read already; what tests pass to themselves is no setting.
            if rest == "CONFIG" || rest.starts_with("TEST_") {
                continue;
            }
            let known = Settings::DEFINITIONS.iter().find(|definition| {
                name.strip_suffix("_FILE").unwrap_or(name) == definition.variable()
            });
            let key = match known {
                Some(definition) if name.ends_with("_FILE") => format!("{}_file", definition.key),
                Some(definition) => definition.key.to_owned(),
                None => rest.to_lowercase(),
            };
            self.put(&key, Value::Text(value.clone()), name.clone());
        }
    }

    /// What OpenTelemetry's own programs read, so that an operator who sets it for all of his is
    /// understood here too.
    fn read_opentelemetry(&mut self, environment: &[(String, String)]) {
        let known = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "traces.headers"),
            ("OTEL_RESOURCE_ATTRIBUTES", "traces.attributes"),
        ];
        for (name, value) in environment {
            if let Some((name, key)) = known.iter().find(|(known, _)| known == name) {
                self.put(key, Value::Text(value.clone()), (*name).to_owned());
            }
        }
    }

    /// `DATABASE_URL`, or the variables that PostgreSQL's own images and clients use.
    fn read_foreign_variables(&mut self, environment: &[(String, String)]) {
        let get = |name: &str| {
            environment
                .iter()
                .find(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value.clone())
        };
        if let Some(url) = get("DATABASE_URL") {
            self.put("database_url", Value::Text(url), "DATABASE_URL".to_owned());
            return;
        }
        let Some(host) = get("POSTGRES_HOST") else {
            return;
        };
        let user = get("POSTGRES_USER").unwrap_or_else(|| "postgres".to_owned());
        let around = Around {
            before: format!("postgres://{}:", percent(&user)),
            after: format!(
                "@{host}:{}/{}?sslmode={}",
                get("POSTGRES_PORT").unwrap_or_else(|| "5432".to_owned()),
                percent(&get("POSTGRES_DB").unwrap_or_else(|| user.clone())),
                get("PGSSLMODE").unwrap_or_else(|| "prefer".to_owned()),
            ),
        };
        let url = match get("POSTGRES_PASSWORD_FILE") {
            None => Value::Text(around.make(&get("POSTGRES_PASSWORD").unwrap_or_default())),
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(password) => Value::File {
                    text: around.make(password.trim_end()),
                    path: PathBuf::from(path),
                    around: Some(around),
                },
                Err(error) => {
                    self.wrong.push(format!(
                        "POSTGRES_PASSWORD_FILE: cannot read {path}: {error}"
                    ));
                    return;
                }
            },
        };
        self.put("database_url", url, "POSTGRES_HOST …".to_owned());
    }

    fn finish(self) -> Result<Loaded, Error> {
        let Self {
            values,
            origins,
            mut wrong,
        } = self;
        let mut resolved = Resolved {
            values,
            wrong: Vec::new(),
        };
        let settings = Settings::read(&mut resolved);
        if let Some(settings) = &settings {
            resolved.wrong.extend(settings.check());
        }
        for (key, error) in &resolved.wrong {
            let source = origins.get(key).map_or("default", String::as_str);
            wrong.push(format!("{key} ({source}): {error}"));
        }
        match settings {
            Some(settings) if wrong.is_empty() => Ok(Loaded {
                effective: effective(&resolved.values, &origins),
                settings,
            }),
            _ => {
                let mut message = String::from("The configuration has errors:");
                for line in wrong {
                    let _ = write!(message, "\n  {line}");
                }
                message.push_str("\nAll settings are in docs/configuration.md; `techcommerce config --reference` prints them.");
                Err(Error::invalid("configuration", message))
            }
        }
    }
}

fn effective(
    values: &BTreeMap<&'static str, Value>,
    origins: &BTreeMap<&'static str, String>,
) -> Vec<Effective> {
    Settings::DEFINITIONS
        .iter()
        .map(|definition| {
            let value = values
                .get(definition.key)
                .map_or_else(|| definition.default.to_owned(), Value::show);
            Effective {
                key: definition.key,
                value: match (definition.secret, value.is_empty()) {
                    (true, false) => "(hidden)".to_owned(),
                    _ => value,
                },
                source: origins
                    .get(definition.key)
                    .cloned()
                    .unwrap_or_else(|| "default".to_owned()),
            }
        })
        .collect()
}

fn definition(key: &str) -> Option<&'static Definition> {
    Settings::DEFINITIONS
        .iter()
        .find(|definition| definition.key == key)
}

fn plain(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The known key that is nearest, if one is near.
fn nearest(key: &str) -> Option<&'static str> {
    let flat = |key: &str| key.replace('_', ".");
    Settings::DEFINITIONS
        .iter()
        .map(|definition| (distance(&flat(key), &flat(definition.key)), definition.key))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, key)| key)
}

/// Levenshtein's distance: how many letters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, Error> {
        let own = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        load(&Sources {
            file: None,
            environment: own(environment),
            flags: own(flags),
        })
    }

    #[test]
    fn defaults_stand_alone() {
        let loaded = with(&[], &[]).unwrap();
        assert_eq!(loaded.settings.listen.port, None);
        assert_eq!(loaded.settings.services.order_api.port(), 7000);
        assert_eq!(loaded.settings.shop.languages, ["en", "de"]);
        assert_eq!(loaded.settings.shop.address.len(), 4);
        assert!(
            loaded
                .effective
                .iter()
                .all(|value| value.source == "default")
        );
    }

    #[test]
    fn later_sources_win() {
        let folder =
            std::env::temp_dir().join(format!("techcommerce-config-{}", std::process::id()));
        std::fs::write(
            &folder,
            "public_url = \"https://a.example\"\n[shop]\nname = \"File\"\nlanguages = [\"de\"]\n",
        )
        .unwrap();
        let loaded = load(&Sources {
            file: Some(folder.clone()),
            environment: vec![("TECHCOMMERCE_SHOP_NAME".into(), "Variable".into())],
            flags: vec![("public_url".into(), "https://b.example/".into())],
        })
        .unwrap();
        std::fs::remove_file(folder).unwrap();
        assert_eq!(loaded.settings.shop.name, "Variable");
        assert_eq!(loaded.settings.shop.languages, ["de"]);
        assert_eq!(loaded.settings.public_url.as_str(), "https://b.example");
    }

    #[test]
    fn errors_name_the_place_and_the_mend() {
        let error = with(
            &[
                ("TECHCOMMERCE_SHOP_NAM", "x"),
                ("TECHCOMMERCE_LISTEN_PORT", "99999"),
                ("TECHCOMMERCE_DATABASE_URL", "mysql://x"),
            ],
            &[],
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("Did you mean `shop.name`?"), "{error}");
        assert!(
            error.contains("listen.port (TECHCOMMERCE_LISTEN_PORT)"),
            "{error}"
        );
        assert!(error.contains("must start with postgres://"), "{error}");
        assert!(
            !error.contains("mysql"),
            "a secret's value is not shown: {error}"
        );
    }

    #[test]
    fn secrets_are_hidden_and_may_stand_in_files() {
        let file = std::env::temp_dir().join(format!("techcommerce-secret-{}", std::process::id()));
        std::fs::write(&file, "postgres://u:hunter2@db/shop\n").unwrap();
        let path = file.display().to_string();
        let loaded = with(&[("TECHCOMMERCE_DATABASE_URL_FILE", &path)], &[]).unwrap();
        std::fs::remove_file(&file).unwrap();
        let url = loaded.settings.database_url.clone().unwrap();
        assert_eq!(url.expose(), "postgres://u:hunter2@db/shop");
        assert!(!format!("{loaded:?}").contains("hunter2"));
        assert!(with(&[("TECHCOMMERCE_DATABASE_URL_FILE", &path)], &[]).is_err());
    }

    #[test]
    fn a_secret_knows_its_file_and_is_read_again() {
        let file = std::env::temp_dir().join(format!("techcommerce-again-{}", std::process::id()));
        std::fs::write(&file, "postgres://order_api:first@db/shop\n").unwrap();
        let path = file.display().to_string();
        let variables = [("TECHCOMMERCE_DATABASES_ORDER_API_FILE", path.as_str())];
        let databases = with(&variables, &[]).unwrap().settings.databases;
        let url = databases.order_api.unwrap();
        assert_eq!(url.file(), Some(file.as_path()));
        assert_eq!(url.read_again().unwrap(), url);
        std::fs::write(&file, "postgres://order_api:second@db/shop\n").unwrap();
        let again = url.read_again().unwrap();
        assert_eq!(again.expose(), "postgres://order_api:second@db/shop");
        std::fs::remove_file(&file).unwrap();
        assert!(again.read_again().is_err());
        assert_eq!(databases.auth, None);
    }

    #[test]
    fn addresses_in_place_of_others() {
        for (good, host, port) in [
            ("postgres-direct:5433", "postgres-direct", Some(5433)),
            ("10.0.0.7", "10.0.0.7", None),
            ("[::1]:5432", "::1", Some(5432)),
            ("[::1]", "::1", None),
        ] {
            let loaded = with(&[("TECHCOMMERCE_DATABASE_DIRECT_ADDRESS", good)], &[]).unwrap();
            let address = loaded.settings.database_direct_address.unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{good}");
        }
        for wrong in ["postgres://db", "db/shop", ":5432", "db:x", "a b"] {
            let set = [("TECHCOMMERCE_DATABASE_REPLICA_ADDRESS", wrong)];
            assert!(with(&set, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_variables_of_postgres_serve() {
        let loaded = with(
            &[
                ("POSTGRES_HOST", "db"),
                ("POSTGRES_USER", "shop"),
                ("POSTGRES_PASSWORD", "a/b@c"),
                ("PGSSLMODE", "disable"),
            ],
            &[],
        )
        .unwrap();
        assert_eq!(
            loaded.settings.database_url.unwrap().expose(),
            "postgres://shop:a%2Fb%40c@db:5432/shop?sslmode=disable"
        );
    }

    #[test]
    fn a_password_in_a_file_of_its_own_is_read_again_with_all_around_it() {
        let file = std::env::temp_dir().join(format!("techcommerce-pass-{}", std::process::id()));
        std::fs::write(&file, "a/b\n").unwrap();
        let path = file.display().to_string();
        let variables = [
            ("POSTGRES_HOST", "db"),
            ("POSTGRES_USER", "shop"),
            ("POSTGRES_PASSWORD_FILE", path.as_str()),
            ("POSTGRES_PASSWORD", "not this one"),
        ];
        let loaded = with(&variables, &[]).unwrap();
        assert!(!format!("{loaded:?}").contains("a%2Fb"));
        let url = loaded.settings.database_url.unwrap();
        assert_eq!(url.file(), Some(file.as_path()));
        assert_eq!(url.read_again().unwrap(), url);
        std::fs::write(&file, "c@d\n").unwrap();
        assert_eq!(
            url.read_again().unwrap().expose(),
            "postgres://shop:c%40d@db:5432/shop?sslmode=prefer"
        );
        std::fs::remove_file(&file).unwrap();
        assert!(with(&variables, &[]).is_err());
    }

    #[test]
    fn services_have_addresses_inside() {
        for (good, port) in [
            ("http://10.0.0.7:5000/", 5000),
            ("http://images", 80),
            ("http://[::1]:81", 81),
            ("http://[::1]", 80),
        ] {
            let loaded = with(&[("TECHCOMMERCE_SERVICES_IMAGES", good)], &[]).unwrap();
            assert_eq!(loaded.settings.services.images.port(), port, "{good}");
        }
        for wrong in [
            "images:8080",
            "https://images",
            "http://a/b",
            "http://:1",
            "http://a:x",
        ] {
            assert!(with(&[("TECHCOMMERCE_SERVICES_IMAGES", wrong)], &[]).is_err());
        }
    }

    #[test]
    fn a_shop_in_earnest_takes_no_play_money() {
        let earnest = with(&[("TECHCOMMERCE_ORDERS_PAYMENT_METHODS", "invoice")], &[]).unwrap();
        assert_eq!(earnest.settings.orders.payment_methods, ["invoice"]);
        for wrong in ["", "cash", "invoice; Test"] {
            let error = with(&[], &[("orders.payment_methods", wrong)]);
            assert!(error.is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_default_is_valid() {
        for definition in Settings::DEFINITIONS {
            assert!(
                with(&[], &[(definition.key, definition.default)]).is_ok(),
                "{}",
                definition.key
            );
        }
    }

    #[test]
    fn opentelemetrys_own_variables_are_understood() {
        let loaded = with(
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hidden-key"),
                ("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=api-1"),
                ("TECHCOMMERCE_TRACES_SAMPLE", "1"),
            ],
            &[],
        )
        .unwrap();
        let traces = &loaded.settings.traces;
        assert_eq!(traces.endpoint, "http://collector:4318");
        assert_eq!(traces.attributes, "k8s.pod.name=api-1");
        assert_eq!(traces.sample.as_f64(), 1.0);
        let shown = format!("{loaded:?}");
        assert!(!shown.contains("hidden-key"), "{shown}");

        let ours = with(
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
                ("TECHCOMMERCE_TRACES_ENDPOINT", "https://other/otlp"),
            ],
            &[],
        );
        assert_eq!(ours.unwrap().settings.traces.endpoint, "https://other/otlp");
        for (key, bad) in [
            ("TRACES_ENDPOINT", "collector:4318"),
            ("TRACES_ENDPOINT", "http://user:hidden-key@collector"),
            ("TRACES_HEADERS", "hidden-key"),
            ("TRACES_SAMPLE", "10"),
            ("TRACES_SLOW_MS", "0"),
        ] {
            let error = with(&[(&format!("TECHCOMMERCE_{key}"), bad)], &[]).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(&key.to_lowercase().replacen('_', ".", 1)),
                "{text}"
            );
            assert!(!text.contains("hidden-key"), "{text}");
        }
    }
}
