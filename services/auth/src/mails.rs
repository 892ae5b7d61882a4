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

/// The same text as HTML: its paragraphs, and its addresses as links.
pub fn html(language: Language, text: &str) -> String {
    let lang = match language {
        Language::En => "en",
        Language::De => "de",
    };
    let word = |word: &str| {
        let word = escaped(word);
        match word.starts_with("https://") || word.starts_with("http://") {
            true => format!("<a href=\"{word}\">{word}</a>"),
            false => word,
        }
    };
    let paragraph = |paragraph: &str| {
        let words: Vec<String> = paragraph.split(' ').map(word).collect();
        format!("<p>{}</p>", words.join(" "))
    };
    let paragraphs: String = text.trim().split("\n\n").map(paragraph).collect();
    format!("<div lang=\"{lang}\">{paragraphs}</div>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
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

    fn settings() -> Settings {
        Settings {
            shop_name: "Tidewell & Co".to_owned(),
            public_url: "https://shop.example/".to_owned(),
            session_idle: std::time::Duration::from_secs(1),
            quotas: crate::Quotas::default(),
        }
    }

    /// Word for word, so that nobody changes them without reading them.
    #[test]
    fn the_mail_for_a_new_password_in_both_languages() {
        let link = link(&settings(), "SECRET");
        assert_eq!(link, "https://shop.example/reset-password?token=SECRET");
        let (subject, text) = reset(&settings(), Language::En, &link);
        assert_eq!(subject, "A new password for Tidewell & Co");
        assert_eq!(
            text,
            "Hello,\n\nsomebody asked for a new password for your account at Tidewell & Co. If it \
             was you, choose one here within 30 minutes:\n\n\
             https://shop.example/reset-password?token=SECRET\n\nIf it was not you, there is \
             nothing to do: your password stays as it is.\n\nTidewell & Co\n"
        );
        assert_eq!(
            html(Language::En, &text),
            "<div lang=\"en\"><p>Hello,</p><p>somebody asked for a new password for your account at \
             Tidewell &amp; Co. If it was you, choose one here within 30 minutes:</p><p>\
             <a href=\"https://shop.example/reset-password?token=SECRET\">\
             https://shop.example/reset-password?token=SECRET</a></p><p>If it was not you, there is \
             nothing to do: your password stays as it is.</p><p>Tidewell &amp; Co</p></div>"
        );
        let (subject, text) = reset(&settings(), Language::De, &link);
        assert_eq!(subject, "Ein neues Passwort für Tidewell & Co");
        assert_eq!(
            text,
            "Guten Tag,\n\njemand hat ein neues Passwort für Ihr Konto bei Tidewell & Co verlangt. \
             Wenn Sie das waren, wählen Sie es hier innerhalb von 30 Minuten:\n\n\
             https://shop.example/reset-password?token=SECRET\n\nWenn nicht, ist nichts zu tun: Ihr \
             Passwort bleibt, wie es ist.\n\nTidewell & Co\n"
        );
        assert!(html(Language::De, &text).starts_with("<div lang=\"de\"><p>Guten Tag,</p>"));
    }

    #[test]
    fn languages_are_taken_in_order() {
        assert_eq!(Language::accepted("de-AT,de;q=0.9,en;q=0.5"), Language::De);
        assert_eq!(Language::accepted("fr, en-GB, de"), Language::En);
        for nothing in ["", "*", "fr", "ö"] {
            assert_eq!(Language::accepted(nothing), Language::En);
        }
    }
}
