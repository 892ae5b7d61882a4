//! The pages for staff, as the storefront's sources list them, through the whole program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use http::Method;
use techcommerce_testkit::{Answer, Client};

use super::cast::{Actor, Cast};
use crate::shop::Engine;

/// Beginnings of addresses that are for admins alone.
const FOR_ADMINS: [&str; 3] = [
    "/admin/api-keys",
    "/admin/customers/invite",
    "/admin/webhooks",
];

/// Every address that a `.route("…` in the storefront's sources names.
pub fn pages() -> Result<BTreeSet<String>> {
    fn read(folder: &Path, into: &mut BTreeSet<String>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                read(&path, into)?;
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path)?;
                let named = text.split(".route(").skip(1);
                let named = named.filter_map(|rest| rest.split('"').nth(1));
                let paths = named.filter(|name| name.starts_with('/'));
                into.extend(paths.map(str::to_owned));
            }
        }
        Ok(())
    }
    let mut found = BTreeSet::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/frontend/src");
    read(&sources, &mut found)?;
    Ok(found)
}

fn browser(cast: &Cast, actor: &Actor) -> Client {
    let client = cast
        .shop
        .plain_client()
        .with_header("accept", "text/html")
        .with_header("origin", &format!("http://{}", cast.shop.setup.address()));
    match &actor.token {
        Some(token) => client.with_header("cookie", &format!("tc_session={token}")),
        None => client,
    }
}

fn leads_to(answer: &Answer, path: &str) -> bool {
    answer.status == 303
        && answer
            .header("location")
            .is_some_and(|location| location.starts_with(path))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_for_staff_are_for_staff() -> Result<()> {
    let cast = Cast::gather(Engine::Sqlite).await?;
    let mut pages = pages()?;
    pages.retain(|page| page.starts_with("/admin"));
    ensure!(pages.contains("/admin") && pages.len() > 5, "{pages:?}");
    let before = cast.whole_shop().await?;
    let mut wrong = Vec::new();
    for page in &pages {
        // Some pages name their things in ways of their own; who may is asked before what is there.
        let path = cast.things.address(page).unwrap_or_else(|_| anything(page));
        let for_admins = FOR_ADMINS
            .iter()
            .any(|beginning| page.starts_with(beginning));
        for actor in cast
            .actors
            .iter()
            .filter(|actor| actor.person || actor.token.is_none())
        {
            let client = browser(&cast, actor);
            let allowed = matches!((actor.name, for_admins), ("an admin", _) | ("staff", false));
            for method in [Method::GET, Method::POST] {
                if allowed && method == Method::POST {
                    continue;
                }
                let request = client.request(method.clone(), &path);
                let request = match method {
                    Method::POST => request.body("application/x-www-form-urlencoded", "a=b"),
                    _ => request,
                };
                let answer = request.send().await?;
                // A page that takes no forms, or nothing but forms, says so to everyone.
                let fine = answer.status == 405
                    || match actor.name {
                        "a stranger" => leads_to(&answer, "/login"),
                        "an admin with a one-time password" => {
                            leads_to(&answer, "/account/password")
                        }
                        _ if allowed => matches!(answer.status, 200 | 303 | 404),
                        _ => answer.status == 403,
                    };
                if !fine {
                    let location = answer.header("location").unwrap_or_default();
                    let name = actor.name;
                    wrong.push(format!(
                        "{method} {page} as {name}: {} {location}",
                        answer.status
                    ));
                }
                let open = answer.headers.get("cache-control");
                let kept = open.and_then(|value| value.to_str().ok());
                if kept.is_some_and(|value| value.contains("public")) {
                    wrong.push(format!("{page} may be kept by anybody on the way"));
                }
            }
        }
        // Another site's page sends a form in an admin's name.
        let admin = browser(&cast, cast.actor("an admin")?);
        let form = admin.post(&path).header("origin", "https://evil.example");
        let answer = form
            .body("application/x-www-form-urlencoded", "a=b")
            .send()
            .await?;
        if !matches!(answer.status, 403 | 405) {
            wrong.push(format!(
                "{page} takes forms of other sites: {}",
                answer.status
            ));
        }
    }
    let after = cast.whole_shop().await?;
    if before != after {
        wrong.push("refused forms changed the shop".to_owned());
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn anything(page: &str) -> String {
    let parts = page.split('/').map(|part| match part.starts_with('{') {
        true => super::things::NOTHING,
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}
