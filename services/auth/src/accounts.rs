//! Accounts, as they are stored. [`directory`] is what those who run the shop do with them.

pub mod directory;

use techcommerce_contracts::{Role, codes};
use techcommerce_kernel::{EmailAddress, Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

/// An account with what only this service may know of it.
#[derive(Clone)]
pub struct Account {
    /// Names it for ever.
    pub id: Uuid,
    /// The address as it was written.
    pub email: String,
    /// What the person wants to be called; may be empty.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// A PHC string.
    pub password_hash: String,
    /// Whether the password was made by us and is to be replaced.
    pub must_change_password: bool,
    /// Raised to end all its sessions.
    pub generation: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody can sign in to it.
    pub disabled_at: Option<Timestamp>,
    /// When somebody last did.
    pub last_sign_in_at: Option<Timestamp>,
}

impl Account {
    /// Whether it was made for somebody who has not chosen a password yet. No password is right.
    pub fn invited(&self) -> bool {
        self.password_hash == NO_PASSWORD
    }

    /// What the log calls it: of customers no mail address, it outlives theirs.
    pub fn title(&self) -> &str {
        match (self.name.as_str(), self.role) {
            ("", Role::Customer) => "",
            ("", Role::Staff | Role::Admin) => &self.email,
            (name, _) => name,
        }
    }
}

/// In place of a hash: nobody has chosen a password yet.
pub const NO_PASSWORD: &str = "";

/// An account that is to be made.
pub struct NewAccount<'a> {
    /// The address; its key must be free.
    pub email: &'a EmailAddress,
    /// What the person wants to be called; may be empty.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// A PHC string, or [`NO_PASSWORD`].
    pub password_hash: &'a str,
    /// Whether the password was made by us and is to be replaced.
    pub must_change_password: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    password_hash: String,
    must_change_password: bool,
    generation: i64,
    created_at: i64,
    disabled_at: Option<i64>,
    last_sign_in_at: Option<i64>,
}

/// `SELECT` all that a [`Row`] holds; what follows says which.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, email, name, role, password_hash, must_change_password, generation, \
             created_at, disabled_at, last_sign_in_at FROM accounts ",
            $rest
        )
    };
}
use select;

impl TryFrom<Row> for Account {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            email: row.email,
            name: row.name,
            role: row
                .role
                .parse()
                .map_err(|error: String| Error::internal(error))?,
            password_hash: row.password_hash,
            must_change_password: row.must_change_password,
            generation: row.generation,
            created_at: Timestamp::from_micros(row.created_at),
            disabled_at: row.disabled_at.map(Timestamp::from_micros),
            last_sign_in_at: row.last_sign_in_at.map(Timestamp::from_micros),
        })
    }
}

/// The account of an address (by [`EmailAddress::key`]).
pub async fn by_email(db: &Db, email_key: &str) -> Result<Option<Account>, Error> {
    let mut conn = db.read().await?;
    let row: Option<Row> = with!(conn, |c| sqlx::query_as(select!("WHERE email_key = $1"))
        .bind(email_key)
        .fetch_optional(c)
        .await)?;
    row.map(Account::try_from).transpose()
}

/// The account of an id.
pub async fn by_id(db: &Db, id: Uuid) -> Result<Option<Account>, Error> {
    let mut conn = db.read().await?;
    let row: Option<Row> = with!(conn, |c| sqlx::query_as(select!("WHERE id = $1"))
        .bind(id)
        .fetch_optional(c)
        .await)?;
    row.map(Account::try_from).transpose()
}

/// Makes an account.
///
/// # Errors
/// `email_taken` (conflict) if the address has one.
pub async fn insert(db: &Db, env: &Env, new: NewAccount<'_>) -> Result<Account, Error> {
    transact!(db, |tx| -> Result<Account, Error> {
        insert_in(tx, env, &new).await
    })
}

/// Makes an account in the caller's transaction.
///
/// # Errors
/// As [`insert`].
pub async fn insert_in(tx: &mut Conn, env: &Env, new: &NewAccount<'_>) -> Result<Account, Error> {
    let (id, now) = (env.new_id(), env.now());
    execute!(
        tx,
        sqlx::query(
            "INSERT INTO accounts (id, email, email_key, name, name_key, role, password_hash, \
             must_change_password, generation, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)",
        )
        .bind(id)
        .bind(new.email.as_str())
        .bind(new.email.key())
        .bind(new.name)
        .bind(new.name.to_lowercase())
        .bind(new.role.name())
        .bind(new.password_hash)
        .bind(new.must_change_password)
        .bind(now.as_micros())
    )
    .map_err(|error| {
        if error.is_unique_violation() {
            Error::conflict(
                codes::EMAIL_TAKEN,
                "There is an account with this mail address already. Sign in, or ask for a new password.",
            )
        } else {
            error.into()
        }
    })?;
    Ok(Account {
        id,
        email: new.email.as_str().to_owned(),
        name: new.name.to_owned(),
        role: new.role,
        password_hash: new.password_hash.to_owned(),
        must_change_password: new.must_change_password,
        generation: 1,
        created_at: now,
        disabled_at: None,
        last_sign_in_at: None,
    })
}

/// Gives an account a new password, which ends all its sessions and makes every mailed link for
/// a new password useless. Gives the new generation, or `None` if the account is gone or, where
/// `from` is given, no longer of that generation.
pub async fn set_password(
    tx: &mut Conn,
    env: &Env,
    account: Uuid,
    from: Option<i64>,
    password_hash: &str,
    must_change: bool,
) -> Result<Option<i64>, Error> {
    let generation: Option<i64> = with!(tx, |c| sqlx::query_scalar(
        "UPDATE accounts SET password_hash = $2, must_change_password = $3, \
         generation = generation + 1, updated_at = $4 \
         WHERE id = $1 AND disabled_at IS NULL AND ($5 IS NULL OR generation = $5) \
         RETURNING generation",
    )
    .bind(account)
    .bind(password_hash)
    .bind(must_change)
    .bind(env.now().as_micros())
    .bind(from)
    .fetch_optional(c)
    .await)?;
    if generation.is_some() {
        execute!(
            tx,
            sqlx::query("DELETE FROM password_resets WHERE account_id = $1").bind(account)
        )?;
    }
    Ok(generation)
}

/// Makes whoever it is an admin who can sign in.
pub async fn make_admin(tx: &mut Conn, env: &Env, account: Uuid) -> Result<(), Error> {
    execute!(
        tx,
        sqlx::query(
            "UPDATE accounts SET role = 'admin', disabled_at = NULL, updated_at = $2 WHERE id = $1",
        )
        .bind(account)
        .bind(env.now().as_micros())
    )?;
    Ok(())
}

/// Writes down that somebody signed in.
pub async fn signed_in(tx: &mut Conn, env: &Env, account: Uuid) -> Result<(), Error> {
    execute!(
        tx,
        sqlx::query("UPDATE accounts SET last_sign_in_at = $2 WHERE id = $1")
            .bind(account)
            .bind(env.now().as_micros())
    )?;
    Ok(())
}

/// Whether there is anyone with a role.
pub async fn any_with_role(db: &Db, role: Role) -> Result<bool, Error> {
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM accounts WHERE role = $1)",
    )
    .bind(role.name())
    .fetch_one(c)
    .await)?)
}

#[cfg(test)]
pub mod tests {
    use techcommerce_testkit::on_both_engines;

    use super::*;
    use crate::MIGRATOR;

    /// Makes an account whose password nobody knows.
    pub async fn account(db: &Db, env: &Env, email: &str) -> Uuid {
        let new = new(email);
        insert(
            db,
            env,
            NewAccount {
                email: &new,
                ..blank(&new)
            },
        )
        .await
        .unwrap()
        .id
    }

    fn new(email: &str) -> EmailAddress {
        email.parse().unwrap()
    }

    fn blank(email: &EmailAddress) -> NewAccount<'_> {
        NewAccount {
            email,
            name: "",
            role: Role::Customer,
            password_hash: "unusable",
            must_change_password: false,
        }
    }

    on_both_engines! { MIGRATOR;
        /// Spelling does not make two accounts of one address.
        async fn an_address_has_one_account(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let id = account(&db, &env, "Jo@Example.com").await;
            let other = new("jo@example.COM");
            let error = insert(&db, &env, blank(&other)).await.map(|made| made.id).unwrap_err();
            assert_eq!(error.code(), codes::EMAIL_TAKEN);
            let found = by_email(&db, &other.key()).await.unwrap().unwrap();
            assert_eq!((found.id, found.email.as_str()), (id, "Jo@Example.com"));
            assert_eq!(by_id(&db, id).await.unwrap().unwrap().id, id);
            assert!(by_email(&db, "nobody@example.com").await.unwrap().is_none());
            assert!(any_with_role(&db, Role::Customer).await.unwrap());
            assert!(!any_with_role(&db, Role::Admin).await.unwrap());
        }

        /// Of two changes that start from the same generation only one is made.
        async fn a_password_is_changed_from_what_was_seen(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let id = account(&db, &env, "jo@example.com").await;
            let set = async |from| {
                transact!(db, |tx| -> Result<Option<i64>, Error> {
                    set_password(tx, &env, id, from, "new", false).await
                })
                .unwrap()
            };
            assert_eq!(set(Some(1)).await, Some(2));
            assert_eq!(set(Some(1)).await, None);
            assert_eq!(set(None).await, Some(3));
            assert_eq!(by_id(&db, id).await.unwrap().unwrap().password_hash, "new");
        }
    }
}
