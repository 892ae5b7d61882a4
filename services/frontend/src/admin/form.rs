//! Fields of the admin's forms: shown, filled with what was sent, and marked with what is wrong.

use std::sync::Arc;

use http::StatusCode;
use techcommerce_contracts::codes;
use techcommerce_kernel::{Error, Kind as ErrorKind};

use super::desk::explain;
use crate::{
    forms::{Sent, Wrong},
    i18n::Texts,
};

/// How a field is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `<input>` of this type: `text`, `email`, `number`, `date`, `datetime-local`, …
    Input(&'static str),
    /// `<textarea>` with so many rows.
    Area(u8),
    /// `<select>`.
    Select(Vec<Choice>),
    /// A box to tick; its value when sent is `on`.
    Check,
    /// Not shown; it travels along.
    Hidden,
}

/// One of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub text: String,
}

impl Choice {
    /// `value`, shown as `text`.
    pub fn new(value: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            text: text.into(),
        }
    }
}

/// A field as it is shown.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its id on the page.
    pub id: String,
    /// Its name when it is sent.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// A hint below the label.
    pub hint: Option<String>,
    /// How it is filled in.
    pub kind: Kind,
    /// What is in it.
    pub value: String,
    /// The longest value.
    pub max: u32,
    /// Whether it must be filled in.
    pub required: bool,
    /// `decimal`, `numeric`, …: the keyboard a phone shows; may be empty.
    pub keyboard: &'static str,
    /// What it is to a browser that fills in (HTML `autocomplete`).
    pub autocomplete: &'static str,
    /// Paths of the API's input, if they do not end with the field's name.
    pub paths: Vec<String>,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Field {
    /// A text that must be filled in. Its id is its name.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: name.clone(),
            name,
            label: label.into(),
            hint: None,
            kind: Kind::Input("text"),
            value: String::new(),
            max: 200,
            required: true,
            keyboard: "",
            autocomplete: "off",
            paths: Vec::new(),
            error: None,
        }
    }

    /// The same as another kind of field.
    #[must_use]
    pub fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same, but it may stay empty.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    /// The same with an id of its own, where a page has several forms.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ..self
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The same with at most so many characters.
    #[must_use]
    pub fn max(self, max: u32) -> Self {
        Self { max, ..self }
    }

    /// The same with another keyboard on a phone.
    #[must_use]
    pub fn keyboard(self, keyboard: &'static str) -> Self {
        Self { keyboard, ..self }
    }

    /// The same for another path of the API's input.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.paths.push(path.into());
        self
    }

    /// The same with this in it.
    #[must_use]
    pub fn value(self, value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            ..self
        }
    }

    /// Whether it is a box to tick.
    pub fn is_check(&self) -> bool {
        self.kind == Kind::Check
    }

    /// The type of an `<input>`.
    pub fn input(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Input(kind) => Some(kind),
            _ => None,
        }
    }

    /// The rows of a `<textarea>`.
    pub fn rows(&self) -> Option<u8> {
        match self.kind {
            Kind::Area(rows) => Some(rows),
            _ => None,
        }
    }

    /// What a `<select>` offers.
    pub fn choices(&self) -> Option<&[Choice]> {
        match &self.kind {
            Kind::Select(choices) => Some(choices),
            _ => None,
        }
    }

    /// Whether `choice` is the one.
    pub fn is_chosen(&self, choice: &Choice) -> bool {
        choice.value == self.value
    }

    /// Whether the browser counts the characters.
    pub fn counts(&self) -> bool {
        matches!(
            self.kind,
            Kind::Input("text" | "email" | "search" | "url") | Kind::Area(_)
        )
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self) -> bool {
        self.value == "on"
    }

    /// The ids of what explains the field to a screen reader.
    pub fn described_by(&self) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        match (hint, error) {
            (Some(hint), Some(error)) => Some(format!("{hint} {error}")),
            (hint, error) => hint.or(error),
        }
    }

    fn is_meant_by(&self, path: &str) -> bool {
        let last = path.rsplit('.').next().unwrap_or(path);
        path == self.name || last == self.name || self.paths.iter().any(|known| known == path)
    }
}

/// A form: its fields and what is wrong with it.
#[derive(Debug)]
pub struct Form {
    /// In the order in which they were added.
    pub fields: Vec<Field>,
    /// The summary above the form.
    pub problems: Vec<Wrong>,
    texts: Arc<Texts>,
    /// The key of a form that counts once, as long as none came with what was sent.
    fresh: String,
}

/// The hidden field of a form that counts once.
const KEY: &str = "key";

impl Form {
    /// A form without fields.
    pub fn new(texts: Arc<Texts>) -> Self {
        Self {
            fields: Vec::new(),
            problems: Vec::new(),
            texts,
            fresh: String::new(),
        }
    }

    /// The same, but however often it is sent it counts once: `key` travels with it.
    #[must_use]
    pub fn once(self, key: String) -> Self {
        let field = Field::text(KEY, "").kind(Kind::Hidden).max(100);
        let form = self.with(field.value(key.clone()));
        Self { fresh: key, ..form }
    }

    /// The key of a form that counts once.
    pub fn key(&self) -> &str {
        self.field(KEY).map_or("", |field| &field.value)
    }

    /// The same with a field more.
    #[must_use]
    pub fn with(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The field of this name; templates ask only for what there is.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields that are not hidden.
    pub fn shown(&self) -> impl Iterator<Item = &Field> {
        let fields = self.fields.iter();
        fields.filter(|field| field.kind != Kind::Hidden)
    }

    /// Fills the fields with what was sent. A box that was not sent is not ticked.
    #[must_use]
    pub fn filled(mut self, sent: &Sent) -> Self {
        for field in &mut self.fields {
            let text = sent.text(&field.name);
            if field.kind != Kind::Hidden || !text.is_empty() {
                text.clone_into(&mut field.value);
            }
        }
        self
    }

    /// Marks what must be filled in and is empty, and what is too long. Whether all is well.
    pub fn check(&mut self) -> bool {
        let texts = Arc::clone(&self.texts);
        let found: Vec<(String, &'static str)> = self
            .fields
            .iter()
            .filter_map(|field| {
                let empty = field.required && field.value.is_empty();
                let long = field.value.chars().count() > field.max as usize;
                let key = if empty {
                    "field.required"
                } else {
                    "field.too_long"
                };
                (empty || long).then(|| (field.name.clone(), key))
            })
            .collect();
        for (name, key) in found {
            self.wrong(&name, texts.get(key));
        }
        self.problems.is_empty()
    }

    /// Marks one field as wrong; what is about no field is about the whole.
    pub fn wrong(&mut self, name: &str, text: &str) {
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(field) if field.error.is_none() => {
                field.error = Some(text.to_owned());
                self.problems.push(Wrong {
                    id: field.id.clone(),
                    text: format!("{}: {text}", field.label),
                });
            }
            Some(_) => {}
            None => self.problems.push(Wrong::whole(text)),
        }
    }

    /// Marks what the API said: at the fields that it names, else above the form. Gives the status
    /// with which the form is shown again.
    pub fn told(&mut self, error: &Error) -> StatusCode {
        // The key did its work with other details; the next try is another one. After all other
        // errors it stays: what is not known to have failed must not be done twice.
        if error.code() == codes::IDEMPOTENCY_KEY_REUSED
            && let Some(key) = self.fields.iter_mut().find(|field| field.name == KEY)
        {
            key.value.clone_from(&self.fresh);
        }
        let before = self.problems.len();
        for said in error.fields() {
            let named = self
                .fields
                .iter()
                .find(|field| field.is_meant_by(&said.path));
            let Some(name) = named.map(|field| field.name.clone()) else {
                continue;
            };
            let text = self.words(&said.message);
            self.wrong(&name, &text);
        }
        if self.problems.len() == before {
            let text = match error.fields().first() {
                Some(said) if error.code() == codes::INVALID_INPUT => {
                    format!("{}: {}", said.path, self.words(&said.message))
                }
                _ => explain(&self.texts, error),
            };
            self.problems.push(Wrong::whole(text));
        }
        match error.kind() {
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The API speaks English; in other languages the field is named and the reader left to look.
    fn words(&self, message: &str) -> String {
        if self.texts.language() != "en" || message.is_empty() {
            return self.texts.get("field.invalid").to_owned();
        }
        let mut letters = message.chars();
        let first: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect();
        let end = if message.ends_with('.') { "" } else { "." };
        format!("{first}{}{end}", letters.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Languages;

    fn form(language: &str) -> Form {
        let languages = Languages::new(&[]).unwrap();
        Form::new(Arc::clone(languages.find(language).unwrap()))
            .with(Field::text("code", "Code").max(5))
            .with(Field::text("value", "Value").path("kind.amount").optional())
    }

    #[test]
    fn what_is_missing_or_too_long_is_marked_at_its_field() {
        let mut sent = form("en").filled(&Sent::parse(b"code=+&value=1").unwrap());
        assert!(!sent.check());
        assert_eq!(sent.problems[0].text, "Code: Please fill this in.");
        assert_eq!(
            sent.field("code").unwrap().described_by().as_deref(),
            Some("code-error")
        );
        let mut sent = form("en").filled(&Sent::parse(b"code=too+long").unwrap());
        assert!(!sent.check());
    }

    #[test]
    fn a_key_stays_until_it_is_used_up() {
        let made = || form("en").once("made".into());
        assert_eq!(made().filled(&Sent::default()).key(), "made");
        let mut sent = made().filled(&Sent::parse(b"key=sent&code=a").unwrap());
        assert!(sent.check() && sent.shown().all(|field| field.name != "key"));
        sent.told(&Error::unavailable("Nobody is there."));
        assert_eq!(sent.key(), "sent");
        let used = Error::unprocessable(codes::IDEMPOTENCY_KEY_REUSED, "Use a new one.");
        sent.told(&used);
        assert_eq!(sent.key(), "made");
    }

    #[test]
    fn what_the_api_says_stands_at_the_field_it_names() {
        let error = Error::invalid_field("kind.amount", "must be more than zero");
        let mut english = form("en");
        english.told(&error);
        assert_eq!(english.problems[0].text, "Value: Must be more than zero.");
        let mut german = form("de");
        german.told(&error);
        assert_eq!(german.problems[0].id, "value");
        assert!(german.problems[0].text.contains("prüfen"));
        let mut elsewhere = form("en");
        elsewhere.told(&Error::invalid_field("lines[0]", "is none"));
        assert_eq!(elsewhere.problems[0].text, "lines[0]: Is none.");
    }
}
