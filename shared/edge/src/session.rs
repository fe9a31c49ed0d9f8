//! The session a request presents, and whether a page of ours sent it (requirement r22).

use http::HeaderMap;
use http::header::AUTHORIZATION;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::secret::SecretText;
use palisade_core::session::SessionKey;
use palisade_core::{Denial, csrf};

use crate::cookies::{self, Cookie};
use crate::cross_site;
use crate::front::Front;
use crate::granted::Mode;
use crate::request::{self, HttpRequest};

/// A session as a request presents it; nothing is known of it yet.
#[derive(Debug)]
pub struct Presented {
    /// Its key.
    pub key: SessionKey,
    /// How it came, and how its successor goes back.
    pub mode: Mode,
}

/// The session of `request`, as a cookie or as a bearer token; with both and different, none is taken for the caller's.
pub fn presented(request: &HttpRequest, trail: &mut Trail) -> Option<Presented> {
    presented_in(&request.headers, trail)
}

/// The same of an authorizer's headers.
pub fn presented_in(headers: &HeaderMap, trail: &mut Trail) -> Option<Presented> {
    let bearer = request::values(headers, AUTHORIZATION.as_str()).next().and_then(bearer);
    let cookie = one_cookie(headers, cookies::SESSION, trail);
    let (token, mode) = match (bearer, cookie) {
        (Some(bearer), Some(cookie)) if bearer != cookie => return None,
        (Some(bearer), _) => (bearer, Mode::Bearer),
        (None, cookie) => (cookie?, Mode::Cookie),
    };
    Some(Presented { key: SessionKey::of_token(token)?, mode })
}

/// The session of a request that changes something: from our own site, and with the session's own token where a cookie carries it.
///
/// # Errors
/// `CsrfFailed`, or `Unauthenticated` without a session.
pub fn guarded(front: &Front, request: &HttpRequest, trail: &mut Trail) -> Result<Presented, Denial> {
    let presented = presented(request, trail);
    from_our_site(front, &request.headers, presented.as_ref(), trail)?;
    presented.ok_or(Denial::Unauthenticated)
}

/// Whether what a request changes is asked for by our own site, and with the session's own token where a cookie carries it.
///
/// # Errors
/// `CsrfFailed`.
pub fn from_our_site(front: &Front, headers: &HeaderMap, presented: Option<&Presented>, trail: &mut Trail) -> Result<(), Denial> {
    let checked = cross_site::check_headers(headers, &front.own_origins).and_then(|()| match presented {
        Some(presented) if presented.mode == Mode::Cookie => {
            let mut tokens = request::values(headers, "x-csrf-token");
            let is_its_own = tokens.next().is_some_and(|token| csrf::verify(&front.keys, &presented.key, token));
            if is_its_own { Ok(()) } else { Err(Denial::CsrfFailed) }
        }
        _ => Ok(()),
    });
    checked.inspect_err(|_| trail.note(EventKind::MaliciousCsrf))
}

/// The device token of `request`, as a header or as a cookie; not yet verified.
pub fn device_token(request: &HttpRequest, trail: &mut Trail) -> Option<SecretText> {
    let token = request.header("x-device-token").or_else(|| one_cookie(&request.headers, cookies::DEVICE, trail));
    token.map(|token| SecretText::new(token.to_owned()))
}

/// The token in an `Authorization` header; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

fn one_cookie<'a>(headers: &'a HeaderMap, name: &str, trail: &mut Trail) -> Option<&'a str> {
    match cookies::find(headers, name) {
        Cookie::Absent => None,
        Cookie::One(value) => Some(value),
        Cookie::Ambiguous => {
            trail.record(Event::new(EventKind::CookieAmbiguous).reason(name));
            None
        }
    }
}
