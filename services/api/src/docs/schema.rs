//! JSON Schemas in words.

use serde_json::Value;

/// A piece of a type's name, perhaps with a link to where it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// As `array of`.
    pub text: String,
    /// As `schema-Product`.
    pub anchor: Option<String>,
}

/// A piece of a text: plain, or what stood between backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Whether it is a name of the interface.
    pub code: bool,
}

/// A text with its backticks understood.
pub fn spans(text: &str) -> Vec<Span> {
    let parts = text.split('`').enumerate();
    let spans = parts.map(|(at, text)| Span {
        text: text.to_owned(),
        code: at % 2 == 1,
    });
    spans.filter(|span| !span.text.is_empty()).collect()
}

/// A field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Vec<Piece>,
    /// Whether it is always there.
    pub required: bool,
    /// What it means, with its bounds.
    pub description: Vec<Span>,
}

/// A named schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: Vec<Span>,
    /// What it is, if it is not only an object with fields.
    pub kind: Vec<Piece>,
    /// Its fields, if it is an object; those of each alternative, if it has several.
    pub fields: Vec<Field>,
}

/// Where a named schema is described on the page.
pub fn anchor(name: &str) -> String {
    format!("schema-{name}")
}

/// The name that `$ref` leads to.
pub fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// A named schema in words.
pub fn describe(name: &str, schema: &Value) -> Schema {
    let mut fields = Vec::new();
    collect_fields(schema, &mut fields);
    let plain_object = !fields.is_empty() && !has_choice(schema);
    Schema {
        name: name.to_owned(),
        description: spans(&text(schema, "description")),
        kind: if plain_object {
            Vec::new()
        } else {
            kind(schema)
        },
        fields,
    }
}

/// A type in words, as `array of Product` or `string (uuid) or null`.
pub fn kind(schema: &Value) -> Vec<Piece> {
    let mut pieces = Vec::new();
    push_kind(schema, &mut pieces);
    pieces
}

fn push_kind(schema: &Value, pieces: &mut Vec<Piece>) {
    if let Some(name) = referred(schema) {
        pieces.push(Piece {
            text: name.to_owned(),
            anchor: Some(anchor(name)),
        });
    } else if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        plain(pieces, &values.join(" | "));
    } else if let Some(value) = schema.get("const") {
        plain(pieces, &value.to_string());
    } else if let Some(choices) = choices(schema) {
        // What may be null comes as a choice of two; null is said last.
        let (nulls, others): (Vec<_>, Vec<_>) =
            choices.iter().partition(|choice| choice["type"] == "null");
        for (at, choice) in others.into_iter().chain(nulls).enumerate() {
            if at > 0 {
                plain(pieces, " or ");
            }
            push_kind(choice, pieces);
        }
    } else if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                plain(pieces, " with ");
            }
            push_kind(part, pieces);
        }
    } else {
        push_simple(schema, pieces);
    }
}

fn push_simple(schema: &Value, pieces: &mut Vec<Piece>) {
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if types.is_empty() {
        plain(pieces, "any");
    }
    for (at, name) in types.into_iter().enumerate() {
        if at > 0 {
            plain(pieces, " or ");
        }
        match name {
            "array" => {
                plain(pieces, "array of ");
                push_kind(&schema["items"], pieces);
            }
            "object" if schema["additionalProperties"].is_object() => {
                plain(pieces, "object of ");
                push_kind(&schema["additionalProperties"], pieces);
            }
            "null" => plain(pieces, "null"),
            name => match schema["format"].as_str() {
                Some(format) => plain(pieces, &format!("{name} ({format})")),
                None => plain(pieces, name),
            },
        }
    }
}

fn collect_fields(schema: &Value, fields: &mut Vec<Field>) {
    let required = |name: &str| {
        let list = schema["required"].as_array();
        list.is_some_and(|list| list.iter().any(|entry| entry == name))
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let field = Field {
            name: name.clone(),
            kind: kind(property),
            required: required(name),
            description: spans(&described(property)),
        };
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    let parts = schema.get("allOf").and_then(Value::as_array);
    for part in parts.into_iter().chain(choices(schema)).flatten() {
        collect_fields(part, fields);
    }
}

/// What a value means and how far it may go.
pub fn described(schema: &Value) -> String {
    let mut words = text(schema, "description");
    let bounds = [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters at least"),
        ("maxLength", "characters at most"),
        ("minItems", "entries at least"),
        ("maxItems", "entries at most"),
        ("default", "default"),
    ];
    let bounds: Vec<String> = bounds
        .into_iter()
        .filter_map(|(key, name)| Some(format!("{name} {}", schema.get(key)?)))
        .collect();
    if !bounds.is_empty() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&format!("({})", bounds.join(", ")));
    }
    words
}

fn has_choice(schema: &Value) -> bool {
    choices(schema).is_some()
}

fn choices(schema: &Value) -> Option<&Vec<Value>> {
    schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))?
        .as_array()
}

fn plain(pieces: &mut Vec<Piece>, text: &str) {
    pieces.push(Piece {
        text: text.to_owned(),
        anchor: None,
    });
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(schema: Value) -> String {
        kind(&schema).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn types_in_words() {
        assert_eq!(
            words(json!({"type": "string", "format": "uuid"})),
            "string (uuid)"
        );
        assert_eq!(words(json!({"type": ["string", "null"]})), "string or null");
        assert_eq!(
            words(json!({"type": "array", "items": {"$ref": "#/components/schemas/Product"}})),
            "array of Product"
        );
        assert_eq!(
            words(json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Money"}]})),
            "Money or null"
        );
        assert_eq!(words(json!({"enum": ["a", "b"]})), r#""a" | "b""#);
        assert_eq!(words(json!({})), "any");
    }

    #[test]
    fn names_between_backticks() {
        let spans = spans("`a` or `b`.");
        let codes: Vec<_> = spans
            .iter()
            .map(|span| (span.text.as_str(), span.code))
            .collect();
        assert_eq!(
            codes,
            [("a", true), (" or ", false), ("b", true), (".", false)]
        );
    }

    #[test]
    fn fields_with_their_bounds() {
        let schema = describe(
            "Line",
            &json!({"type": "object", "required": ["quantity"], "properties": {
                "quantity": {"type": "integer", "description": "How many.", "minimum": 1},
            }}),
        );
        assert_eq!(
            schema.fields[0].description,
            spans("How many. (at least 1)")
        );
        assert!(schema.fields[0].required);
        assert!(schema.kind.is_empty());
    }
}
