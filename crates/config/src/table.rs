//! From one table: the types, their keys, and the reference.

use std::{collections::BTreeMap, fmt::Write};

use crate::parse::{Parse, Value};

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// As `shop.name`.
    pub key: &'static str,
    /// What it is if nothing sets it.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Whether its value is shown nowhere and may stand in a file.
    pub secret: bool,
    /// Whether that file is looked at again: a change is in force without a restart.
    pub followed: bool,
}

impl Definition {
    /// The name of its environment variable, as `TECHCOMMERCE_SHOP_NAME`.
    pub fn variable(&self) -> String {
        format!("TECHCOMMERCE_{}", self.key.replace('.', "_").to_uppercase())
    }
}

/// The value of each setting that a source gives, and the keys that could not be read.
pub struct Resolved {
    pub(crate) values: BTreeMap<&'static str, Value>,
    pub(crate) wrong: Vec<(&'static str, String)>,
}

impl Resolved {
    /// The value of `key`; a wrong one is noted, and the default stands in.
    pub(crate) fn get<T: Parse>(&mut self, key: &'static str, default: &'static str) -> Option<T> {
        let default = Value::Text(default.to_owned());
        match T::parse(self.values.get(key).unwrap_or(&default)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong.push((key, error));
                T::parse(&default).ok()
            }
        }
    }
}

/// Writes the structs, the table of [`Definition`]s and the reading of both.
macro_rules! settings {
    (
        #[doc = $doc:literal]
        $settings:ident {
            $(#[doc = $top_help:literal] $top:ident: $top_type:ty = $top_default:literal $($top_secret:ident $top_follows:ident)?;)+
        }
        $(
            #[doc = $group_doc:literal]
            $group:ident: $group_type:ident {
                $(#[doc = $help:literal] $field:ident: $type:ty = $default:literal $($secret:ident $follows:ident)?;)+
            }
        )+
    ) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $settings {
            $(#[doc = $top_help] pub $top: $top_type,)+
            $(#[doc = $group_doc] pub $group: $group_type,)+
        }

        $(
            #[doc = $group_doc]
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $group_type {
                $(#[doc = $help] pub $field: $type,)+
            }
        )+

        impl $settings {
            /// The table.
            pub const DEFINITIONS: &'static [Definition] = &[
                $(Definition {
                    key: stringify!($top),
                    default: $top_default,
                    help: $top_help,
                    secret: settings!(@secret $($top_secret)?),
                    followed: settings!(@followed $($top_follows)?),
                },)+
                $($(Definition {
                    key: concat!(stringify!($group), ".", stringify!($field)),
                    default: $default,
                    help: $help,
                    secret: settings!(@secret $($secret)?),
                    followed: settings!(@followed $($follows)?),
                },)+)+
            ];

            /// Reads all settings, noting those that are wrong. `None` only if a default is wrong.
            pub(crate) fn read(resolved: &mut Resolved) -> Option<Self> {
                Some(Self {
                    $($top: resolved.get(stringify!($top), $top_default)?,)+
                    $($group: $group_type {
                        $($field: resolved.get(
                            concat!(stringify!($group), ".", stringify!($field)),
                            $default,
                        )?,)+
                    },)+
                })
            }
        }
    };
    (@secret secret) => { true };
    (@secret) => { false };
    // A secret says one of these: there is no third way, and none to forget it.
    (@followed followed) => { true };
    (@followed once) => { false };
    (@followed) => { false };
}

pub(crate) use settings;

/// The reference of all settings, as `docs/configuration.md` holds it.
pub fn reference_markdown() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         This page is made from the program (`techcommerce config --reference`).\n\n\
         A setting comes from, the later winning: its default; `techcommerce.toml` in the working\n\
         folder, or the file that `--config` or `TECHCOMMERCE_CONFIG` names; its environment\n\
         variable; the flag `--set key=value`. In the file, `shop.name` is the key `name` in the\n\
         table `[shop]`. Lists are TOML arrays, or set apart by semicolons in a variable.\n\n\
         A secret may stand in a file: `database_url_file` or `TECHCOMMERCE_DATABASE_URL_FILE`\n\
         names it. `DATABASE_URL`, or `POSTGRES_HOST`, `POSTGRES_PORT`, `POSTGRES_USER`,\n\
         `POSTGRES_PASSWORD` (or `POSTGRES_PASSWORD_FILE`), `POSTGRES_DB` and `PGSSLMODE` serve in\n\
         place of `database_url` too. The file of a secret that is said to be followed is read again\n\
         when it changes ([changing a secret](operations.md#changing-a-secret)); the others are read\n\
         once, by whatever needs them.\n\n\
         `techcommerce config` shows what is in force and where each value came from.\n\n\
         | key | variable | default | what it is |\n|---|---|---|---|\n",
    );
    for definition in crate::Settings::DEFINITIONS {
        let default = match definition.default {
            "" => "none".to_owned(),
            default => format!("`{default}`"),
        };
        let secret = match (definition.secret, definition.followed) {
            (false, _) => "",
            (true, true) => " Followed. Secret.",
            (true, false) => " Secret.",
        };
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {default} | {}{secret} |",
            definition.key,
            definition.variable(),
            definition
                .help
                .trim()
                .replace('|', "\\|")
                .replace('<', "&lt;"),
        );
    }
    text
}
