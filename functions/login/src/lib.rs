//! `POST /login` and `GET /health`.
//!
//! Trigger: HTTP API (payload 2.0 and 1.0) or REST API. Input: `{identifier, password, mode?}`. Outcomes: 200 with a session, 401 for
//! every way of being wrong, 429 for every limit, 403 from another site, 400, 413 and 415 for what is no login, 503 when the store or the
//! hash fails. Tables: accounts (read), counters (read, write), sessions (write, delete).

mod log_in;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use ipnet::IpNet;
use palisade_core::settings::Settings;
use palisade_core::{Denial, Fault};
use palisade_edge::{HttpRequest, HttpResponse, Invocation, problem};
use palisade_flows::{Hasher, Parts, login};

pub use palisade_flows::login::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the function works with: the flow's handles, and what the edge needs of the settings.
#[derive(Debug)]
pub struct Deps {
    flow: login::Deps,
    own_origins: Vec<String>,
    trusted_proxies: Vec<IpNet>,
    deadline: Duration,
    hsts_preload: bool,
}

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: Settings, parts: &Parts) -> Result<Self, Fault> {
        let hasher = Hasher::new(settings.policy.argon2);
        Self::with_hasher(settings, parts, hasher)
    }

    /// As [`Deps::new`], with a hasher that somebody counts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn with_hasher(settings: Settings, parts: &Parts, hasher: Hasher) -> Result<Self, Fault> {
        Ok(Self {
            own_origins: settings.own_origins.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            deadline: settings.timeouts.request,
            hsts_preload: settings.hsts_preload,
            flow: login::Deps::new(settings, parts, hasher)?,
        })
    }

    /// Connects to the store before the first request.
    pub async fn warm_up(&self) {
        self.flow.warm_up().await;
    }
}

/// One call, from the event's text to the result's.
pub fn invoke(deps: Arc<Deps>, event: String, request_id: String) -> Answering {
    Box::pin(async move {
        let invocation = Invocation { request_id, deadline: deps.deadline, hsts_preload: deps.hsts_preload };
        palisade_edge::answer(&event, &invocation, async |request| handle(&deps, request).await).await
    })
}

/// The answer to `request`.
pub async fn handle(deps: &Deps, request: HttpRequest) -> HttpResponse {
    match (request.path.as_str(), &request.method) {
        ("/login", &Method::POST) => log_in::log_in(deps, request).await,
        ("/health", &Method::GET) => HttpResponse::json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
        ("/login", _) => problem::denied(&request, &Denial::MethodNotAllowed { allow: "POST" }),
        ("/health", _) => problem::denied(&request, &Denial::MethodNotAllowed { allow: "GET" }),
        _ => problem::denied(&request, &Denial::NotFound),
    }
}
