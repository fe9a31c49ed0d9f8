//! `POST /signup`, `POST /signup/confirm` and `POST /signup/resend`.
//!
//! Trigger: HTTP API (payload 2.0 and 1.0) or REST API. Outcomes: 202 for every sign-up and resend whose password is fine, whether or not
//! the name is taken; 201 for a confirmation; 401 for a token that is none, 409 for a name taken meanwhile, 422 with every rule a password
//! breaks, 429 for the limits of the address, 403 from another site, 400, 413 and 415 for what is no request, 503 when the store, the hash
//! or, by setting, the breach service fails. Tables: accounts, counters and notices (read, write).

mod routes;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;
use palisade_core::event::Trail;
use palisade_core::settings::{IdentifierKind, Settings};
use palisade_core::{Denial, Fault};
use palisade_edge::{Front, HttpRequest, HttpResponse, problem};
use palisade_flows::{Hasher, Hibp, Parts, sign_up};

pub use palisade_flows::sign_up::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps {
    flow: sign_up::Deps,
    front: Front,
    identifier: IdentifierKind,
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
        if !settings.require_confirmation {
            tracing::warn!(target: "palisade", "sign-ups need no confirmation: anybody can find out which names exist");
        }
        let hibp = Arc::new(Hibp::new(settings));
        let flow = sign_up::Deps::new(settings, parts, hasher, hibp)?;
        Ok(Self { front: Front::of(settings), flow, identifier: settings.identifier })
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
        ("/signup", &Method::POST) => routes::sign_up(deps, request, trail).await,
        ("/signup/confirm", &Method::POST) => routes::confirm(deps, request, trail).await,
        ("/signup/resend", &Method::POST) => routes::resend(deps, request, trail).await,
        ("/signup" | "/signup/confirm" | "/signup/resend", _) => {
            problem::denied(request, &Denial::MethodNotAllowed { allow: "POST" })
        }
        _ => problem::denied(request, &Denial::NotFound),
    }
}
