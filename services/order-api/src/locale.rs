//! The languages in which customers are written to.

use http::{HeaderMap, header};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// English, for everybody whose language the shop does not write.
    #[default]
    En,
    /// German.
    De,
}

impl Locale {
    /// The name as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The language of a tag as `de` or `de-AT` (BCP 47), if the shop writes it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_']).next().unwrap_or(tag).trim();
        [Self::En, Self::De]
            .into_iter()
            .find(|locale| locale.name().eq_ignore_ascii_case(language))
    }

    /// The language that `Accept-Language` (RFC 9110, 12.5.4) likes best of those that the shop
    /// writes; of two that it likes as much, the first.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let mut best: Option<(f32, Self)> = None;
        let lists = headers.get_all(header::ACCEPT_LANGUAGE).iter();
        let ranges = lists.filter_map(|list| list.to_str().ok());
        for range in ranges.flat_map(|list| list.split(',')).take(50) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight.trim().strip_prefix("q=");
            let weight = weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
            if let Some(locale) = Self::of_tag(tag)
                && weight > best.map_or(0.0, |(weight, _)| weight)
            {
                best = Some((weight, locale));
            }
        }
        best.map_or_else(Self::default, |(_, locale)| locale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(list: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, list.parse().unwrap());
        Locale::accepted(&headers).name()
    }

    #[test]
    fn the_language_is_what_the_customer_prefers() {
        for (list, name) in [
            ("de-DE,de;q=0.9,en;q=0.8", "de"),
            ("en;q=0.8, de", "de"),
            ("fr, en;q=0.5, de;q=0.7", "de"),
            ("fr", "en"),
            ("de;q=0", "en"),
            ("de;q=x", "en"),
            ("*", "en"),
            ("en, de", "en"),
        ] {
            assert_eq!(accepted(list), name, "{list}");
        }
        assert_eq!(Locale::of_tag("DE_at"), Some(Locale::De));
        assert_eq!(Locale::of_tag("fr"), None);
    }
}
