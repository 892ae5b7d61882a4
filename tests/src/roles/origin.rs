//! A browser's cookie changes nothing from another site's page, whatever it asks.

use anyhow::{Result, ensure};

use super::cast::Cast;
use super::matrix::{good, nonsense};
use super::table::table;
use crate::shop::Engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_changed_from_another_site() -> Result<()> {
    let cast = Cast::gather(Engine::Sqlite).await?;
    let own = format!("http://{}", cast.shop.setup.address());
    let token = cast.actor("an admin")?.token.clone().unwrap_or_default();
    let admin = cast
        .shop
        .plain_client()
        .with_header("cookie", &format!("theme=dark; tc_session={token}"));
    let before = cast.whole_shop().await?;
    let elsewhere = [
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "same-origin"),
        ],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("referer", own.as_str())],
        vec![],
    ];
    for rule in table() {
        if rule.operation.starts_with("get ") {
            continue;
        }
        for headers in &elsewhere {
            let mut request = good(&admin, &rule, &cast)?;
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = request.send().await?;
            ensure!(
                answer.status == 403 && answer.text().contains("cross_origin"),
                "{} with {headers:?} answered {}: {}",
                rule.operation,
                answer.status,
                answer.text()
            );
        }
    }
    let after = cast.whole_shop().await?;
    for (before, after) in before.iter().zip(&after) {
        ensure!(before == after, "{before}\nbecame\n{after}");
    }
    for rule in table() {
        if rule.operation.starts_with("get ") || rule.ends_sessions {
            continue;
        }
        let request = nonsense(&admin, &rule, &cast)?.header("origin", &own);
        let answer = request.send().await?;
        ensure!(
            !answer.text().contains("cross_origin"),
            "{} from our own page answered {}",
            rule.operation,
            answer.text()
        );
    }
    Ok(())
}
