//! `GET /password/policy`, `POST /password/change`, `POST /password/reset/request` and `POST /password/reset`.
//!
//! Trigger: HTTP API (payload 2.0 and 1.0) or REST API. Outcomes: 200 with the policy, or with the session that follows a change; 202 for
//! every reset request; 204 for a reset; 401 without a session, for a wrong current password and for a token that is none; 409 when
//! somebody was faster, 422 with every rule a password breaks, 429 for every limit, 403 from another site or without the session's CSRF
//! token, 400, 413 and 415 for what is no request, 503 when the store, the hash or, by setting, the breach service fails. Tables:
//! accounts, sessions, history, counters and notices (read, write).

mod policy;
mod routes;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Method, StatusCode};
use palisade_core::event::Trail;
use palisade_core::settings::Settings;
use palisade_core::{Denial, Fault, Policy};
use palisade_edge::{Front, HttpRequest, HttpResponse, problem};
use palisade_flows::{Hasher, Hibp, Parts, change, reset};

pub use palisade_flows::change::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps {
    change: change::Deps,
    reset: reset::Deps,
    front: Front,
    policy: Policy,
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
        let hibp = Arc::new(Hibp::new(settings));
        Ok(Self {
            change: change::Deps::new(settings, parts, hasher.clone(), Arc::clone(&hibp))?,
            reset: reset::Deps::new(settings, parts, hasher, hibp)?,
            front: Front::of(settings),
            policy: settings.policy.clone(),
        })
    }

    /// Connects to the store before the first request.
    pub async fn warm_up(&self) {
        self.change.warm_up().await;
        self.reset.warm_up().await;
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
    match (request.path.as_str(), &request.method) {
        ("/password/policy", &Method::GET) => HttpResponse::json(StatusCode::OK, &policy::described(&deps.policy)),
        ("/password/change", &Method::POST) => routes::change(deps, request, trail).await,
        ("/password/reset/request", &Method::POST) => routes::request_reset(deps, request, trail).await,
        ("/password/reset", &Method::POST) => routes::reset(deps, request, trail).await,
        ("/password/policy", _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "GET" }),
        ("/password/change" | "/password/reset/request" | "/password/reset", _) => {
            problem::denied(request, &Denial::MethodNotAllowed { allow: "POST" })
        }
        _ => problem::denied(request, &Denial::NotFound),
    }
}
