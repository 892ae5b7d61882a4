//! Which addresses the program may be sent to by what somebody wrote: a catalogue file, a webhook.
//!
//! Whoever writes an address could otherwise have it ask the machines that stand beside it: cloud
//! metadata, databases, routers. So only addresses of the open internet are asked, by the ports of
//! the web; the owner may name exceptions.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Networks of IPv4 that are not the open internet (IANA's special-purpose registry).
const NOT_OPEN_4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 is open only in 2000::/3: loopback, mapped IPv4, NAT64, unique local, link-local, site-local
/// and multicast addresses are all outside of it. Within it these are not: protocol assignments
/// with Teredo and ORCHID, documentation, 6to4, documentation again.
const NOT_OPEN_6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
const OPEN_6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Whether an address belongs to the open internet.
pub fn is_open(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_OPEN_4.iter().any(|(net, length)| {
            Ipv4Net::new(*net, *length).is_ok_and(|net| net.contains(&address))
        }),
        IpAddr::V6(address) => {
            let within = |(net, length): &(Ipv6Addr, u8)| {
                Ipv6Net::new(*net, *length).is_ok_and(|net| net.contains(&address))
            };
            within(&OPEN_6) && !NOT_OPEN_6.iter().any(within)
        }
    }
}

/// Exceptions: hosts, with or without a port, and networks, as `pictures.lan`, `10.1.2.3:8080`
/// and `10.0.0.0/8`. By a host all its ports are meant; one that is named with ports is asked by no
/// others, wherever it leads.
#[derive(Debug, Clone, Default)]
pub struct HostsAllowed(Arc<Vec<Allowed>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Host(String, Option<u16>),
    Net(IpNet),
}

impl HostsAllowed {
    /// Reads the owner's list.
    ///
    /// # Errors
    /// If an entry is neither a host nor a network.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut allowed = Vec::new();
        for entry in entries
            .into_iter()
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            if let Ok(net) = entry.parse::<IpNet>() {
                allowed.push(Allowed::Net(net));
                continue;
            }
            let wrong = || {
                format!(
                    "`{entry}` is neither a host, as pictures.lan:8080, nor a network, as 10.0.0.0/8"
                )
            };
            let url = Url::parse(&format!("http://{entry}/")).map_err(|_| wrong())?;
            let host = url.host_str().ok_or_else(wrong)?;
            let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
            if !plain {
                return Err(wrong());
            }
            // 80 is not given back, because it goes without saying.
            let port = entry
                .rsplit_once(':')
                .and_then(|(_, port)| port.parse().ok());
            allowed.push(Allowed::Host(host.to_owned(), url.port().or(port)));
        }
        Ok(Self(Arc::new(allowed)))
    }

    /// Whether the owner named this host, by this port.
    fn host(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|allowed| match allowed {
            Allowed::Host(name, only) => {
                name.eq_ignore_ascii_case(host) && only.is_none_or(|only| only == port)
            }
            Allowed::Net(_) => false,
        })
    }

    /// Whether the owner named this host, by any port.
    pub fn host_by_some_port(&self, host: &str) -> bool {
        self.0.iter().any(|allowed| match allowed {
            Allowed::Host(name, _) => name.eq_ignore_ascii_case(host),
            Allowed::Net(_) => false,
        })
    }

    fn net(&self, address: IpAddr) -> bool {
        self.0.iter().any(|allowed| match allowed {
            Allowed::Net(net) => net.contains(&address),
            Allowed::Host(..) => false,
        })
    }

    /// Whether the owner named where this leads to, by its host or by its network.
    pub fn names(&self, url: &Url) -> bool {
        let name = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        self.host(name, port) || literal.is_some_and(|address| self.net(address))
    }

    /// Whether a connection to an address that `host` stands for may be made. The port was decided
    /// by [`check`].
    pub fn may_connect(&self, host: &str, address: IpAddr) -> bool {
        is_open(address) || self.net(address) || self.host_by_some_port(host)
    }
}

/// Whether an address may be asked, as far as it says so itself: what its host's name stands for
/// is decided when it is looked up.
///
/// # Errors
/// Why not.
pub fn check(url: &Url, allowed: &HostsAllowed) -> Result<(), String> {
    if !["http", "https"].contains(&url.scheme()) {
        return Err(format!("`{}` is neither http nor https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a name or a password in it".to_owned());
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err("has no host".to_owned());
    };
    let name = url.host_str().unwrap_or_default();
    let named = allowed.host(name, port);
    let literal = match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    };
    let in_net = literal.is_some_and(|address| allowed.net(address));
    if !named && !in_net && allowed.host_by_some_port(name) {
        return Err(format!(
            "asks {name} for port {port}; the exceptions name it with another port"
        ));
    }
    if !named && !in_net && ![80, 443].contains(&port) {
        return Err(format!("asks for port {port}; only 80 and 443 are asked"));
    }
    if let Some(address) = literal
        && !named
        && !in_net
        && !is_open(address)
    {
        return Err(format!("{address} is no address of the open internet"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_open() {
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_open(inside.parse().unwrap()), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_open(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn addresses_that_lead_inside_are_refused_however_they_are_written() {
        let none = HostsAllowed::default();
        let checked = |url: &str| check(&Url::parse(url).unwrap(), &none);
        for inside in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://017700000001/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1/a.jpg",
            "http://a.example:8080/",
            "http://a.example:22/",
            "ftp://a.example/a.jpg",
            "file:///etc/passwd",
            "http://user:pw@a.example/",
            "http://１２７.0.0.1/",
        ] {
            assert!(checked(inside).is_err(), "{inside}");
        }
        for outside in [
            "http://a.example/",
            "https://a.example/a.jpg?x=1",
            "http://a.example:80/",
            "https://93.184.216.34/",
        ] {
            assert_eq!(checked(outside), Ok(()), "{outside}");
        }
    }

    #[test]
    fn a_host_that_is_named_with_a_port_is_asked_by_no_other() {
        let allowed =
            HostsAllowed::parse(["erp.lan:8080", "shop.example:8443", "shop.example:443"]).unwrap();
        let checked = |url: &str| check(&Url::parse(url).unwrap(), &allowed);
        for other in [
            "https://erp.lan/",
            "http://ERP.lan/",
            "http://shop.example/",
        ] {
            let error = checked(other).unwrap_err();
            assert!(error.contains("exceptions"), "{other}: {error}");
        }
        for named in [
            "http://erp.lan:8080/",
            "https://shop.example/",
            "https://shop.example:8443/",
        ] {
            assert_eq!(checked(named), Ok(()), "{named}");
        }
        // A network lets all ports in, also those of an address that is named too.
        let allowed = HostsAllowed::parse(["10.1.2.3:8080", "10.0.0.0/8"]).unwrap();
        let url = Url::parse("https://10.1.2.3/").unwrap();
        assert_eq!(check(&url, &allowed), Ok(()));
    }

    #[test]
    fn the_owner_names_exceptions() {
        let allowed =
            HostsAllowed::parse(["127.0.0.1:8080", " pictures.lan ", "10.1.0.0/16"]).unwrap();
        let checked = |url: &str| check(&Url::parse(url).unwrap(), &allowed).is_ok();
        assert!(checked("http://127.0.0.1:8080/a.png") && !checked("http://127.0.0.1:8081/"));
        assert!(checked("http://pictures.lan:9000/") && checked("http://10.1.2.3:9000/"));
        assert!(!checked("http://10.2.0.1/"));
        let named = |url: &str| allowed.names(&Url::parse(url).unwrap());
        assert!(named("http://pictures.lan/") && named("http://10.1.2.3/"));
        assert!(!named("http://127.0.0.1/") && !named("https://a.example/"));
        let lan = IpAddr::from([192, 168, 0, 4]);
        assert!(allowed.may_connect("pictures.lan", lan) && !allowed.may_connect("other.lan", lan));
        assert!(
            HostsAllowed::parse(["http://x/"]).is_err() && HostsAllowed::parse(["a b"]).is_err()
        );
    }
}
