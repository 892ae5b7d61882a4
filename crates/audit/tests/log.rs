//! The log on both engines.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{sync::LazyLock, time::Duration};

use serde_json::json;
use sqlx::migrate::Migrator;
use techcommerce_audit::{Entry, list, record, with_tables};
use techcommerce_contracts::{Principal, Role, audit::AuditQuery};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;
use techcommerce_testkit::env;

static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| with_tables(Migrator::with_migrations(Vec::new())));

fn staff(id: u128) -> Principal {
    Principal::ApiKey {
        id: Uuid::from_u128(id),
        role: Role::Staff,
    }
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn what_was_done_is_listed_the_latest_first(db: TestDb) {
        let (env, clock) = env();
        let mut times = Vec::new();
        for number in 0..5_u32 {
            clock.advance(Duration::from_secs(1));
            times.push(env.now());
            let entry = Entry::new(&staff(u128::from(number % 2)), "product.update")
                .object("product", number, format!("Mug {number}"))
                .change(&json!({ "title": { "from": "Mug", "to": format!("Mug {number}") } }));
            transact!(db.db(), |tx| -> Result<(), Error> {
                record(tx, &env, entry.clone()).await
            })
            .unwrap();
        }
        let all = |query: AuditQuery| {
            let db = db.db();
            async move {
                let page = list(&db, &query).await.unwrap();
                let titles: Vec<String> =
                    page.items.into_iter().map(|entry| entry.object_title).collect();
                (titles, page.next_cursor)
            }
        };
        let query = AuditQuery { limit: Some(3), ..AuditQuery::default() };
        let (first, cursor) = all(query.clone()).await;
        assert_eq!(first, ["Mug 4", "Mug 3", "Mug 2"]);
        let (rest, end) = all(AuditQuery { cursor, ..query }).await;
        assert_eq!((rest.as_slice(), end), (["Mug 1".to_owned(), "Mug 0".to_owned()].as_slice(), None));

        let by = AuditQuery { actor: Some(staff(1).actor()), ..AuditQuery::default() };
        assert_eq!(all(by).await.0, ["Mug 3", "Mug 1"]);
        let of = AuditQuery { object_id: Some("2".to_owned()), ..AuditQuery::default() };
        assert_eq!(all(of).await.0, ["Mug 2"]);
        let between =
            AuditQuery { from: Some(times[1]), to: Some(times[3]), ..AuditQuery::default() };
        assert_eq!(all(between).await.0, ["Mug 2", "Mug 1"]);
        let other = AuditQuery { action: Some("product.archive".to_owned()), ..AuditQuery::default() };
        assert_eq!(all(other).await.0, Vec::<String>::new());
    }

    async fn a_change_that_is_undone_leaves_no_entry(db: TestDb) {
        let (env, _) = env();
        let undone = transact!(db.db(), |tx| -> Result<(), Error> {
            record(tx, &env, Entry::by("system", "product.update")).await?;
            Err(Error::invalid_field("title", "is not good"))
        });
        assert!(undone.is_err());
        assert_eq!(list(&db.db(), &AuditQuery::default()).await.unwrap().items, []);
    }

    async fn a_difference_names_only_what_differs(db: TestDb) {
        let (env, _) = env();
        let (before, after) = (json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3, "c": 4}));
        assert!(Entry::by("system", "x").difference(&before, &before).is_none());
        let entry = Entry::by("system", "x").difference(&before, &after).unwrap();
        transact!(db.db(), |tx| -> Result<(), Error> { record(tx, &env, entry.clone()).await }).unwrap();
        let page = list(&db.db(), &AuditQuery::default()).await.unwrap();
        assert_eq!(
            page.items[0].change,
            json!({"b": {"from": 2, "to": 3}, "c": {"from": null, "to": 4}})
        );
    }
}
