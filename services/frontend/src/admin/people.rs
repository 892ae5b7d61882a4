//! Who is behind the `account:0193…` of logs and timelines.

use std::collections::HashMap;

use techcommerce_contracts::{Role, auth::AccountQuery};

use super::Desk;

/// Names of staff, and for admins of API keys.
#[derive(Debug, Default)]
pub struct People(HashMap<String, String>);

impl People {
    /// Asks for all who may have changed something. Who cannot be found keeps an id.
    pub async fn of(desk: &Desk) -> Self {
        let api = desk.api();
        let query = |role| AccountQuery {
            role: Some(role),
            limit: Some(100),
            ..AccountQuery::default()
        };
        let (admins, staff) = (query(Role::Admin), query(Role::Staff));
        let keys = async {
            match desk.is_admin() {
                true => api.api_keys().await.unwrap_or_default(),
                false => Vec::new(),
            }
        };
        let (admins, staff, keys) = tokio::join!(api.accounts(&admins), api.accounts(&staff), keys);
        let mut names = HashMap::new();
        for account in [admins, staff]
            .into_iter()
            .flatten()
            .flat_map(|page| page.items)
        {
            let name = match account.name.as_str() {
                "" => account.email.as_str().to_owned(),
                name => name.to_owned(),
            };
            names.insert(format!("account:{}", account.id), name);
        }
        for key in keys {
            let name = desk.texts().with("word.api_key", &key.name);
            names.insert(format!("api-key:{}", key.id), name);
        }
        Self(names)
    }

    /// Who `actor` is, as well as it is known.
    pub fn name(&self, desk: &Desk, actor: &str) -> String {
        if let Some(name) = self.0.get(actor) {
            return name.clone();
        }
        let short = |id: &str| id.rsplit('-').next().unwrap_or_default().to_owned();
        match actor.split_once(':') {
            Some(("account", id)) if id == desk.me.id.to_string() => desk.me.email.as_str().into(),
            Some(("account", id)) => desk.texts().with("word.account", short(id)),
            Some(("api-key", id)) => desk.texts().with("word.api_key", short(id)),
            _ if actor == "guest" => desk.t("word.guest").to_owned(),
            _ if actor == "system" || actor.is_empty() || actor.starts_with("service:") => {
                desk.t("word.system").to_owned()
            }
            _ => actor.to_owned(),
        }
    }

    /// All names with what stands for them in the log, by name.
    pub fn all(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(id, name)| (id.clone(), name.clone()))
            .collect();
        all.sort_by(|a, b| {
            a.1.to_lowercase()
                .cmp(&b.1.to_lowercase())
                .then(a.0.cmp(&b.0))
        });
        all
    }
}
