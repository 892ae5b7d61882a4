//! What a statement does to those who use its table meanwhile, as PostgreSQL has it
//! (<https://www.postgresql.org/docs/current/explicit-locking.html>,
//! <https://www.postgresql.org/docs/current/sql-altertable.html>).

use super::statements::words;

/// What is locked, by the names that the engine gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    /// Nothing that anybody else uses.
    None,
    /// The rows that it writes, until the transaction ends.
    Rows,
    /// Other changes of the schema.
    ShareUpdateExclusive,
    /// Whoever writes.
    Share,
    /// Whoever writes.
    ShareRowExclusive,
    /// Everybody.
    AccessExclusive,
    /// Whoever writes, whatever table: SQLite's.
    File,
    /// Nobody here knows.
    Unknown,
}

impl Lock {
    /// As the engine calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rows => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
            Self::File => "RESERVED",
            Self::Unknown => "unknown",
        }
    }

    /// What of the shop waits while it is held.
    pub fn blocks(self) -> &'static str {
        match self {
            Self::None | Self::ShareUpdateExclusive => "nothing",
            Self::Rows => "writes of the same rows",
            Self::Share | Self::ShareRowExclusive | Self::File => "writes",
            Self::AccessExclusive => "reads and writes",
            Self::Unknown => "unknown",
        }
    }
}

/// What a statement does to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The statement in short, as `ALTER TABLE orders ADD COLUMN locale`.
    pub what: String,
    /// The table; empty if it is not said.
    pub table: String,
    /// What it locks.
    pub lock: Lock,
    /// It reads every row of the table under the lock.
    pub scans: bool,
    /// It writes the whole table anew under the lock.
    pub rewrites: bool,
    /// The version before may not work after it.
    pub takes_away: bool,
    /// It makes the table.
    pub makes: bool,
}

impl Effect {
    fn new(what: &str, table: &str, lock: Lock) -> Self {
        Self {
            what: what.to_owned(),
            table: table.trim_matches('"').to_owned(),
            lock,
            scans: false,
            rewrites: false,
            takes_away: false,
            makes: false,
        }
    }

    fn scans(mut self) -> Self {
        self.scans = true;
        self
    }

    fn rewrites(mut self) -> Self {
        self.rewrites = true;
        self
    }

    fn takes_away(mut self) -> Self {
        self.takes_away = true;
        self
    }
}

/// What a statement does, to each table that it touches.
pub fn effects(statement: &str, concurrently: bool) -> Vec<Effect> {
    let words = words(statement);
    let mut said = Said {
        words: &words,
        at: 0,
    };
    match said.next().to_uppercase().as_str() {
        "CREATE" => create(&mut said, concurrently),
        "ALTER" if said.take("TABLE") => alter(&mut said),
        "DROP" => drop_it(&mut said),
        "TRUNCATE" => {
            said.take("TABLE");
            let table = said.next();
            let what = format!("TRUNCATE {table}");
            vec![Effect::new(&what, table, Lock::AccessExclusive).takes_away()]
        }
        "INSERT" if said.take("INTO") => rows("INSERT INTO", said.next()),
        "UPDATE" => {
            said.take("ONLY");
            rows("UPDATE", said.next())
        }
        "DELETE" if said.take("FROM") => rows("DELETE FROM", said.next()),
        "ANALYZE" => {
            let table = said.next();
            vec![Effect::new("ANALYZE", table, Lock::ShareUpdateExclusive)]
        }
        "SELECT" => vec![Effect::new("SELECT", "", Lock::None)],
        _ => vec![unknown(&words)],
    }
}

fn unknown(words: &[&str]) -> Effect {
    let what = words.iter().take(4).copied().collect::<Vec<_>>().join(" ");
    Effect::new(&what, "", Lock::Unknown)
}

fn rows(verb: &str, table: &str) -> Vec<Effect> {
    vec![Effect::new(&format!("{verb} {table}"), table, Lock::Rows)]
}

fn create(said: &mut Said<'_>, concurrently: bool) -> Vec<Effect> {
    let unique = said.take("UNIQUE");
    if said.take("INDEX") {
        let beside = said.take("CONCURRENTLY") || concurrently;
        said.take_all(&["IF", "NOT", "EXISTS"]);
        let name = said.next();
        if !said.take("ON") {
            return vec![unknown(said.words)];
        }
        said.take("ONLY");
        let table = said.next();
        let kind = if unique { "UNIQUE INDEX" } else { "INDEX" };
        let lock = match beside {
            true => Lock::ShareUpdateExclusive,
            false => Lock::Share,
        };
        let beside = if beside { " CONCURRENTLY" } else { "" };
        let what = format!("CREATE {kind}{beside} {name} ON {table}");
        return vec![Effect::new(&what, table, lock).scans()];
    }
    if unique || !said.take("TABLE") {
        return vec![unknown(said.words)];
    }
    said.take_all(&["IF", "NOT", "EXISTS"]);
    let table = said.next();
    let what = format!("CREATE TABLE {table}");
    let mut own = Effect::new(&what, table, Lock::None);
    own.makes = true;
    let mut all = vec![own];
    all.extend(referred(said.rest(), &what, table));
    all
}

/// A foreign key takes a lock on the table that it names as well.
fn referred(words: &[&str], what: &str, table: &str) -> Vec<Effect> {
    let mut names: Vec<&str> = words
        .windows(2)
        .filter(|pair| pair[0].eq_ignore_ascii_case("REFERENCES") && pair[1] != table)
        .map(|pair| pair[1])
        .collect();
    names.dedup();
    let effect = |name| Effect::new(what, name, Lock::ShareRowExclusive);
    names.into_iter().map(effect).collect()
}

fn drop_it(said: &mut Said<'_>) -> Vec<Effect> {
    let what = said.next().to_uppercase();
    let beside = said.take("CONCURRENTLY");
    said.take_all(&["IF", "EXISTS"]);
    let name = said.next();
    let text = format!("DROP {what} {name}");
    match (what.as_str(), beside) {
        ("TABLE", _) => vec![Effect::new(&text, name, Lock::AccessExclusive).takes_away()],
        // Nothing breaks without it; whoever needs it becomes slow.
        ("INDEX", true) => vec![Effect::new(&text, "", Lock::ShareUpdateExclusive)],
        ("INDEX", false) => vec![Effect::new(&text, "", Lock::AccessExclusive)],
        _ => vec![Effect::new(&text, "", Lock::Unknown).takes_away()],
    }
}

fn alter(said: &mut Said<'_>) -> Vec<Effect> {
    said.take_all(&["IF", "EXISTS"]);
    said.take("ONLY");
    let table = said.next();
    let mut all = Vec::new();
    for action in said.actions() {
        let mut action = Said {
            words: action,
            at: 0,
        };
        all.extend(one_action(&mut action, table));
    }
    all
}

fn one_action(action: &mut Said<'_>, table: &str) -> Vec<Effect> {
    let exclusive = |what: &str| {
        Effect::new(
            &format!("ALTER TABLE {table} {what}"),
            table,
            Lock::AccessExclusive,
        )
    };
    match action.next().to_uppercase().as_str() {
        "ADD" if action.is_constraint() => constraint(action, table),
        "ADD" => {
            action.take("COLUMN");
            action.take_all(&["IF", "NOT", "EXISTS"]);
            add_column(action, table)
        }
        "DROP" if action.take("CONSTRAINT") => {
            action.take_all(&["IF", "EXISTS"]);
            vec![exclusive(&format!("DROP CONSTRAINT {}", action.next()))]
        }
        "DROP" => {
            action.take("COLUMN");
            action.take_all(&["IF", "EXISTS"]);
            vec![exclusive(&format!("DROP COLUMN {}", action.next())).takes_away()]
        }
        "RENAME" => {
            let rest = action.rest().join(" ");
            vec![exclusive(&format!("RENAME {rest}")).takes_away()]
        }
        "VALIDATE" => {
            action.take("CONSTRAINT");
            let what = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", action.next());
            vec![Effect::new(&what, table, Lock::ShareUpdateExclusive).scans()]
        }
        "ALTER" => {
            action.take("COLUMN");
            let column = action.next();
            let rest = action.rest();
            let says = |word: &str| rest.iter().any(|it| it.eq_ignore_ascii_case(word));
            if says("TYPE") {
                vec![
                    exclusive(&format!("ALTER COLUMN {column} TYPE"))
                        .rewrites()
                        .takes_away(),
                ]
            } else if says("SET") && says("NULL") {
                // The version before may leave it empty.
                vec![
                    exclusive(&format!("ALTER COLUMN {column} SET NOT NULL"))
                        .scans()
                        .takes_away(),
                ]
            } else {
                let rest = rest.iter().take(2).copied().collect::<Vec<_>>().join(" ");
                vec![exclusive(&format!("ALTER COLUMN {column} {rest}"))]
            }
        }
        other => {
            let mut effect = exclusive(other);
            effect.lock = Lock::Unknown;
            vec![effect]
        }
    }
}

fn add_column(action: &mut Said<'_>, table: &str) -> Vec<Effect> {
    let column = action.next();
    let rest = action.rest();
    let says = |word: &str| rest.iter().any(|it| it.eq_ignore_ascii_case(word));
    let what = format!("ALTER TABLE {table} ADD COLUMN {column}");
    let mut own = Effect::new(&what, table, Lock::AccessExclusive);
    // A default that is computed for each row is written into each row.
    let default = rest
        .iter()
        .position(|word| word.eq_ignore_ascii_case("DEFAULT"));
    let computed = default.is_some_and(|at| rest.get(at + 2) == Some(&"("));
    own.rewrites =
        computed || says("STORED") || says("IDENTITY") || says("bigserial") || says("serial");
    own.scans = says("UNIQUE") || says("PRIMARY") || says("CHECK") || says("REFERENCES");
    // Whoever does not know it writes rows without it.
    own.takes_away = says("NOT") && default.is_none();
    let mut all = vec![own];
    all.extend(referred(rest, &what, table));
    all
}

fn constraint(action: &mut Said<'_>, table: &str) -> Vec<Effect> {
    let rest = action.rest();
    let says = |word: &str| rest.iter().any(|it| it.eq_ignore_ascii_case(word));
    let name = match rest.first() {
        Some(first) if first.eq_ignore_ascii_case("CONSTRAINT") => rest.get(1).copied(),
        first => first.copied(),
    };
    let what = format!(
        "ALTER TABLE {table} ADD CONSTRAINT {}",
        name.unwrap_or_default()
    );
    let lock = match says("FOREIGN") {
        true => Lock::ShareRowExclusive,
        false => Lock::AccessExclusive,
    };
    let mut own = Effect::new(&what, table, lock);
    own.scans = !says("VALID") && !says("USING");
    // What the version before writes may break it.
    own.takes_away = true;
    let mut all = vec![own];
    all.extend(referred(rest, &what, table));
    all
}

/// Words, read from the front.
struct Said<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Said<'a> {
    fn next(&mut self) -> &'a str {
        let word = self.words.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        word
    }

    fn take(&mut self, word: &str) -> bool {
        let there = self
            .words
            .get(self.at)
            .is_some_and(|it| it.eq_ignore_ascii_case(word));
        self.at += usize::from(there);
        there
    }

    fn take_all(&mut self, words: &[&str]) {
        for word in words {
            self.take(word);
        }
    }

    fn rest(&self) -> &'a [&'a str] {
        self.words.get(self.at..).unwrap_or_default()
    }

    fn is_constraint(&self) -> bool {
        const WORDS: [&str; 5] = ["CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "FOREIGN"];
        let next = self.words.get(self.at).copied().unwrap_or_default();
        WORDS.iter().any(|word| word.eq_ignore_ascii_case(next))
    }

    /// What stands between commas that are in no brackets.
    fn actions(&self) -> Vec<&'a [&'a str]> {
        let mut depth = 0_i32;
        let split = self.rest().split(|word| {
            depth += match *word {
                "(" => 1,
                ")" => -1,
                _ => 0,
            };
            *word == "," && depth == 0
        });
        split.filter(|action| !action.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `table: lock`, with `+scan`, `+rewrite`, `+less` of each effect.
    fn short(statement: &str) -> String {
        let all = effects(statement, false);
        let all = all.iter().map(|effect| {
            let mut text = format!("{}: {}", effect.table, effect.lock.name());
            for (is, word) in [
                (effect.scans, "scan"),
                (effect.rewrites, "rewrite"),
                (effect.takes_away, "less"),
                (effect.makes, "new"),
            ] {
                if is {
                    text.push_str(&format!(" +{word}"));
                }
            }
            text
        });
        all.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_statement_locks_what_the_server_says_that_it_does() {
        for (statement, expected) in [
            (
                "CREATE TABLE a (id uuid PRIMARY KEY, up uuid REFERENCES a (id))",
                "a: none +new",
            ),
            (
                "CREATE TABLE a (id uuid, o uuid REFERENCES orders (id))",
                "a: none +new; orders: SHARE ROW EXCLUSIVE",
            ),
            ("CREATE INDEX i ON a (b)", "a: SHARE +scan"),
            (
                "create unique index concurrently i on a (b)",
                "a: SHARE UPDATE EXCLUSIVE +scan",
            ),
            ("ALTER TABLE a ADD COLUMN b bigint", "a: ACCESS EXCLUSIVE"),
            (
                "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT ''",
                "a: ACCESS EXCLUSIVE",
            ),
            (
                "ALTER TABLE a ADD COLUMN b bigint NOT NULL",
                "a: ACCESS EXCLUSIVE +less",
            ),
            (
                "ALTER TABLE a ADD b bigint DEFAULT f(1)",
                "a: ACCESS EXCLUSIVE +rewrite",
            ),
            (
                "ALTER TABLE a ADD COLUMN o uuid REFERENCES o (id), ADD COLUMN c text",
                "a: ACCESS EXCLUSIVE +scan; o: SHARE ROW EXCLUSIVE; a: ACCESS EXCLUSIVE",
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)",
                "a: ACCESS EXCLUSIVE +scan +less",
            ),
            (
                "ALTER TABLE a ADD CHECK (b > 0) NOT VALID",
                "a: ACCESS EXCLUSIVE +less",
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (o) REFERENCES o (id) NOT VALID",
                "a: SHARE ROW EXCLUSIVE +less; o: SHARE ROW EXCLUSIVE",
            ),
            (
                "ALTER TABLE a VALIDATE CONSTRAINT c",
                "a: SHARE UPDATE EXCLUSIVE +scan",
            ),
            ("ALTER TABLE a DROP COLUMN b", "a: ACCESS EXCLUSIVE +less"),
            ("ALTER TABLE a DROP CONSTRAINT b", "a: ACCESS EXCLUSIVE"),
            (
                "ALTER TABLE a RENAME COLUMN b TO c",
                "a: ACCESS EXCLUSIVE +less",
            ),
            (
                "ALTER TABLE a ALTER COLUMN b TYPE bigint",
                "a: ACCESS EXCLUSIVE +rewrite +less",
            ),
            (
                "ALTER TABLE a ALTER b SET NOT NULL",
                "a: ACCESS EXCLUSIVE +scan +less",
            ),
            ("ALTER TABLE a ALTER b DROP NOT NULL", "a: ACCESS EXCLUSIVE"),
            ("DROP TABLE a", "a: ACCESS EXCLUSIVE +less"),
            ("UPDATE a SET b = 1", "a: ROW EXCLUSIVE"),
            ("INSERT INTO a (b) VALUES (1)", "a: ROW EXCLUSIVE"),
            ("TRUNCATE a", "a: ACCESS EXCLUSIVE +less"),
            ("VACUUM FULL a", ": unknown"),
            ("", ": unknown"),
        ] {
            assert_eq!(short(statement), expected, "{statement}");
        }
    }
}
