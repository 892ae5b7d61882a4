//! What a page answered, and what every page has to pass.

use http::StatusCode;

/// What the storefront answered.
pub struct Answer {
    pub(super) parts: http::response::Parts,
    pub body: String,
}

/// A form of a page that changes something.
#[derive(Debug, Clone)]
pub struct PageForm {
    pub action: String,
    pub class: String,
    pub with_files: bool,
    pub fields: Vec<PageField>,
    /// Names and values of those that say what they do.
    pub buttons: Vec<(String, String)>,
}

/// A field of a form as it stands on the page.
#[derive(Debug, Clone)]
pub struct PageField {
    /// The type of an `<input>`, else `textarea` or `select`.
    pub kind: String,
    pub name: String,
    pub value: String,
    /// What a `<select>` offers.
    pub choices: Vec<String>,
}

impl PageForm {
    fn read(tag: &str, content: &str) -> Self {
        let text = |name| attribute(tag, name).unwrap_or_default();
        let mut form = Self {
            action: text("action"),
            class: text("class"),
            with_files: text("enctype") == "multipart/form-data",
            fields: Vec::new(),
            buttons: Vec::new(),
        };
        for rest in content.split('<').skip(1) {
            let (tag, text) = rest.split_once('>').unwrap_or((rest, ""));
            let value = attribute(tag, "value").unwrap_or_default();
            let what = tag.split(' ').next().unwrap_or_default();
            if what == "option" {
                let field = form.fields.last_mut().unwrap();
                if tag.contains(" selected") {
                    field.value.clone_from(&value);
                }
                field.choices.push(value);
                continue;
            }
            let Some(name) = attribute(tag, "name") else {
                continue;
            };
            let (kind, value) = match what {
                "input" => (attribute(tag, "type").unwrap_or("text".into()), value),
                "textarea" => (what.into(), plain(text.trim_start_matches('\n'))),
                "select" => (what.into(), String::new()),
                "button" => {
                    form.buttons.push((name, value));
                    continue;
                }
                _ => continue,
            };
            form.fields.push(PageField {
                kind,
                name,
                value,
                choices: Vec::new(),
            });
        }
        form
    }
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    Some(plain(rest.split('"').next()?))
}

fn plain(html: &str) -> String {
    let entities = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ];
    let mut text = html.to_owned();
    for (entity, character) in entities {
        text = text.replace(entity, character);
    }
    text
}

impl Answer {
    /// The page's forms that change something.
    pub fn forms(&self) -> Vec<PageForm> {
        let forms = self.body.split("<form").skip(1);
        let forms = forms.filter_map(|rest| rest.split("</form>").next()?.split_once('>'));
        let forms = forms.filter(|(tag, _)| tag.contains(" method=\"post\""));
        forms
            .map(|(tag, content)| PageForm::read(tag, content))
            .collect()
    }

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
