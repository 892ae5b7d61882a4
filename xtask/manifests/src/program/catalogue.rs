//! What can be scraped of the program, as `techcommerce metrics` lists it. That the list is true is
//! a matter of the tests of the whole program.

use std::collections::BTreeMap;

/// The samples by their names.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<String, Sample>);

/// One sample.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The labels with their values, where these are few and named.
    labels: BTreeMap<String, Option<Vec<String>>>,
}

impl Catalogue {
    /// From lines as `techcommerce_jobs worker queue=* state=ready|dead`.
    pub fn parse(text: &str) -> Self {
        let sample = |line: &str| {
            let mut words = line.split(' ');
            let name = words.next().filter(|name| !name.is_empty())?;
            let labels = words.skip(1).filter_map(|word| {
                let (label, values) = word.split_once('=')?;
                let values = (values != "*").then(|| {
                    let values = values.split('|');
                    values.map(str::to_owned).collect()
                });
                Some((label.to_owned(), values))
            });
            let labels = labels.collect();
            Some((name.to_owned(), Sample { labels }))
        };
        Self(text.lines().filter_map(sample).collect())
    }

    /// The sample of this name.
    pub fn get(&self, name: &str) -> Option<&Sample> {
        self.0.get(name)
    }

    /// The name that begins most like this one.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let common = |other: &str| {
            let both = name.bytes().zip(other.bytes());
            both.take_while(|(a, b)| a == b).count()
        };
        let nearest = self.0.keys().max_by_key(|other| common(other));
        nearest
            .map(String::as_str)
            .filter(|other| common(other) > 4)
    }
}

impl Sample {
    /// Whether it has this label.
    pub fn has(&self, label: &str) -> bool {
        self.labels.contains_key(label)
    }

    /// The values that the label has, if they are few and named. What is none of them is `other`.
    pub fn values(&self, label: &str) -> Option<&[String]> {
        self.labels.get(label)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read() {
        let text = "up_seconds_bucket api,auth le=*\njobs worker queue=* state=ready|dead\n";
        let catalogue = Catalogue::parse(text);
        let jobs = catalogue.get("jobs").unwrap();
        assert!(jobs.has("queue") && jobs.values("queue").is_none());
        assert_eq!(jobs.values("state").unwrap(), ["ready", "dead"]);
        assert!(!jobs.has("kind"));
        assert_eq!(
            catalogue.nearest("up_second_bucket"),
            Some("up_seconds_bucket")
        );
        assert_eq!(catalogue.nearest("nothing"), None);
    }
}
