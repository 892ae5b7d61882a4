//! Connections that stay at hand between two uses.
//!
//! The driver's pool asks the server whether a connection lives, each time that one is taken and
//! each time that one is given back: two round trips beside every statement. What was in good use
//! a moment ago is not asked here. It goes back to the driver's pool, which asks and replaces,
//! when it has rested or was away from there for a while, and whenever its last use did not end
//! as it should.

use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{Database, Error, Executor, Pool, pool::PoolConnection};
use tokio::time::Instant;

use techcommerce_telemetry::{Span, SpanKind, trace::past_span};

use crate::{
    StoreError,
    measured::Measured,
    room::{Place, Room, Turn},
    told::{Told, heard},
    waiting::Waiting,
};

/// Whoever waited so long for a connection sees it in the trace.
const TOLD_WAIT: Duration = Duration::from_millis(1);

/// The driver's pool sees each once in a while, so that it replaces those that are old.
const AWAY: Duration = Duration::from_secs(60);

/// The connections of one pool. Clones are the same.
pub struct Leases<DB: Database>(Arc<Inner<DB>>);

impl<DB: Database> Clone for Leases<DB> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Inner<DB: Database> {
    pool: Pool<DB>,
    /// For as many as the pool has connections: whoever has a place is given one.
    room: Room,
    /// Whoever finds no room.
    waiting: Waiting,
    at_hand: Mutex<Vec<AtHand<DB>>>,
    connections: u32,
    /// How long somebody waits for a connection.
    patience: Duration,
    /// One that rested longer may have been cut off meanwhile.
    fresh: Duration,
    /// Counts how often all that were given out have become of the past.
    turns: AtomicU64,
    /// Where its use is measured, if it is.
    measured: OnceLock<Measured>,
}

struct AtHand<DB: Database> {
    conn: PoolConnection<DB>,
    /// When the pool gave it out, and at which turn.
    taken: Instant,
    turn: u64,
    /// Since when nobody uses it.
    since: Instant,
}

/// A connection for as long as somebody uses it, perhaps inside a transaction.
pub struct Lease<DB: Database> {
    /// Empty only while it is given back.
    conn: Option<PoolConnection<DB>>,
    taken: Instant,
    /// Since when it is used now.
    used_since: Instant,
    turn: u64,
    /// Whether all that was begun on it has ended well.
    good: bool,
    /// Whether something was begun on it to which the server has not answered. The driver's pool
    /// would wait for that, and who is not there does not answer it either.
    unanswered: bool,
    in_transaction: bool,
    /// When the statement that runs was begun, where somebody measures.
    begun: Option<Instant>,
    /// The statement that runs, where somebody traces.
    statement: Span,
    /// The transaction, if it is one, as what its statements are below.
    transaction: Span,
    home: Arc<Inner<DB>>,
    /// Given up after the connection.
    _place: Place,
}

impl<DB: Database> Leases<DB> {
    /// Over a pool that keeps `connections`, for which one waits for so long, and which tests one
    /// that has rested for longer than `fresh`.
    pub fn new(pool: Pool<DB>, connections: u32, patience: Duration, fresh: Duration) -> Self {
        Self(Arc::new(Inner {
            pool,
            room: Room::new(connections.max(1) as usize),
            waiting: Waiting::default(),
            at_hand: Mutex::default(),
            connections,
            patience,
            fresh,
            turns: AtomicU64::new(0),
            measured: OnceLock::new(),
        }))
    }

    /// From now on its use is measured; `false` if it was before.
    pub(crate) fn measure(&self, measured: Measured) -> bool {
        self.0.measured.set(measured).is_ok()
    }

    /// How many connections may be used at once.
    pub fn connections(&self) -> u32 {
        self.0.connections.max(1)
    }

    /// For whoever looks at it for as long as it is there.
    pub fn downgrade(&self) -> WeakLeases<DB> {
        WeakLeases(Arc::downgrade(&self.0))
    }

    /// The driver's pool.
    pub fn pool(&self) -> &Pool<DB> {
        &self.0.pool
    }

    /// A connection.
    pub async fn take(&self) -> Result<Lease<DB>, Error> {
        let Some(measured) = self.0.measured.get() else {
            return self.take_one().await;
        };
        let asked = Instant::now();
        let taken = self.take_one().await;
        let waited = asked.elapsed();
        measured.waited(waited.as_secs_f64(), taken.as_ref().err());
        if waited >= TOLD_WAIT {
            past_span("wait for a connection", waited);
        }
        taken
    }

    async fn take_one(&self) -> Result<Lease<DB>, Error> {
        let place = match self.0.room.try_enter() {
            Some(place) => place,
            None => self.wait().await?,
        };
        let (conn, taken, turn) = match self.0.at_hand() {
            Some(one) => (one.conn, one.taken, one.turn),
            None => {
                let turn = self.0.turns.load(Ordering::Acquire);
                (self.0.pool.acquire().await?, Instant::now(), turn)
            }
        };
        Ok(Lease {
            conn: Some(conn),
            taken,
            used_since: Instant::now(),
            turn,
            good: true,
            unanswered: false,
            in_transaction: false,
            begun: None,
            statement: Span::default(),
            transaction: Span::default(),
            home: Arc::clone(&self.0),
            _place: place,
        })
    }

    /// Waits for the turn of whoever asks now.
    async fn wait(&self) -> Result<Place, Error> {
        let turn = Turn::current();
        let _waiter = self.0.waiting.enter(turn);
        tokio::time::timeout(self.0.patience, self.0.room.enter(turn))
            .await
            .map_err(|_| Error::PoolTimedOut)
    }

    /// How long whoever asks for a connection now, in this turn, would wait.
    pub(crate) fn ahead(&self, turn: Turn) -> Duration {
        self.0.waiting.ahead(turn, self.connections())
    }

    /// A transaction that `statement` begins.
    pub async fn begin(&self, statement: &'static str) -> Result<Lease<DB>, Error>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        let mut lease = self.take().await?;
        lease.in_transaction = true;
        lease.transaction = Span::child(SpanKind::Internal, || "transaction");
        lease.run(statement).await?;
        Ok(lease)
    }

    /// Whether one is free that is open already.
    pub fn has_open(&self) -> bool {
        !self.0.kept().is_empty() || self.0.pool.num_idle() > 0
    }

    /// From now on, what was given out before goes back to the driver's pool after its use.
    pub fn turn_over(&self) {
        self.0.turns.fetch_add(1, Ordering::AcqRel);
        self.0.kept().clear();
    }

    /// Closes all connections after what is running on them.
    pub async fn close(&self) {
        // Nothing is kept at hand from here on.
        let closing = self.0.pool.close();
        self.0.kept().clear();
        closing.await;
    }
}

impl<DB: Database> Drop for Inner<DB> {
    fn drop(&mut self) {
        // Giving them back takes a runtime, which may have ended before.
        for one in self.kept().drain(..) {
            drop(one.conn.detach());
        }
    }
}

impl<DB: Database> Inner<DB> {
    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<AtHand<DB>>> {
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last, if it is fresh; the others that are not go back to the pool.
    fn at_hand(&self) -> Option<AtHand<DB>> {
        let mut kept = self.kept();
        let rested = kept.partition_point(|one| one.since.elapsed() > self.fresh);
        kept.drain(..rested);
        kept.pop()
    }
}

impl<DB: Database> Lease<DB> {
    /// The driver's connection. Say [`Lease::ended`] when what was begun on it has.
    pub fn connection(&mut self) -> &mut DB::Connection {
        self.begin_statement().0
    }

    /// The same, which names the statement's span.
    pub fn told(&mut self) -> Told<'_, DB::Connection> {
        let (conn, span) = self.begin_statement();
        Told::new(conn, span)
    }

    #[allow(clippy::expect_used, reason = "only `drop` takes it out")]
    fn begin_statement(&mut self) -> (&mut DB::Connection, &mut Span) {
        self.good = false;
        self.unanswered = true;
        self.begun = self.home.measured.get().map(|_| Instant::now());
        self.statement = match self.transaction.active() {
            Some(transaction) => transaction.child(SpanKind::Client, "statement"),
            None => Span::child(SpanKind::Client, || "statement"),
        };
        self.statement.set("db.system.name", system_name::<DB>());
        let conn = self.conn.as_deref_mut().expect("a lease has a connection");
        (conn, &mut self.statement)
    }

    /// The last statement ended well.
    pub fn ended(&mut self) {
        self.good = true;
        self.unanswered = false;
        self.measure(true);
    }

    /// The last statement failed.
    pub fn failed(&mut self, error: &StoreError) {
        self.unanswered = error.is_unreachable();
        // A rule of the schema that holds is the database doing its work.
        let well = error.is_unique_violation() || error.is_foreign_key_violation();
        self.measure(well);
    }

    fn measure(&mut self, well: bool) {
        if !well {
            self.statement.fail("database");
        }
        self.statement = Span::default();
        if let (Some(begun), Some(measured)) = (self.begun.take(), self.home.measured.get()) {
            measured.asked(begun.elapsed().as_secs_f64(), well);
        }
    }

    /// Runs a statement that begins or ends a transaction.
    async fn run(&mut self, statement: &'static str) -> Result<(), Error>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        let (conn, span) = self.begin_statement();
        span.rename(|| statement.to_owned());
        let done = heard::<DB, _>(conn.execute(statement)).await;
        self.unanswered = matches!(done, Err(Error::Io(_)));
        self.measure(done.is_ok());
        done.map(drop)
    }

    /// Ends the transaction, if it is one, with `COMMIT` or `ROLLBACK`.
    pub async fn end(mut self, statement: &'static str) -> Result<(), Error>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        if self.in_transaction {
            self.run(statement).await?;
            self.in_transaction = false;
            self.good = true;
        }
        Ok(())
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        self.home.waiting.used(self.used_since.elapsed());
        if self.in_transaction || self.unanswered {
            // Given up in the middle: the database rolls back what has no connection any more.
            conn.close_on_drop();
            return;
        }
        if self.good && self.taken.elapsed() < AWAY {
            let mut kept = self.home.kept();
            // Looked at under the lock: whoever closes or turns over empties it afterwards.
            let turn = self.home.turns.load(Ordering::Acquire);
            if self.turn == turn && !self.home.pool.is_closed() {
                kept.push(AtHand {
                    conn,
                    taken: self.taken,
                    turn,
                    since: Instant::now(),
                });
            }
        }
    }
}

/// The engine, by OpenTelemetry's names.
fn system_name<DB: Database>() -> &'static str {
    match DB::NAME {
        "PostgreSQL" => "postgresql",
        "SQLite" => "sqlite",
        other => other,
    }
}

/// Looks at the connections of a pool without keeping them.
pub struct WeakLeases<DB: Database>(Weak<Inner<DB>>);

impl<DB: Database> WeakLeases<DB> {
    /// How many are used, and how many are open beside them; none if the pool is gone.
    pub fn state(&self) -> Option<[i64; 2]> {
        let inner = self.0.upgrade()?;
        let free = i64::try_from(inner.room.free()).ok()?;
        let used = (i64::from(inner.connections.max(1)) - free).max(0);
        let idle = inner.kept().len() + inner.pool.num_idle();
        Some([used, i64::try_from(idle).ok()?])
    }
}

impl<DB: Database> fmt::Debug for Leases<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.pool.fmt(f)
    }
}

impl<DB: Database> fmt::Debug for Lease<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("in_transaction", &self.in_transaction)
            .finish_non_exhaustive()
    }
}
