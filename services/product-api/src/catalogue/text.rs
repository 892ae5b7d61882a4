//! Texts from outside: folded for handles and search, cleaned for pages.

use sha2::{Digest, Sha256};
use techcommerce_kernel::Handle;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{draft::hex, limits};

/// Lower case without accents: `Crème Brûlée` becomes `creme brulee`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
    {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            c => folded.push(c),
        }
    }
    folded
}

/// The handle that a text suggests. A text without any Latin letter or digit gets one from its
/// hash, so that the same text always gives the same handle.
pub fn handle_from(text: &str, prefix: &str) -> String {
    match Handle::from_title(&fold(text)) {
        Some(handle) => handle.as_str().to_owned(),
        None => format!("{prefix}-{}", &hex(&Sha256::digest(text.trim()))[..12]),
    }
}

/// HTML that is safe to show: no scripts, styles, frames, forms or handlers; links do not vouch
/// for their target.
pub fn clean_html(html: &str) -> String {
    let html = html.trim();
    if html.is_empty() {
        return String::new();
    }
    ammonia::clean(html).trim().to_owned()
}

/// Tags out of a list that commas set apart, in their order, without repetitions.
pub fn tags(list: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in list.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let tag: String = tag
            .chars()
            .filter(|c| !c.is_control())
            .take(limits::NAME)
            .collect();
        if tags.len() < limits::TAGS && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// The text of HTML without its tags, for search.
pub fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside_tag = false;
    for c in html.chars() {
        match c {
            '<' => {
                inside_tag = true;
                text.push(' ');
            }
            '>' if inside_tag => inside_tag = false,
            c if !inside_tag => text.push(c),
            _ => {}
        }
    }
    text.replace("&amp;", "&")
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_survive_accents_and_other_scripts() {
        assert_eq!(handle_from("Möbel & Größe", "category"), "mobel-grosse");
        let japanese = handle_from("急須", "category");
        assert!(japanese.starts_with("category-"), "{japanese}");
        assert_eq!(japanese, handle_from("急須", "category"));
    }

    #[test]
    fn html_loses_what_could_run() {
        let html = r#"<p onclick="x()">Hi<script>alert(1)</script> <b>you</b></p>"#;
        assert_eq!(clean_html(html), "<p>Hi <b>you</b></p>");
    }

    #[test]
    fn plain_text_has_no_tags() {
        assert_eq!(
            plain_text("<p>Salt &amp; <b>pepper</b></p>")
                .split_whitespace()
                .collect::<Vec<_>>(),
            ["Salt", "&", "pepper"]
        );
    }
}
