//! What the page shows, taken from the document.

use askama::Template;
use serde_json::Value;

use super::{
    example,
    schema::{self, Piece, Schema, Span, spans},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page.
#[derive(Debug, Template)]
#[template(path = "docs.html")]
pub struct Page {
    title: String,
    version: String,
    description: Vec<Vec<Span>>,
    tags: Vec<Tag>,
    schemas: Vec<Schema>,
}

#[derive(Debug)]
struct Tag {
    name: String,
    anchor: String,
    description: Vec<Span>,
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    anchor: String,
    method: &'static str,
    path: String,
    summary: Vec<Span>,
    /// The summary's first sentence, for the list of all operations.
    short: Vec<Span>,
    description: Vec<Vec<Span>>,
    access: String,
    parameters: Vec<Parameter>,
    request: Vec<Content>,
    responses: Vec<Answer>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    place: String,
    required: bool,
    kind: Vec<Piece>,
    description: Vec<Span>,
}

#[derive(Debug)]
struct Answer {
    status: String,
    class: &'static str,
    description: Vec<Span>,
    content: Vec<Content>,
}

#[derive(Debug)]
struct Content {
    media_type: String,
    kind: Vec<Piece>,
    example: Option<String>,
}

impl Page {
    /// All that an OpenAPI 3.1 document says, in the order of its tags.
    pub fn from_document(document: &Value) -> Self {
        let schemas = &document["components"]["schemas"];
        let mut tags: Vec<Tag> = list(&document["tags"])
            .map(|tag| Tag::new(&text(tag, "name"), &text(tag, "description")))
            .collect();
        for (path, item) in entries(&document["paths"]) {
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let name = operation["tags"][0].as_str().unwrap_or("other");
                let at = tags
                    .iter()
                    .position(|tag| tag.name == name)
                    .unwrap_or_else(|| {
                        tags.push(Tag::new(name, ""));
                        tags.len() - 1
                    });
                let shown = Operation::new(method, path, item, operation, document);
                tags[at].operations.push(shown);
            }
        }
        tags.retain(|tag| !tag.operations.is_empty());
        Self {
            title: text(&document["info"], "title"),
            version: text(&document["info"], "version"),
            description: paragraphs(&document["info"]),
            tags,
            schemas: entries(schemas)
                .map(|(name, schema)| schema::describe(name, schema))
                .collect(),
        }
    }
}

impl Tag {
    fn new(name: &str, description: &str) -> Self {
        Self {
            anchor: format!("tag-{}", slug(name)),
            name: name.to_owned(),
            description: spans(description),
            operations: Vec::new(),
        }
    }
}

impl Operation {
    fn new(
        method: &'static str,
        path: &str,
        item: &Value,
        operation: &Value,
        document: &Value,
    ) -> Self {
        let schemas = &document["components"]["schemas"];
        let parameters = list(&item["parameters"]).chain(list(&operation["parameters"]));
        let security = operation.get("security").unwrap_or(&document["security"]);
        let summary = text(operation, "summary");
        let summary = summary.trim_end_matches('.');
        let short = summary.split(". ").next().unwrap_or_default();
        Self {
            short: spans(short),
            anchor: format!("{method}-{}", slug(path)),
            method,
            path: path.to_owned(),
            summary: spans(summary),
            description: paragraphs(operation),
            access: access(security),
            parameters: parameters.map(Parameter::new).collect(),
            request: contents(&operation["requestBody"], schemas),
            responses: entries(&operation["responses"])
                .map(|(status, answer)| Answer::new(status, answer, document))
                .collect(),
        }
    }
}

impl Parameter {
    fn new(parameter: &Value) -> Self {
        let mut description = text(parameter, "description");
        let bounds = schema::described(&parameter["schema"]);
        if !bounds.is_empty() && bounds != description {
            description = format!("{description} {bounds}").trim().to_owned();
        }
        Self {
            name: text(parameter, "name"),
            place: text(parameter, "in"),
            required: parameter["required"] == true,
            kind: schema::kind(&parameter["schema"]),
            description: spans(&description),
        }
    }
}

impl Answer {
    fn new(status: &str, answer: &Value, document: &Value) -> Self {
        let answer = match schema::referred(answer) {
            Some(name) => &document["components"]["responses"][name],
            None => answer,
        };
        Self {
            status: status.to_owned(),
            class: match status.as_bytes().first() {
                Some(b'2') => "good",
                Some(b'3') => "moved",
                _ => "bad",
            },
            description: spans(&text(answer, "description")),
            content: contents(answer, &document["components"]["schemas"]),
        }
    }
}

fn contents(holder: &Value, schemas: &Value) -> Vec<Content> {
    entries(&holder["content"])
        .map(|(media_type, content)| {
            let schema = &content["schema"];
            let given = content.get("example").cloned().or_else(|| {
                let (_, first) = entries(&content["examples"]).next()?;
                first.get("value").cloned()
            });
            let is_json = media_type.contains("json") && media_type != "application/problem+json";
            let made = || (is_json && !schema.is_null()).then(|| example::of(schema, schemas));
            Content {
                media_type: media_type.clone(),
                kind: schema::kind(schema),
                example: given.or_else(made).map(|value| match value {
                    Value::String(text) => text,
                    value => format!("{value:#}"),
                }),
            }
        })
        .collect()
}

/// Who may call, from the security requirements: any of them is enough.
fn access(security: &Value) -> String {
    let ways: Vec<&str> = list(security)
        .map(|way| {
            way.as_object()
                .and_then(|way| way.keys().next())
                .map_or("", String::as_str)
        })
        .collect();
    let named: Vec<&str> = ways.iter().copied().filter(|way| !way.is_empty()).collect();
    match (named.is_empty(), ways.contains(&"")) {
        (true, _) => "Open to everyone.".to_owned(),
        (false, true) => format!(
            "Open to everyone; shows more with a credential: {}.",
            named.join(" or ")
        ),
        (false, false) => format!("Needs a credential: {}.", named.join(" or ")),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn paragraphs(value: &Value) -> Vec<Vec<Span>> {
    let text = text(value, "description");
    let whole = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = text
        .split("\n\n")
        .map(whole)
        .filter(|part| !part.is_empty());
    parts.map(|part| spans(&part)).collect()
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}
