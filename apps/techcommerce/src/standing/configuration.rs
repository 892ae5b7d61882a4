//! What the shop is made of, and whether two processes were given the same settings.

use sha2::{Digest, Sha256};
use techcommerce_config::Settings;
use techcommerce_telemetry::{Gauge, Gauges, Label, Telemetry};

use crate::{ground::Ground, here::Here};

pub(super) fn describe(telemetry: &Telemetry) {
    info(telemetry);
    hash_gauge(telemetry);
}

pub(super) fn tell(ground: &Ground) {
    let values = made_of(&ground.settings, &ground.here);
    info(&ground.telemetry)
        .with(values.each_ref().map(String::as_str))
        .set(1);
    hash_gauge(&ground.telemetry).set(hash(&ground.settings));
}

fn info(telemetry: &Telemetry) -> Gauges<5> {
    telemetry.gauges(
        "techcommerce_configuration_info",
        "What the shop is made of; the value is always 1",
        [
            Label::one_of("database", &["sqlite", "postgresql"]),
            Label::one_of("sessions", &["database", "redis"]),
            Label::one_of("pictures", &["folder", "s3", "gcs"]),
            // Several are set apart by a plus sign.
            Label::up_to("payment", 8),
            Label::one_of("mode", &["one", "split"]),
        ],
    )
}

fn hash_gauge(telemetry: &Telemetry) -> Gauge {
    telemetry.gauge(
        "techcommerce_configuration_hash",
        "A number that two processes of the same service and version share if they have the same \
         settings; secrets and what tells replicas apart do not go into it",
    )
}

fn made_of(settings: &Settings, here: &Here) -> [String; 5] {
    let store = settings.images.store.as_str();
    let pictures = match store.split_once("://") {
        Some(("s3", _)) => "s3",
        Some(("gs", _)) => "gcs",
        _ => "folder",
    };
    [
        // Services that run apart keep nothing else, and those without a database see that.
        match !here.is_whole() || here.is_in_postgres(settings) {
            true => "postgresql",
            false => "sqlite",
        },
        match settings.redis_url {
            Some(_) => "redis",
            None => "database",
        },
        pictures,
        &settings.orders.payment_methods.join("+"),
        match here.is_whole() {
            true => "one",
            false => "split",
        },
    ]
    .map(str::to_owned)
}

/// The first 48 bits of a digest: a sample is a double, which holds no more than 53 exactly.
fn hash(settings: &Settings) -> i64 {
    let mut shared = settings.clone();
    shared.worker.name = String::new();
    shared.traces.attributes = String::new();
    // Secrets print themselves as hidden.
    let digest = Sha256::digest(format!("{shared:?}"));
    digest[..6]
        .iter()
        .fold(0, |number, byte| number << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let sources = techcommerce_config::Sources {
            environment: variables.iter().map(own).collect(),
            ..techcommerce_config::Sources::default()
        };
        techcommerce_config::load(&sources).unwrap().settings
    }

    #[test]
    fn the_hash_tells_settings_apart_but_neither_secrets_nor_replicas() {
        let hash = |variables: &[(&str, &str)]| super::hash(&settings(variables));
        let plain = hash(&[]);
        assert_eq!(plain, hash(&[]));
        assert!((0..1 << 48).contains(&plain));
        assert_ne!(plain, hash(&[("TECHCOMMERCE_SHOP_NAME", "Other")]));
        let password = |text| hash(&[("TECHCOMMERCE_ADMIN_PASSWORD", text)]);
        assert_eq!(password("correct horse"), password("battery staple"));
        let name = |text| hash(&[("TECHCOMMERCE_WORKER_NAME", text)]);
        assert_eq!(name("worker-0"), name("worker-1"));
    }

    #[test]
    fn what_the_shop_is_made_of() {
        let variables = [
            ("DATABASE_URL", "postgres://db/shop"),
            ("TECHCOMMERCE_IMAGES_STORE", "gs://pictures/all"),
            ("TECHCOMMERCE_ORDERS_PAYMENT_METHODS", "test;invoice"),
        ];
        let settings = settings(&variables);
        let made = made_of(&settings, &Here::whole());
        assert_eq!(
            made,
            ["postgresql", "database", "gcs", "test+invoice", "one"]
        );
    }
}
