//! One document from those of the services.

use techcommerce_contracts::{Problem, auth::SESSION_COOKIE};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, Info, License, OpenApi, OpenApiVersion, Paths, Ref, RefOr, Response,
        path::{Operation, PathItem},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

const ABOUT: &str = "Everything that the shop's pages do goes through this interface.\n\n\
    Money is an integer of minor units with its currency. Times are RFC 3339 in UTC. Lists take \
    `limit` (at most 100) and `cursor`, and answer `items` and `next_cursor`. Errors are problem \
    documents (RFC 9457) with a stable `code`, and with `errors` that name each wrong place of the \
    input.\n\n\
    Programs send `Authorization: Bearer` with an API key or with the token that \
    `POST /api/auth/login` returns. Browsers may hold the same token in the cookie `tc_session`; a \
    changing request with it must come from the shop's own pages. Answers say by `RateLimit-Limit`, \
    `RateLimit-Remaining` and `RateLimit-Reset` how much may still be asked; 429 and 503 carry \
    `Retry-After`.";

/// The document of the whole interface from those of the services. Paths that lack the outer
/// prefix get it. What the edge itself may answer is added to every operation, and what whoever reads
/// a request answers to one that is none.
pub fn merge(title: &str, version: &str, documents: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut info = Info::new(title, version);
    info.description = Some(ABOUT.to_owned());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    let mut whole = OpenApi::new(info, Paths::new());
    whole.openapi = OpenApiVersion::Version31;
    for mut document in documents {
        document.paths.paths = std::mem::take(&mut document.paths.paths)
            .into_iter()
            .map(|(path, item)| (outer_path(path), item))
            .collect();
        whole.merge(document);
    }
    for item in whole.paths.paths.values_mut() {
        for (changes, operation) in operations(item) {
            add_edge_answers(operation, changes);
        }
    }
    let components = whole.components.get_or_insert_with(Components::new);
    add_schemes(components);
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    for (name, schema) in schemas {
        components.schemas.entry(name).or_insert(schema);
    }
    whole
}

fn outer_path(path: String) -> String {
    let is_outer = path.starts_with("/api/") || path.starts_with("/images/");
    if is_outer && path != "/images/upload" {
        path
    } else {
        format!("/api{path}")
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let reads = [item.get.as_mut(), item.head.as_mut()]
        .into_iter()
        .flatten();
    let changes = [
        item.post.as_mut(),
        item.put.as_mut(),
        item.patch.as_mut(),
        item.delete.as_mut(),
    ];
    let changes = changes
        .into_iter()
        .flatten()
        .map(|operation| (true, operation));
    reads.map(|operation| (false, operation)).chain(changes)
}

fn add_edge_answers(operation: &mut Operation, changes: bool) {
    let has_body = operation.request_body.is_some();
    let has_parameters = operation
        .parameters
        .as_ref()
        .is_some_and(|parameters| !parameters.is_empty());
    let answers = &mut operation.responses.responses;
    let mut add = |status: &str, description: &str| {
        answers
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(problem(description)));
    };
    if has_body || has_parameters {
        add(
            "400",
            "`invalid_input`, with `errors` that name each wrong place; `invalid_json`",
        );
    }
    if has_body {
        add("413", "`too_large`: the body is larger than allowed here");
        add(
            "415",
            "`unsupported_media_type`: the body is of another type, or packed",
        );
    }
    add(
        "401",
        "`unauthenticated`: the credential that was sent opens nothing",
    );
    if changes {
        add(
            "403",
            "`cross_origin`: a cookie was sent from a page that is not the shop's",
        );
    }
    add("429", "`too_many_requests`: wait as `Retry-After` says");
    add("503", "`unavailable`: try again as `Retry-After` says");
}

fn problem(description: &str) -> Response {
    let mut answer = Response::new(description);
    let schema = RefOr::Ref(Ref::from_schema_name(Problem::name()));
    let content = Content::new(Some(schema));
    let media_type = "application/problem+json".to_owned();
    answer.content.insert(media_type, RefOr::T(content));
    answer
}

fn add_schemes(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A session's token from `POST /api/auth/login`, or an API key.",
        ))
        .build();
    let cookie = ApiKeyValue::with_description(
        SESSION_COOKIE,
        "A session's token as browsers keep it. Changing requests must come from the shop's pages.",
    );
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::OpenApi as _;

    use super::*;

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(read, change))]
    struct Document;

    #[utoipa::path(get, path = "/things/{id}", params(("id" = String, Path)), responses((status = 200, description = "It.")))]
    #[allow(dead_code, reason = "only its document counts")]
    fn read() {}

    #[utoipa::path(post, path = "/api/things", request_body = String, responses((status = 503, description = "Mine.")))]
    #[allow(dead_code, reason = "only its document counts")]
    fn change() {}

    #[test]
    fn documents_become_one() {
        let whole = merge(
            "Tidewell",
            "1.0.0",
            [Document::openapi(), OpenApi::default()],
        );
        let whole = serde_json::to_value(whole).unwrap();
        assert_eq!(whole["openapi"], "3.1.0");
        let paths: Vec<&String> = whole["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/api/things", "/api/things/{id}"]);
        let answers = |pointer: &str| {
            let operation = whole.pointer(pointer).unwrap();
            let answers = operation["responses"].as_object().unwrap();
            answers.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(
            answers("/paths/~1api~1things~1{id}/get"),
            ["200", "400", "401", "429", "503"]
        );
        let change = "/paths/~1api~1things/post";
        assert_eq!(
            answers(change),
            ["400", "401", "403", "413", "415", "429", "503"]
        );
        let own = whole.pointer(change).unwrap();
        assert_eq!(own["responses"]["503"]["description"], "Mine.");
        let components = &whole["components"];
        assert_eq!(components["securitySchemes"]["bearer"]["scheme"], "bearer");
        assert_eq!(
            components["securitySchemes"]["cookie"]["name"],
            "tc_session"
        );
        assert_ne!(components["schemas"]["Problem"], Value::Null);
        let content = &own["responses"]["429"]["content"]["application/problem+json"];
        assert_eq!(
            content["schema"],
            json!({"$ref": "#/components/schemas/Problem"})
        );
    }
}
