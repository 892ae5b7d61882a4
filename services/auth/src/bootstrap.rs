//! The first admin, and more of them by hand.

use techcommerce_contracts::{Role, codes};
use techcommerce_kernel::{EmailAddress, Env, Error};
use techcommerce_store::{Db, transact};

use crate::{
    accounts::{self, NewAccount},
    password::{NewPassword, Passwords},
    sessions::Sessions,
};

/// How the first admin signs in at first.
pub struct FirstAdmin {
    /// With this mail address.
    pub email: EmailAddress,
    /// With this password, that the owner chose; `None`: with a random one, that is delivered.
    pub password: Option<String>,
}

/// Makes an admin if the shop has none (first start): then gives `true`.
///
/// Where the owner chose no password, `deliver` gets the one-time password **before** the account is there for good, so that a crash
/// in between leaves no admin whose password nobody knows; the next start makes a new one. It must
/// replace what it delivered before. When several processes start at once, one of them delivers.
/// The password is to be changed after the first sign-in.
///
/// # Errors
/// Those of the database and of `deliver`; `configuration` (invalid input) for a password that is
/// no good one.
pub async fn bootstrap_admin(
    db: &Db,
    env: &Env,
    first: FirstAdmin,
    mut deliver: impl FnMut(&EmailAddress, &str) -> Result<(), Error>,
) -> Result<bool, Error> {
    if accounts::any_with_role(db, Role::Admin).await? {
        return Ok(false);
    }
    let email = first.email;
    let (password, text) = match first.password {
        None => {
            let (password, text) = NewPassword::generate(env);
            (password, Some(text))
        }
        Some(chosen) => {
            let password = NewPassword::parse(&chosen, email.as_str()).map_err(|wrong| {
                Error::invalid("configuration", format!("admin.password {wrong}"))
            })?;
            (password, None)
        }
    };
    let password_hash = Passwords::default().hash(env, password).await?;
    let new = NewAccount {
        email: &email,
        name: "",
        role: Role::Admin,
        password_hash: &password_hash,
        must_change_password: true,
    };
    // Whoever writes the row first holds the others up until its password is delivered.
    let made = transact!(db, |tx| -> Result<(), Error> {
        accounts::insert_in(tx, env, &new).await?;
        match &text {
            Some(text) => deliver(&email, text),
            None => Ok(()),
        }
    });
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.code() == codes::EMAIL_TAKEN => {
            tracing::info!("another process made the first admin at the same time");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Makes an admin of this address, or makes the account that it has one (a disabled one, too), and
/// gives a one-time password in either case; its sessions end. For `techcommerce admin create`, also when nobody
/// knows the password any more.
///
/// # Errors
/// Those of the database and of the store of sessions.
pub async fn create_admin(
    db: &Db,
    env: &Env,
    sessions: &Sessions,
    email: &EmailAddress,
) -> Result<String, Error> {
    let (password, text) = NewPassword::generate(env);
    let password_hash = Passwords::default().hash(env, password).await?;
    let Some(account) = accounts::by_email(db, &email.key()).await? else {
        let new = NewAccount {
            email,
            name: "",
            role: Role::Admin,
            password_hash: &password_hash,
            must_change_password: true,
        };
        accounts::insert(db, env, new).await?;
        return Ok(text);
    };
    let generation = transact!(db, |tx| -> Result<Option<i64>, Error> {
        accounts::make_admin(tx, env, account.id).await?;
        accounts::set_password(tx, env, account.id, None, &password_hash, true).await
    })?;
    if let Some(generation) = generation {
        sessions.tidy_up(account.id, generation, env.now()).await;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use techcommerce_testkit::on_both_engines;

    use super::*;
    use crate::MIGRATOR;

    fn first(password: Option<&str>) -> FirstAdmin {
        FirstAdmin {
            email: "admin@example.com".parse().unwrap(),
            password: password.map(str::to_owned),
        }
    }

    on_both_engines! { MIGRATOR;
        /// What the owner chose is the password, is written nowhere, and is to be changed.
        async fn a_first_admin_with_a_chosen_password(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let never = |_: &EmailAddress, _: &str| Err(Error::internal("delivered"));
            let easy = bootstrap_admin(&db, &env, first(Some("password1234")), never).await;
            let easy = easy.unwrap_err();
            assert!(easy.message().contains("admin.password"), "{easy}");
            assert!(!easy.message().contains("password1234"), "{easy}");
            let chosen = "seven quiet harbour cranes";
            assert!(bootstrap_admin(&db, &env, first(Some(chosen)), never).await.unwrap());
            let admin = accounts::by_email(&db, "admin@example.com").await.unwrap().unwrap();
            assert!(admin.must_change_password);
            let passwords = Passwords::default();
            assert!(passwords.verify(Some(&admin.password_hash), chosen).await.unwrap());
            // Another one later is of no use: the shop has its admin.
            assert!(!bootstrap_admin(&db, &env, first(Some("x")), never).await.unwrap());
        }

        /// However many start at once, one delivers, and its password is the one.
        async fn the_first_admin_of_several_replicas(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let delivered = std::sync::Mutex::new(Vec::new());
            let replica = || {
                bootstrap_admin(&db, &env, first(None), |email, password| {
                    let said = (email.key(), password.to_owned());
                    delivered.lock().unwrap().push(said);
                    Ok(())
                })
            };
            let (one, two, three) = tokio::try_join!(replica(), replica(), replica()).unwrap();
            assert_eq!([one, two, three].into_iter().filter(|made| *made).count(), 1);
            let (email, password) = delivered.into_inner().unwrap().pop().unwrap();
            let admin = accounts::by_email(&db, &email).await.unwrap().unwrap();
            let passwords = Passwords::default();
            assert!(passwords.verify(Some(&admin.password_hash), &password).await.unwrap());
        }

        /// Once; and what was delivered before a crash is replaced.
        async fn the_first_admin(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let failed = bootstrap_admin(&db, &env, first(None), |_, _| Err(Error::internal("disk full")));
            assert!(failed.await.is_err());
            let mut delivered = None;
            let deliver = |email: &EmailAddress, password: &str| {
                delivered = Some((email.key(), password.to_owned()));
                Ok(())
            };
            assert!(bootstrap_admin(&db, &env, first(None), deliver).await.unwrap());
            let (email, password) = delivered.unwrap();
            let admin = accounts::by_email(&db, &email).await.unwrap().unwrap();
            assert_eq!((admin.role, admin.must_change_password), (Role::Admin, true));
            let passwords = Passwords::default();
            assert!(passwords.verify(Some(&admin.password_hash), &password).await.unwrap());
            let again = bootstrap_admin(&db, &env, first(None), |_, _| Err(Error::internal("called")));
            assert!(!again.await.unwrap());
        }

        /// Also of an account that is there.
        async fn an_admin_by_hand(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let sessions = Sessions::Sql(db.db());
            let jo: EmailAddress = "jo@example.com".parse().unwrap();
            let first = create_admin(&db, &env, &sessions, &jo).await.unwrap();
            let second = create_admin(&db, &env, &sessions, &jo).await.unwrap();
            assert_ne!(first, second);
            let admin = accounts::by_email(&db, &jo.key()).await.unwrap().unwrap();
            assert_eq!((admin.role, admin.generation), (Role::Admin, 2));
            let passwords = Passwords::default();
            assert!(!passwords.verify(Some(&admin.password_hash), &first).await.unwrap());
            assert!(passwords.verify(Some(&admin.password_hash), &second).await.unwrap());
        }
    }
}
