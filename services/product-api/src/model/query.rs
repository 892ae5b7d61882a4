//! What people type, turned into a search that forgives typing errors.
//!
//! Each word scores by the best place where it is found and by how exactly; scores are whole
//! numbers that depend on the product alone. The usual weighing by how rare a word is would give
//! other scores on a replica whose index was merged at other times, and cursors would not hold.

use tantivy::{
    Score, Term,
    query::{
        BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, Query, TermQuery,
    },
    schema::{Field, IndexRecordOption},
};
use techcommerce_kernel::Error;

use super::{
    Entry, Snapshot,
    index::{Fields, Hits},
    orders::Slot,
};
use crate::catalogue::text::fold;

/// The most words of a search that are looked at, and the most letters of a word.
const MAX_WORDS: usize = 10;
const MAX_LETTERS: usize = 40;

/// A hit whose score is so many times below the best one's is left out: a word that is a bit like
/// another somewhere in a description is noise where a title matches.
const NOISE: i64 = 20;
/// The fewest letters of a last word whose beginning may have errors: of short words too many
/// others begin alike.
const FUZZY_BEGINNING: usize = 6;

/// How much is forgiven. The first that finds anything is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leniency {
    /// All words; long ones with an error or two.
    Usual,
    /// All words; short ones with an error too.
    More,
    /// Any of the words.
    Most,
}

impl Leniency {
    const ALL: [Self; 3] = [Self::Usual, Self::More, Self::Most];

    /// As a number for cursors.
    pub const fn number(self) -> u8 {
        match self {
            Self::Usual => 0,
            Self::More => 1,
            Self::Most => 2,
        }
    }

    /// How many letters of a word may be wrong, missing, too many or swapped.
    const fn errors(self, letters: usize) -> u8 {
        match self {
            Self::Usual => match letters {
                0..=3 => 0,
                4..=7 => 1,
                _ => 2,
            },
            Self::More | Self::Most => match letters {
                0..=2 => 0,
                3..=5 => 1,
                _ => 2,
            },
        }
    }
}

/// What was found: products with their scores, the highest being the best.
pub(super) struct Found {
    pub leniency: Leniency,
    pub hits: Vec<(Slot, i64)>,
}

/// Searches. `at` asks again as before, for the next page.
pub(super) fn search(snapshot: &Snapshot, text: &str, at: Option<u8>) -> Result<Found, Error> {
    let folded = fold(text);
    let words: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .map(|word| word.chars().take(MAX_LETTERS).collect())
        .collect();
    let mut found = Found {
        leniency: Leniency::Usual,
        hits: Vec::new(),
    };
    if words.is_empty() {
        return Ok(found);
    }
    let title = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    for leniency in Leniency::ALL {
        if at.is_some_and(|number| number != leniency.number()) {
            continue;
        }
        let query = query(&snapshot.index.fields, &words, leniency);
        let hits = snapshot
            .searcher
            .search(&*query, &Hits)
            .map_err(Error::internal)?;
        found.leniency = leniency;
        let best = hits
            .iter()
            .map(|(_, score)| points(*score))
            .max()
            .unwrap_or(0);
        found.hits = hits
            .into_iter()
            .map(|(slot, score)| (slot, points(score)))
            .filter(|(_, score)| score.saturating_mul(NOISE) >= best)
            .filter_map(|(slot, score)| {
                let entry = snapshot.slots.get(slot as usize)?;
                Some((slot, score + whole_title(entry, &title)))
            })
            .collect();
        if !found.hits.is_empty() {
            break;
        }
    }
    Ok(found)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "scores are small whole numbers"
)]
fn points(score: Score) -> i64 {
    score.round() as i64
}

/// A title that is, or begins with, what was typed comes first.
fn whole_title(entry: &Entry, typed: &str) -> i64 {
    match entry.title_key.strip_prefix(typed) {
        Some("") => 1_000,
        Some(_) => 300,
        None => 0,
    }
}

fn query(fields: &Fields, words: &[String], leniency: Leniency) -> Box<dyn Query> {
    let occur = match leniency {
        Leniency::Usual | Leniency::More => Occur::Must,
        Leniency::Most => Occur::Should,
    };
    let last = words.len() - 1;
    let clauses = words
        .iter()
        .enumerate()
        .map(|(index, word)| (occur, anywhere(fields, word, index == last, leniency)))
        .collect();
    Box::new(BooleanQuery::new(clauses))
}

/// A word in whichever field counts most.
fn anywhere(fields: &Fields, word: &str, last: bool, leniency: Leniency) -> Box<dyn Query> {
    let weights = [
        (fields.title, 20.0),
        (fields.tags, 8.0),
        (fields.vendor, 7.0),
        (fields.category, 6.0),
        (fields.description, 2.0),
    ];
    let mut ways: Vec<Box<dyn Query>> = Vec::new();
    for (field, weight) in weights {
        ways.extend(in_field(field, word, last, leniency, weight));
    }
    Box::new(DisjunctionMaxQuery::new(ways))
}

/// The last word may be one that is still being typed.
fn in_field(
    field: Field,
    word: &str,
    last: bool,
    leniency: Leniency,
    weight: Score,
) -> Vec<Box<dyn Query>> {
    let term = || Term::from_field_text(field, word);
    let scored = |query: Box<dyn Query>, score: Score| -> Box<dyn Query> {
        Box::new(ConstScoreQuery::new(query, weight * score))
    };
    let exact = Box::new(TermQuery::new(term(), IndexRecordOption::Basic));
    let mut ways = vec![scored(exact, 10.0)];
    if last {
        ways.push(scored(
            Box::new(FuzzyTermQuery::new_prefix(term(), 0, true)),
            6.0,
        ));
    }
    let letters = word.chars().count();
    for errors in 1..=leniency.errors(letters) {
        let score = if errors == 1 { 4.0 } else { 2.0 };
        ways.push(scored(
            Box::new(FuzzyTermQuery::new(term(), errors, true)),
            score,
        ));
        if last && letters >= FUZZY_BEGINNING {
            let beginning = Box::new(FuzzyTermQuery::new_prefix(term(), errors, true));
            ways.push(scored(beginning, score - 1.0));
        }
    }
    ways
}
