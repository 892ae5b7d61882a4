//! The S3 protocol, as AWS, MinIO, Ceph, Garage, R2 and others speak it.

use std::{path::PathBuf, sync::Arc};

use object_store::{ClientOptions, ObjectStore, aws::AmazonS3Builder};
use techcommerce_kernel::Error;

use super::{RETRIES, connector::Connector, within};

/// A bucket of an S3-compatible store, and who we are there.
#[derive(Clone, Default)]
pub struct S3 {
    /// The bucket, which must be there.
    pub bucket: String,
    /// What all names begin with; may be empty.
    pub prefix: String,
    /// As `https://minio.example.com:9000`; empty: AWS.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Access key and secret key; without them the `AWS_…` variables and what the machine's own
    /// identity gives are asked.
    pub keys: Option<(String, String)>,
    /// Certificates (PEM) that vouch for the store, beside the usual ones.
    pub ca_file: Option<PathBuf>,
}

impl S3 {
    /// Bucket and prefix of `s3://bucket/prefix`, if it is such an address.
    pub fn parse(address: &str) -> Option<(String, String)> {
        super::bucket("s3://", address)
    }

    /// Where it is, to be told to staff.
    pub(super) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    pub(super) fn open(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        let builder = match &self.keys {
            Some((access, secret)) => AmazonS3Builder::new()
                .with_access_key_id(access)
                .with_secret_access_key(secret),
            None => AmazonS3Builder::from_env(),
        };
        let mut builder = builder
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_retry(RETRIES)
            .with_http_connector(Connector::new(self.ca_file.as_deref())?);
        if !self.endpoint.is_empty() {
            builder = builder.with_endpoint(self.endpoint.trim_end_matches('/'));
        }
        let store = builder.build().map_err(|error| {
            Error::invalid("configuration", format!("images.store: {error}")).caused_by(error)
        })?;
        within(store, &self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parts = |address| S3::parse(address).map(|(b, p)| format!("{b}|{p}"));
        assert_eq!(parts("s3://shop"), Some("shop|".into()));
        assert_eq!(parts("s3://shop/a/b/"), Some("shop|a/b".into()));
        assert_eq!(parts("/srv/pictures"), None);
    }
}
