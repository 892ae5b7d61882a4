//! The provider for trials, with books of its own that survive like those of a real one.

use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

use super::{
    Answer, Charge, Operation, Reply,
    books::{Behaviour, Book},
};

/// The provider for trials.
#[derive(Debug, Clone)]
pub struct TestProvider {
    db: Db,
    env: Env,
}

#[derive(sqlx::FromRow)]
struct BookRow {
    state: String,
    captured: i64,
    refunded: i64,
    asked: i64,
}

impl TestProvider {
    /// The provider whose books are in `db`.
    pub fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    /// Whether the provider gave out this token.
    pub fn knows(token: Option<&str>) -> bool {
        Behaviour::of(token).is_some()
    }

    /// Does a step; the same key again is the same step.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn operate(
        &self,
        charge: &Charge,
        operation: Operation,
        amount: i64,
    ) -> Result<Reply, Error> {
        const PUT: &str = "INSERT INTO test_provider_operations \
             (key, payment, operation, amount, answer, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let behaviour = Self::behaviour(charge);
        let key = charge.key(operation);
        let answer = transact!(self.db, |tx| -> Result<Answer, Error> {
            let mut book = self.book(tx, charge).await?;
            let told = if let Some(recorded) = recorded(tx, &key).await? {
                book.recall(behaviour, operation, recorded)
            } else {
                let decision = book.operate(behaviour, operation, amount);
                if let Some(answer) = decision.recorded {
                    let now = self.env.now().as_micros();
                    execute!(
                        tx,
                        sqlx::query(PUT)
                            .bind(&key)
                            .bind(charge.payment)
                            .bind(operation.name())
                            .bind(amount)
                            .bind(if answer == Answer::Done {
                                "done"
                            } else {
                                "refused"
                            })
                            .bind(now)
                    )?;
                }
                decision.told
            };
            save(tx, charge.payment, &book).await?;
            Ok(told)
        })?;
        Ok(Reply {
            answer,
            twice: behaviour == Behaviour::Twice,
        })
    }

    /// What became of a step.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lookup(&self, charge: &Charge, operation: Operation) -> Result<Reply, Error> {
        let behaviour = Self::behaviour(charge);
        let key = charge.key(operation);
        let answer = transact!(self.db, |tx| -> Result<Answer, Error> {
            let mut book = self.book(tx, charge).await?;
            let Some(recorded) = recorded(tx, &key).await? else {
                return Ok(Answer::NotSeen);
            };
            let told = book.recall(behaviour, operation, recorded);
            save(tx, charge.payment, &book).await?;
            Ok(told)
        })?;
        Ok(answer.into())
    }

    /// Tokens were checked when the order was placed; one that is unknown all the same declines.
    fn behaviour(charge: &Charge) -> Behaviour {
        Behaviour::of(charge.token.as_deref()).unwrap_or(Behaviour::Decline)
    }

    /// The payment's book, locked until the transaction ends.
    async fn book(&self, tx: &mut Conn, charge: &Charge) -> Result<Book, Error> {
        // An update that changes nothing locks the row and tells what is in it.
        const OPEN: &str = "INSERT INTO test_provider_payments \
             (payment, token, state, amount, captured, refunded, asked, created_at) \
             VALUES ($1, $2, 'new', $3, 0, 0, 0, $4) ON CONFLICT (payment) \
             DO UPDATE SET asked = test_provider_payments.asked \
             RETURNING state, captured, refunded, asked";
        let row: BookRow = with!(tx, |c| sqlx::query_as(OPEN)
            .bind(charge.payment)
            .bind(charge.token.as_deref().unwrap_or("tok_success"))
            .bind(charge.total.amount)
            .bind(self.env.now().as_micros())
            .fetch_one(c)
            .await)?;
        Ok(Book {
            state: row.state,
            captured: row.captured,
            refunded: row.refunded,
            asked: row.asked,
        })
    }
}

async fn recorded(tx: &mut Conn, key: &str) -> Result<Option<Answer>, Error> {
    const FIND: &str = "SELECT answer FROM test_provider_operations WHERE key = $1";
    let answer: Option<String> = with!(tx, |c| sqlx::query_scalar(FIND)
        .bind(key)
        .fetch_optional(c)
        .await)?;
    Ok(answer.map(|answer| match answer.as_str() {
        "done" => Answer::Done,
        _ => Answer::Refused,
    }))
}

async fn save(tx: &mut Conn, payment: Uuid, book: &Book) -> Result<(), Error> {
    const SAVE: &str = "UPDATE test_provider_payments \
         SET state = $2, captured = $3, refunded = $4, asked = $5 WHERE payment = $1";
    execute!(
        tx,
        sqlx::query(SAVE)
            .bind(payment)
            .bind(&book.state)
            .bind(book.captured)
            .bind(book.refunded)
            .bind(book.asked)
    )?;
    Ok(())
}
