//! Categories, and catalogues in and out.

use http::StatusCode;
use serde_json::{Value, json};

use super::{BOWL, fake, send};
use crate::testing::{Fake, STAFF, Site};

const EDIT: &str = "/admin/categories/edit/garden";

fn garden() -> Value {
    json!({"id": Fake::SMALL, "handle": "garden", "title": "Garden", "description": "",
        "position": 2, "product_count": 2, "image": null})
}

#[tokio::test]
async fn categories_are_made_moved_and_deleted() {
    let site = Site::with(
        fake()
            .answers("POST", "/api/categories", 201, garden())
            .answers("PATCH", "/api/categories/garden", 200, garden())
            .answers("DELETE", "/api/categories/garden", 204, Value::Null),
    )
    .await;
    let page = site
        .get_as("/admin/categories", STAFF)
        .await
        .expect(StatusCode::OK);
    page.has(&["Kitchen", "5 products", "2 on sale", "Move Garden up"]);
    page.is_accessible();
    site.get_as("/admin/categories/new", STAFF)
        .await
        .expect(StatusCode::OK)
        .is_accessible();
    let page = site
        .post_as(
            "/admin/categories/new",
            STAFF,
            &[("title", " "), ("handle", "No no")],
        )
        .await;
    let page = page.expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&["id=\"title-error\"", "id=\"handle-error\""]);
    page.is_accessible();
    assert!(!site.was_asked("POST"));
    let made = site
        .post_as("/admin/categories/new", STAFF, &[("title", "Garden")])
        .await;
    made.expect(StatusCode::SEE_OTHER);
    let list = site.get_as("/admin/categories", STAFF).await;
    let mut movers = list.forms().into_iter();
    let mover = movers.find(|form| form.action == format!("{EDIT}/move"));
    let up = ("to".to_owned(), "1".to_owned());
    assert_eq!(mover.unwrap().buttons[0], up, "twice is once");
    for (to, moves) in [("0", false), ("3", false), ("up", false), ("1", true)] {
        site.post_as(&format!("{EDIT}/move"), STAFF, &[("to", to)])
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(site.was_asked("PATCH"), moves, "{to}");
    }
    assert!(site.sent("PATCH", "garden").contains("\"position\":1"));
    let page = site.get_as(EDIT, STAFF).await.expect(StatusCode::OK);
    page.has(&["Its 2 products stay in the shop"]);
    page.is_accessible();
    let saved = site
        .post_as(EDIT, STAFF, &[("title", "Gardens"), ("handle", "garden")])
        .await;
    saved.expect(StatusCode::SEE_OTHER);
    assert!(site.sent("PATCH", "garden").contains("\"handle\":null"));
    let gone = site
        .post_as(&format!("{EDIT}/delete"), STAFF, &[])
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(
        gone.header("location"),
        "/admin/categories?note=category-deleted"
    );
    site.get_as("/admin/categories/edit/none", STAFF)
        .await
        .expect(StatusCode::NOT_FOUND);
}

fn run(state: &str, can_apply: bool) -> Value {
    json!({"id": BOWL, "file_name": "products.csv", "file_bytes": 10, "file_hash": "x",
        "actor": "account:0193a1b2-0000-7000-8000-0000000000ff", "state": state, "dry_run": true,
        "can_apply": can_apply, "percent": 40, "error": null, "started_at": "2026-11-01T10:00:00Z",
        "updated_at": "2026-11-01T10:00:00Z", "finished_at": null,
        "report": {"id": BOWL, "format": "shopify", "dry_run": true, "resumed": false, "rows": 8,
            "created": 1, "updated": 1, "unchanged": 0, "refused": 1, "warned": 0,
            "changes": [{"line": 2, "outcome": "created", "handle": "cup", "title": "Cup <b>"},
                {"line": 3, "outcome": "updated", "handle": "oak-bowl", "title": "Oak bowl"}],
            "errors": [{"line": 7, "column": "Variant Price", "reason": "is empty", "mend": "Give a price."}],
            "warnings": []},
        "pictures": {"waiting": 3, "fetched": 0, "failed": 0, "errors": []}})
}

#[tokio::test]
async fn a_file_is_looked_at_and_then_imported() {
    let list = json!({"items": [run("done", true)], "next_cursor": null});
    let report = run("done", true)["report"].clone();
    let path = "/api/products/imports/0193a1b2-0000-7000-8000-000000000009";
    let applied = "/api/products/imports/0193a1b2-0000-7000-8000-000000000009/apply";
    let fake = || {
        fake()
            .answers("GET", "/api/products/imports", 200, list.clone())
            .answers("POST", "/api/products/import", 200, report.clone())
            .answers("GET", path, 200, run("done", true))
    };
    let site = Site::with(fake().answers("POST", applied, 202, run("running", false))).await;
    let page = site
        .get_as("/admin/import", STAFF)
        .await
        .expect(StatusCode::OK);
    page.has(&[
        "products.csv",
        "Looked at",
        "/api/products/export?format=jsonl",
    ]);
    page.is_accessible();
    let parts = [(
        "file",
        Some("C:\\exports\\products.csv"),
        "Handle,Title\ncup,Cup\n",
    )];
    let answer = send(&site, "/admin/import", &parts)
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), format!("/admin/import/{BOWL}"));
    assert_eq!(site.sent("POST", "/import"), "Handle,Title\ncup,Cup\n");
    assert_eq!(
        site.asked("/api/products/import"),
        "dry_run=true&file_name=products.csv"
    );
    assert_eq!(site.bearer("/api/products/import"), "Bearer session-staff");
    let page = site
        .get_as(&format!("/admin/import/{BOWL}"), STAFF)
        .await
        .expect(StatusCode::OK);
    page.has(&[
        "Would be new",
        "1 row refused",
        "<b>Variant Price</b> is empty",
        "Give a price.",
        "Cup &#60;b&#62;",
        "Import now",
        "3 pictures are still being fetched",
        "href=\"/admin/products/oak-bowl\"",
    ]);
    page.is_accessible();
    let answer = site
        .post_as(&format!("/admin/import/{BOWL}/apply"), STAFF, &[])
        .await;
    assert_eq!(
        answer.expect(StatusCode::SEE_OTHER).header("location"),
        format!("/admin/import/{BOWL}")
    );

    let site =
        Site::with(fake().answers("POST", applied, 409, json!({"code": "import_file_gone"}))).await;
    let page = site
        .post_as(&format!("/admin/import/{BOWL}/apply"), STAFF, &[])
        .await;
    let page = page.expect(StatusCode::CONFLICT);
    page.has(&["choose it once more", "type=\"file\""]);
    page.is_accessible();
    let again = [("do", None, "import"), ("file", Some("p.csv"), "x")];
    send(&site, "/admin/import", &again)
        .await
        .expect(StatusCode::SEE_OTHER);
    assert!(
        site.asked("/api/products/import")
            .starts_with("dry_run=false")
    );
}

#[tokio::test]
async fn a_file_that_is_none_is_told() {
    let none = json!({"items": [], "next_cursor": null});
    let fake = || fake().answers("GET", "/api/products/imports", 200, none.clone());
    let unknown = json!({"code": "import_format"});
    let site = Site::with(fake().answers("POST", "/api/products/import", 400, unknown)).await;
    let page = send(&site, "/admin/import", &[("file", Some(""), "")]).await;
    page.expect(StatusCode::UNPROCESSABLE_ENTITY)
        .has(&["Choose a file first", "No file has been imported yet"]);
    let page = send(&site, "/admin/import", &[("file", Some("x.txt"), "hello")]).await;
    let page = page.expect(StatusCode::UNPROCESSABLE_ENTITY);
    page.has(&["neither a product export of Shopify"]);
    page.is_accessible();
}

#[tokio::test]
async fn a_run_that_is_under_way_shows_how_far_it_is() {
    let path = "/api/products/imports/0193a1b2-0000-7000-8000-000000000009";
    let site = Site::with(fake().answers("GET", path, 200, run("running", false))).await;
    let page = site
        .get_as(&format!("/admin/import/{BOWL}"), STAFF)
        .await
        .expect(StatusCode::OK);
    page.has(&[
        "data-poll=\"2\"",
        "value=\"40\"",
        "http-equiv=\"refresh\"",
        "Running",
    ]);
    page.is_accessible();
}
