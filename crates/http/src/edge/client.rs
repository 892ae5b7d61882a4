//! The client's address.

use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// The other end of the connection; the listener leaves it in each request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// From addresses (`10.1.2.3`) and networks (`10.0.0.0/8`, `fd00::/8`).
    ///
    /// # Errors
    /// Names the text that is neither.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        texts
            .into_iter()
            .map(|text| {
                text.parse::<IpNet>()
                    .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                    .map_err(|_| {
                        format!("`{text}` is neither an address nor a network (10.0.0.0/8)")
                    })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Where a request came from, as far as it can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The peer, or, if the peer is a trusted proxy, the last address in `X-Forwarded-For` that is
    /// not one: each proxy appends whom it talked to, so what stands further left was written by
    /// strangers. `None` when the request came from a service in this process.
    pub fn of(
        extensions: &Extensions,
        headers: &HeaderMap,
        trusted: &TrustedProxies,
    ) -> Option<Self> {
        let PeerAddress(peer) = extensions.get()?;
        let mut client = peer.ip().to_canonical();
        if !trusted.contains(client) {
            return Some(Self(client));
        }
        let values: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        for text in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            let Some(address) = parse_address(text.trim()) else {
                // Nothing left of what cannot be read can be believed.
                break;
            };
            client = address;
            if !trusted.contains(client) {
                break;
            }
        }
        Some(Self(client))
    }
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .or_else(|_| {
            text.trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>()
        });
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddress(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = TrustedProxies::parse(trusted.iter().copied()).unwrap();
        let ClientAddress(address) = ClientAddress::of(&extensions, &headers, &trusted).unwrap();
        address.to_string()
    }

    #[test]
    fn strangers_are_not_believed() {
        assert_eq!(of("203.0.113.9:1", &["10.9.9.9"], &[]), "203.0.113.9");
        assert_eq!(
            of("203.0.113.9:1", &["10.9.9.9"], &["10.0.0.0/8"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn the_list_is_walked_from_the_right() {
        let trusted = &["10.0.0.0/8", "fd00::/8"];
        let cases: &[(&str, &[&str], &str)] = &[
            ("10.0.0.1:1", &["198.51.100.7"], "198.51.100.7"),
            (
                "10.0.0.1:1",
                &["1.1.1.1, 198.51.100.7, 10.0.0.2"],
                "198.51.100.7",
            ),
            ("10.0.0.1:1", &["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1:1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1:1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("10.0.0.1:1", &["[2001:db8::1]"], "2001:db8::1"),
            ("[fd00::1]:1", &["198.51.100.7"], "198.51.100.7"),
            (
                "[::ffff:10.0.0.1]:1",
                &["::ffff:198.51.100.7"],
                "198.51.100.7",
            ),
            ("10.0.0.1:1", &["1.1.1.1, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1:1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1:1", &[], "10.0.0.1"),
        ];
        for (peer, forwarded, expected) in cases {
            assert_eq!(&of(peer, forwarded, trusted), expected, "{forwarded:?}");
        }
    }

    #[test]
    fn in_one_process_there_is_no_peer() {
        let none = ClientAddress::of(
            &Extensions::new(),
            &HeaderMap::new(),
            &TrustedProxies::default(),
        );
        assert_eq!(none, None);
        assert!(TrustedProxies::parse(["10.0.0.0/99"]).is_err());
    }
}
