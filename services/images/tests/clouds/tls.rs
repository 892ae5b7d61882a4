//! TLS before a server that speaks none, with a certificate of an authority that nobody knows.

use std::{net::SocketAddr, path::PathBuf, process::Command, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use techcommerce_testkit::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Passes on what it decrypts.
pub struct Tls {
    pub address: SocketAddr,
    folder: TempDir,
}

impl Tls {
    /// Before the server at this address.
    pub async fn before(server: String) -> Self {
        let folder = techcommerce_testkit::folder();
        make_certificates(&folder);
        let path = |name: &str| folder.path().join(name);
        let chain = CertificateDer::pem_file_iter(path("server.pem")).unwrap();
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(path("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    // Who does not believe the certificate hangs up.
                    let mut inner = acceptor.accept(stream).await?;
                    let mut outer = TcpStream::connect(server).await?;
                    tokio::io::copy_bidirectional(&mut inner, &mut outer).await
                });
            }
        });
        Self { address, folder }
    }

    /// The certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
}

/// An authority, and a server's certificate for 127.0.0.1 that it signed.
fn make_certificates(folder: &TempDir) {
    let openssl = |arguments: &str| {
        let made = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(folder.path())
            .output()
            .expect("openssl is needed by this test: sudo apt-get install -y openssl");
        assert!(made.status.success(), "{arguments}: {made:?}");
    };
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!(
        "req -x509 {new} -keyout authority.key -out authority.pem -days 2 -subj /CN=Tests"
    ));
    openssl(&format!(
        "req {new} -keyout server.key -out server.csr -subj /CN=server"
    ));
    std::fs::write(folder.path().join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
         -extfile names -out server.pem",
    );
}
