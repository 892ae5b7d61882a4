//! frontend.

use techcommerce_contracts::{Service, order_api::PaymentMethod};
use techcommerce_frontend::{Deps, Settings, build};
use techcommerce_kernel::Error;
use techcommerce_runtime::{Module, Switchboard};

use super::{Listening, own_origins, payment_methods, trusted_proxies};
use crate::ground::Ground;

pub async fn module(
    ground: &Ground,
    switchboard: &Switchboard,
    listening: Listening<'_>,
) -> Result<Module, Error> {
    let built = build(Deps {
        env: ground.env.clone(),
        settings: settings(&ground.settings, listening)?,
        api: ground.way(switchboard, Service::Frontend, Service::Api),
        images: ground.way(switchboard, Service::Frontend, Service::Images),
        tokens: ground.trust.tokens(Service::Frontend)?,
        verifier: ground.trust.verifier(),
        telemetry: ground.telemetry.clone(),
    })
    .await?;
    Ok(Module {
        service: Service::Frontend,
        needs: vec![Service::Api],
        router: built.router,
        health: built.health,
        tasks: vec![],
    })
}

fn settings(
    settings: &techcommerce_config::Settings,
    listening: Listening<'_>,
) -> Result<Settings, Error> {
    let mut shop = Settings::new(
        &settings.shop.name,
        settings.shop.currency,
        settings.public_url.as_str(),
    );
    shop.tagline = Some(settings.shop.tagline.clone());
    shop.address_lines.clone_from(&settings.shop.address);
    shop.contact_email = contact_address(&settings.shop.email_sender);
    shop.time_zone = settings.shop.time_zone.clone();
    shop.languages.clone_from(&settings.shop.languages);
    shop.prices_include_tax = settings.tax.included;
    // The shop's own country comes first.
    shop.countries
        .retain(|country| *country != settings.shop.country);
    shop.countries.insert(0, settings.shop.country.clone());
    shop.stripe_publishable_key
        .clone_from(&settings.stripe.publishable_key);
    shop.payment_methods = payment_methods(settings);
    // Without it no page could take a card.
    if shop.stripe_publishable_key.is_empty() {
        shop.payment_methods
            .retain(|method| *method != PaymentMethod::Stripe);
    }
    shop.allowed_origins = own_origins(listening(Service::Frontend));
    shop.trusted_proxies = trusted_proxies(settings)?;
    Ok(shop)
}

/// The bare address of `Name <name@example.com>`.
pub(super) fn contact_address(sender: &str) -> Option<String> {
    let address = sender.rsplit_once('<').map_or(sender, |(_, rest)| rest);
    let address = address.trim_end_matches('>').trim();
    (!address.is_empty()).then(|| address.to_owned())
}
