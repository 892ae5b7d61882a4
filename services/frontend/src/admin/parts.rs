//! What tables and pages are made of: badges, points in time, the way to the next page.

use serde::Serialize;
use techcommerce_kernel::{TimeZone, Timestamp};

use crate::{forms::Sent, i18n::Texts};

/// A short word on a coloured ground. Colour is never all: the word says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// What it says.
    pub text: String,
    /// `good`, `warn`, `bad` or nothing.
    pub tone: &'static str,
}

impl Badge {
    /// The words of `key` on a ground of this tone.
    pub fn new(texts: &Texts, key: &str, tone: &'static str) -> Self {
        Self {
            text: texts.get(key).to_owned(),
            tone,
        }
    }
}

/// A point in time as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// For programs.
    pub iso: String,
    /// As `21 Nov 2026, 14:05`, by the shop's clocks.
    pub text: String,
}

impl When {
    /// `time` in the words of `texts`, as the clocks of `zone` show it.
    pub fn of(texts: &Texts, zone: &TimeZone, time: Timestamp) -> Self {
        let shown = zone.clock(time);
        let (date, clock) = shown.split_once('T').unwrap_or((&shown, ""));
        Self {
            text: format!("{}, {clock}", short_day(texts, date)),
            iso: time.to_rfc3339(),
        }
    }
}

/// `2026-11-21` as `21 Nov 2026` or `21.11.2026`.
pub fn short_day(texts: &Texts, date: &str) -> String {
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let number = |part: Option<&str>| part.and_then(|p| p.parse::<u8>().ok()).unwrap_or(1);
    texts
        .get("desk.day")
        .replace("{d}", &number(day).to_string())
        .replace("{month}", texts.get(&format!("desk.m{}", number(month))))
        .replace("{y}", year.unwrap_or_default())
}

/// The ways from one page of a list: onwards, and back to its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager {
    /// The first page, unless this is it.
    pub first: Option<String>,
    /// The next page, if there is one.
    pub next: Option<String>,
}

impl Pager {
    /// For the list at `path`, asked for with `sent`, of which `kept` are the filters to keep.
    pub fn new(path: &str, sent: &Sent, kept: &[&str], next: Option<String>) -> Self {
        let filters: Vec<(&str, &str)> = kept
            .iter()
            .map(|name| (*name, sent.text(name)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let next = next.map(|cursor| {
            let mut query = filters.clone();
            query.push(("cursor", &cursor));
            address(path, &query)
        });
        let first = (!sent.text("cursor").is_empty()).then(|| address(path, &filters));
        Self { first, next }
    }

    /// Whether there is anything to show.
    pub fn is_needed(&self) -> bool {
        self.first.is_some() || self.next.is_some()
    }
}

/// `path` with a query made of `fields`.
pub fn address(path: &str, fields: &impl Serialize) -> String {
    match serde_urlencoded::to_string(fields) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Languages;

    #[test]
    fn the_next_page_keeps_the_filters() {
        let sent = Sent::parse(b"q=a%26b&status=&cursor=x").unwrap();
        let pager = Pager::new("/admin/orders", &sent, &["q", "status"], Some("y=".into()));
        assert_eq!(
            pager.next.as_deref(),
            Some("/admin/orders?q=a%26b&cursor=y%3D")
        );
        assert_eq!(pager.first.as_deref(), Some("/admin/orders?q=a%26b"));
        assert!(!Pager::new("/x", &Sent::default(), &[], None).is_needed());
    }

    #[test]
    fn a_time_is_short_and_exact() {
        let languages = Languages::new(&[]).unwrap();
        let time: Timestamp = "2026-03-07T09:05:59Z".parse().unwrap();
        let when = |code| When::of(languages.find(code).unwrap(), &TimeZone::UTC, time);
        assert_eq!(when("en").text, "7 Mar 2026, 09:05");
        assert_eq!(when("de").text, "7. März 2026, 09:05");
        assert_eq!(when("en").iso, "2026-03-07T09:05:59Z");
    }
}
