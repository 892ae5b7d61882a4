//! Each mistake that a migration can make is found, and one that makes none is left alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::path::Path;

use techcommerce_migrations::exceptions::Exceptions;
use techcommerce_migrations::file::{self, File};
use techcommerce_migrations::{Finding, rules, squawk};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// The migration after those that are there.
fn next(text: &str) -> File {
    File::new("services/order-api/migrations/0001_planted.sql", text)
}

/// The rules that find something in it.
fn found(text: &str) -> Vec<String> {
    let files = [next(text)];
    let mut found = rules::run(&files);
    found.extend(squawk::check(&squawk::find(root()).unwrap(), &files).unwrap());
    let exceptions = Exceptions::read(root()).unwrap();
    let left = exceptions.take_out(&files, found);
    let mut rules: Vec<_> = left
        .into_iter()
        // Of the files that are not here.
        .filter(|finding| finding.rule != "exceptions")
        .map(|finding| finding.rule)
        .collect();
    rules.dedup();
    rules
}

#[test]
fn what_is_as_it_should_be_is_left_alone() {
    for text in [
        "CREATE TABLE notes (id uuid NOT NULL PRIMARY KEY, text text NOT NULL, at bigint NOT NULL);\n\
         CREATE INDEX notes_at ON notes (at);",
        "-- In which language.\n\nALTER TABLE orders ADD COLUMN locale text NOT NULL DEFAULT 'en';\n\
         ALTER TABLE orders ADD COLUMN locale_key text;",
        "-- By language.\n-- run: concurrently\n\nCREATE INDEX orders_locale ON orders (locale);",
        "-- run: batches\n\nUPDATE orders SET locale_key = lower(locale) WHERE id IN\n\
             (SELECT id FROM orders WHERE locale_key IS NULL ORDER BY id LIMIT 1000);",
        "-- class: contract after 0.4.0\n\nALTER TABLE orders DROP COLUMN locale;",
    ] {
        assert_eq!(found(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_mistake_is_found() {
    for (text, rule) in [
        ("-- class: shrink\n\nSELECT 1;", "head"),
        ("CREATE INDEX CONCURRENTLY i ON orders (id);", "head"),
        (
            "-- run: batches\n\nUPDATE orders SET locale = 'de';",
            "head",
        ),
        ("VACUUM orders;", "known"),
        ("ALTER TABLE orders DROP COLUMN locale;", "class"),
        ("DROP TABLE orders;", "class"),
        (
            "ALTER TABLE orders RENAME COLUMN locale TO language;",
            "class",
        ),
        (
            "ALTER TABLE orders ADD COLUMN locale text NOT NULL;",
            "class",
        ),
        (
            "ALTER TABLE orders ALTER COLUMN locale SET NOT NULL;",
            "class",
        ),
        (
            "-- class: contract after 0.2.0\n\nALTER TABLE orders ALTER COLUMN total TYPE text;",
            "rewrite",
        ),
        (
            "ALTER TABLE orders ADD COLUMN locale text; UPDATE orders SET locale = 'en';",
            "backfill",
        ),
        ("CREATE TABLE notes (id integer PRIMARY KEY);", "types"),
        ("ALTER TABLE orders ADD COLUMN at timestamptz;", "types"),
        // What squawk alone knows.
        (
            "CREATE INDEX orders_locale ON orders (locale);",
            "require-concurrent-index-creation",
        ),
        (
            "-- class: contract after 0.2.0\n\nALTER TABLE orders ADD CONSTRAINT fair CHECK (total > 0);",
            "constraint-missing-not-valid",
        ),
        (
            "-- class: contract after 0.2.0\n\n\
             ALTER TABLE notes ADD CONSTRAINT of_order FOREIGN KEY (o) REFERENCES orders (id);",
            "adding-foreign-key-constraint",
        ),
        ("CREATE TABEL notes (id uuid);", "syntax-error"),
    ] {
        let found = found(text);
        assert!(found.iter().any(|it| it == rule), "{text}: {found:?}");
    }
}

#[test]
fn numbers_go_up_one_by_one() {
    let file = |name: &str| File::new(&format!("services/auth/migrations/{name}"), "SELECT 1;");
    let wrong = |files: &[File]| rules::run(files).len();
    assert_eq!(wrong(&[file("0001_a.sql"), file("0002_b.sql")]), 0);
    assert_eq!(wrong(&[file("0001_a.sql"), file("0003_b.sql")]), 1);
    assert_eq!(wrong(&[file("0001_a.sql"), file("0001_b.sql")]), 1);
    assert_eq!(wrong(&[file("0001_a.sql"), file("b.sql")]), 1);
}

#[test]
fn an_exception_that_excuses_nothing_is_a_finding() {
    let exceptions = Exceptions::parse(
        "[[file]]\npath = \"services/order-api/migrations/0001_planted.sql\"\n\
         rules = [\"class\", \"rewrite\"]\nwhy = \"planted\"",
    )
    .unwrap();
    let files = [next("DROP TABLE orders;")];
    let left = exceptions.take_out(&files, rules::run(&files));
    let rules: Vec<_> = left
        .iter()
        .map(|Finding { rule, .. }| rule.as_str())
        .collect();
    assert_eq!(rules, ["exceptions"]);
    assert!(left[0].wrong.contains("rewrite"), "{}", left[0]);
    let without_reason = "[[file]]\npath = \"x\"\nrules = [\"class\"]";
    assert!(Exceptions::parse(without_reason).is_err());
}

#[test]
fn the_repository_has_migrations() {
    let files = file::all(root()).unwrap();
    assert!(files.len() > 15, "{files:?}");
    assert!(files.iter().all(|file| file.script().is_ok()));
}
