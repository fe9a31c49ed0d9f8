//! The session a request presents, and whether a page of ours sent it (requirement r22).

use http::HeaderMap;
use http::header::AUTHORIZATION;
use palisade_core::event::{Event, EventKind, Trail};
use palisade_core::secret::SecretText;
use palisade_core::session::SessionKey;
use palisade_core::{Denial, InvalidRequest, csrf};

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

/// The most sessions that one request may present: more than any honest client does.
const MOST_PRESENTED: usize = 4;

/// The session of `request`, as a cookie or as a bearer token; where two are presented, none is taken for the caller's.
pub fn presented(request: &HttpRequest, trail: &mut Trail) -> Option<Presented> {
    presented_in(&request.headers, trail)
}

/// The same of an authorizer's headers.
pub fn presented_in(headers: &HeaderMap, trail: &mut Trail) -> Option<Presented> {
    let mut authorizations = request::values(headers, AUTHORIZATION.as_str());
    let bearer = match (authorizations.next(), authorizations.next()) {
        (Some(_), Some(_)) => return None,
        (one, _) => one.and_then(bearer),
    };
    let (token, mode) = match (bearer, cookies::find(headers, cookies::SESSION)) {
        (_, Cookie::Ambiguous) => {
            trail.record(Event::new(EventKind::CookieAmbiguous).reason(cookies::SESSION));
            return None;
        }
        (Some(bearer), Cookie::One(cookie)) if bearer != cookie => return None,
        (Some(bearer), _) => (bearer, Mode::Bearer),
        (None, Cookie::One(cookie)) => (cookie, Mode::Cookie),
        (None, Cookie::Absent) => return None,
    };
    Some(Presented { key: SessionKey::of_token(token)?, mode })
}

/// Every session that `request` presents: what a login and a logout end.
///
/// # Errors
/// More than four, of which the caller's own could be left alive.
pub fn all_presented(request: &HttpRequest, trail: &mut Trail) -> Result<Vec<SessionKey>, Denial> {
    if cookies::find(&request.headers, cookies::SESSION) == Cookie::Ambiguous {
        trail.record(Event::new(EventKind::CookieAmbiguous).reason(cookies::SESSION));
    }
    let bearers = request::values(&request.headers, AUTHORIZATION.as_str()).filter_map(bearer);
    let tokens = bearers.chain(cookies::all(&request.headers, cookies::SESSION));
    let mut keys: Vec<SessionKey> = Vec::new();
    for key in tokens.filter_map(SessionKey::of_token) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.len() > MOST_PRESENTED { Err(Denial::InvalidRequest(InvalidRequest::Headers)) } else { Ok(keys) }
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
    let token = request.header("x-device-token").or_else(|| match cookies::find(&request.headers, cookies::DEVICE) {
        Cookie::Absent => None,
        Cookie::One(value) => Some(value),
        Cookie::Ambiguous => {
            trail.record(Event::new(EventKind::CookieAmbiguous).reason(cookies::DEVICE));
            None
        }
    });
    token.map(|token| SecretText::new(token.to_owned()))
}

/// The token in an `Authorization` header; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
