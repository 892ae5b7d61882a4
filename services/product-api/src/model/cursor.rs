//! Where a page of products ended.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use techcommerce_contracts::product_api::{ProductQuery, ProductSort};
use techcommerce_kernel::{Error, Uuid};

/// The place of a product in a list: what it is sorted by, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub key: Key,
    pub id: Uuid,
}

/// What lists are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Key {
    /// Prices, scores and times; negative where the highest comes first.
    Number(i64),
    /// Titles.
    Text(String),
}

/// The end of a page, and which list it is of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    #[serde(rename = "q")]
    list: String,
    #[serde(rename = "f")]
    pub leniency: u8,
    #[serde(rename = "p")]
    pub after: Place,
}

impl Cursor {
    /// The end of a page of the list that `query` asks for.
    pub fn encode(
        query: &ProductQuery,
        sort: ProductSort,
        leniency: u8,
        after: Place,
    ) -> Result<String, Error> {
        techcommerce_http::cursor::encode(&Self {
            list: list(query, sort),
            leniency,
            after,
        })
    }

    /// The end of the page before, if `query` has one.
    ///
    /// # Errors
    /// 400 `invalid_input` at `cursor` if it is none of ours, or of another list.
    pub fn decode(query: &ProductQuery, sort: ProductSort) -> Result<Option<Self>, Error> {
        let Some(text) = query.cursor.as_deref() else {
            return Ok(None);
        };
        let cursor: Self = techcommerce_http::cursor::decode(text)?;
        let fits = matches!(
            (sort, &cursor.after.key),
            (ProductSort::Title, Key::Text(_))
                | (
                    ProductSort::Relevance
                        | ProductSort::Newest
                        | ProductSort::Price
                        | ProductSort::PriceDescending,
                    Key::Number(_)
                )
        );
        if cursor.list != list(query, sort) || !fits {
            return Err(Error::invalid_field("cursor", "belongs to another list"));
        }
        Ok(Some(cursor))
    }
}

/// Names the list: all of the query but the page.
fn list(query: &ProductQuery, sort: ProductSort) -> String {
    let whole = ProductQuery {
        limit: None,
        cursor: None,
        sort: Some(sort),
        ..query.clone()
    };
    let text = serde_json::to_vec(&whole).unwrap_or_default();
    crate::catalogue::draft::hex(&Sha256::digest(text)[..6])
}
