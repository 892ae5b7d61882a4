//! What the storefront is told by the configuration.

use techcommerce_contracts::order_api::PaymentMethod;
use techcommerce_http::TrustedProxies;
use techcommerce_kernel::{Currency, TimeZone};

/// Everything about this shop that the pages show or depend on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// As it stands in the header and in titles.
    pub shop_name: String,
    /// The large words on the home page; the storefront's own in the visitor's language if none
    /// or empty.
    pub tagline: Option<String>,
    /// A sentence below them; the storefront's own in the visitor's language if none or empty.
    pub intro: Option<String>,
    /// The shop's postal address, line by line: footer, contact, imprint.
    pub address_lines: Vec<String>,
    /// Where shoppers can write to.
    pub contact_email: Option<String>,
    /// Where shoppers can call.
    pub contact_phone: Option<String>,
    /// What the law wants the imprint to say, paragraph by paragraph.
    pub imprint_lines: Vec<String>,
    /// Of all prices; needed to read the price filter.
    pub currency: Currency,
    /// What staff's clocks show.
    pub time_zone: TimeZone,
    /// Codes of the languages offered, the default first; all that are shipped if empty.
    pub languages: Vec<String>,
    /// Whether prices contain the tax.
    pub prices_include_tax: bool,
    /// The ways of paying that the checkout offers, the first chosen beforehand.
    pub payment_methods: Vec<PaymentMethod>,
    /// What browsers know the shop by at Stripe; empty: cards cannot be paid with in the pages.
    pub stripe_publishable_key: String,
    /// Where the shop ships to, ISO 3166-1 alpha-2, the first chosen beforehand.
    pub countries: Vec<String>,
    /// The shop's own address, without a slash at its end, as `https://shop.example`.
    pub public_url: String,
    /// Further origins whose forms are taken, as `https://www.shop.example`.
    pub allowed_origins: Vec<String>,
    /// Who may say where a request came from.
    pub trusted_proxies: TrustedProxies,
}

impl Settings {
    /// A shop of this name at this address, with everything else as it is by default.
    pub fn new(shop_name: &str, currency: Currency, public_url: &str) -> Self {
        Self {
            shop_name: shop_name.to_owned(),
            tagline: None,
            intro: None,
            address_lines: Vec::new(),
            contact_email: None,
            contact_phone: None,
            imprint_lines: Vec::new(),
            currency,
            time_zone: TimeZone::UTC,
            languages: Vec::new(),
            prices_include_tax: true,
            payment_methods: vec![PaymentMethod::Test, PaymentMethod::Invoice],
            stripe_publishable_key: String::new(),
            countries: Self::default_countries(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            allowed_origins: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
        }
    }

    /// Germany first, then its neighbours and the rest of the European Union by code, and some
    /// countries beyond.
    pub fn default_countries() -> Vec<String> {
        "DE AT CH LI LU BE BG CY CZ DK EE ES FI FR GR HR HU IE IT LT LV MT NL PL PT RO SE SI SK \
         GB IS NO AU CA JP NZ US"
            .split_whitespace()
            .map(String::from)
            .collect()
    }

    /// Whether browsers reach the shop by TLS only, so that cookies may be marked `Secure`.
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
