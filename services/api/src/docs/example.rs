//! Examples, made from the schemas where the document gives none.

use serde_json::{Map, Value, json};

use super::schema::referred;

/// How deep an example goes before it stops: schemas may hold themselves.
const MAX_DEPTH: u8 = 6;

/// An example of a schema.
pub fn of(schema: &Value, schemas: &Value) -> Value {
    build(schema, schemas, 0)
}

fn build(schema: &Value, schemas: &Value, depth: u8) -> Value {
    if let Some(example) = given(schema) {
        return example;
    }
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(name) = referred(schema) {
        return build(&schemas[name], schemas, depth + 1);
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut all = Map::new();
        for part in parts {
            if let Value::Object(fields) = build(part, schemas, depth) {
                all.extend(fields);
            }
        }
        return Value::Object(all);
    }
    let choices = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    if let Some(choices) = choices.and_then(Value::as_array) {
        let first = choices.iter().find(|choice| choice["type"] != "null");
        return first.map_or(Value::Null, |first| build(first, schemas, depth));
    }
    let name = match &schema["type"] {
        Value::Array(names) => names
            .iter()
            .find(|name| *name != "null")
            .unwrap_or(&Value::Null),
        name => name,
    };
    match name.as_str() {
        Some("object") => object(schema, schemas, depth),
        Some("array") => json!([build(&schema["items"], schemas, depth + 1)]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("string") => json!(string(schema["format"].as_str())),
        _ if schema["properties"].is_object() => object(schema, schemas, depth),
        _ => Value::Null,
    }
}

fn object(schema: &Value, schemas: &Value, depth: u8) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let fields = properties.map(|(name, field)| {
        let value = match name.as_str() {
            // A list that ends here is the clearer example.
            "next_cursor" => Value::Null,
            _ => build(field, schemas, depth + 1),
        };
        (name.clone(), value)
    });
    Value::Object(fields.collect())
}

fn given(schema: &Value) -> Option<Value> {
    let first = |key: &str| schema.get(key)?.as_array()?.first().cloned();
    schema
        .get("example")
        .cloned()
        .or_else(|| first("examples"))
        .or_else(|| schema.get("const").cloned())
        .or_else(|| first("enum"))
        .or_else(|| {
            schema
                .get("default")
                .filter(|value| !value.is_null())
                .cloned()
        })
}

fn string(format: Option<&str>) -> &'static str {
    match format {
        Some("uuid") => "0193b0a4-5c1e-7d43-9b1a-2f6f4c8f3a10",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("date") => "2026-01-31",
        Some("email") => "jo@example.com",
        Some("password") => "some words in a row",
        Some("uri") => "/images/0193b0a4-5c1e-7d43-9b1a-2f6f4c8f3a10/w640",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_follow_the_schema_and_end() {
        let schemas = json!({
            "Tree": {"type": "object", "properties": {
                "name": {"type": "string", "examples": ["oak"]},
                "branches": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
            }},
        });
        let example = of(&json!({"$ref": "#/components/schemas/Tree"}), &schemas);
        assert_eq!(example["name"], "oak");
        assert_eq!(example["branches"][0]["name"], "oak");
        let choice = json!({"oneOf": [{"type": "null"}, {"type": "integer", "minimum": 5}]});
        assert_eq!(of(&choice, &schemas), json!(5));
        assert_eq!(
            of(&json!({"type": ["string", "null"]}), &schemas),
            json!("text")
        );
        assert_eq!(of(&json!({"enum": ["a", "b"]}), &schemas), json!("a"));
    }
}
