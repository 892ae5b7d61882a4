//! Google Cloud Storage, by its XML interface, which `object_store` speaks.

use std::sync::Arc;

use object_store::{ClientOptions, ObjectStore, gcp::GoogleCloudStorageBuilder};
use techcommerce_kernel::Error;

use super::{RETRIES, connector::Connector, within};

/// A bucket of Google Cloud Storage, and who we are there.
#[derive(Clone, Default)]
pub struct Gcs {
    /// The bucket, which must be there.
    pub bucket: String,
    /// What all names begin with; may be empty.
    pub prefix: String,
    /// As `http://127.0.0.1:9023`; empty: Google's own.
    pub endpoint: String,
    /// A service account's key as its JSON; without it GOOGLE_APPLICATION_CREDENTIALS and what the
    /// machine's own identity gives are asked.
    pub credentials: Option<String>,
}

impl Gcs {
    /// Bucket and prefix of `gs://bucket/prefix`, if it is such an address.
    pub fn parse(address: &str) -> Option<(String, String)> {
        super::bucket("gs://", address)
    }

    /// Where it is, to be told to staff.
    pub(super) fn place(&self) -> String {
        format!("gs://{}/{}", self.bucket, self.prefix)
    }

    pub(super) fn open(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        let builder = match &self.credentials {
            Some(key) => GoogleCloudStorageBuilder::new().with_service_account_key(key),
            None => GoogleCloudStorageBuilder::from_env(),
        };
        let mut builder = builder
            .with_bucket_name(&self.bucket)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_retry(RETRIES)
            .with_http_connector(Connector::new(None)?);
        if !self.endpoint.is_empty() {
            builder = builder.with_base_url(self.endpoint.trim_end_matches('/'));
        }
        let store = builder.build().map_err(|error| {
            // The cause may repeat what it could not read: a private key is in it.
            let text = match self.credentials {
                Some(_) => {
                    "images.gcs_credentials: it is no key of a service account, as the JSON \
                            that Google gives."
                        .to_owned()
                }
                None => format!("images.store: {error}"),
            };
            Error::invalid("configuration", text)
        })?;
        within(store, &self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parts = |address| Gcs::parse(address).map(|(b, p)| format!("{b}|{p}"));
        assert_eq!(parts("gs://shop/a/b/"), Some("shop|a/b".into()));
        assert_eq!(parts("s3://shop"), None);
    }

    #[test]
    fn a_key_that_is_none_is_not_repeated() {
        let gcs = Gcs {
            bucket: "shop".into(),
            credentials: Some("{\"private_key\": \"very-private".into()),
            ..Gcs::default()
        };
        let error = gcs.open().unwrap_err();
        assert!(
            error.message().contains("images.gcs_credentials"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("very-private"), "{error:?}");
    }
}
