//! Whose address a request came from, and the prefix it is counted under.
//!
//! The gateway's source address is the truth. `X-Forwarded-For` is read only when that source is a configured trusted proxy, from the
//! right, past trusted hops, and never further than [`MAX_HOPS`] (requirement r38; CWE-348).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// How many forwarded entries are looked at, from the right.
pub const MAX_HOPS: usize = 16;

/// The client's address, if the event had one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientIp {
    /// An address, IPv4-mapped ones folded to IPv4.
    Known(IpAddr),
    /// The event carried none: all of these share one bucket with the normal limits.
    Unknown,
}

/// What an address is counted under: an IPv4 address, an IPv6 /64, or the one bucket of requests without an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IpPrefix(String);

impl ClientIp {
    /// From the gateway's source address and the `X-Forwarded-For` values in the order received.
    pub fn resolve<'a>(source: Option<IpAddr>, forwarded: impl DoubleEndedIterator<Item = &'a str>, trusted: &[IpNet]) -> Self {
        let Some(source) = source.map(fold) else {
            return Self::Unknown;
        };
        if !contains(trusted, source) {
            return Self::Known(source);
        }
        let hops = forwarded.rev().flat_map(|value| value.rsplit(',')).take(MAX_HOPS);
        for hop in hops {
            match parse_hop(hop) {
                Some(address) if contains(trusted, address) => {}
                Some(address) => return Self::Known(address),
                None => return Self::Known(source),
            }
        }
        Self::Known(source)
    }

    /// As its text was stored; `Unknown` for what is no address.
    pub fn stored_as(text: &str) -> Self {
        text.parse().map_or(Self::Unknown, |address| Self::Known(fold(address)))
    }

    /// What it is counted under.
    pub fn prefix(self) -> IpPrefix {
        match self {
            Self::Known(IpAddr::V4(address)) => IpPrefix(address.to_string()),
            Self::Known(IpAddr::V6(address)) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
                IpPrefix(format!("{network}/64"))
            }
            Self::Unknown => IpPrefix("unknown".into()),
        }
    }

    /// Whether one of `networks` holds it; never for an unknown address.
    pub fn is_in(self, networks: &[IpNet]) -> bool {
        match self {
            Self::Known(address) => contains(networks, address),
            Self::Unknown => false,
        }
    }
}

/// The address, or `unknown`.
impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(address) => address.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl IpPrefix {
    /// The prefix's text, part of a counter's key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fold(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// One entry: an address, an IPv4 address with a port, or a bracketed IPv6 address with or without one.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    if let Ok(address) = hop.parse::<IpAddr>() {
        return Some(fold(address));
    }
    if let Some(bracketed) = hop.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let port_is_fine = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return port_is_fine.then(|| address.parse::<Ipv6Addr>().ok()).flatten().map(|v6| fold(v6.into()));
    }
    let (address, port) = hop.rsplit_once(':')?;
    is_port(port).then(|| address.parse::<Ipv4Addr>().ok()).flatten().map(IpAddr::V4)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(source: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        ClientIp::resolve(source.parse().ok(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn a17_forwarded_headers_are_ignored_without_a_trusted_proxy() {
        assert_eq!(resolve("198.51.100.1", &["203.0.113.9"], &[]), "198.51.100.1");
        assert_eq!(resolve("198.51.100.1", &["203.0.113.9"], &["10.0.0.0/8"]), "198.51.100.1");
    }

    #[test]
    fn a18_reads_from_the_right_past_trusted_hops_only() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(resolve("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.7"], trusted), "203.0.113.9");
        assert_eq!(resolve("10.0.0.1", &["1.1.1.1", "203.0.113.9"], trusted), "203.0.113.9");
        assert_eq!(resolve("10.0.0.1", &["203.0.113.9:4711"], trusted), "203.0.113.9");
        assert_eq!(resolve("10.0.0.1", &["[2001:db8::1]:443"], trusted), "2001:db8::1");
        assert_eq!(resolve("10.0.0.1", &["2001:db8::1"], trusted), "2001:db8::1");
        assert_eq!(resolve("10.0.0.1", &["::ffff:203.0.113.9"], trusted), "203.0.113.9");
    }

    #[test]
    fn a18_junk_falls_back_to_the_source() {
        let many = vec!["10.0.0.2"; 1_000].join(",");
        for junk in ["", ",", "unknown", "203.0.113.9, ,", "[::1", "[::1]x", "1.2.3.4:99999", "1.2.3.4:", "999.1.1.1", &many] {
            assert_eq!(resolve("10.0.0.1", &[junk], &["10.0.0.0/8"]), "10.0.0.1", "{junk:.40}");
        }
    }

    #[test]
    fn a15_ipv6_counts_by_its_64() {
        let prefix = |text: &str| ClientIp::Known(text.parse().unwrap()).prefix();
        assert_eq!(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:2:ffff::9"));
        assert_ne!(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:3::1"));
        assert_eq!(prefix("2001:db8:1:2::1").as_str(), "2001:db8:1:2::/64");
    }

    #[test]
    fn a20_no_address_is_one_bucket_and_in_no_list() {
        let none = ClientIp::resolve(None, ["203.0.113.9"].into_iter(), &["0.0.0.0/0".parse().unwrap()]);
        assert_eq!(none.prefix().as_str(), "unknown");
        assert!(!none.is_in(&["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]));
    }

    #[test]
    fn mapped_addresses_match_ipv4_lists() {
        let mapped = ClientIp::resolve("::ffff:192.0.2.1".parse().ok(), [].into_iter(), &[]);
        assert!(mapped.is_in(&["192.0.2.0/24".parse().unwrap()]));
        assert_eq!(mapped.prefix().as_str(), "192.0.2.1");
    }
}
