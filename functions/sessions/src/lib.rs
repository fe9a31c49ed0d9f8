//! `POST /logout`, `GET /session`, `POST /session/reauthenticate`, `GET /sessions`, `DELETE /sessions/{id}` and
//! `DELETE /sessions?scope=others|all`.
//!
//! Trigger: HTTP API (payload 2.0 and 1.0) or REST API. Outcomes: 204 for every logout from our own site, 200 with what is asked for, 204
//! for what ended, 401 without a session and for a wrong password, 403 from another site, without the session's CSRF token, or while the
//! password has to be changed first, 404 for a session that is none of the caller's, 409 when somebody was faster, 429 after wrong
//! passwords, 400, 413 and 415 for what is no request, 503 when the store or the hash fails. Tables: accounts, sessions, counters,
//! incidents and notices (read, write).

mod routes;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;
use palisade_core::event::Trail;
use palisade_core::settings::Settings;
use palisade_core::{Denial, Fault};
use palisade_edge::{Front, HttpRequest, HttpResponse, problem};
use palisade_flows::{Hasher, Parts, sessions};

pub use palisade_flows::sessions::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps {
    flow: sessions::Deps,
    front: Front,
}

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        Self::with_hasher(settings, parts, Hasher::new(settings.policy.hash_cost()))
    }

    /// As [`Deps::new`], with a hasher that somebody counts.
    ///
    /// # Errors
    /// See [`Deps::new`].
    pub fn with_hasher(settings: &Settings, parts: &Parts, hasher: Hasher) -> Result<Self, Fault> {
        Ok(Self { front: Front::of(settings), flow: sessions::Deps::new(settings, parts, hasher)? })
    }

    /// Connects to the store before the first request.
    pub async fn warm_up(&self) {
        self.flow.warm_up().await;
    }
}

/// One call, from the event's text to the result's.
pub fn invoke(deps: Arc<Deps>, event: String, request_id: String) -> Answering {
    Box::pin(async move {
        palisade_edge::answer(&deps.front, &event, &request_id, async |request, trail| handle(&deps, request, trail).await).await
    })
}

/// The answer to `request`; what should be logged of it goes to `trail`.
pub async fn handle(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let path = request.path.as_str();
    match (path, &request.method) {
        ("/logout", &Method::POST) => routes::log_out(deps, request, trail).await,
        ("/session", &Method::GET) => routes::current(deps, request, trail).await,
        ("/session/reauthenticate", &Method::POST) => routes::reauthenticate(deps, request, trail).await,
        ("/sessions", &Method::GET) => routes::list(deps, request, trail).await,
        ("/sessions", &Method::DELETE) => routes::end_all(deps, request, trail).await,
        ("/session", _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "GET" }),
        ("/sessions", _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "GET, DELETE" }),
        ("/logout" | "/session/reauthenticate", _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "POST" }),
        _ => match (path.strip_prefix("/sessions/"), &request.method) {
            (Some(id), &Method::DELETE) => routes::end_one(deps, request, id, trail).await,
            (Some(_), _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "DELETE" }),
            (None, _) => problem::denied(request, &Denial::NotFound),
        },
    }
}
