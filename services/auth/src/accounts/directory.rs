//! What those who run the shop do with accounts: find them, change them, shut them.

use std::collections::BTreeSet;

use serde_json::json;
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Page, Principal, Role,
    auth::{AccountPatch, AccountQuery},
    codes,
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, with};

use super::{Account, Row, select};

/// The longest text that is searched for, in bytes: that of a mail address.
const MAX_QUERY: usize = 254;

/// A page of accounts, the newest first.
///
/// # Errors
/// `invalid_input` for what is no text to search for, no limit or no cursor.
pub async fn list(db: &Db, query: &AccountQuery) -> Result<Page<Account>, Error> {
    // An empty text asks for nothing; so the placeholders keep their numbers.
    const LIST: &str = select!(
        "WHERE (created_at < $1 OR (created_at = $1 AND id < $2)) AND ($3 = '' OR role = $3) \
         AND ($4 = '' OR email_key LIKE $4 ESCAPE '!' OR name_key LIKE $4 ESCAPE '!' \
              OR name_key LIKE $5 ESCAPE '!') \
         ORDER BY created_at DESC, id DESC LIMIT $6"
    );
    let limit = query.limit()?;
    let after: Option<(i64, Uuid)> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let (created_at, id) = after.unwrap_or((i64::MAX, Uuid::max()));
    let wanted = query.q.as_deref().unwrap_or_default().trim().to_lowercase();
    if wanted.len() > MAX_QUERY || wanted.chars().any(char::is_control) {
        let why = "is longer than 254 bytes or holds control characters";
        return Err(Error::invalid_field("q", why));
    }
    let (beginning, word) = match wanted.as_str() {
        "" => (String::new(), String::new()),
        text => {
            let text = literally(text);
            (format!("{text}%"), format!("% {text}%"))
        }
    };
    let mut conn = db.read_lagging().await?;
    let mut rows: Vec<Row> = with!(conn, |c| sqlx::query_as(LIST)
        .bind(created_at)
        .bind(id)
        .bind(query.role.map_or("", Role::name))
        .bind(beginning.as_str())
        .bind(word.as_str())
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(c)
        .await)?;
    drop(conn);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode(&(last.created_at, last.id))?),
        _ => None,
    };
    let items: Result<Vec<Account>, Error> = rows.into_iter().map(Account::try_from).collect();
    Ok(Page {
        items: items?,
        next_cursor,
    })
}

/// A text as `LIKE … ESCAPE '!'` takes it for itself.
fn literally(text: &str) -> String {
    text.replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_")
}

/// Who changes an account.
#[derive(Debug, Clone)]
pub struct By {
    /// As they called.
    pub principal: Principal,
    /// The account that they are, or that their key rests on.
    pub account: Option<Uuid>,
}

/// Changes an account. Another role and disabling end its sessions: their generation is raised.
/// Gives the account as it is now; `None` if there is none.
///
/// # Errors
/// `own_account` and `last_admin` (conflict); `forbidden` if who changes is no admin any more.
pub async fn change(
    tx: &mut Conn,
    env: &Env,
    by: &By,
    id: Uuid,
    patch: &AccountPatch,
) -> Result<Option<Account>, Error> {
    let admins = match (patch.role, patch.disabled) {
        (None, None) => None,
        _ => Some(take_admins(tx).await?),
    };
    let Some(before) = take(tx, id).await? else {
        return Ok(None);
    };
    let mut after = before.clone();
    if let Some(name) = &patch.name {
        name.clone_into(&mut after.name);
    }
    after.role = patch.role.unwrap_or(before.role);
    after.disabled_at = match patch.disabled {
        Some(true) => before.disabled_at.or(Some(env.now())),
        Some(false) => None,
        None => before.disabled_at,
    };
    let shut = after.disabled_at.is_some() && before.disabled_at.is_none();
    let rights_change = after.role != before.role || after.disabled_at != before.disabled_at;
    if let Some(admins) = admins.filter(|_| rights_change) {
        allow(by, &admins, &after)?;
    }
    if shut || after.role != before.role {
        after.generation += 1;
    }
    execute!(
        tx,
        sqlx::query(
            "UPDATE accounts SET name = $2, name_key = $3, role = $4, disabled_at = $5, \
             generation = $6, updated_at = $7 WHERE id = $1",
        )
        .bind(id)
        .bind(after.name.as_str())
        .bind(after.name.to_lowercase())
        .bind(after.role.name())
        .bind(after.disabled_at.map(Timestamp::as_micros))
        .bind(after.generation)
        .bind(env.now().as_micros())
    )?;
    if shut {
        // A link that was mailed before opens nothing either, also when the account is enabled.
        execute!(
            tx,
            sqlx::query("DELETE FROM password_resets WHERE account_id = $1").bind(id)
        )?;
    }
    let logged = |account: &Account| {
        json!({
            "name": account.name,
            "role": account.role,
            "disabled": account.disabled_at.is_some(),
        })
    };
    let entry = Entry::new(&by.principal, "account.update").object("account", id, after.title());
    if let Some(entry) = entry.difference(&logged(&before), &logged(&after)) {
        techcommerce_audit::record(tx, env, entry).await?;
    }
    Ok(Some(after))
}

/// Ends all sessions of an account: their generation is raised. Gives the account as it is now;
/// `None` if there is none.
pub async fn end_sessions(
    tx: &mut Conn,
    env: &Env,
    by: &By,
    id: Uuid,
) -> Result<Option<Account>, Error> {
    let Some(mut account) = take(tx, id).await? else {
        return Ok(None);
    };
    account.generation += 1;
    execute!(
        tx,
        sqlx::query("UPDATE accounts SET generation = $2, updated_at = $3 WHERE id = $1")
            .bind(id)
            .bind(account.generation)
            .bind(env.now().as_micros())
    )?;
    let entry =
        Entry::new(&by.principal, "account.end_sessions").object("account", id, account.title());
    techcommerce_audit::record(tx, env, entry).await?;
    Ok(Some(account))
}

/// Whether the rights of an account may become those of `after`. `admins` are those who could
/// sign in until now, taken: so of two admins who demote each other, one is too late.
fn allow(by: &By, admins: &BTreeSet<Uuid>, after: &Account) -> Result<(), Error> {
    if by.account == Some(after.id) {
        return Err(Error::conflict(
            codes::OWN_ACCOUNT,
            "Nobody changes their own role or disables their own account. Ask another admin to.",
        ));
    }
    if by.account.is_some_and(|by| !admins.contains(&by)) {
        return Err(Error::forbidden(
            codes::FORBIDDEN,
            "You are no admin of this shop any more.",
        ));
    }
    let stays = after.role == Role::Admin && after.disabled_at.is_none();
    if !stays && admins.contains(&after.id) && admins.len() == 1 {
        return Err(Error::conflict(
            codes::LAST_ADMIN,
            "This is the only admin who can sign in. Make another one first.",
        ));
    }
    Ok(())
}

/// The admins who can sign in. Until the transaction ends nobody else changes who is one.
async fn take_admins(tx: &mut Conn) -> Result<BTreeSet<Uuid>, Error> {
    let sql = format!(
        "SELECT id FROM accounts WHERE role = 'admin' AND disabled_at IS NULL \
         AND password_hash <> '' ORDER BY id{}",
        tx.dialect().for_update()
    );
    let ids: Vec<Uuid> = with!(tx, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_all(c)
    .await)?;
    Ok(ids.into_iter().collect())
}

/// An account that nobody else changes until the transaction ends.
async fn take(tx: &mut Conn, id: Uuid) -> Result<Option<Account>, Error> {
    let sql = format!("{}{}", select!("WHERE id = $1"), tx.dialect().for_update());
    let row: Option<Row> = with!(tx, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .bind(id)
        .fetch_optional(c)
        .await)?;
    row.map(Account::try_from).transpose()
}

#[cfg(test)]
mod tests {
    use techcommerce_kernel::EmailAddress;
    use techcommerce_store::transact;
    use techcommerce_testkit::on_both_engines;

    use super::*;
    use crate::{
        MIGRATOR,
        accounts::{NewAccount, by_id, insert},
    };

    async fn person(db: &Db, env: &Env, email: &str, name: &str, role: Role) -> Account {
        let email: EmailAddress = email.parse().unwrap();
        let new = NewAccount {
            email: &email,
            name,
            role,
            password_hash: "unusable",
            must_change_password: false,
        };
        insert(db, env, new).await.unwrap()
    }

    fn by(account: &Account) -> By {
        By {
            principal: Principal::Account {
                id: account.id,
                role: Role::Admin,
                session: Uuid::nil(),
            },
            account: Some(account.id),
        }
    }

    fn role(role: Role) -> AccountPatch {
        AccountPatch {
            role: Some(role),
            ..AccountPatch::default()
        }
    }

    async fn patch(
        db: &Db,
        env: &Env,
        by: &By,
        id: Uuid,
        patch: &AccountPatch,
    ) -> Result<Option<Account>, Error> {
        transact!(db, |tx| -> Result<Option<Account>, Error> {
            change(tx, env, by, id, patch).await
        })
    }

    #[test]
    fn what_is_searched_is_no_pattern() {
        assert_eq!(literally("50%_off!"), "50!%!_off!!");
    }

    on_both_engines! { MIGRATOR;
        async fn accounts_are_found_by_beginnings(db: TestDb) {
            let (env, clock) = techcommerce_testkit::env();
            for (email, name, role) in [
                ("ada@example.com", "Ada Byron", Role::Customer),
                ("Grace@example.com", "Ångström Grace", Role::Staff),
                ("a_b@example.com", "", Role::Admin),
                ("axb@example.com", "", Role::Customer),
            ] {
                person(&db, &env, email, name, role).await;
                clock.advance(std::time::Duration::from_secs(1));
            }
            let find = async |q: &str, role: Option<Role>| -> Vec<String> {
                let query = AccountQuery { q: Some(q.to_owned()), role, ..AccountQuery::default() };
                let page = list(&db, &query).await.unwrap();
                page.items.into_iter().map(|account| account.email).collect()
            };
            assert_eq!(find("", None).await.len(), 4);
            assert_eq!(find("grace@", None).await, ["Grace@example.com"]);
            assert_eq!(find(" BYRON", None).await, ["ada@example.com"]);
            assert_eq!(find("ångst", None).await, ["Grace@example.com"]);
            assert_eq!(find("a_b", None).await, ["a_b@example.com"], "no pattern");
            assert_eq!(find("yron", None).await, [""; 0]);
            assert_eq!(find("a", Some(Role::Admin)).await, ["a_b@example.com"]);

            let mut all = Vec::new();
            let mut query = AccountQuery { limit: Some(3), ..AccountQuery::default() };
            loop {
                let page = list(&db, &query).await.unwrap();
                all.extend(page.items.into_iter().map(|account| account.email));
                query.cursor = page.next_cursor;
                if query.cursor.is_none() {
                    break;
                }
            }
            let newest_first =
                ["axb@example.com", "a_b@example.com", "Grace@example.com", "ada@example.com"];
            assert_eq!(all, newest_first);
        }

        async fn the_shop_keeps_an_admin(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            let one = person(&db, &env, "one@example.com", "", Role::Admin).await;
            let two = person(&db, &env, "two@example.com", "", Role::Admin).await;
            let shut = AccountPatch { disabled: Some(true), ..AccountPatch::default() };
            for wish in [&role(Role::Customer), &shut] {
                let refused = patch(&db, &env, &by(&one), one.id, wish).await.map(drop);
                assert_eq!(refused.unwrap_err().code(), codes::OWN_ACCOUNT);
            }
            let same = patch(&db, &env, &by(&one), one.id, &role(Role::Admin)).await.unwrap();
            assert_eq!(same.unwrap().generation, 1, "nothing changed");

            let demoted = patch(&db, &env, &by(&one), two.id, &role(Role::Staff)).await.unwrap();
            let demoted = demoted.unwrap();
            assert_eq!((demoted.role, demoted.generation), (Role::Staff, 2));
            // Too late: the request was let in while they were still an admin.
            let refused = patch(&db, &env, &by(&two), one.id, &role(Role::Staff)).await.map(drop);
            assert_eq!(refused.unwrap_err().code(), codes::FORBIDDEN);
            // A key that rests on nobody's account.
            let key = By {
                principal: Principal::ApiKey { id: Uuid::nil(), role: Role::Admin },
                account: None,
            };
            for wish in [&role(Role::Staff), &shut] {
                let refused = patch(&db, &env, &key, one.id, wish).await.map(drop);
                assert_eq!(refused.unwrap_err().code(), codes::LAST_ADMIN);
            }
            assert_eq!(by_id(&db, one.id).await.unwrap().unwrap().role, Role::Admin);
            assert!(patch(&db, &env, &key, Uuid::nil(), &shut).await.unwrap().is_none());
        }

        /// Of two admins who demote each other at the same time, one stays.
        async fn two_admins_demote_each_other(db: TestDb) {
            let (env, _) = techcommerce_testkit::env();
            for round in 0..5 {
                let admin = async |who: &str| {
                    let email = format!("{who}{round}@example.com");
                    person(&db, &env, &email, "", Role::Admin).await
                };
                let (one, two) = (admin("one").await, admin("two").await);
                let (by_one, by_two) = (by(&one), by(&two));
                let down = role(Role::Customer);
                let (first, second) = tokio::join!(
                    patch(&db, &env, &by_one, two.id, &down),
                    patch(&db, &env, &by_two, one.id, &down),
                );
                assert!(first.is_ok() != second.is_ok(), "round {round}");
            }
        }
    }
}
