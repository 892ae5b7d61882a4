//! A place in an S3 server for one test.

use techcommerce_testservers::{Kind, S3_BUCKET, Server, start, start_beside, url};

/// A bucket and a prefix that no other test uses, empty at the start.
#[derive(Debug)]
pub struct TestS3 {
    /// As `http://127.0.0.1:1234`.
    pub endpoint: String,
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
    /// The bucket.
    pub bucket: String,
    /// What all names begin with.
    pub prefix: String,
    own: Option<Server>,
}

impl TestS3 {
    /// A place of its own in the server that tests share.
    ///
    /// # Panics
    /// There is no S3 server (the message says what to install).
    #[must_use]
    pub fn new() -> Self {
        let address = url(Kind::S3).unwrap_or_else(|error| panic!("{error}"));
        Self::at(&address, None)
    }

    /// A server for this test alone, which it may [`stop`](Self::stop).
    ///
    /// # Panics
    /// There is no S3 server (the message says what to install), or it does not start.
    #[must_use]
    pub fn own() -> Self {
        let server = start(Kind::S3).unwrap_or_else(|error| panic!("{error}"));
        let address = server.url().to_owned();
        Self::at(&address, Some(server))
    }

    /// The same place with other keys, at another address: what it is after its keys changed.
    ///
    /// # Panics
    /// This one is the shared one, or the other does not start.
    #[must_use]
    pub fn with_other_keys(&self) -> Self {
        let own = self.own.as_ref().expect("a server of this test's own");
        let server = start_beside(own).unwrap_or_else(|error| panic!("{error}"));
        let address = server.url().to_owned();
        Self {
            prefix: self.prefix.clone(),
            ..Self::at(&address, Some(server))
        }
    }

    /// Ends the server of [`TestS3::own`]; the shared one stays.
    pub fn stop(&mut self) {
        self.own = None;
    }

    fn at(address: &str, own: Option<Server>) -> Self {
        let parts = address
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('@'))
            .and_then(|(keys, host)| Some((keys.split_once(':')?, host)));
        let ((access, secret), host) = parts.expect("http://key:secret@host:port");
        // The folder's name is random; the folder itself is not needed.
        let name = crate::folder();
        let name = name.path().file_name().expect("a name").to_string_lossy();
        Self {
            endpoint: format!("http://{}", host.trim_end_matches('/')),
            access_key: access.to_owned(),
            secret_key: secret.to_owned(),
            bucket: S3_BUCKET.to_owned(),
            prefix: format!("{name}/pictures"),
            own,
        }
    }
}

impl Default for TestS3 {
    fn default() -> Self {
        Self::new()
    }
}
