//! Where the two engines differ, all of it.

use crate::{Conn, StoreError, with};

/// Which SQL engine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL 15 or later.
    Postgres,
    /// SQLite, as it is built in.
    Sqlite,
}

impl Dialect {
    /// Ends a `SELECT` that claims rows: rows that another transaction holds are passed over.
    /// SQLite has one writer, so nobody else holds any.
    pub const fn skip_locked(self) -> &'static str {
        match self {
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
            Self::Sqlite => "",
        }
    }

    /// Ends a `SELECT` that takes rows: waits for other transactions that hold them.
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Postgres => " FOR UPDATE",
            Self::Sqlite => "",
        }
    }
}

/// The placeholders of an `IN` list: `in_list(2, 3)` is `($2, $3, $4)`. `count` must not be zero
/// (an empty list is no SQL) and should stay below some thousands: split longer lists.
pub fn in_list(first: usize, count: usize) -> String {
    let mut list = String::with_capacity(count * 4 + 2);
    list.push('(');
    for number in first..first + count {
        if number > first {
            list.push_str(", ");
        }
        list.push('$');
        list.push_str(&number.to_string());
    }
    list.push(')');
    list
}

/// The placeholders of several rows of `VALUES`: `rows(1, 2, 3)` is `($1, $2, $3), ($4, $5, $6)`.
/// `count` must not be zero, and a statement takes some ten thousand values: split what is longer
/// into pieces of [`ROWS`].
pub fn rows(first: usize, count: usize, columns: usize) -> String {
    let mut all = String::with_capacity(count * (columns * 5 + 2));
    for row in 0..count {
        if row > 0 {
            all.push_str(", ");
        }
        all.push_str(&in_list(first + row * columns, columns));
    }
    all
}

/// How many rows one statement writes at most. Each number of rows is a statement of its own,
/// which every connection prepares once, so there are not to be too many.
pub const ROWS: usize = 40;

/// The time by the database's own clock, in microseconds since 1970. Only for showing it: what
/// is stored comes from the injected clock.
pub async fn database_time_micros(conn: &mut Conn) -> Result<i64, StoreError> {
    let sql = match conn.dialect() {
        Dialect::Postgres => {
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
        }
        Dialect::Sqlite => "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    };
    with!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_on() {
        assert_eq!(rows(1, 1, 2), "($1, $2)");
        assert_eq!(rows(2, 2, 2), "($2, $3), ($4, $5)");
    }

    #[test]
    fn in_lists_count_on() {
        assert_eq!(in_list(1, 1), "($1)");
        assert_eq!(in_list(2, 3), "($2, $3, $4)");
    }
}
