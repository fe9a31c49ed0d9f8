//! `POST /breach-check`.
//!
//! Trigger: HTTP API (payload 2.0 and 1.0) or REST API. Input: `{password}`. Outcomes: 200 with what is known of it, 429 for the limits of
//! the address, 400, 413 and 415 for what is no request, 503 when the counters fail; a breach service that fails is an `unknown`. Tables:
//! counters (read, write).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Method, StatusCode};
use palisade_core::breach::Breach;
use palisade_core::event::{EventKind, Trail};
use palisade_core::settings::Settings;
use palisade_core::{Denial, Fault};
use palisade_edge::{Front, HttpRequest, HttpResponse, body, cross_site, problem};
use palisade_flows::breach_check::{self, Checked};
use palisade_flows::{Hasher, Hibp, Parts};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use palisade_flows::breach_check::TABLES;

/// A call under way.
pub type Answering = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the function works with.
#[derive(Debug)]
pub struct Deps {
    flow: breach_check::Deps,
    front: Front,
}

impl Deps {
    /// From the settings and the process's parts.
    ///
    /// # Errors
    /// A fault when the settings lack one of [`TABLES`].
    pub fn new(settings: &Settings, parts: &Parts) -> Result<Self, Fault> {
        let hibp = Arc::new(Hibp::new(settings));
        Ok(Self { front: Front::of(settings), flow: breach_check::Deps::new(settings, parts, hibp)? })
    }

    /// Nothing hashes passwords here; the local stack makes every function alike.
    ///
    /// # Errors
    /// See [`Deps::new`].
    pub fn with_hasher(settings: &Settings, parts: &Parts, _: Hasher) -> Result<Self, Fault> {
        Self::new(settings, parts)
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
        ("/breach-check", &Method::POST) => check(deps, request, trail).await,
        ("/breach-check", _) => problem::denied(request, &Denial::MethodNotAllowed { allow: "POST" }),
        _ => problem::denied(request, &Denial::NotFound),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    password: Zeroizing<String>,
}

#[derive(Serialize)]
struct Reply {
    verdict: &'static str,
    count: Option<u64>,
    blocked: bool,
}

async fn check(deps: &Deps, request: &HttpRequest, trail: &mut Trail) -> HttpResponse {
    let mut read = || {
        cross_site::check(request, &deps.front.own_origins).inspect_err(|_| trail.note(EventKind::MaliciousCsrf))?;
        body::password(body::json::<Body>(request)?.password)
    };
    let password = match read() {
        Ok(password) => password,
        Err(denial) => return problem::denied(request, &denial),
    };
    let done = breach_check::check(&deps.flow, &password, request.client_ip, deps.flow.now(), trail).await;
    problem::answered(request, done, trail, |checked| HttpResponse::json(StatusCode::OK, &reply(checked)))
}

fn reply(checked: Checked) -> Reply {
    let (verdict, count) = match checked.breach {
        Breach::Breached(count) => ("breached", Some(count)),
        Breach::Clean => ("clean", Some(0)),
        Breach::Unknown(_) => ("unknown", None),
    };
    Reply { verdict, count, blocked: checked.blocked }
}
