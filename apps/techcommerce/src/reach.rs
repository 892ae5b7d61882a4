//! Whether something can be reached, and if not, which of the few reasons it is: each has a mend of
//! its own.

use std::{
    io::{Error as IoError, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

/// Why something cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Whoever knows the names knows no such name.
    UnknownName(String),
    /// Nobody said whether there is such a name.
    NoNames(String),
    /// The machine is there and nobody listens.
    Refused(SocketAddr),
    /// No answer at all: what is sent is thrown away.
    Silent(SocketAddr),
    /// Anything else, as the system says it.
    Other(SocketAddr, String),
}

impl Fault {
    /// What it is.
    pub fn says(&self) -> String {
        match self {
            Self::UnknownName(said) => format!("there is no such name ({said})"),
            Self::NoNames(said) => format!("names cannot be looked up ({said})"),
            Self::Refused(at) => format!("{at} refuses the connection: nobody listens there"),
            Self::Silent(at) => format!("{at} does not answer: what is sent to it is thrown away"),
            Self::Other(at, said) => format!("{at}: {said}"),
        }
    }

    /// What to look at.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::UnknownName(_) => {
                "check how the name is written; in a cluster, that there is a Service of that name in \
                 this namespace (kubectl get services), else write service.namespace"
            }
            Self::NoNames(_) => {
                "the name server does not answer: in a cluster, look whether a network policy keeps \
                 this pod from kube-dns (port 53, UDP and TCP) and whether its pods run"
            }
            Self::Refused(_) => {
                "it is down, still starting, or on another port; a Service without ready pods refuses \
                 as well (kubectl get endpointslices)"
            }
            Self::Silent(_) => {
                "as a rule a network policy: this pod's egress or the other's ingress does not allow it \
                 (kubectl get networkpolicies); else a firewall, or a machine that is off"
            }
            Self::Other(..) => "look at the network between the two",
        }
    }
}

/// The addresses of a name, and how long it took.
pub async fn resolve(
    host: &str,
    port: u16,
    patience: Duration,
) -> Result<(Vec<SocketAddr>, Duration), Fault> {
    let begin = Instant::now();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = match timeout(patience, lookup_host((host, port))).await {
        Err(_late) => return Err(Fault::NoNames(format!("no answer within {patience:?}"))),
        Ok(Err(error)) => return Err(unresolved(&error)),
        Ok(Ok(found)) => found,
    };
    let mut found: Vec<SocketAddr> = found.collect();
    found.dedup();
    match found.is_empty() {
        true => Err(Fault::UnknownName("it has no address".to_owned())),
        false => Ok((found, begin.elapsed())),
    }
}

fn unresolved(error: &IoError) -> Fault {
    let said = error.to_string();
    let said = said.rsplit(": ").next().unwrap_or(&said).to_owned();
    // The C library has codes for it and the standard library only its words: glibc's, musl's.
    let lower = said.to_lowercase();
    let away = lower.contains("temporary") || lower.contains("try again");
    match away {
        true => Fault::NoNames(said),
        false => Fault::UnknownName(said),
    }
}

/// A connection to a name's port: where it led, and how long connecting took.
pub async fn connect(
    host: &str,
    port: u16,
    patience: Duration,
) -> Result<(SocketAddr, Duration), Fault> {
    let (addresses, _) = resolve(host, port, patience).await?;
    let mut fault = None;
    for address in addresses {
        let begin = Instant::now();
        let said = match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(_connection)) => return Ok((address, begin.elapsed())),
            Err(_late) => Fault::Silent(address),
            Ok(Err(error)) => match error.kind() {
                ErrorKind::ConnectionRefused => Fault::Refused(address),
                ErrorKind::TimedOut => Fault::Silent(address),
                _ => Fault::Other(address, error.to_string()),
            },
        };
        // The first address is the one that programs use.
        fault.get_or_insert(said);
    }
    Err(fault.unwrap_or_else(|| Fault::UnknownName("it has no address".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(300);

    #[tokio::test]
    async fn reasons_are_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reached = connect("localhost", address.port(), PATIENCE)
            .await
            .unwrap();
        assert_eq!(reached.0, address);
        let free = techcommerce_testkit::free_address();
        let refused = connect("127.0.0.1", free.port(), PATIENCE)
            .await
            .unwrap_err();
        assert_eq!(refused, Fault::Refused(free));
        // A name that can never be there (RFC 6761); without a name server nobody says so.
        let unknown = resolve("nowhere.invalid", 80, Duration::from_secs(10)).await;
        let unknown = unknown.unwrap_err();
        assert!(
            matches!(unknown, Fault::UnknownName(_) | Fault::NoNames(_)),
            "{unknown:?}"
        );
    }

    #[test]
    fn a_name_server_that_is_away() {
        let from = |said: &str| {
            let said = format!("failed to lookup address information: {said}");
            unresolved(&IoError::other(said))
        };
        let temporary = "Temporary failure in name resolution";
        assert_eq!(from(temporary), Fault::NoNames(temporary.to_owned()));
        assert!(matches!(from("Try again"), Fault::NoNames(_)));
        assert!(matches!(
            from("Name or service not known"),
            Fault::UnknownName(_)
        ));
        assert!(matches!(
            from("Name does not resolve"),
            Fault::UnknownName(_)
        ));
    }

    /// Nobody takes connections any more: what is sent stays without an answer.
    #[tokio::test]
    async fn silence() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(timeout(PATIENCE, TcpStream::connect(address)).await);
        }
        let silent = connect("127.0.0.1", address.port(), PATIENCE)
            .await
            .unwrap_err();
        assert_eq!(silent, Fault::Silent(address));
        assert!(silent.mend().contains("network policy"));
    }
}
