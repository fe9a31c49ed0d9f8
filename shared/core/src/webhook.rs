//! Where a webhook may be, and how its messages are signed.
//!
//! Signatures follow the Standard Webhooks scheme (<https://www.standardwebhooks.com>, specification 1.0): HMAC-SHA-256 over
//! `<id>.<seconds>.<body>`, as `v1,<base64>`, one for each secret, so that a secret can be replaced without a gap.
//!
//! A webhook is only ever called at a public address: requests from inside a network reach what nobody outside may (OWASP, SSRF
//! prevention). The local stack's own sink, on this machine, is the one exception.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::{Host, Url};

use crate::timestamp::Timestamp;

/// The fewest bytes of a secret: the scheme's 24.
const SECRET_MIN_BYTES: usize = 24;

/// The most: the scheme's 64.
const SECRET_MAX_BYTES: usize = 64;

/// Which addresses a webhook may be at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public ones.
    Public,
    /// This machine's as well: the local stack's.
    ThisMachine,
}

impl Reach {
    /// Whether `address` is one of them.
    pub fn covers(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::ThisMachine && address.is_loopback())
    }
}

/// Where alerts are posted, and how they are signed.
#[derive(Clone)]
pub struct WebhookTarget {
    /// The URL: `https`, or `http` on this machine where that is in reach.
    pub url: Url,
    /// Where its address may be.
    pub reach: Reach,
    secrets: Vec<Hmac<Sha256>>,
}

impl WebhookTarget {
    /// From the settings' texts: an URL, and secrets `whsec_<base64 of 24 to 64 bytes>`, separated by commas.
    ///
    /// # Errors
    /// Which of the two is wrong and why, without its value.
    pub fn parse(url: &str, secrets: &str, reach: Reach) -> Result<Self, TargetError> {
        let url = parse_url(url, reach).map_err(TargetError::Url)?;
        let secrets = secrets.split(',').map(|secret| key(secret.trim())).collect::<Option<Vec<_>>>();
        let secrets =
            secrets.ok_or(TargetError::Secret("must be whsec_ and the base64 of 24 to 64 bytes, several separated by commas"))?;
        Ok(Self { url, reach, secrets })
    }

    /// The value of `webhook-signature` for `body`, sent as `id` at `at`.
    pub fn signature(&self, id: &str, at: Timestamp, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", at.seconds());
        let tag = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(signed.as_bytes());
            format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()))
        };
        self.secrets.iter().map(tag).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL's path may be a secret of its own.
        f.debug_struct("WebhookTarget").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// What is wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetError {
    /// The URL.
    Url(&'static str),
    /// The secret.
    Secret(&'static str),
}

/// Written as a host may be in any form, also as one number or in octal: the parser makes an address of it, as browsers do.
fn parse_url(text: &str, reach: Reach) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no URL")?;
    let address = match url.host() {
        None => return Err("has no host"),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
    };
    if address.is_some_and(|address| !reach.covers(address)) {
        return Err("must be at a public address");
    }
    let is_local = reach == Reach::ThisMachine && address.is_some_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => {}
        "http" if is_local => {}
        _ => return Err("must begin with https://"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a name or a password");
    }
    Ok(url)
}

fn key(secret: &str) -> Option<Hmac<Sha256>> {
    let bytes = zeroize::Zeroizing::new(Base64::decode_vec(secret.strip_prefix("whsec_")?).ok()?);
    let is_long_enough = (SECRET_MIN_BYTES..=SECRET_MAX_BYTES).contains(&bytes.len());
    is_long_enough.then(|| Hmac::new_from_slice(&bytes).ok()).flatten()
}

/// Whether `address` is on the public internet: by IANA's special-purpose registries, in doubt not. IPv4 addresses inside IPv6 ones count as
/// themselves where they are mapped, and are not public where they are translated or tunnelled.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = matches!(
        (a, b, c),
        // This network, private, loopback, multicast, reserved.
        (0 | 10 | 127 | 224.., ..)
        // Link-local with the metadata service, private, protocol assignments and 6to4 relays, documentation.
        | (169, 254, _) | (192, 168, _) | (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113)
        // Private; shared by carriers, where cloud providers have services of their own; benchmarks.
        | (172, 16..=31, _) | (100, 64..=127, _) | (198, 18 | 19, _)
    );
    !is_special
}

/// Only what is allocated, `2000::/3`, less documentation, 6to4 and the protocol block with Teredo.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_bWFya2VkLWZha2Utc2VjcmV0LW9mLTMyLWJ5dGVzLSE=";

    fn url(text: &str) -> Result<(), TargetError> {
        WebhookTarget::parse(text, SECRET, Reach::Public).map(drop)
    }

    #[test]
    fn al04_only_public_addresses_in_any_writing() {
        let refused = [
            "https://10.0.0.1/",
            "https://172.31.0.1/",
            "https://192.168.1.1/",
            "https://127.0.0.1/",
            "https://0.0.0.0/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.100.100.200/",
            "https://[::1]/",
            "https://[::]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::]/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[2001:db8::1]/",
        ];
        for text in refused {
            assert_eq!(url(text), Err(TargetError::Url("must be at a public address")), "{text}");
        }
        for text in
            ["https://hooks.example.com/x", "https://93.184.215.14/", "https://[2606:4700::1111]/", "https://[::ffff:1.1.1.1]/"]
        {
            assert_eq!(url(text), Ok(()), "{text}");
        }
        for text in
            ["http://hooks.example.com/", "ftp://example.com/", "file:///etc/passwd", "not a url", "https://a:b@example.com/"]
        {
            assert!(matches!(url(text), Err(TargetError::Url(_))), "{text}");
        }
    }

    #[test]
    fn this_machine_is_in_reach_of_the_local_stack_alone() {
        let local = |text: &str| WebhookTarget::parse(text, SECRET, Reach::ThisMachine).is_ok();
        assert!(local("http://127.0.0.1:9/hook") && !local("http://10.0.0.1/") && !local("http://example.com/"));
    }

    #[test]
    fn a_secret_has_the_schemes_form() {
        for bad in ["", "whsec_", "bWFya2VkLWZha2Utc2VjcmV0LW9mLTMyLWJ5dGVzLSE=", "whsec_c2hvcnQ=", "whsec_!!!"] {
            let parsed = WebhookTarget::parse("https://example.com/", bad, Reach::Public);
            assert!(matches!(parsed, Err(TargetError::Secret(_))), "{bad}");
        }
        let two = WebhookTarget::parse("https://example.com/", &format!("{SECRET}, {SECRET}"), Reach::Public).unwrap();
        let signature = two.signature("id", Timestamp::EPOCH, "{}");
        assert_eq!(signature.split(' ').count(), 2);
        assert!(!format!("{two:?}").contains("fake"));
    }
}
