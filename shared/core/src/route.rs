//! Every route of Palisade's own and what it counts: the one table of limits. The local gateway routes by it, and a test compares it
//! with what the functions serve.

use crate::ip_window::Places;

/// What stands between a request and a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// The gateway's throttle only.
    Gateway,
    /// Places of the address.
    Address(Places),
    /// A session, whose account's requests are limited (R37).
    Session,
    /// A session, whose account's requests are counted but never refused here: what ends sessions, proves or changes the password has
    /// limits of its own (R42 and four changes a day, or nothing to guess), and must not be shut by whoever holds another session.
    OwnSession,
}

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The function that serves it.
    pub function: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// What it counts.
    pub limits: Limits,
}

const fn places(auth: bool, failure: bool, breach_check: bool) -> Places {
    Places { request: true, auth, failure, breach_check }
}

/// What a login takes: R34, R35 and R36.
pub const LOGIN: Places = places(true, true, false);
/// What sign-up, confirmation, resend, reset and its request take: R34 and R36.
pub const SIGN_UP: Places = places(true, false, false);
/// What a breach check takes: R34 and 60 an hour.
pub const BREACH_CHECK: Places = places(false, false, true);

const fn route(function: &'static str, method: &'static str, path: &'static str, limits: Limits) -> Route {
    Route { function, method, path, limits }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    route("login", "POST", "/login", Limits::Address(LOGIN)),
    route("login", "GET", "/health", Limits::Gateway),
    route("sessions", "POST", "/logout", Limits::Gateway),
    route("sessions", "GET", "/session", Limits::Session),
    route("sessions", "POST", "/session/reauthenticate", Limits::OwnSession),
    route("sessions", "GET", "/sessions", Limits::Session),
    route("sessions", "DELETE", "/sessions", Limits::OwnSession),
    route("sessions", "DELETE", "/sessions/{id}", Limits::OwnSession),
    route("breach-check", "POST", "/breach-check", Limits::Address(BREACH_CHECK)),
    route("signup", "POST", "/signup", Limits::Address(SIGN_UP)),
    route("signup", "POST", "/signup/confirm", Limits::Address(SIGN_UP)),
    route("signup", "POST", "/signup/resend", Limits::Address(SIGN_UP)),
    route("incidents", "GET", "/incidents", Limits::Session),
    route("incidents", "GET", "/incidents/{id}", Limits::Session),
    route("incidents", "POST", "/incidents/{id}/assign", Limits::Session),
    route("incidents", "POST", "/incidents/{id}/note", Limits::Session),
    route("incidents", "POST", "/incidents/{id}/investigate", Limits::Session),
    route("incidents", "POST", "/incidents/{id}/resolve", Limits::Session),
    route("incidents", "POST", "/incidents/{id}/false-positive", Limits::Session),
    route("incidents", "POST", "/incidents/{id}/reopen", Limits::Session),
    route("incidents", "POST", "/incidents/{id}/contain", Limits::Session),
    route("incidents", "GET", "/board", Limits::Gateway),
    route("password-change", "GET", "/password/policy", Limits::Gateway),
    route("password-change", "POST", "/password/change", Limits::OwnSession),
    route("password-change", "POST", "/password/reset/request", Limits::Address(SIGN_UP)),
    route("password-change", "POST", "/password/reset", Limits::Address(SIGN_UP)),
];

impl Route {
    /// Whether a request for `method` and `path` is this route's; `{…}` stands for one segment.
    pub fn is_for(&self, method: &str, path: &str) -> bool {
        let matches =
            |pattern: &str, segment: &str| if pattern.starts_with('{') { !segment.is_empty() } else { pattern == segment };
        let (mut patterns, mut segments) = (self.path.split('/'), path.split('/'));
        let fits = loop {
            match (patterns.next(), segments.next()) {
                (None, None) => break true,
                (Some(pattern), Some(segment)) if matches(pattern, segment) => {}
                _ => break false,
            }
        };
        fits && self.method == method
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_by_its_method_and_path() {
        let found = |method: &str, path: &str| ROUTES.iter().filter(|route| route.is_for(method, path)).count();
        for route in ROUTES {
            assert_eq!(found(route.method, &route.path.replace("{id}", "abc")), 1, "{route:?}");
        }
        for (method, path) in
            [("PUT", "/login"), ("POST", "/login/"), ("POST", "/"), ("DELETE", "/sessions/"), ("DELETE", "/sessions/a/b")]
        {
            assert_eq!(found(method, path), 0, "{method} {path}");
        }
    }
}
