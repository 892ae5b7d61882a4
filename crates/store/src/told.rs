//! A connection under the span of the statement that runs on it.
//!
//! Only the driver sees every statement's text, so it is looked at on its way there: the span gets
//! the name of its verb and its table. The text goes nowhere, and neither do the values.

use std::{fmt, io, pin::Pin, time::Duration};

use futures_util::{StreamExt, stream, stream::BoxStream};
use sqlx::{Database, Describe, Either, Error, Execute, Executor, SqlStr, error::BoxDynError};
use techcommerce_telemetry::Span;

type BoxFuture<'e, T> = Pin<Box<dyn Future<Output = T> + Send + 'e>>;

/// The longest that PostgreSQL may be silent while a statement runs. It ends what takes longer than
/// 15 s itself; whoever hears nothing for longer will hear nothing more: the connection is gone, and
/// whatever stands between did not say so. Without this one would wait for a quarter of an hour,
/// until the kernel gives up.
pub(crate) const SILENCE: Duration = Duration::from_secs(20);

fn silent() -> Error {
    let why = "PostgreSQL is silent; the connection is given up";
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, why))
}

/// What the server says to a statement, or that it does not.
pub(crate) async fn heard<DB: Database, T>(
    saying: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    // SQLite is not over a network.
    if DB::NAME != "PostgreSQL" {
        return saying.await;
    }
    let said = tokio::time::timeout(SILENCE, saying).await;
    said.unwrap_or_else(|_| Err(silent()))
}

/// The same for what it says piece by piece.
fn all_heard<'e, DB: Database, T: Send + 'e>(
    saying: BoxStream<'e, Result<T, Error>>,
) -> BoxStream<'e, Result<T, Error>> {
    if DB::NAME != "PostgreSQL" {
        return saying;
    }
    stream::unfold(Some(saying), |open| async move {
        let mut saying = open?;
        match tokio::time::timeout(SILENCE, saying.next()).await {
            Ok(said) => Some((said?, Some(saying))),
            Err(_) => Some((Err(silent()), None)),
        }
    })
    .boxed()
}

/// The driver's connection, for one statement.
pub struct Told<'c, C> {
    conn: &'c mut C,
    span: &'c mut Span,
}

impl<'c, C> Told<'c, C> {
    pub(crate) fn new(conn: &'c mut C, span: &'c mut Span) -> Self {
        Self { conn, span }
    }
}

impl<C> fmt::Debug for Told<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Told({:?})", self.span)
    }
}

impl<'c, C: Send> Executor<'c> for Told<'c, C>
where
    &'c mut C: Executor<'c>,
{
    type Database = <&'c mut C as Executor<'c>>::Database;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<
        'e,
        Result<
            Either<<Self::Database as Database>::QueryResult, <Self::Database as Database>::Row>,
            Error,
        >,
    >
    where
        'c: 'e,
        E: 'q + Execute<'q, Self::Database>,
    {
        all_heard::<Self::Database, _>(match name(query, self.span) {
            Either::Left(query) => self.conn.fetch_many(query),
            Either::Right(known) => self.conn.fetch_many(known),
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<<Self::Database as Database>::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Self::Database>,
    {
        Box::pin(heard::<Self::Database, _>(match name(query, self.span) {
            Either::Left(query) => self.conn.fetch_optional(query),
            Either::Right(known) => self.conn.fetch_optional(known),
        }))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [<Self::Database as Database>::TypeInfo],
    ) -> BoxFuture<'e, Result<<Self::Database as Database>::Statement, Error>>
    where
        'c: 'e,
    {
        self.conn.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Self::Database>, Error>>
    where
        'c: 'e,
    {
        self.conn.describe(sql)
    }
}

/// A query whose text was looked at: looking takes the query apart.
struct Known<DB: Database> {
    sql: SqlStr,
    arguments: Result<Option<DB::Arguments>, BoxDynError>,
    persistent: bool,
}

impl<DB: Database> Execute<'_, DB> for Known<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

/// Names the span by the query, where there is one.
fn name<'q, DB: Database, E: Execute<'q, DB>>(
    mut query: E,
    span: &mut Span,
) -> Either<E, Known<DB>> {
    if !span.is_recording() || query.statement().is_some() {
        return Either::Left(query);
    }
    let (arguments, persistent) = (query.take_arguments(), query.persistent());
    let sql = query.sql();
    let (verb, table) = summary(sql.as_str());
    if !verb.is_empty() {
        span.rename(|| match table {
            "" => verb.to_owned(),
            table => format!("{verb} {table}"),
        });
        span.set("db.operation.name", verb.to_owned());
    }
    if !table.is_empty() {
        span.set("db.collection.name", table.to_owned());
    }
    Either::Right(Known {
        sql,
        arguments,
        persistent,
    })
}

/// The verb of a statement and the table that it is about. What stands in brackets is skipped, so
/// that of `WITH due AS (SELECT …) UPDATE jobs …` it is `UPDATE` and `jobs`. Either may be empty.
fn summary(sql: &str) -> (&str, &str) {
    const VERBS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
    let mut depth = 0_i32;
    let mut verb = "";
    let mut table_next = false;
    for word in words(sql) {
        match word {
            // A table that is made on the spot has no name.
            "(" if depth == 0 && table_next => return (verb, ""),
            "(" => depth += 1,
            ")" => depth -= 1,
            _ if depth > 0 => {}
            word if verb.is_empty() && VERBS.contains(&word) => {
                verb = word;
                table_next = verb == "UPDATE";
            }
            _ if verb.is_empty() => {}
            "FROM" | "INTO" => table_next = true,
            word if table_next => return (verb, word),
            _ => {}
        }
    }
    (verb, "")
}

/// Names, numbers and words, and brackets; the rest sets them apart.
fn words(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| is_of_word(c) || c == '(' || c == ')')?;
        rest = &rest[start..];
        let end = match rest.find(|c| !is_of_word(c)) {
            Some(0) => 1,
            Some(end) => end,
            None => rest.len(),
        };
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_its_verb_and_its_table() {
        for (sql, expected) in [
            ("SELECT 1", ("SELECT", "")),
            (
                "SELECT title FROM products WHERE id = $1",
                ("SELECT", "products"),
            ),
            (
                "SELECT (SELECT COUNT(*) FROM lines) AS n, x FROM orders o",
                ("SELECT", "orders"),
            ),
            (
                "SELECT COUNT(*) FROM (SELECT 1 FROM a) AS t",
                ("SELECT", ""),
            ),
            ("INSERT INTO jobs (id) VALUES ($1)", ("INSERT", "jobs")),
            ("UPDATE stock SET reserved = 1", ("UPDATE", "stock")),
            (
                "DELETE FROM carts WHERE id = 'secret FROM x'",
                ("DELETE", "carts"),
            ),
            (
                "WITH due AS MATERIALIZED (SELECT id FROM old) UPDATE jobs SET state = 'x'",
                ("UPDATE", "jobs"),
            ),
            ("BEGIN IMMEDIATE", ("", "")),
            ("PRAGMA optimize", ("", "")),
            ("", ("", "")),
            ("SELECT * FROM", ("SELECT", "")),
        ] {
            assert_eq!(summary(sql), expected, "{sql}");
        }
    }
}
