//! Forms: reading what was sent, and showing it again with what is wrong.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use techcommerce_contracts::codes;
use techcommerce_kernel::{Error, FieldError};

use crate::{failure::Failure, i18n::Texts};

/// The fields of a form as they were sent (`application/x-www-form-urlencoded`).
#[derive(Debug, Clone, Default)]
pub struct Sent(Vec<(String, String)>);

impl Sent {
    /// From a query or a body.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let unreadable = || Error::invalid(codes::INVALID_INPUT, "The form could not be read.");
        let fields: Vec<(String, String)> =
            serde_urlencoded::from_bytes(text).map_err(|error| unreadable().caused_by(error))?;
        // No database takes U+0000 into a text, and nobody types it.
        if fields.iter().any(|(_, value)| value.contains('\0')) {
            return Err(unreadable());
        }
        Ok(Self(fields))
    }

    /// The field's value without spaces around it; empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The field's value as it was typed, for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// Whether the field was sent, be it empty.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All values of the field, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }

    fn find(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(n, _)| n == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The field's value as a whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        Self::parse(&body).map_err(|error| Failure(error).into_response())
    }
}

/// The query of the address, leniently: what cannot be read is not there.
#[derive(Debug, Clone, Default)]
pub struct Asked(pub Sent);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(Sent::parse(query.as_bytes()).unwrap_or_default()))
    }
}

/// A field of a form as it is shown.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its id on the page.
    pub id: &'static str,
    /// Its name when it is sent.
    pub name: &'static str,
    /// The key of its label.
    pub label: &'static str,
    /// The key of a hint below the label.
    pub hint: Option<&'static str>,
    /// The type of input.
    pub kind: &'static str,
    /// What it is to a browser that fills in (HTML `autocomplete`).
    pub autocomplete: &'static str,
    /// The longest value.
    pub max: u32,
    /// Whether it must be filled in.
    pub required: bool,
    /// What is in it.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Field {
    /// A text that must be filled in. Its id is its name.
    pub fn text(name: &'static str, label: &'static str, autocomplete: &'static str) -> Self {
        Self {
            id: name,
            name,
            label,
            hint: None,
            kind: "text",
            autocomplete,
            max: 200,
            required: true,
            value: String::new(),
            error: None,
        }
    }

    /// A mail address.
    pub fn email(label: &'static str) -> Self {
        Self {
            kind: "email",
            max: 254,
            ..Self::text("email", label, "email")
        }
    }

    /// A password; what was typed is not shown again.
    pub fn password(label: &'static str, autocomplete: &'static str) -> Self {
        Self {
            kind: "password",
            max: 1024,
            ..Self::text("password", label, autocomplete)
        }
    }

    /// The same, but it may stay empty.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hinted(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// The same with what was sent.
    #[must_use]
    pub fn filled(self, sent: &Sent) -> Self {
        let value = match self.kind {
            "password" => String::new(),
            _ => sent.text(self.name).to_owned(),
        };
        Self { value, ..self }
    }

    /// The ids of what explains the field to a screen reader.
    pub fn described_by(&self) -> Option<String> {
        let hint = self.hint.map(|_| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        match (hint, error) {
            (Some(hint), Some(error)) => Some(format!("{hint} {error}")),
            (hint, error) => hint.or(error),
        }
    }
}

/// A line of the summary above a form: what is wrong, and where.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// The field's id; empty if it is about the whole.
    pub id: String,
    /// What is wrong.
    pub text: String,
}

impl Wrong {
    /// Something about the form as a whole.
    pub fn whole(text: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            text: text.into(),
        }
    }
}

/// Writes what is wrong into the fields and gives the summary: required fields that are empty,
/// and what the API said of the input, matched by the last part of its path.
pub fn mark(
    fields: &mut [&mut Field],
    texts: &Texts,
    told: &[FieldError],
    check_empty: bool,
) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for field in fields {
        let said = told
            .iter()
            .find(|error| last_part(&error.path) == field.name);
        let key = match said {
            _ if check_empty
                && field.required
                && field.value.is_empty()
                && field.kind != "password" =>
            {
                Some("field.required")
            }
            Some(_) if field.value.is_empty() && field.required && field.kind != "password" => {
                Some("field.required")
            }
            Some(_) if field.value.chars().count() > field.max as usize => Some("field.too_long"),
            Some(_) => Some(match field.name {
                "email" => "field.email",
                "password" => "field.password_short",
                "postal_code" => "field.postal_code",
                _ => "field.invalid",
            }),
            None => None,
        };
        if let Some(key) = key {
            let text = texts.get(key).to_owned();
            wrong.push(Wrong {
                id: field.id.to_owned(),
                text: format!("{}: {text}", texts.get(field.label)),
            });
            field.error = Some(text);
        }
    }
    wrong
}

/// `city` of `shipping_address.city`.
pub fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Languages;

    #[test]
    fn a_form_is_read_and_shown_again() {
        let sent = Sent::parse(b"email=+a%40b.example+&password=+secret+&n=3").unwrap();
        assert_eq!(sent.text("email"), "a@b.example");
        assert_eq!(sent.raw("password"), " secret ");
        assert_eq!(sent.number("n"), Some(3));
        assert_eq!(sent.text("missing"), "");
        assert!(Sent::parse(b"name=a%00b").is_err());
        assert_eq!(
            Field::email("sign.email").filled(&sent).value,
            "a@b.example"
        );
        let password = Field::password("sign.password", "current-password").filled(&sent);
        assert_eq!(password.value, "", "a password is not shown again");
    }

    #[test]
    fn what_the_api_says_stands_beside_the_field() {
        let languages = Languages::new(&[]).unwrap();
        let de = languages.find("de").unwrap();
        let mut email = Field::email("checkout.email");
        email.value = "nobody".into();
        let mut city = Field::text("city", "checkout.city", "address-level2");
        let told = [FieldError {
            path: "email".into(),
            message: "is no address".into(),
        }];
        let wrong = mark(&mut [&mut email, &mut city], de, &told, true);
        assert_eq!(wrong.len(), 2);
        assert_eq!(wrong[1].text, "Ort: Bitte füllen Sie dieses Feld aus.");
        assert_eq!(email.described_by().as_deref(), Some("email-error"));
        assert_eq!(last_part("shipping_address.city"), "city");
    }
}
