//! The words of mails, in the languages that we have.

use serde::{Deserialize, Serialize};
use techcommerce_contracts::Role;

use crate::Settings;

/// A language that mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// The first of an `Accept-Language` header that is ours, else English.
    pub fn accepted(header: &str) -> Self {
        let wanted = header
            .split(',')
            .map(|part| part.trim().to_ascii_lowercase());
        wanted
            .filter_map(|tag| match tag.get(..2) {
                Some("de") => Some(Self::De),
                Some("en") => Some(Self::En),
                _ => None,
            })
            .next()
            .unwrap_or(Self::En)
    }
}

/// The address of the page where a password is chosen with `secret`.
pub fn link(settings: &Settings, secret: &str) -> String {
    let shop = settings.public_url.trim_end_matches('/');
    format!("{shop}/reset-password?token={secret}")
}

/// Subject and text for whoever asked for a new password.
pub fn reset(settings: &Settings, language: Language, link: &str) -> (String, String) {
    let shop = &settings.shop_name;
    match language {
        Language::En => (
            format!("A new password for {shop}"),
            format!(
                "Hello,\n\nsomebody asked for a new password for your account at {shop}. If it \
                 was you, choose one here within 30 minutes:\n\n{link}\n\nIf it was not you, \
                 there is nothing to do: your password stays as it is.\n\n{shop}\n"
            ),
        ),
        Language::De => (
            format!("Ein neues Passwort für {shop}"),
            format!(
                "Guten Tag,\n\njemand hat ein neues Passwort für Ihr Konto bei {shop} verlangt. \
                 Wenn Sie das waren, wählen Sie es hier innerhalb von 30 Minuten:\n\n{link}\n\n\
                 Wenn nicht, ist nichts zu tun: Ihr Passwort bleibt, wie es ist.\n\n{shop}\n"
            ),
        ),
    }
}

/// Subject and text for whom an account was made.
pub fn invitation(
    settings: &Settings,
    language: Language,
    role: Role,
    link: &str,
) -> (String, String) {
    let shop = &settings.shop_name;
    let again = format!(
        "{}/forgot-password",
        settings.public_url.trim_end_matches('/')
    );
    match language {
        Language::En => {
            let what = match role {
                Role::Customer => "an account",
                Role::Staff => "an account with the rights of its staff",
                Role::Admin => "an account with the rights of an admin",
            };
            (
                format!("Your account at {shop}"),
                format!(
                    "Hello,\n\n{shop} has made {what} for you. Choose your password here within \
                     seven days:\n\n{link}\n\nLater, ask for a new link here: {again}\n\nIf \
                     you did not expect this, there is nothing to do.\n\n{shop}\n"
                ),
            )
        }
        Language::De => {
            let what = match role {
                Role::Customer => "ein Konto",
                Role::Staff => "ein Konto mit den Rechten des Personals",
                Role::Admin => "ein Konto mit den Rechten der Verwaltung",
            };
            (
                format!("Ihr Konto bei {shop}"),
                format!(
                    "Guten Tag,\n\n{shop} hat {what} für Sie angelegt. Wählen Sie Ihr Passwort \
                     hier innerhalb von sieben Tagen:\n\n{link}\n\nDanach bekommen Sie hier \
                     einen neuen Link: {again}\n\nWenn Sie das nicht erwartet haben, ist nichts \
                     zu tun.\n\n{shop}\n"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_taken_in_order() {
        assert_eq!(Language::accepted("de-AT,de;q=0.9,en;q=0.5"), Language::De);
        assert_eq!(Language::accepted("fr, en-GB, de"), Language::En);
        for nothing in ["", "*", "fr", "ö"] {
            assert_eq!(Language::accepted(nothing), Language::En);
        }
    }
}
