//! Addresses that admins have events sent to and catalogue files name, a line each; the first line is the
//! owner's list of exceptions, taken only where it is one.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use techcommerce_http::outward::guard::{HostsAllowed, check, is_open};
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let exceptions = lines.next().unwrap_or_default().split(',');
    let exceptions = HostsAllowed::parse(exceptions).unwrap_or_default();
    for url in lines.filter_map(|line| Url::parse(line).ok()) {
        if check(&url, &HostsAllowed::default()).is_ok() {
            let host = url.host().expect("nothing is sent to nobody");
            let address = match host {
                Host::Domain(_) => None,
                Host::Ipv4(address) => Some(IpAddr::V4(address)),
                Host::Ipv6(address) => Some(IpAddr::V6(address)),
            };
            assert!(address.is_none_or(is_open), "{url} leads inside");
            let name = url.host_str().unwrap_or_default();
            assert!(
                check(&url, &exceptions).is_ok() || exceptions.host_by_some_port(name),
                "an exception for others forbids {url}"
            );
        } else if check(&url, &exceptions).is_ok() {
            assert!(exceptions.names(&url), "nobody made an exception for {url}");
        }
    }
});
