//! The settings in force, as `techcommerce config` prints them.

use std::collections::BTreeMap;

/// Each setting with its value and its source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    values: BTreeMap<String, (String, String)>,
}

impl Effective {
    /// From lines as `listen.port = 3000  # TECHCOMMERCE_LISTEN_PORT`.
    pub fn parse(text: &str) -> Self {
        let mut values = BTreeMap::new();
        for line in text.lines() {
            let Some((key, rest)) = line.split_once(" = ") else {
                continue;
            };
            let (value, source) = rest.rsplit_once("  # ").unwrap_or((rest, ""));
            values.insert(
                key.trim().to_owned(),
                (value.trim().to_owned(), source.to_owned()),
            );
        }
        Self { values }
    }

    /// A value; the empty text is none.
    pub fn value(&self, key: &str) -> Option<&str> {
        let (value, _) = self.values.get(key)?;
        (!value.is_empty()).then_some(value)
    }

    /// Whether somebody set it.
    pub fn is_set(&self, key: &str) -> bool {
        self.values
            .get(key)
            .is_some_and(|(value, source)| !value.is_empty() && source != "default")
    }

    /// The keys that somebody set.
    pub fn set(&self) -> impl Iterator<Item = &str> {
        self.values
            .keys()
            .map(String::as_str)
            .filter(|key| self.is_set(key))
    }

    /// Where a service that runs apart listens: `listen.port`, or the port of its own address.
    pub fn port(&self, service: &str) -> Option<i64> {
        if let Some(port) = self.value("listen.port") {
            return port.parse().ok();
        }
        let address = self.value(&format!("services.{}", service.replace('-', "_")))?;
        let rest = address.split_once("://")?.1;
        match rest.trim_end_matches('/').rsplit_once(':') {
            Some((_, port)) => port.parse().ok(),
            None => Some(if address.starts_with("https") {
                443
            } else {
                80
            }),
        }
    }

    /// Where metrics and health are.
    pub fn management_port(&self) -> Option<i64> {
        self.value("listen.management_port")?.parse().ok()
    }

    /// A number of seconds.
    pub fn seconds(&self, key: &str) -> Option<i64> {
        self.value(key)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_settings() {
        let text = "listen.port            =   # default\nservices.order_api     = http://order-api:7000  # default\nlisten.management_port = 9464  # default\nshop.name              = A = B # C  # TECHCOMMERCE_SHOP_NAME\n";
        let settings = Effective::parse(text);
        assert_eq!(settings.port("order-api"), Some(7000));
        assert_eq!(settings.management_port(), Some(9464));
        assert_eq!(settings.value("shop.name"), Some("A = B # C"));
        assert!(settings.is_set("shop.name") && !settings.is_set("listen.port"));
    }
}
