//! Holds a JSON value against a JSON Schema, as far as OpenAPI 3.1 documents use it.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong with `value`, each as `path: reason`; empty if nothing is.
pub fn violations(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    check(root, schema, value, "$", &mut wrong);
    wrong
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    check_part(root, schema, value, path, &BTreeSet::new(), wrong);
}

/// Checks what may be a part of a whole: fields in `others` belong to its other parts.
fn check_part(
    root: &Value,
    schema: &Value,
    value: &Value,
    path: &str,
    others: &BTreeSet<&str>,
    wrong: &mut Vec<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        match root.pointer(reference.trim_start_matches('#')) {
            Some(target) => check_part(root, target, value, path, others, wrong),
            None => wrong.push(format!("{path}: the document has no {reference}")),
        }
    }
    let mut of_all = others.clone();
    for part in list(&schema["allOf"]) {
        fields(root, part, &mut of_all);
    }
    for part in list(&schema["allOf"]) {
        check_part(root, part, value, path, &of_all, wrong);
    }
    for (word, exactly_one) in [("oneOf", true), ("anyOf", false)] {
        let parts = list(&schema[word]);
        if parts.is_empty() {
            continue;
        }
        let fitting = parts
            .iter()
            .filter(|part| violations(root, part, value).is_empty())
            .count();
        if fitting == 0 || (exactly_one && fitting > 1) {
            wrong.push(format!("{path}: {fitting} of {word} fit {value}"));
        }
    }
    check_type(schema, value, path, wrong);
    let allowed = list(&schema["enum"]);
    if !allowed.is_empty() && !allowed.contains(value) {
        wrong.push(format!("{path}: {value} is none of {allowed:?}"));
    }
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        wrong.push(format!("{path}: {value} is not {constant}"));
    }
    check_number(schema, value, path, wrong);
    check_text(schema, value, path, wrong);
    if let Some(items) = value.as_array()
        && let Some(schema) = schema.get("items")
    {
        for (index, item) in items.iter().enumerate() {
            check(root, schema, item, &format!("{path}[{index}]"), wrong);
        }
    }
    check_object(root, schema, value, path, &of_all, wrong);
}

/// The fields that a schema names, with those of its parts.
fn fields<'a>(root: &'a Value, schema: &'a Value, into: &mut BTreeSet<&'a str>) {
    if let Some(reference) = schema["$ref"].as_str()
        && let Some(target) = root.pointer(reference.trim_start_matches('#'))
    {
        fields(root, target, into);
    }
    for part in list(&schema["allOf"]) {
        fields(root, part, into);
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    into.extend(properties.map(|(name, _)| name.as_str()));
}

fn check_type(schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    let types = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let fits = types.iter().any(|name| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    });
    if !fits {
        wrong.push(format!("{path}: {value} is not of type {types:?}"));
    }
}

fn check_number(schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    let Some(number) = value.as_f64() else { return };
    if schema["minimum"]
        .as_f64()
        .is_some_and(|least| number < least)
    {
        wrong.push(format!("{path}: {number} is below the minimum"));
    }
    if schema["maximum"].as_f64().is_some_and(|most| number > most) {
        wrong.push(format!("{path}: {number} is above the maximum"));
    }
}

fn check_text(schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    let Some(text) = value.as_str() else { return };
    let fits = match schema["format"].as_str() {
        Some("uuid") => {
            text.len() == 36
                && text.chars().enumerate().all(|(index, c)| match index {
                    8 | 13 | 18 | 23 => c == '-',
                    _ => c.is_ascii_hexdigit(),
                })
        }
        // Times are UTC everywhere.
        Some("date-time") => text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z'),
        _ => true,
    };
    if !fits {
        wrong.push(format!("{path}: {text:?} is no {}", schema["format"]));
    }
}

fn check_object(
    root: &Value,
    schema: &Value,
    value: &Value,
    path: &str,
    others: &BTreeSet<&str>,
    wrong: &mut Vec<String>,
) {
    let Some(object) = value.as_object() else {
        return;
    };
    for name in list(&schema["required"]).iter().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            wrong.push(format!("{path}: `{name}` is missing"));
        }
    }
    let properties = schema["properties"].as_object();
    for (name, value) in object {
        let place = format!("{path}.{name}");
        match properties.and_then(|known| known.get(name)) {
            Some(schema) => check(root, schema, value, &place, wrong),
            None => match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => wrong.push(format!("{place}: is not in the document")),
                Some(schema @ Value::Object(_)) => check(root, schema, value, &place, wrong),
                // The program's own types say all that they give: what a schema does not name
                // is an omission of the document. (Problems may carry more; they say so.)
                None if properties.is_some() && !others.contains(name.as_str()) => {
                    wrong.push(format!("{place}: is not in the document"));
                }
                _ => {}
            },
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_fits_and_what_does_not_is_named() {
        let root = json!({"components": {"schemas": {"Money": {
            "type": "object",
            "required": ["amount"],
            "properties": {"amount": {"type": "integer", "minimum": 0}},
        }}}});
        let schema = json!({
            "type": "object",
            "required": ["price", "was", "id"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "price": {"$ref": "#/components/schemas/Money"},
                "was": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Money"}]},
                "tags": {"type": ["array", "null"], "items": {"type": "string", "enum": ["a", "b"]}},
            },
        });
        let id = "01890000-0000-7000-8000-000000000000";
        let good = json!({"id": id, "price": {"amount": 1}, "was": null, "tags": ["a"]});
        assert_eq!(violations(&root, &schema, &good), Vec::<String>::new());
        for bad in [
            json!({"id": id, "price": {"amount": 1}}),
            json!({"id": "7", "price": {"amount": 1}, "was": null}),
            json!({"id": id, "price": {"amount": 1.5}, "was": null}),
            json!({"id": id, "price": {"amount": -1}, "was": null}),
            json!({"id": id, "price": {}, "was": null}),
            json!({"id": id, "price": {"amount": 1}, "was": 3}),
            json!({"id": id, "price": {"amount": 1}, "was": null, "tags": ["c"]}),
            json!({"id": id, "price": {"amount": 1}, "was": null, "more": 1}),
        ] {
            assert_eq!(violations(&root, &schema, &bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn the_parts_of_a_whole_know_each_other() {
        let root = json!({"components": {"schemas": {"Image": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}},
        }}}});
        let schema = json!({"allOf": [
            {"$ref": "#/components/schemas/Image"},
            {"type": "object", "required": ["bytes"], "properties": {"bytes": {"type": "integer"}}},
        ]});
        let wrong = |value| violations(&root, &schema, &value);
        assert_eq!(wrong(json!({"id": "a", "bytes": 1})), Vec::<String>::new());
        assert_eq!(wrong(json!({"id": "a"})), ["$: `bytes` is missing"]);
        assert!(!wrong(json!({"id": "a", "bytes": 1, "more": 1})).is_empty());
    }
}
