//! What a page answered, and what every page has to pass.

use http::StatusCode;

/// What the storefront answered.
pub struct Answer {
    pub(super) parts: http::response::Parts,
    pub body: String,
}

impl Answer {
    pub fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.parts.status, status, "{}", self.body);
        self
    }

    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// All values of the header, joined.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.parts.headers.get_all(name).iter();
        let first = values.next().map_or("", |value| value.to_str().unwrap());
        let second = values.next().map_or("", |value| value.to_str().unwrap());
        // `Vary` is added to by the compression; the test wants both.
        if second.is_empty() {
            first
        } else {
            format!("{first}, {second}").leak()
        }
    }

    pub fn has(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.body.contains(part), "no {part:?} in\n{}", self.body);
        }
    }

    pub fn lacks(&self, parts: &[&str]) {
        for part in parts {
            assert!(!self.body.contains(part), "{part:?} in\n{}", self.body);
        }
    }

    /// Every address in an attribute that begins so, once.
    pub fn addresses(&self, beginning: &str) -> Vec<String> {
        let quoted = self
            .body
            .split('"')
            .filter(|text| text.starts_with(beginning));
        let mut addresses: Vec<String> = quoted.map(str::to_owned).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// The values of `attribute` wherever it stands.
    fn attribute(&self, attribute: &str) -> Vec<&str> {
        let marked = self
            .body
            .split(&format!(" {attribute}=\""))
            .skip(1)
            .collect::<Vec<_>>();
        marked
            .into_iter()
            .filter_map(|rest| rest.split('"').next())
            .collect()
    }

    /// What a screen reader and the content security policy need of every page.
    pub fn is_accessible(&self) {
        let body = &self.body;
        let count = |text: &str| body.matches(text).count();
        assert_eq!(count("<h1"), 1, "one first heading: {body}");
        assert_eq!(count("<main id=\"content\""), 1);
        assert!(body.contains("class=\"skip\" href=\"#content\""));
        for landmark in ["<header class=\"top\"", "<footer", "role=\"search\""] {
            assert_eq!(count(landmark), 1, "{landmark}");
        }
        assert!(
            body.contains("<title>") && !body.contains("<title> "),
            "a title: {body}"
        );
        // Nothing inline: the policy forbids it.
        assert!(
            !body.contains(" style=\"") && !body.contains("<style"),
            "inline style"
        );
        for handler in [" onclick=", " onload=", " onerror=", "javascript:"] {
            assert!(!body.contains(handler), "{handler}");
        }
        // Ids are unique, and every reference finds its id.
        let ids = self.attribute("id");
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "ids that repeat: {ids:?}");
        for reference in ["for", "aria-labelledby", "aria-describedby"] {
            for id in self
                .attribute(reference)
                .iter()
                .flat_map(|value| value.split(' '))
            {
                assert!(ids.contains(&id), "{reference}=\"{id}\" leads nowhere");
            }
        }
        // Every picture says what it shows and how large it is; every field has a label.
        for tag in body.split('<') {
            let has = |text: &str| tag.contains(text);
            if tag.starts_with("img ") {
                assert!(
                    has(" alt=\"") && has(" width=\"") && has(" height=\""),
                    "{tag}"
                );
            }
            if tag.starts_with("input ") && !has("type=\"hidden\"") && !has("type=\"radio\"") {
                let id = tag
                    .split(" id=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                let labelled = id.is_some_and(|id| body.contains(&format!("for=\"{id}\"")));
                assert!(
                    labelled || has("type=\"checkbox\""),
                    "a field without a label: {tag}"
                );
            }
        }
        // Headings do not skip a level.
        let mut level = 1;
        for heading in body
            .split("<h")
            .skip(1)
            .filter_map(|rest| rest.chars().next())
        {
            if let Some(found) = heading.to_digit(10) {
                assert!(found <= level + 1, "h{found} after h{level}: {body}");
                level = found;
            }
        }
    }
}
