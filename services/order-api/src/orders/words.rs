//! What an order is found by: the beginnings of its number, its mail address and the words of its
//! recipient's name.

use std::collections::BTreeSet;

use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, with};

/// A longer word is cut.
const MAX_LENGTH: usize = 64;
/// Words of a name that are kept, and of a search that count.
const MAX_WORDS: usize = 6;

/// The words of a text in small letters.
fn words(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let words: Vec<String> = lower
        .split(|c: char| c.is_whitespace() || c == ',' || c == '#')
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(MAX_LENGTH).collect())
        .collect();
    words.into_iter()
}

/// Writes what a new order is found by.
pub(super) async fn insert(
    tx: &mut Conn,
    order: Uuid,
    number: i64,
    email_key: &str,
    name: &str,
) -> Result<(), Error> {
    let mut all: BTreeSet<String> = words(name).take(MAX_WORDS).collect();
    all.insert(number.to_string());
    all.extend(words(email_key).take(1));
    let rows: Vec<String> = (2..all.len() + 2).map(|n| format!("(${n}, $1)")).collect();
    let sql = format!(
        "INSERT INTO order_words (word, order_id) VALUES {}",
        rows.join(", ")
    );
    with!(tx, |c| {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(order);
        for word in &all {
            query = query.bind(word.as_str());
        }
        query.execute(c).await.map(|_| ())
    })?;
    Ok(())
}

/// The ranges of words, from the first to before the second, of which an order must have one each
/// to be found by `text`.
pub(super) fn ranges(text: &str) -> Vec<(String, String)> {
    words(text)
        .take(MAX_WORDS)
        .map(|word| {
            // No word goes on with the last of all characters.
            let end = format!("{word}{}", char::MAX);
            (word, end)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_small_and_few() {
        let all: Vec<_> = words("  #1042, Ada  Öz ").collect();
        assert_eq!(all, ["1042", "ada", "öz"]);
        assert_eq!(ranges("a b c d e f g h").len(), MAX_WORDS);
        assert!(ranges(" , ").is_empty());
        assert_eq!(ranges(&"x".repeat(500))[0].0.len(), MAX_LENGTH);
    }
}
