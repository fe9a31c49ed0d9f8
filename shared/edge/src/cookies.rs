//! The two cookies: read without guessing, set with every attribute that protects them.

use http::HeaderMap;
use http::header::COOKIE;
use palisade_core::secret::SecretText;
use std::time::Duration;

use crate::request;

/// The session's cookie. `__Host-` ties it to this host, `Path=/` and `Secure` (RFC 6265bis, 4.1.3.2).
pub const SESSION: &str = "__Host-session";
/// The device's cookie.
pub const DEVICE: &str = "__Host-device";

/// What a request has under a cookie's name.
#[derive(Debug, PartialEq, Eq)]
pub enum Cookie<'a> {
    /// Nothing.
    Absent,
    /// One value.
    One(&'a str),
    /// Several: a tossed cookie cannot be told from the real one.
    Ambiguous,
}

/// The cookie `name` in `headers`.
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Cookie<'a> {
    let mut values = all(headers, name);
    match (values.next(), values.next()) {
        (None, _) => Cookie::Absent,
        (Some(value), None) => Cookie::One(value),
        (Some(_), Some(_)) => Cookie::Ambiguous,
    }
}

/// Every value of the cookie `name` in `headers`.
pub fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let pairs = request::values(headers, COOKIE.as_str()).flat_map(|header| header.split(';'));
    // No other white space: a browser keeps `\u{2000}__Host-session` from a sibling domain, which is another cookie.
    pairs
        .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
        .filter(move |(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// `Set-Cookie` of a session: no `Max-Age`, so that it goes with the browser.
pub fn session(token: &SecretText) -> String {
    format!("{SESSION}={}; Path=/; Secure; HttpOnly; SameSite=Strict", token.expose())
}

/// `Set-Cookie` of a device, for as long as it stays known.
pub fn device(token: &SecretText, lifetime: Duration) -> String {
    format!("{DEVICE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={}", token.expose(), lifetime.as_secs())
}

/// `Set-Cookie` that ends a session's cookie: the same attributes, so that it is the same cookie.
pub fn no_session() -> String {
    format!("{SESSION}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}
