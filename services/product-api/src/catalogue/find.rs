//! Finding products in the database, for staff: they see what is, not what the read model shows.

use techcommerce_contracts::{
    ListQuery, Page,
    product_api::{Product, ProductQuery, ProductSort, ProductStatus},
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, StoreError, with};

use super::{read, text::fold};

/// How many characters of a title decide its place in a list; the rest is decided by the id.
const TITLE: usize = 80;
/// The most words of a search that are looked at.
const WORDS: usize = 10;
/// The most characters of a search.
const SEARCH: usize = 200;

/// A value of a condition.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A number, a price or a time.
    Number(i64),
    /// A text.
    Text(String),
    /// An id.
    Id(Uuid),
}

/// The conditions of a `WHERE`, with their values.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// The placeholder of a further value.
    pub fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// A further condition that must hold.
    pub fn and(&mut self, condition: &str) {
        if !self.sql.is_empty() {
            self.sql.push_str(" AND ");
        }
        self.sql.push_str(condition);
    }

    /// All conditions.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Asks for the rows.
    pub async fn rows<T>(&self, conn: &mut Conn, sql: &str) -> Result<Vec<T>, StoreError>
    where
        T: Send + Unpin,
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
        T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>,
    {
        with!(conn, |c| {
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
            for value in &self.values {
                query = match value {
                    Value::Number(number) => query.bind(*number),
                    Value::Text(text) => query.bind(text.as_str()),
                    Value::Id(id) => query.bind(*id),
                };
            }
            query.fetch_all(c).await
        })
    }
}

/// What staff search by: words of a title, or the beginning of a handle or SKU.
#[derive(Debug)]
pub(crate) struct Search {
    words: Vec<String>,
    beginning: String,
    folded_beginning: String,
}

impl Search {
    /// `None` if nothing is searched for.
    ///
    /// # Errors
    /// `invalid_input` at `q`.
    pub fn new(q: Option<&str>) -> Result<Option<Self>, Error> {
        let Some(text) = q.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        if text.chars().count() > SEARCH {
            let message = format!("is longer than {SEARCH} characters");
            return Err(Error::invalid_field("q", message));
        }
        let folded = fold(text);
        let words = folded.split_whitespace().take(WORDS);
        Ok(Some(Self {
            words: words.map(|word| format!("%{}%", escaped(word))).collect(),
            beginning: format!("{}%", escaped(&text.to_ascii_lowercase())),
            folded_beginning: format!("{}%", escaped(&folded.replace(' ', "-"))),
        }))
    }

    /// A condition on `products p`.
    pub fn product(&self, conditions: &mut Conditions) -> String {
        let mut words = Vec::with_capacity(self.words.len());
        for word in &self.words {
            let word = conditions.bind(Value::Text(word.clone()));
            words.push(format!("p.title_key LIKE {word} ESCAPE '\\'"));
        }
        let handle = conditions.bind(Value::Text(self.folded_beginning.clone()));
        format!(
            "(({}) OR p.handle LIKE {handle} ESCAPE '\\')",
            words.join(" AND ")
        )
    }

    /// A condition on `variants v`.
    pub fn variant(&self, conditions: &mut Conditions) -> String {
        let sku = conditions.bind(Value::Text(self.beginning.clone()));
        format!("lower(v.sku) LIKE {sku} ESCAPE '\\'")
    }
}

/// A text that `LIKE … ESCAPE '\'` takes as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The end of a page. By title the key is its beginning, else when the product was added.
type Newest = (i64, Uuid);
type ByTitle = (String, Uuid);

/// A page of the products that staff ask for, as the database has them now.
///
/// # Errors
/// `invalid_input` with the place.
pub async fn page(
    conn: &mut Conn,
    query: &ProductQuery,
    status: ProductStatus,
) -> Result<Page<Product>, Error> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let mut conditions = Conditions::default();
    let status = conditions.bind(Value::Text(status.name().to_owned()));
    conditions.and(&format!("p.status = {status}"));
    filter(&mut conditions, query)?;
    let cursor = query.cursor.as_deref();
    let (ids, next_cursor) = match query.sort {
        None | Some(ProductSort::Newest | ProductSort::Relevance) => {
            if let Some(cursor) = cursor {
                let (time, id): Newest = cursor::decode(cursor)?;
                let time = conditions.bind(Value::Number(time));
                let id = conditions.bind(Value::Id(id));
                conditions.and(&format!("(p.created_at, p.id) < ({time}, {id})"));
            }
            let sql = format!(
                "SELECT p.created_at, p.id FROM products p WHERE {}
                 ORDER BY p.created_at DESC, p.id DESC LIMIT {}",
                conditions.sql(),
                limit + 1
            );
            let rows: Vec<Newest> = conditions.rows(conn, &sql).await?;
            cut(rows, limit, |row| row.1)?
        }
        Some(ProductSort::Title) => {
            let key = format!("substr(p.title_key, 1, {TITLE}) COLLATE \"C\"");
            if let Some(cursor) = cursor {
                let (title, id): ByTitle = cursor::decode(cursor)?;
                let title = conditions.bind(Value::Text(title));
                let id = conditions.bind(Value::Id(id));
                conditions.and(&format!(
                    "({key} > {title} OR ({key} = {title} AND p.id < {id}))"
                ));
            }
            let sql = format!(
                "SELECT substr(p.title_key, 1, {TITLE}), p.id FROM products p WHERE {}
                 ORDER BY {key}, p.id DESC LIMIT {}",
                conditions.sql(),
                limit + 1
            );
            let rows: Vec<ByTitle> = conditions.rows(conn, &sql).await?;
            cut(rows, limit, |row| row.1)?
        }
        Some(ProductSort::Price | ProductSort::PriceDescending) => {
            return Err(Error::invalid_field(
                "sort",
                "must be newest or title where a status is asked for",
            ));
        }
    };
    let mut records = read::products(conn, &ids).await?;
    records.sort_by_key(|record| ids.iter().position(|id| *id == record.row.id));
    let items = records.iter().map(super::rows::Record::product);
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor,
    })
}

fn filter(conditions: &mut Conditions, query: &ProductQuery) -> Result<(), Error> {
    let given = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim).unwrap_or_default();
        (!text.is_empty()).then(|| text.to_owned())
    };
    if let Some(search) = Search::new(query.q.as_deref())? {
        let product = search.product(conditions);
        let variant = search.variant(conditions);
        conditions.and(&format!(
            "({product} OR p.id IN (SELECT v.product_id FROM variants v
             WHERE v.archived = FALSE AND {variant}))"
        ));
    }
    if let Some(handle) = given(&query.category) {
        let handle = conditions.bind(Value::Text(handle));
        conditions.and(&format!(
            "p.category_id = (SELECT id FROM categories WHERE handle = {handle})"
        ));
    }
    if let Some(vendor) = given(&query.vendor) {
        let vendor = conditions.bind(Value::Text(vendor.to_ascii_lowercase()));
        conditions.and(&format!("lower(p.vendor) = {vendor}"));
    }
    if let Some(tag) = given(&query.tag) {
        // Tags are a list of texts in JSON, the same on both engines: each in its quotes.
        let quoted = serde_json::to_string(&tag).map_err(Error::internal)?;
        let pattern = format!("%{}%", escaped(&quoted.to_ascii_lowercase()));
        let tag = conditions.bind(Value::Text(pattern));
        conditions.and(&format!(
            "lower(CAST(p.tags AS text)) LIKE {tag} ESCAPE '\\'"
        ));
    }
    variant_filter(conditions, query)
}

/// What one variant must fit.
fn variant_filter(conditions: &mut Conditions, query: &ProductQuery) -> Result<(), Error> {
    const SOME: &str = "EXISTS (SELECT 1 FROM variants v
         JOIN stock_levels s ON s.variant_id = v.id
         WHERE v.product_id = p.id AND v.archived = FALSE AND";
    let mut prices = Vec::new();
    for (path, sign, price) in [
        ("min_price", ">=", query.min_price),
        ("max_price", "<=", query.max_price),
    ] {
        match price {
            Some(price) if price < 0 => {
                return Err(Error::invalid_field(path, "must not be below zero"));
            }
            Some(price) => {
                let price = conditions.bind(Value::Number(price));
                prices.push(format!("v.price {sign} {price}"));
            }
            None => {}
        }
    }
    if !prices.is_empty() {
        conditions.and(&format!("{SOME} {})", prices.join(" AND ")));
    }
    let not = |wanted: bool| if wanted { "" } else { "NOT " };
    if let Some(wanted) = query.in_stock {
        conditions.and(&format!(
            "{}{SOME} (v.track_inventory = FALSE OR v.inventory_policy = 'continue'
             OR s.on_hand > s.reserved))",
            not(wanted)
        ));
    }
    if let Some(wanted) = query.on_sale {
        conditions.and(&format!(
            "{}{SOME} v.compare_at_price > v.price)",
            not(wanted)
        ));
    }
    Ok(())
}

/// One row more than the page was asked for, to see whether there is a next one.
fn cut<K: serde::Serialize>(
    mut rows: Vec<K>,
    limit: usize,
    id: impl Fn(&K) -> Uuid,
) -> Result<(Vec<Uuid>, Option<String>), Error> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = match rows.last() {
        Some(last) if more => Some(cursor::encode(last)?),
        _ => None,
    };
    Ok((rows.iter().map(id).collect(), next))
}
