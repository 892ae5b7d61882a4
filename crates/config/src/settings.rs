//! The table of all settings.

use std::{net::IpAddr, path::PathBuf};

use techcommerce_kernel::{Currency, EmailAddress, TimeZone};

use crate::{
    Secret,
    parse::{HostPort, PublicUrl, ServiceUrl},
    table::{Definition, Resolved, settings},
    traces::Share,
};

settings! {
    /// All settings.
    Settings {
        /// Where shoppers reach the shop. Browsers must come from here to change anything.
        public_url: PublicUrl = "http://127.0.0.1:3000";
        /// The folder for databases, pictures, keys and mails. Made at the first start.
        data_dir: PathBuf = "data";
        /// Load the built-in catalogue into an empty shop at the first start.
        demo_catalogue: bool = "true";
        /// PostgreSQL as postgres://user:password@host/database; none: SQLite in the data folder.
        database_url: Option<Secret> = "" secret followed;
        /// The most connections to PostgreSQL that a process keeps for each database it opens.
        database_connections: u32 = "10";
        /// host:port in place of those in the addresses of databases, for migrations and for notifications; set it where the addresses name a pooler (PgBouncer 1.21 or later, transaction mode). Connections to the pooler then carry no settings of a session: the roles' own apply, as `techcommerce migrate` makes them.
        database_direct_address: Option<HostPort> = "";
        /// host:port in place of those in the addresses of databases, for reads that may lag: lists and reports for staff. While it is away they go where all others go.
        database_replica_address: Option<HostPort> = "";
        /// Whether `serve` brings the schemas up to date. false: it waits for the versions that it needs, reports them in /readyz meanwhile, and `techcommerce migrate` brings them.
        database_migrate: bool = "true";
        /// PostgreSQL as somebody who may make roles and schemas: `techcommerce migrate` then makes those that `databases` names and sets their passwords. Give it to nothing else.
        database_admin_url: Option<Secret> = "" secret once;
        /// Redis as redis://host:6379 for sessions, not over TLS; none: the database.
        redis_url: Option<Secret> = "" secret followed;
        /// Mail server as smtps://user:password@host or smtp://host; none: files in data_dir/mail.
        smtp_url: Option<Secret> = "" secret followed;
        /// Proxies whose X-Forwarded-For is believed, as 10.0.0.0/8.
        trusted_proxies: Vec<String> = "";
    }
    /// The databases of the services in PostgreSQL, each with a role of its own; what is set goes before `database_url`.
    databases: Databases {
        /// Of products and stock, as postgres://product_api:password@host/database.
        product_api: Option<Secret> = "" secret followed;
        /// Of carts and orders, as postgres://order_api:password@host/database.
        order_api: Option<Secret> = "" secret followed;
        /// Of accounts, as postgres://auth:password@host/database.
        auth: Option<Secret> = "" secret followed;
        /// Of pictures, as postgres://images:password@host/database.
        images: Option<Secret> = "" secret followed;
    }
    /// What shoppers see.
    shop: Shop {
        /// The shop's name.
        name: String = "Tidewell";
        /// The large words on the home page; none: the storefront's own, in the visitor's language.
        tagline: String = "";
        /// Who runs it and where, line by line, for the imprint and invoices.
        address: Vec<String> = "Tidewell Trading; 12 Harbour Row; 20457 Hamburg; Germany";
        /// The sender of mails, as Name <name@example.com>.
        email_sender: String = "Tidewell <shop@tidewell.example>";
        /// ISO 4217 code of all prices.
        currency: Currency = "EUR";
        /// Languages of the pages, the first being the default: en, de.
        languages: Vec<String> = "en; de";
        /// ISO 3166-1 code of the country that shipping addresses start with.
        country: String = "DE";
        /// IANA name of the time zone that says when a day of the shop begins, as Europe/Berlin.
        time_zone: TimeZone = "UTC";
    }
    /// Taxes.
    tax: Tax {
        /// Whether prices contain the tax.
        included: bool = "true";
        /// The rate in hundredths of a percent: 1900 is 19 %.
        rate_basis_points: u32 = "1900";
    }
    /// Shipping, in minor units of the currency.
    shipping: Shipping {
        /// What standard shipping costs.
        standard_price: u32 = "490";
        /// What express shipping costs.
        express_price: u32 = "1290";
        /// Standard shipping is free from this subtotal on; 0: never.
        free_from: u32 = "5000";
    }
    /// Where the services are, when they run apart (`techcommerce serve SERVICE`).
    services: Services {
        /// The pages.
        frontend: ServiceUrl = "http://frontend:3000";
        /// The public JSON edge.
        api: ServiceUrl = "http://api:8000";
        /// Products and stock.
        product_api: ServiceUrl = "http://product-api:5000";
        /// Carts and orders.
        order_api: ServiceUrl = "http://order-api:7000";
        /// Accounts and sessions.
        auth: ServiceUrl = "http://auth:5001";
        /// Pictures.
        images: ServiceUrl = "http://images:8080";
        /// Background work.
        worker: ServiceUrl = "http://worker:8081";
    }
    /// What services that run apart know each other by; `techcommerce keys` makes it.
    keys: Keys {
        /// The file with the private key of the one service that runs here, or the folder that has it as <service>.key. Read again when it changes.
        private: Option<PathBuf> = "";
        /// The file with the public keys of all services. Read again when it changes.
        trusted: Option<PathBuf> = "";
    }
    /// Where the process listens.
    listen: Listen {
        /// The address for shoppers. 0.0.0.0 is every interface.
        address: IpAddr = "127.0.0.1";
        /// The port for shoppers; 0 takes any. None: 3000, or of a service that runs apart the port of its address in `services`.
        port: Option<u16> = "";
        /// The address for metrics and health. Keep it inside.
        management_address: IpAddr = "127.0.0.1";
        /// The port for metrics and health; 0 takes any.
        management_port: u16 = "9464";
    }
    /// The log on standard error.
    log: Log {
        /// text, json, or auto: text on a terminal.
        format: String = "auto";
        /// error, warn, info, debug, trace, or a filter as info,techcommerce_order_api=debug.
        level: String = "info";
    }
    /// Traces, sent by OTLP over HTTP.
    traces: Traces {
        /// Where spans go, as http://otel-collector:4318 (to /v1/traces below it); none: nothing is traced.
        endpoint: String = "";
        /// Headers that are sent along, as name=value,name=value: the collector's key.
        headers: Option<Secret> = "" secret followed;
        /// The share of ordinary requests and jobs whose traces are kept, from 0 to 1. Those that failed or were slow are kept beside it.
        sample: Share = "0.1";
        /// Milliseconds from which on a request or job is slow.
        slow_ms: u32 = "1000";
        /// What else is said of this process, as k8s.pod.name=api-1,k8s.node.name=node-2.
        attributes: String = "";
        /// Whether a trace that comes with a request from outside is continued, not only linked to: only behind a proxy of yours that makes or checks the header traceparent.
        continue_outside: bool = "false";
    }
    /// Sessions of people who signed in.
    session: Session {
        /// A session that is not used for so many days runs out.
        idle_days: u32 = "30";
    }
    /// What one client may ask of the shop.
    limits: Limits {
        /// Requests a minute to the JSON interface, by client address or credential.
        requests_per_minute: u32 = "6000";
        /// Tries a minute to sign in, by client address.
        login_per_minute: u32 = "10";
        /// Bytes of a request's body; uploads and imports have limits of their own.
        body_bytes: u64 = "1048576";
        /// Requests under way at once, beyond which the shop answers 503.
        concurrency: u32 = "512";
        /// Milliseconds that an order may wait for its turn at the database once there is a queue, beyond which the shop answers 503. Whoever fills a cart may wait for half of it, whoever begins one for a tenth, so that what was begun is ended.
        patience_milliseconds: u32 = "1000";
    }
    /// Ending the process.
    shutdown: Shutdown {
        /// Seconds that requests and jobs under way have to finish.
        grace_seconds: u32 = "20";
        /// Seconds that a process goes on taking requests after it reported itself unready, so that balancers can see it. None: 0, or 5 where services run apart.
        unready_seconds: Option<u32> = "";
    }
    /// Orders.
    orders: Orders {
        /// Seconds that stock is held for an order that is being placed.
        reservation_seconds: u32 = "900";
        /// What shoppers may pay with: invoice, stripe (cards; it needs stripe.secret_key), and test, by which nobody is charged. A shop that is open to the world leaves test out.
        payment_methods: Vec<String> = "test; invoice";
        /// Seconds that a customer has to confirm a payment that asks for it; then the order is given up and its stock is free.
        payment_seconds: u32 = "1800";
    }
    /// Payments by card at Stripe. Card data goes from the browser to Stripe and never to the shop.
    stripe: Stripe {
        /// What the shop is known by at Stripe: sk_live_…, or better a restricted key rk_live_… that may write payment intents and refunds and read disputes.
        secret_key: Option<Secret> = "" secret followed;
        /// What browsers know the shop by at Stripe: pk_live_….
        publishable_key: String = "";
        /// What signs the messages that Stripe sends to public_url/api/payments/stripe/webhook: whsec_…; two with a blank between them while one takes the other's place.
        webhook_secret: Option<Secret> = "" secret followed;
        /// Where Stripe is.
        api_address: String = "https://api.stripe.com";
        /// Payments that were begun so many days ago or later are compared with Stripe's books each hour; what belongs to no order of the shop is let go or paid back. 0: none are, as after an old backup was restored.
        reconcile_days: u32 = "3";
    }
    /// Pictures.
    images: Images {
        /// Where they are kept: s3://bucket/prefix, gs://bucket/prefix (Google Cloud Storage), or a folder; none: the folder images in data_dir.
        store: String = "";
        /// The S3-compatible store as https://minio.example.com:9000; none: the one of AWS in the region.
        s3_endpoint: String = "";
        /// The region that requests to the store are signed for.
        s3_region: String = "us-east-1";
        /// The access key; none: what AWS_… variables or the machine's own identity give.
        s3_access_key: Option<Secret> = "" secret followed;
        /// What belongs to the access key.
        s3_secret_key: Option<Secret> = "" secret followed;
        /// A file with the certificates (PEM) that vouch for the store, beside the usual ones.
        s3_ca_file: Option<PathBuf> = "";
        /// The key of a service account at Google, as its JSON; none: GOOGLE_APPLICATION_CREDENTIALS, or the identity that the cluster or machine gives (Workload Identity).
        gcs_credentials: Option<Secret> = "" secret followed;
        /// Another address of Google Cloud Storage than its own, as http://127.0.0.1:9023.
        gcs_endpoint: String = "";
    }
    /// The first admin, whom auth makes in a shop that has none.
    admin: Admin {
        /// The mail address to sign in with.
        email: EmailAddress = "admin@example.com";
        /// The password for the first sign-in, which asks for another; later it is of no use. None: a random one, in the file admin-password in data_dir.
        password: Option<Secret> = "" secret once;
    }
    /// Catalogue files.
    imports: Imports {
        /// Hosts and networks inside that pictures may be fetched from, as pictures.lan:8080 or 10.0.0.0/8; none: only the open internet. A host with a port is asked by no other: one of the internet needs its 443 here as well.
        picture_hosts_allowed: Vec<String> = "";
    }
    /// Telling others what happens (docs/webhooks.md).
    webhooks: Webhooks {
        /// Hosts and networks inside that admins may have events sent to, also without TLS, as erp.lan:8080 or 10.0.0.0/8; none: only https and the open internet. A host with a port is told by no other: one of the internet needs its 443 here as well.
        hosts_allowed: Vec<String> = "";
        /// A webhook is disabled when nothing has arrived there for so many days although something was sent.
        disable_after_days: u32 = "5";
        /// How many days it is kept what was sent and how it was answered.
        keep_days: u32 = "30";
        /// How many events one worker sends at once, never more than one to the same webhook. Fewer than worker.concurrency, so that orders go on while webhooks are slow.
        concurrency: u32 = "2";
        /// A variant of which fewer can be sold is low on stock, which webhooks may be told of (stock.low).
        low_stock: u32 = "5";
        /// The mail address that is told when a webhook was disabled; none: the one of shop.email_sender.
        notice_to: Option<EmailAddress> = "";
    }
    /// Background work.
    worker: Worker {
        /// How often to look for work that nobody announced.
        poll_milliseconds: u32 = "1000";
        /// Jobs at once.
        concurrency: u32 = "4";
        /// Its name among all workers, as that of its pod. One that comes back under its name goes on with its jobs at once. None: one that is kept in data_dir, or a new one at each start where services run apart.
        name: String = "";
        /// How often it is looked whether the books of the stock and of payments agree, as doctor --audit does; the metrics techcommerce_ledger_… tell what was found.
        ledger_check_seconds: u32 = "600";
    }
    /// Certificates in files, whose end the metrics tell.
    certificates: Certificates {
        /// Files with certificates (PEM), as ingress=/etc/tls/tls.crt with a name for the metric, or a path alone; only the public part is read.
        watch: Vec<String> = "";
    }
}

/// What shoppers may pay with at all.
const PAYMENT_METHODS: [&str; 3] = ["test", "invoice", "stripe"];

impl Settings {
    /// What no single setting can say of itself.
    pub(crate) fn check(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let known = ["en", "de"];
        if self.shop.languages.is_empty()
            || self
                .shop
                .languages
                .iter()
                .any(|language| !known.contains(&language.as_str()))
        {
            wrong.push((
                "shop.languages",
                format!("must be some of {}", known.join(", ")),
            ));
        }
        if self.shop.country.len() != 2
            || !self.shop.country.bytes().all(|b| b.is_ascii_uppercase())
        {
            wrong.push((
                "shop.country",
                "must be a code of two capitals, as DE".into(),
            ));
        }
        if !["auto", "text", "json"].contains(&self.log.format.as_str()) {
            wrong.push(("log.format", "must be auto, text or json".into()));
        }
        if self.tax.rate_basis_points > 10_000 {
            wrong.push((
                "tax.rate_basis_points",
                "must be at most 10000, which is 100 %".into(),
            ));
        }
        let methods = &self.orders.payment_methods;
        if methods.is_empty()
            || methods
                .iter()
                .any(|m| !PAYMENT_METHODS.contains(&m.as_str()))
        {
            wrong.push((
                "orders.payment_methods",
                "must be some of test, invoice, stripe".into(),
            ));
        }
        let postgres = ["postgres://", "postgresql://"].as_slice();
        let schemes: [(&str, &Option<Secret>, &[&str]); 8] = [
            ("database_url", &self.database_url, postgres),
            ("database_admin_url", &self.database_admin_url, postgres),
            (
                "databases.product_api",
                &self.databases.product_api,
                postgres,
            ),
            ("databases.order_api", &self.databases.order_api, postgres),
            ("databases.auth", &self.databases.auth, postgres),
            ("databases.images", &self.databases.images, postgres),
            (
                "redis_url",
                &self.redis_url,
                // Over TLS it is not reached: `rediss` is refused here and not at the start.
                &["redis://", "unix://", "redis+unix://"],
            ),
            ("smtp_url", &self.smtp_url, &["smtp://", "smtps://"]),
        ];
        for (key, url, schemes) in schemes {
            if let Some(url) = url
                && !schemes
                    .iter()
                    .any(|scheme| url.expose().starts_with(scheme))
            {
                wrong.push((key, format!("must start with {}", schemes.join(" or "))));
            }
        }
        if methods.iter().any(|m| m == "stripe") {
            wrong.extend(self.stripe.check());
        }
        wrong.extend(self.images.check());
        wrong.extend(self.traces.check());
        let positive = [
            (
                "orders.reservation_seconds",
                self.orders.reservation_seconds,
            ),
            ("orders.payment_seconds", self.orders.payment_seconds),
            ("worker.poll_milliseconds", self.worker.poll_milliseconds),
            ("worker.concurrency", self.worker.concurrency),
            (
                "worker.ledger_check_seconds",
                self.worker.ledger_check_seconds,
            ),
            (
                "webhooks.disable_after_days",
                self.webhooks.disable_after_days,
            ),
            ("webhooks.keep_days", self.webhooks.keep_days),
            ("webhooks.concurrency", self.webhooks.concurrency),
            ("session.idle_days", self.session.idle_days),
            ("database_connections", self.database_connections),
            (
                "limits.requests_per_minute",
                self.limits.requests_per_minute,
            ),
            ("limits.login_per_minute", self.limits.login_per_minute),
            ("limits.concurrency", self.limits.concurrency),
            (
                "limits.patience_milliseconds",
                self.limits.patience_milliseconds,
            ),
        ];
        wrong.extend(
            positive
                .into_iter()
                .filter(|(_, value)| *value == 0)
                .map(|(key, _)| (key, "must be at least 1".to_owned())),
        );
        wrong
    }
}

impl Stripe {
    /// What is missing for shoppers to pay with it. The keys themselves may be absent where a
    /// service does not need them, as the storefront, which has the publishable one only.
    fn check(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if !self.publishable_key.is_empty() && !self.publishable_key.starts_with("pk_") {
            wrong.push((
                "stripe.publishable_key",
                "must start with pk_: the key that starts with sk_ or rk_ is secret".into(),
            ));
        }
        let address = &self.api_address;
        if !address.starts_with("https://") && !address.starts_with("http://") {
            wrong.push((
                "stripe.api_address",
                "must be an address, as https://api.stripe.com".into(),
            ));
        }
        wrong
    }
}

impl Images {
    fn check(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let bucket = ["s3://", "gs://"]
            .iter()
            .find_map(|scheme| self.store.strip_prefix(scheme));
        if self.store.contains("://")
            && bucket.is_none_or(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            wrong.push((
                "images.store",
                "must be s3://bucket/prefix or gs://bucket/prefix (the prefix may be left out), or a \
                 folder"
                    .into(),
            ));
        }
        let endpoints = [
            ("images.s3_endpoint", &self.s3_endpoint),
            ("images.gcs_endpoint", &self.gcs_endpoint),
        ];
        for (key, endpoint) in endpoints {
            let address = endpoint.starts_with("https://") || endpoint.starts_with("http://");
            if !endpoint.is_empty() && !address {
                wrong.push((
                    key,
                    "must be an address, as https://minio.example.com:9000".into(),
                ));
            }
        }
        if self.s3_access_key.is_some() != self.s3_secret_key.is_some() {
            wrong.push((
                "images.s3_secret_key",
                "must be set if and only if images.s3_access_key is".into(),
            ));
        }
        wrong
    }
}
