//! What a handler takes from a request; what does not fit is a problem document that names the
//! place and what is wrong with it.

mod json;
mod path;
mod query;

pub use json::Json;
pub use path::Path;
pub use query::Query;

/// Why a text is refused: PostgreSQL stores no NUL, SQLite and C programs cut texts off at it.
const NO_NUL: &str = "texts must not hold the character NUL (U+0000)";

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
