//! What a handler takes from a request; what does not fit is a problem document that names the
//! place and what is wrong with it.

use std::borrow::Cow;

mod json;
mod path;
mod query;
mod strict;

pub use json::Json;
pub use path::Path;
pub use query::Query;

/// Why a text is refused: PostgreSQL stores no NUL, SQLite and C programs cut texts off at it.
const NO_NUL: &str = "texts must not hold the character NUL (U+0000)";

/// What serde says, without the value that somebody sent: that may be a password in the wrong
/// place, and whoever sent it knows it. Names of fields stay.
fn without_value(message: &str) -> Cow<'_, str> {
    for start in ["invalid type: ", "invalid value: "] {
        if let Some(rest) = message.strip_prefix(start) {
            // What is expected stands last, whatever the value says.
            let (what, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, "another"));
            let end = what.find(['"', '`']).unwrap_or(what.len());
            let kind = what[..end].trim_end();
            return format!("{start}{kind}, expected {expected}").into();
        }
    }
    if message.starts_with("unknown variant `") {
        let (_, expected) = message
            .rsplit_once(", expected ")
            .unwrap_or(("", "another"));
        return format!("unknown variant, expected {expected}").into();
    }
    // As our own types say it.
    if message.starts_with('`')
        && let Some((_, rest)) = message.rsplit_once("` is ")
    {
        return format!("is {rest}").into();
    }
    Cow::Borrowed(message)
}

/// The path that serde reached, with the field added that is missing or unknown there.
///
/// `serde_path_to_error` names the object that lacks a field; a person looks for the field.
fn full_path(reached: &str, message: &str) -> String {
    let reached = if reached == "." { "" } else { reached };
    let field = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start))
        .and_then(|rest| rest.split('`').next());
    match field {
        Some(field) if reached == field || reached.ends_with(&format!(".{field}")) => {
            reached.to_owned()
        }
        Some(field) if reached.is_empty() => field.to_owned(),
        Some(field) => format!("{reached}.{field}"),
        None => reached.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_value;

    #[test]
    fn what_was_sent_is_not_repeated() {
        for (told, safe) in [
            (
                "invalid type: string \"hunter2, expected x\", expected u32",
                "invalid type: string, expected u32",
            ),
            (
                "invalid type: integer `4242424242424242`, expected a string",
                "invalid type: integer, expected a string",
            ),
            (
                "invalid type: map, expected a string",
                "invalid type: map, expected a string",
            ),
            (
                "invalid value: integer `-7`, expected u32",
                "invalid value: integer, expected u32",
            ),
            (
                "unknown variant `hunter2`, expected one of `a`, `b`",
                "unknown variant, expected one of `a`, `b`",
            ),
            (
                "unknown field `x`, expected `a`",
                "unknown field `x`, expected `a`",
            ),
            ("missing field `x`", "missing field `x`"),
            (
                "`hunter2` is no price: write it as 19.99",
                "is no price: write it as 19.99",
            ),
            ("`a` is b` is no role", "is no role"),
        ] {
            assert_eq!(without_value(told), safe);
        }
    }
}
