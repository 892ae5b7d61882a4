//! What a migration says of itself in its head, and its statements.
//!
//! The head is the comment that the file begins with. Two of its lines mean something:
//!
//! ```sql
//! -- class: contract after 0.3.0
//! -- run: batches
//! ```

use std::fmt;

use sqlx::migrate::Migration;

use super::statements::{statements, words};

/// Whether the version before can work beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// It only adds: the version before goes on working.
    Expand,
    /// It takes away what programs older than this version need.
    Contract {
        /// The oldest program that works after it.
        after: Version,
    },
}

/// How it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// All its statements in one transaction.
    Transaction,
    /// It makes indexes while the tables are in use: PostgreSQL outside a transaction, each
    /// `CREATE INDEX` as `CREATE INDEX CONCURRENTLY`.
    Concurrently,
    /// Each statement again and again, each time a transaction of its own, until it touches no row.
    Batches,
}

/// A program's version, as `0.3.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

impl Version {
    /// The version of this program.
    pub fn own() -> Self {
        Self::read(env!("CARGO_PKG_VERSION")).unwrap_or(Self([0; 3]))
    }

    /// Reads `0.3.0`; what follows a hyphen does not count.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.split('-').next()?;
        let mut numbers = text.split('.').map(|part| part.parse().ok());
        let version = Self([numbers.next()??, numbers.next()??, numbers.next()??]);
        numbers.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Class {
    /// `expand`, `contract`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Contract { .. } => "contract",
        }
    }

    /// The oldest program that works after it, if not every one does.
    pub fn after(&self) -> Option<Version> {
        match self {
            Self::Expand => None,
            Self::Contract { after } => Some(*after),
        }
    }
}

impl Manner {
    /// `transaction`, `concurrently`, `batches`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Concurrently => "concurrently",
            Self::Batches => "batches",
        }
    }
}

/// A migration, read.
#[derive(Debug)]
pub struct Script<'a> {
    /// Its number.
    pub version: i64,
    /// Its name, as `staff`.
    pub name: &'a str,
    /// Whether the version before can work beside it.
    pub class: Class,
    /// How it is carried out.
    pub manner: Manner,
    /// In their order.
    pub statements: Vec<&'a str>,
    pub(crate) checksum: &'a [u8],
}

impl<'a> Script<'a> {
    /// Reads a migration.
    ///
    /// # Errors
    /// What its head says is not understood, or does not fit its statements.
    pub fn of(migration: &'a Migration) -> Result<Self, String> {
        let mut script = Self::read(
            migration.version,
            &migration.description,
            migration.sql.as_str(),
        )?;
        script.checksum = &migration.checksum;
        if migration.no_tx {
            return Err(script.wrong("`-- no-transaction` is not known here; say `-- run: …`"));
        }
        Ok(script)
    }

    /// Reads the text of a migration's file.
    ///
    /// # Errors
    /// As [`Script::of`].
    pub fn read(version: i64, name: &'a str, sql: &'a str) -> Result<Self, String> {
        let mut script = Self {
            version,
            name,
            class: Class::Expand,
            manner: Manner::Transaction,
            statements: statements(sql),
            checksum: &[],
        };
        let head = sql.lines().map_while(|line| line.strip_prefix("--"));
        for line in head.map(str::trim) {
            if let Some(said) = line.strip_prefix("class:") {
                script.class = class(said).ok_or_else(|| {
                    script.wrong("`-- class:` is `expand` or `contract after 1.2.3`")
                })?;
            } else if let Some(said) = line.strip_prefix("run:") {
                script.manner = manner(said).ok_or_else(|| {
                    script.wrong("`-- run:` is `transaction`, `concurrently` or `batches`")
                })?;
            }
        }
        script.fits()?;
        Ok(script)
    }

    fn fits(&self) -> Result<(), String> {
        let first = |statement: &str| words(statement).first().map(|word| word.to_uppercase());
        for statement in &self.statements {
            let fits = match self.manner {
                Manner::Transaction => !says(statement, "CONCURRENTLY"),
                Manner::Concurrently => index(statement).is_some(),
                Manner::Batches => {
                    says(statement, "LIMIT")
                        && matches!(
                            first(statement).as_deref(),
                            Some("UPDATE" | "DELETE" | "INSERT")
                        )
                }
            };
            if fits {
                continue;
            }
            return Err(self.wrong(match self.manner {
                Manner::Transaction => "CONCURRENTLY is said by `-- run: concurrently`, for both engines alike",
                Manner::Concurrently => "what runs concurrently has nothing but CREATE INDEX name ON table",
                Manner::Batches => "what runs in batches has nothing but UPDATE, INSERT and DELETE, each with a LIMIT",
            }));
        }
        Ok(())
    }

    fn wrong(&self, what: &str) -> String {
        format!("migration {} {}: {what}", self.version, self.name)
    }

    /// As people call it: `6 locale`.
    pub fn title(&self) -> String {
        format!("{} {}", self.version, self.name)
    }

    /// What is written down of it when it is applied: what a program that is older must know.
    pub(crate) fn description(&self) -> String {
        match self.class.after() {
            None => self.name.to_owned(),
            Some(after) => format!("{} [contract after {after}]", self.name),
        }
    }

    /// Its text as PostgreSQL is sent it, for whoever checks it.
    pub fn for_postgres(&self) -> String {
        let mut text = String::new();
        for statement in &self.statements {
            match index(statement).filter(|_| self.manner == Manner::Concurrently) {
                Some(index) => text.push_str(&index.concurrently),
                None => text.push_str(statement),
            }
            text.push_str(";\n\n");
        }
        text
    }
}

/// Of what was written down: the oldest program that works after it, if not every one does.
pub(crate) fn needs(description: &str) -> Option<Version> {
    let (_, said) = description.rsplit_once(" [contract after ")?;
    Version::read(said.strip_suffix(']')?)
}

fn class(said: &str) -> Option<Class> {
    match said.split_whitespace().collect::<Vec<_>>()[..] {
        ["expand"] => Some(Class::Expand),
        ["contract", "after", version] => Some(Class::Contract {
            after: Version::read(version)?,
        }),
        _ => None,
    }
}

fn manner(said: &str) -> Option<Manner> {
    match said.trim() {
        "transaction" => Some(Manner::Transaction),
        "concurrently" => Some(Manner::Concurrently),
        "batches" => Some(Manner::Batches),
        _ => None,
    }
}

fn says(statement: &str, word: &str) -> bool {
    words(statement)
        .iter()
        .any(|said| said.eq_ignore_ascii_case(word))
}

/// `CREATE [UNIQUE] INDEX name ON table …`.
pub(crate) struct Index<'a> {
    pub(crate) name: &'a str,
    /// The statement with CONCURRENTLY.
    pub(crate) concurrently: String,
}

/// The index that a statement makes, if that is all it does.
pub(crate) fn index(statement: &str) -> Option<Index<'_>> {
    let words = words(statement);
    let is = |at: usize, word: &str| {
        words
            .get(at)
            .is_some_and(|it| it.eq_ignore_ascii_case(word))
    };
    let at = 1 + usize::from(is(1, "UNIQUE"));
    let name = *words.get(at + 1)?;
    let is_name = !name.contains(['.', '"', '(']) && !is(at + 1, "CONCURRENTLY");
    if !(is(0, "CREATE") && is(at, "INDEX") && is_name && is(at + 2, "ON")) {
        return None;
    }
    let keyword = words.get(at)?;
    // Where the word stands: both are slices of one text.
    let end = keyword.as_ptr().addr() - statement.as_ptr().addr() + keyword.len();
    let concurrently = format!("{} CONCURRENTLY{}", &statement[..end], &statement[end..]);
    Some(Index { name, concurrently })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Result<Script<'_>, String> {
        Script::read(7, "names", sql)
    }

    #[test]
    fn a_head_says_what_it_is() {
        let plain = read("-- Names.\n\nALTER TABLE a ADD COLUMN b text;\n").unwrap();
        assert_eq!(
            (plain.class, plain.manner),
            (Class::Expand, Manner::Transaction)
        );
        let script = read(
            "-- The old names go.\n-- class: contract after 0.3.0\n\n\
             -- class: expand\nALTER TABLE a DROP COLUMN b;",
        )
        .unwrap();
        let after = Version::read("0.3.0").unwrap();
        assert_eq!(script.class, Class::Contract { after });
        assert_eq!(script.description(), "names [contract after 0.3.0]");
        assert_eq!(needs(&script.description()), Some(after));
        assert_eq!(needs("names"), None);
    }

    #[test]
    fn an_index_is_made_beside_those_who_use_the_table() {
        let script = read(
            "-- run: concurrently\n\n-- By name.\ncreate unique index a_name\n    ON a (name) WHERE x;",
        )
        .unwrap();
        assert_eq!(
            script.for_postgres(),
            "create unique index CONCURRENTLY a_name\n    ON a (name) WHERE x;\n\n"
        );
        assert_eq!(index(script.statements[0]).unwrap().name, "a_name");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (sql, what) in [
            ("-- class: contract\nSELECT 1", "contract after 1.2.3"),
            ("-- class: shrink\nSELECT 1", "`expand`"),
            ("-- run: quickly\nSELECT 1", "`batches`"),
            ("CREATE INDEX CONCURRENTLY a ON b (c)", "both engines"),
            (
                "-- run: concurrently\nALTER TABLE a ADD b text",
                "CREATE INDEX",
            ),
            (
                "-- run: concurrently\nCREATE INDEX IF NOT EXISTS a ON b (c)",
                "CREATE INDEX",
            ),
            ("-- run: batches\nUPDATE a SET b = 1", "LIMIT"),
            ("-- run: batches\nSELECT 1 LIMIT 1", "UPDATE"),
        ] {
            let error = read(sql).unwrap_err();
            assert!(
                error.contains(what) && error.contains("7 names"),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let read = |text| Version::read(text);
        assert!(read("0.10.0") > read("0.9.9"));
        assert_eq!(read("1.2.3-rc.1"), read("1.2.3"));
        for wrong in ["", "1", "1.2", "1.2.3.4", "a.b.c", "v1.2.3"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
