//! Who did it: the API names accounts and keys by their ids; people want names.

use std::collections::HashMap;

use http::Method;
use techcommerce_contracts::auth::AccountDetail;

use crate::admin::Desk;

/// The most accounts that are asked for on one page; further ones show their ids.
const MOST: usize = 12;

/// Names by actor.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// The names of these actors, as far as they can be found out.
    pub async fn of(desk: &Desk, actors: impl Iterator<Item = &str>) -> Self {
        let mut names = HashMap::new();
        for actor in actors {
            if names.contains_key(actor) || names.len() >= MOST {
                continue;
            }
            let name = match actor.split_once(':') {
                Some(("account", id)) if id == desk.me.id.to_string() => {
                    desk.t("goods_who.you").to_owned()
                }
                Some(("account", id)) => account(desk, id)
                    .await
                    .unwrap_or_else(|| desk.t("goods_who.account").to_owned()),
                Some(("api-key", _)) => desk.t("goods_who.key").to_owned(),
                _ => desk.t("goods_who.shop").to_owned(),
            };
            names.insert(actor.to_owned(), name);
        }
        Self(names)
    }

    /// The actor's name, or the actor.
    pub fn get(&self, actor: &str) -> String {
        self.0
            .get(actor)
            .cloned()
            .unwrap_or_else(|| actor.to_owned())
    }
}

async fn account(desk: &Desk, id: &str) -> Option<String> {
    let path = format!("/api/auth/accounts/{}", crate::api::segment(id));
    let found: AccountDetail = desk.api().own(Method::GET, path).send().await.ok()?;
    let account = found.account;
    Some(match account.name.as_str() {
        "" => String::from(account.email),
        name => name.to_owned(),
    })
}
