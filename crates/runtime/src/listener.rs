//! A place to listen, and what to do when it cannot be had.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
};

use techcommerce_kernel::Error;
use tokio::net::TcpListener;

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address` and `port` (0 takes a free one). `setting` is the name of the setting that
    /// holds the port (`listen.port`), for the error.
    ///
    /// # Errors
    /// `port_taken` or `cannot_listen`, with what to do in the message.
    pub async fn bind(address: IpAddr, port: u16, setting: &str) -> Result<Self, Error> {
        let wanted = SocketAddr::new(address, port);
        let socket = TcpListener::bind(wanted)
            .await
            .map_err(|error| explain(wanted, setting, error))?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn explain(wanted: SocketAddr, setting: &str, error: std::io::Error) -> Error {
    let port = wanted.port();
    let variable = format!(
        "TECHCOMMERCE_{}",
        setting.replace('.', "_").to_ascii_uppercase()
    );
    let choose = format!("choose another with the setting `{setting}` or {variable}=…");
    let (code, message) = match error.kind() {
        ErrorKind::AddrInUse => (
            "port_taken",
            format!(
                "Port {port} on {} is taken by another program. See which with {}, and end it, \
                 or {choose}.",
                wanted.ip(),
                who_holds(port)
            ),
        ),
        ErrorKind::PermissionDenied => (
            "cannot_listen",
            format!(
                "The system does not allow this user to listen on port {port}. Take one above \
                 1023: {choose}."
            ),
        ),
        ErrorKind::AddrNotAvailable => (
            "cannot_listen",
            format!(
                "{} is not an address of this machine. Take 127.0.0.1 (this machine only), \
                 0.0.0.0 (everyone) or one of its own, with the setting beside `{setting}`.",
                wanted.ip()
            ),
        ),
        _ => (
            "cannot_listen",
            format!("Cannot listen on {wanted} ({error}); {choose}."),
        ),
    };
    Error::conflict(code, message).caused_by(error)
}

/// A command that names the program behind a port.
fn who_holds(port: u16) -> String {
    if cfg!(target_os = "linux") {
        format!("`ss -ltnp 'sport = :{port}'`")
    } else {
        format!("`lsof -nP -iTCP:{port} -sTCP:LISTEN`")
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_taken_port_is_explained() {
        let first = Listener::bind(LOOPBACK, 0, "listen.port").await.unwrap();
        let port = first.address().port();
        let error = Listener::bind(LOOPBACK, port, "listen.port")
            .await
            .unwrap_err();
        assert_eq!(error.code(), "port_taken");
        let message = error.message();
        for part in [
            &port.to_string(),
            "`listen.port`",
            "TECHCOMMERCE_LISTEN_PORT=",
            "sport = :",
        ] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }

    #[tokio::test]
    async fn a_foreign_address_is_explained() {
        // 192.0.2.0/24 is for documentation and nobody's (RFC 5737).
        let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let error = Listener::bind(foreign, 0, "listen.port").await.unwrap_err();
        assert!(error.message().contains("not an address of this machine"));
    }
}
