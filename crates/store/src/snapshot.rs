//! Copies of several SQLite files as they all were at one instant, while a shop uses them.
//!
//! For a moment the write locks of all files are held, each by a connection of its own: then no
//! transaction is open on any of them, and what is committed is one state of the whole shop. In that
//! moment a reading transaction is opened on each file. A write-ahead log lets readers keep what they
//! saw, so the locks are let go at once, and the copying takes the time that it needs.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use techcommerce_kernel::{Env, Timestamp};
use tokio::time::{Instant, sleep};

use crate::StoreError;

/// How long one file's lock is waited for while those before it are held: as long as this, and no
/// longer, may a request of the shop wait for us.
const STILL: Duration = Duration::from_millis(400);
/// How often it is tried again, with a pause in which the shop goes on.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(150);

/// A file that is to be copied.
#[derive(Debug, Clone)]
pub struct Copying {
    /// The shop's file.
    pub from: PathBuf,
    /// The copy; must not be there yet.
    pub to: PathBuf,
}

/// The files as they were at one instant. Dropping it lets go of them.
#[derive(Debug)]
pub struct Snapshot {
    /// The instant: what was committed before is in it, and nothing that was committed later.
    pub taken_at: Timestamp,
    /// How long the shop could not write.
    pub held: Duration,
    copies: Vec<Copy>,
}

#[derive(Debug)]
struct Copy {
    to: PathBuf,
    conn: SqliteConnection,
}

impl Snapshot {
    /// Holds all files still for a moment. Their order has to be the same everywhere, so that two
    /// that do this at once do not wait for each other.
    ///
    /// # Errors
    /// A file is not there, or is so busy that no moment was found.
    pub async fn take(files: &[Copying], env: &Env) -> Result<Self, StoreError> {
        let mut tries = 0;
        loop {
            match Self::try_once(files, env).await {
                Err(error) if is_busy(&error) && tries < TRIES => {
                    tries += 1;
                    sleep(PAUSE).await;
                }
                outcome => return outcome.map_err(StoreError::from),
            }
        }
    }

    async fn try_once(files: &[Copying], env: &Env) -> Result<Self, sqlx::Error> {
        // All that takes time is done before the first lock is held.
        let mut copies = Vec::with_capacity(files.len());
        let mut locks = Vec::with_capacity(files.len());
        for file in files {
            // First, because it makes no file that is missing, as ATTACH does.
            locks.push(source(&file.from).busy_timeout(STILL).connect().await?);
            copies.push(prepare(file).await?);
        }
        let start = Instant::now();
        for lock in &mut locks {
            lock.execute("BEGIN IMMEDIATE").await?;
        }
        // Now all stand still.
        for copy in &mut copies {
            copy.conn.execute("BEGIN").await?;
            // A transaction takes its view with the first thing that it reads.
            copy.conn
                .execute("SELECT COUNT(*) FROM shop.sqlite_master")
                .await?;
        }
        let taken_at = env.now();
        for lock in &mut locks {
            lock.execute("ROLLBACK").await?;
        }
        let held = start.elapsed();
        for lock in locks {
            lock.close().await?;
        }
        Ok(Self {
            taken_at,
            held,
            copies,
        })
    }

    /// Writes the copies, and checks that each is sound. They are whole in themselves: no log
    /// belongs to them. They are not yet sure to be on the disk.
    ///
    /// # Errors
    /// The disk is full, or a file of the shop is damaged.
    pub async fn write(self) -> Result<(), StoreError> {
        for mut copy in self.copies {
            write(&mut copy.conn).await?;
            let sound: Vec<String> = sqlx::query_scalar("PRAGMA main.quick_check")
                .fetch_all(&mut copy.conn)
                .await?;
            if sound != ["ok"] {
                let message = format!("{}: {}", copy.to.display(), sound.join("; "));
                return Err(sqlx::Error::Protocol(message).into());
            }
            copy.conn.execute("DETACH shop").await?;
            copy.conn.close().await?;
        }
        Ok(())
    }
}

/// Brings everything of a file into it, so that no log belongs to it any more: it may be moved or
/// copied by itself. For one that nobody uses; whoever closes it at this moment is waited for.
///
/// # Errors
/// Somebody uses it.
pub async fn seal(path: &Path) -> Result<(), StoreError> {
    let mut conn = source(path).connect().await?;
    let mut tries = 0;
    loop {
        let mode: Result<String, sqlx::Error> = sqlx::query_scalar("PRAGMA journal_mode = DELETE")
            .fetch_one(&mut conn)
            .await;
        match mode {
            Ok(mode) if mode == "delete" => break,
            Err(error) if !is_busy(&error) => return Err(error.into()),
            _ if tries >= TRIES => {
                let message = format!("{} is in use", path.display());
                return Err(sqlx::Error::Protocol(message).into());
            }
            _ => {}
        }
        tries += 1;
        sleep(PAUSE).await;
    }
    Ok(conn.close().await?)
}

fn source(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .collation("C", |a, b| a.cmp(b))
}

/// The new file, with the shop's attached to it.
async fn prepare(file: &Copying) -> Result<Copy, sqlx::Error> {
    // What a copy that was cut off left behind.
    match std::fs::remove_file(&file.to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut conn = SqliteConnectOptions::new()
        .filename(&file.to)
        .create_if_missing(true)
        .collation("C", |a, b| a.cmp(b))
        // Nobody reads it before it is whole, and what is not whole is thrown away.
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        // Tables are filled in any order; what refers to what was checked when it was written.
        .foreign_keys(false)
        .busy_timeout(STILL)
        .connect()
        .await?;
    let from = file.from.to_str().ok_or_else(|| {
        let message = format!("{} is no UTF-8", file.from.display());
        sqlx::Error::Protocol(message)
    })?;
    sqlx::query("ATTACH $1 AS shop")
        .bind(from)
        .execute(&mut conn)
        .await?;
    let to = file.to.clone();
    Ok(Copy { to, conn })
}

/// As VACUUM INTO does it, which cannot be told to read in a transaction that is open: the tables
/// with their indexes first, so that pages of rows and of indexes are taken over as they are.
async fn write(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    const OBJECTS: &str = "SELECT type, name, sql FROM shop.sqlite_master \
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";
    let objects: Vec<(String, String, String)> =
        sqlx::query_as(OBJECTS).fetch_all(&mut *conn).await?;
    let tables: Vec<&str> = objects
        .iter()
        .filter(|(kind, ..)| kind == "table")
        .map(|(_, name, _)| name.as_str())
        .collect();
    for wanted in ["table", "index"] {
        for (_, _, sql) in objects.iter().filter(|(kind, ..)| kind == wanted) {
            conn.execute(AssertSqlSafe(sql.as_str())).await?;
        }
    }
    for table in tables {
        let sql = format!("INSERT INTO main.\"{table}\" SELECT * FROM shop.\"{table}\"");
        conn.execute(AssertSqlSafe(sql)).await?;
    }
    for wanted in ["view", "trigger"] {
        for (_, _, sql) in objects.iter().filter(|(kind, ..)| kind == wanted) {
            conn.execute(AssertSqlSafe(sql.as_str())).await?;
        }
    }
    conn.execute("COMMIT").await?;
    Ok(())
}

fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY and its kin, by the lowest byte (https://www.sqlite.org/rescode.html).
    let code = error.as_database_error().and_then(|error| error.code());
    let number = code.and_then(|code| code.parse::<u32>().ok());
    number.is_some_and(|number| number & 0xff == 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Db;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("techcommerce-snapshot-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn file(path: &Path) -> SqliteConnection {
        let mut conn = source(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(10))
            .connect()
            .await
            .unwrap();
        let sql = "CREATE TABLE words (word text COLLATE \"C\" NOT NULL, number bigint UNIQUE); \
             CREATE INDEX words_word ON words (word) WHERE number > 3; \
             CREATE TABLE pairs (a text, b bigint REFERENCES words (number), PRIMARY KEY (a, b)) WITHOUT ROWID";
        conn.execute(sql).await.unwrap();
        conn
    }

    async fn count(path: &Path) -> i64 {
        let mut conn = source(path).connect().await.unwrap();
        let count = "SELECT COUNT(*) FROM words";
        sqlx::query_scalar(count)
            .fetch_one(&mut conn)
            .await
            .unwrap()
    }

    /// Somebody writes into one file and then into the other, all the time: the second never has
    /// more than the first, in no copy.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn copies_of_files_in_use_are_of_one_instant() {
        let folder = Folder::new("instant");
        let paths = ["one.db", "two.db"].map(|name| folder.0.join(name));
        let (mut one, mut two) = (file(&paths[0]).await, file(&paths[1]).await);
        let writer = tokio::spawn(async move {
            for number in 0..2000_i64 {
                for conn in [&mut one, &mut two] {
                    let sql = "INSERT INTO words (word, number) VALUES ('w', $1)";
                    sqlx::query(sql).bind(number).execute(conn).await.unwrap();
                }
            }
        });
        let mut seen = Vec::new();
        while !writer.is_finished() {
            let round = seen.len();
            let files: Vec<Copying> = (0..2)
                .map(|index| Copying {
                    from: paths[index].clone(),
                    to: folder.0.join(format!("copy-{index}-{round}.db")),
                })
                .collect();
            let snapshot = Snapshot::take(&files, &Env::system()).await.unwrap();
            // What comes after the instant is in no copy, however late that is written.
            let later = (count(&paths[0]).await, count(&paths[1]).await);
            snapshot.write().await.unwrap();
            let now = (count(&files[0].to).await, count(&files[1].to).await);
            assert!(now.0 == now.1 || now.0 == now.1 + 1, "{now:?}");
            assert!(now <= later, "{now:?} {later:?}");
            seen.push(now.0);
        }
        writer.await.unwrap();
        assert!(seen.len() > 2 && seen.is_sorted(), "{seen:?}");
        assert_ne!(seen.first(), seen.last());
    }

    /// Everything of the schema comes along, and the copy opens as a database of ours.
    #[tokio::test]
    async fn a_copy_is_a_whole_database() {
        let folder = Folder::new("whole");
        let path = folder.0.join("shop.db");
        let mut conn = file(&path).await;
        conn.execute("CREATE VIEW many AS SELECT * FROM words WHERE number > 3")
            .await
            .unwrap();
        conn.execute(
            "INSERT INTO words VALUES ('ä', 1), ('b', 4); INSERT INTO pairs VALUES ('x', 4)",
        )
        .await
        .unwrap();
        let to = folder.0.join("copy.db");
        let files = [Copying {
            from: path.clone(),
            to: to.clone(),
        }];
        let snapshot = Snapshot::take(&files, &Env::system()).await.unwrap();
        snapshot.write().await.unwrap();
        let mut copy = source(&to).connect().await.unwrap();
        let schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name";
        let theirs: Vec<(String, String, Option<String>)> =
            sqlx::query_as(schema).fetch_all(&mut conn).await.unwrap();
        let ours: Vec<(String, String, Option<String>)> =
            sqlx::query_as(schema).fetch_all(&mut copy).await.unwrap();
        assert_eq!(theirs, ours);
        copy.close().await.unwrap();
        let db = Db::open_sqlite(&to).await.unwrap();
        let counts = db.row_counts().await.unwrap();
        assert_eq!(counts["words"], 2);
        assert_eq!(counts["pairs"], 1);
        // Closed or not quite yet: what is sealed is whole by itself.
        let closing = tokio::spawn(async move { db.close().await });
        seal(&to).await.unwrap();
        closing.await.unwrap();
        assert!(!folder.0.join("copy.db-wal").exists());
        let moved = folder.0.join("moved.db");
        std::fs::rename(&to, &moved).unwrap();
        assert_eq!(count(&moved).await, 2);
        // One that is in use is not.
        let db = Db::open_sqlite(&moved).await.unwrap();
        db.ping().await.unwrap();
        assert!(seal(&moved).await.is_err());
        db.close().await;
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_an_error() {
        let folder = Folder::new("gone");
        let files = [Copying {
            from: folder.0.join("none.db"),
            to: folder.0.join("copy.db"),
        }];
        assert!(Snapshot::take(&files, &Env::system()).await.is_err());
        assert!(!folder.0.join("none.db").exists());
    }
}
