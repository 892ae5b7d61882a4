//! The way out to servers of others, over TLS or without: whom we believe, and which library
//! speaks TLS. It is named here, so that nothing else in the program decides which it is. Where
//! an address comes from somebody who is not the owner, [`guard`] and [`resolver`] keep it from
//! leading inside.

pub mod guard;
pub mod resolver;

use std::{path::Path, sync::Arc, time::Duration};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use techcommerce_kernel::Error;

/// Whose certificates are believed.
#[derive(Debug, Clone, Copy)]
pub enum Trusted<'a> {
    /// Those of the usual authorities.
    Usual,
    /// Those as well, and the ones in this file (PEM).
    UsualAnd(&'a Path),
    /// Only the ones in this file (PEM).
    Only(&'a Path),
}

/// What leads to any server, by HTTP or HTTPS; a connection may take so long.
///
/// # Errors
/// As [`secured`].
pub fn connector(
    trusted: Trusted<'_>,
    connect_within: Duration,
) -> Result<HttpsConnector<HttpConnector>, Error> {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect_within));
    secured(http, trusted)
}

/// The same over connections of one's own making.
///
/// # Errors
/// `configuration` (invalid input) for a file that holds no certificate, with its name.
pub fn secured<R>(
    mut http: HttpConnector<R>,
    trusted: Trusted<'_>,
) -> Result<HttpsConnector<HttpConnector<R>>, Error> {
    http.enforce_http(false);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .with_root_certificates(roots(trusted)?)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}

fn roots(trusted: Trusted<'_>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if matches!(trusted, Trusted::Usual | Trusted::UsualAnd(_)) {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let (Trusted::UsualAnd(file) | Trusted::Only(file)) = trusted else {
        return Ok(roots);
    };
    let wrong = |error: String| {
        let file = file.display();
        Error::invalid("configuration", format!("{file}: {error}"))
    };
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(error.to_string()))?;
    match roots.add_parsable_certificates(certificates).0 {
        0 => Err(wrong("there is no certificate in it".to_owned())),
        _ => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_we_believe() {
        let usual = roots(Trusted::Usual).unwrap();
        assert!(usual.len() > 50, "{}", usual.len());
        let file = std::env::temp_dir().join(format!("techcommerce-roots-{}", std::process::id()));
        for trusted in [Trusted::Only(&file), Trusted::UsualAnd(&file)] {
            let error = roots(trusted).unwrap_err().to_string();
            assert!(error.contains("techcommerce-roots-"), "{error}");
        }
        std::fs::write(&file, "no certificate").unwrap();
        let error = roots(Trusted::Only(&file)).unwrap_err().to_string();
        assert!(error.contains("there is no certificate in it"), "{error}");
        std::fs::remove_file(file).unwrap();
        assert!(connector(Trusted::Usual, Duration::from_secs(1)).is_ok());
    }
}
