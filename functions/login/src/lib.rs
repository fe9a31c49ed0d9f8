//! `POST /login` and `GET /health`.
//!
//! Trigger: HTTP API (payload 2.0 and 1.0) or REST API. Input: `{identifier, password, mode?}`. Outcomes: 200 with a session, 401 for
//! every way of being wrong, 429 for every limit, 403 from another site, 400, 413 and 415 for what is no login, 503 when the store or the
//! hash fails. Tables: accounts (read), counters (read, write), sessions (write, delete).

mod log_in;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Method, StatusCode};
use palisade_core::event::Trail;
use palisade_core::settings::Settings;
use palisade_core::{Denial, Fault};
use palisade_edge::{Front, HttpRequest, HttpResponse, problem};
use palisade_flows::{Hasher, Parts, login};

pub use palisade_flows::login::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the function works with: the flow's handles, and what the edge needs of the settings.
#[derive(Debug)]
pub struct Deps {
    flow: login::Deps,
    front: Front,
}

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        let hasher = Hasher::new(settings.policy.hash_cost());
        Self::with_hasher(settings, parts, hasher)
    }

    /// As [`Deps::new`], with a hasher that somebody counts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn with_hasher(settings: &Settings, parts: &Parts, hasher: Hasher) -> Result<Self, Fault> {
        Ok(Self { front: Front::of(settings), flow: login::Deps::new(settings, parts, hasher)? })
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
    match (request.path.as_str(), &request.method) {
        ("/login", &Method::POST) => log_in::log_in(deps, request, trail).await,
        ("/health", &Method::GET) => HttpResponse::json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
        ("/login", _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "POST" }),
        ("/health", _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "GET" }),
        _ => problem::denied(request, &Denial::NotFound),
    }
}
