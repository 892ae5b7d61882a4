//! The storefront's words, by language.
//!
//! `locales/*.toml` are compiled in and read once: per language the shop's words, those of the
//! pages for staff (`admin`), and those of staff's pages about goods (`catalogue`). A key is
//! `section.name`; a test proves that every language has the same keys and placeholders, that
//! every key a template or a page asks for exists, and that none lies unused. A key that is
//! missing all the same shows itself.

use std::{collections::HashMap, fmt::Display, sync::Arc};

use techcommerce_kernel::{Error, Timestamp};

/// The languages that are shipped, each with its files. The first is the fallback.
const FILES: [(&str, [&str; 3]); 2] = [
    (
        "en",
        [
            include_str!("../locales/en.toml"),
            include_str!("../locales/admin.en.toml"),
            include_str!("../locales/catalogue.en.toml"),
        ],
    ),
    (
        "de",
        [
            include_str!("../locales/de.toml"),
            include_str!("../locales/admin.de.toml"),
            include_str!("../locales/catalogue.de.toml"),
        ],
    ),
];

/// Every word in one language.
#[derive(Debug)]
pub struct Texts {
    language: &'static str,
    words: HashMap<String, String>,
}

impl Texts {
    fn read(language: &'static str, files: &[&str]) -> Result<Self, Error> {
        let mut words = HashMap::new();
        for file in files {
            let table: toml::Table = file.parse().map_err(|error| {
                Error::internal(format!("locales of the language {language}: {error}"))
            })?;
            flatten("", &table, &mut words);
        }
        Ok(Self { language, words })
    }

    /// The language's code, as it stands in `<html lang>`.
    pub fn language(&self) -> &'static str {
        self.language
    }

    /// The words of `key`.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.words.get(key).map_or(key, String::as_str)
    }

    /// The words of `key` if there are any.
    pub fn find(&self, key: &str) -> Option<&str> {
        self.words.get(key).map(String::as_str)
    }

    /// The words of `key` with `{}` replaced.
    pub fn with(&self, key: &str, value: impl Display) -> String {
        self.get(key).replace("{}", &value.to_string())
    }

    /// The words of `key.one` or `key.other`, with `{}` replaced by the count. Both languages
    /// that are shipped have exactly these two plural forms (CLDR).
    pub fn count(&self, key: &str, count: i64) -> String {
        let form = if count == 1 { "one" } else { "other" };
        self.with(&format!("{key}.{form}"), count)
    }

    /// The day of `time`, in UTC, written out.
    pub fn day(&self, time: Timestamp) -> String {
        let text = time.to_rfc3339();
        let mut parts = text.get(..10).unwrap_or_default().split('-');
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        let number = |part: Option<&str>| part.and_then(|p| p.parse::<u8>().ok()).unwrap_or(1);
        self.get("date.full")
            .replace("{d}", &number(day).to_string())
            .replace("{month}", self.get(&format!("date.m{}", number(month))))
            .replace("{y}", year.unwrap_or_default())
    }
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut HashMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, into),
            toml::Value::String(text) => {
                into.insert(key, text.clone());
            }
            _ => {}
        }
    }
}

/// The languages that this shop speaks, the default first.
#[derive(Debug, Clone)]
pub struct Languages(Arc<[Arc<Texts>]>);

impl Languages {
    /// The languages with these codes, in this order; all that are shipped if the list is empty.
    ///
    /// # Errors
    /// A code that is not shipped is refused, with the ones that are.
    pub fn new(codes: &[String]) -> Result<Self, Error> {
        let shipped = || FILES.map(|(code, _)| code).join(", ");
        let wanted: Vec<&str> = match codes {
            [] => FILES.iter().map(|(code, _)| *code).collect(),
            some => some.iter().map(String::as_str).collect(),
        };
        let read = wanted.into_iter().map(|code| {
            let (language, files) = FILES
                .iter()
                .find(|(shipped, _)| *shipped == code)
                .ok_or_else(|| {
                    Error::invalid(
                        "unknown_language",
                        format!("The shop does not speak `{code}`; it speaks {}.", shipped()),
                    )
                })?;
            Texts::read(language, files).map(Arc::new)
        });
        Ok(Self(read.collect::<Result<Vec<_>, Error>>()?.into()))
    }

    /// All languages, the default first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Texts>> {
        self.0.iter()
    }

    /// The language with this code.
    pub fn find(&self, code: &str) -> Option<&Arc<Texts>> {
        self.0.iter().find(|texts| texts.language == code)
    }

    /// The best of our languages: the visitor's choice (a cookie), else what `Accept-Language`
    /// (RFC 9110 §12.5.4) prefers, else the default.
    pub fn choose(&self, chosen: Option<&str>, accept: Option<&str>) -> Arc<Texts> {
        let accepted = || {
            let mut ranges: Vec<(&str, f32)> =
                accept?.split(',').take(16).filter_map(range).collect();
            ranges.sort_by(|a, b| b.1.total_cmp(&a.1));
            ranges.into_iter().find_map(|(range, _)| {
                let primary = range.split('-').next().unwrap_or_default();
                self.find(&primary.to_ascii_lowercase())
            })
        };
        chosen
            .and_then(|code| self.find(code))
            .or_else(accepted)
            .map_or_else(|| self.0[0].clone(), Arc::clone)
    }
}

/// A language range and its weight, unless the weight says "not this".
fn range(text: &str) -> Option<(&str, f32)> {
    let (range, parameters) = text.split_once(';').unwrap_or((text, ""));
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => weight.trim().parse().ok()?,
        None => 1.0,
    };
    (weight > 0.0).then_some((range.trim(), weight))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn both() -> Languages {
        Languages::new(&[]).unwrap()
    }

    #[test]
    fn every_language_has_the_same_keys_and_placeholders() {
        let languages = both();
        let shape = |texts: &Texts| -> BTreeSet<(String, usize)> {
            let holes = |text: &String| text.matches('{').count();
            texts
                .words
                .iter()
                .map(|(key, text)| (key.clone(), holes(text)))
                .collect()
        };
        let first = shape(&languages.0[0]);
        for texts in languages.all() {
            let mine = shape(texts);
            let odd: Vec<_> = first.symmetric_difference(&mine).collect();
            assert!(odd.is_empty(), "{}: {odd:?}", texts.language);
            assert!(texts.words.values().all(|text| !text.trim().is_empty()));
        }
    }

    /// Quoted words of the form `section.name` in templates and sources; of a key that is made
    /// from a value, as `country.{code}`, what stands before the value.
    fn asked_for(folder: &Path, into: &mut BTreeSet<String>, sections: &BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                asked_for(&path, into, sections);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for quoted in text
                .split('"')
                .filter_map(|quoted| quoted.split('{').next())
            {
                let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
                if let Some((section, _)) = quoted.split_once('.')
                    && sections.contains(section)
                    && quoted.chars().all(fits)
                {
                    into.insert(quoted.to_owned());
                }
            }
        }
    }

    #[test]
    fn no_file_says_what_another_says_already() {
        for (language, files) in FILES {
            let count = |files: &[&str]| Texts::read(language, files).unwrap().words.len();
            let apart: usize = files.iter().map(|file| count(&[file])).sum();
            assert_eq!(
                count(&files),
                apart,
                "{language}: a key stands in two files"
            );
        }
    }

    /// `country.`, `checkout.pay_`, `date.m`: a value follows.
    fn is_beginning(key: &str) -> bool {
        key.ends_with(['.', '_']) || matches!(key, "date.m" | "desk.m")
    }

    #[test]
    fn every_key_asked_for_exists_and_none_lies_unused() {
        let languages = both();
        let words = &languages.0[0].words;
        let sections = words
            .keys()
            .filter_map(|key| key.split('.').next())
            .map(String::from);
        let sections: BTreeSet<String> = sections.collect();
        let mut asked = BTreeSet::new();
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        asked_for(&home.join("templates"), &mut asked, &sections);
        asked_for(&home.join("src"), &mut asked, &sections);

        let plural = |key: &String| words.contains_key(&format!("{key}.other"));
        let file = |key: &String| key.ends_with(".rs") || key.ends_with(".html");
        let missing: Vec<_> = asked
            .iter()
            .filter(|key| !words.contains_key(*key) && !plural(key) && !file(key))
            .filter(|key| !is_beginning(key))
            .collect();
        assert!(missing.is_empty(), "no words for {missing:?}");

        let unused: Vec<_> = words
            .keys()
            .filter(|key| {
                let base = key.trim_end_matches(".one").trim_end_matches(".other");
                let made = asked.iter().any(|a| is_beginning(a) && base.starts_with(a));
                !asked.contains(base) && !made
            })
            .collect();
        assert!(unused.is_empty(), "nobody says {unused:?}");
    }

    #[test]
    fn the_cookie_goes_before_what_the_browser_accepts() {
        let languages = both();
        let choose = |cookie, accept| languages.choose(cookie, accept).language();
        assert_eq!(choose(None, None), "en");
        assert_eq!(choose(None, Some("de-CH, de;q=0.9, en;q=0.5")), "de");
        assert_eq!(choose(None, Some("en;q=0.5, de;q=0.9")), "de");
        assert_eq!(choose(None, Some("fr, *;q=0.1")), "en");
        assert_eq!(choose(None, Some("de;q=0, en")), "en");
        assert_eq!(choose(None, Some("de;q=NaN, ;;,")), "en");
        assert_eq!(choose(Some("en"), Some("de")), "en");
        assert_eq!(choose(Some("tlh"), Some("de")), "de");
    }

    #[test]
    fn an_unknown_language_in_the_configuration_is_refused() {
        assert!(Languages::new(&["fr".into()]).is_err());
        let only = Languages::new(&["de".into()]).unwrap();
        assert_eq!(only.choose(None, Some("en")).language(), "de");
    }

    #[test]
    fn counts_and_days_follow_the_language() {
        let languages = both();
        let (en, de) = (languages.find("en").unwrap(), languages.find("de").unwrap());
        assert_eq!(en.count("cart.count", 1), "1 item");
        assert_eq!(en.count("cart.count", 0), "0 items");
        let day: Timestamp = "2026-03-07T23:59:59Z".parse().unwrap();
        assert_eq!(en.day(day), "7 March 2026");
        assert_eq!(de.day(day), "7. März 2026");
    }
}
